//! Tells cargo which trees are embedded into the binary.

fn main() {
    for tree in ["project_templates", "service_templates", "runtime"] {
        println!("cargo::rerun-if-changed={tree}");
    }
}

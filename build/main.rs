//! Embeds the template trees, the runtime's source and the front-end packages: one generated table each, with the bytes
//! and the digest of every file. A table and not `include_dir!`, which sees no new file on stable Rust.

mod embed;
mod frontend;

use std::error::Error;
use std::path::{Path, PathBuf};

/// Every failure ends in one message for whoever builds.
type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

fn main() {
    if let Err(error) = run() {
        for line in error.to_string().lines() {
            println!("cargo::error={line}");
        }
        std::process::exit(1);
    }
}

fn run() -> Result<()> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let mut table = embed::Table::default();
    table.tree("PROJECT_TEMPLATES", &tree(&root.join("project_templates"))?)?;
    table.tree("SERVICE_TEMPLATES", &tree(&root.join("service_templates"))?)?;
    // Its integration tests stand on this repository and would fail in a project.
    let mut runtime = tree(&root.join("runtime"))?;
    runtime.retain(|(path, _)| !path.starts_with("tests/"));
    table.tree("RUNTIME", &runtime)?;
    table.tree("FRONTEND", &frontend::files(&root.join("frontend"), &out)?)?;
    std::fs::write(out.join("embedded.rs"), table.finish())?;
    Ok(())
}

/// The files of a folder by their path in it; cargo looks at the folder, whole, before the next build.
fn tree(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    embed::walk(folder)
}

//! Programs that call a generated application: with clients that generators have written, and while it is told to stop.

mod clients;
mod stopping;

use super::project::Project;
use super::visitor::{Program, Visitor};

/// All that programs do, in a project that is built already.
pub fn call(project: &Project) {
    add_patient(project);
    let seeds = project.quickscale(&["manage", "seed", "--json"]);
    let seeds: serde_json::Value = serde_json::from_str(&seeds).expect("seed tells JSON");
    let user = &seeds["users"][0];
    let text = |name: &str| user[name].as_str().expect("a text");
    let url = project.quickscale(&["up"]);
    let owner = Visitor::sign_in(&url, text("email"), text("password"));
    let program = Program::of(&owner);
    clients::python(project, &program);
    clients::typescript(project, &program);
    project.quickscale(&["down"]);
    stopping::answers_who_waits(project, &program);
}

/// A service that says something, and then waits for a file: `open` makes it.
pub fn add_patient(project: &Project) {
    let folder = project.folder();
    let write = |path: &str, text: &str| {
        std::fs::write(folder.join(path), text).expect("the project can be written to");
    };
    write("src/services/patient.rs", include_str!("patient.rs.txt"));
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).expect("it has a manifest");
    // Among the dependencies of tests it is already, so that the lock file stays as it is.
    let tokio = "[dependencies]\ntokio = { version = \"1\", features = [\"time\"] }\n";
    write(
        "Cargo.toml",
        &manifest.replacen("[dependencies]\n", tokio, 1),
    );
}

/// Lets a run go on that waits for `gate`.
pub fn open(project: &Project, gate: &str) {
    let file = project.folder().join("var").join(gate);
    std::fs::write(file, "").expect("the folder is there");
}

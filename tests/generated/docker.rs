//! A generated project in containers: its image is built as the Dockerfile says, and runs with PostgreSQL beside it.

use super::project::Project;

const EMAIL: &str = "staff@example.com";
const PASSWORD: &str = "a sentence nobody guesses";

#[test]
#[ignore = "needs a docker daemon with compose that can pull images: `cargo xtask test docker`"]
fn a_full_project_runs_in_containers() {
    let project = Project::init("contained", &[]);
    let url = project.quickscale(&["up", "--docker", "--timeout", "900"]);
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    project.quickscale(&[
        "manage",
        "create-admin",
        "--email",
        EMAIL,
        "--password",
        PASSWORD,
    ]);
    project.quickscale(&["crawl", "--email", EMAIL, "--password", PASSWORD, "--admin"]);

    project.quickscale(&["down"]);
    let again = project.quickscale(&["up", "--docker"]);
    assert!(again.starts_with("http://127.0.0.1:"), "{again}");
    // The account is there still: its data outlives the containers.
    project.quickscale(&["crawl", "--email", EMAIL, "--password", PASSWORD, "--admin"]);

    // An edit of the code builds the code and no dependency.
    let service = project.folder().join("src/services/demo.rs");
    let mut text = std::fs::read_to_string(&service).expect("init wrote it");
    text.push_str("// Edited.\n");
    std::fs::write(&service, text).expect("it can be written");
    let built = project.quickscale_told(&["restart"]);
    assert!(built.contains("Compiling contained"), "{built}");
    assert!(!built.contains("Compiling quickscale-runtime"), "{built}");
    project.quickscale(&["down", "--volumes", "--yes"]);
}

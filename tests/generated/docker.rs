//! A generated project in containers: its image is built as the Dockerfile says, and runs with PostgreSQL beside it.

use std::process::Command;

use serde_json::{Value, json};

use super::project::{Project, succeed};

const EMAIL: &str = "staff@example.com";
const PASSWORD: &str = "a sentence nobody guesses";

#[test]
#[ignore = "needs a docker engine: `cargo xtask test docker`"]
fn a_full_project_runs_in_containers() {
    let project = Project::init("contained", &[]);
    project.quickscale(&["generate-service", "keywords", "--type", "python"]);
    build_quickly(&project);
    let url = project.quickscale(&["up", "--docker", "--timeout", "1200"]);
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    let ps = ps(&project);
    is_sealed(&ps);
    // The build before it took minutes and does not count.
    assert!(ps["uptime_seconds"].as_u64() < Some(60), "{ps}");
    project.quickscale(&[
        "manage",
        "create-admin",
        "--email",
        EMAIL,
        "--password",
        PASSWORD,
    ]);
    is_whole(&project);

    project.quickscale(&["down"]);
    let again = project.quickscale(&["up", "--docker"]);
    assert!(again.starts_with("http://127.0.0.1:"), "{again}");
    // The account is there still: its data outlives the containers.
    is_whole(&project);

    // An edit of the code builds the code and no dependency.
    edit(&project, "src/services/demo.rs", |text| {
        format!("{text}// Edited.\n")
    });
    let built = project.quickscale_told(&["restart"]);
    assert!(built.contains("Compiling contained"), "{built}");
    assert!(!built.contains("Compiling quickscale-runtime"), "{built}");
    project.quickscale(&["down", "--volumes", "--yes"]);
}

fn ps(project: &Project) -> Value {
    serde_json::from_str(&project.quickscale(&["ps", "--json"])).expect("JSON")
}

/// Every page, as staff.
fn is_whole(project: &Project) {
    project.quickscale(&["crawl", "--email", EMAIL, "--password", PASSWORD, "--admin"]);
}

/// What is tried here is how the image is made, not how well the compiler optimises, which takes most of the time.
fn build_quickly(project: &Project) {
    edit(project, "Cargo.toml", |text| {
        let (before, after) = text
            .split_once("[profile.release]\n")
            .expect("the manifest tells how a release is built");
        let quick = "opt-level = 0\ncodegen-units = 256\n";
        let (_, rest) = after.split_once("strip").expect("it strips the binary");
        let hashes = ["argon2", "blake2"]
            .map(|name| format!("[profile.release.package.{name}]\nopt-level = 3\n"))
            .concat();
        format!("{before}[profile.release]\n{quick}strip{rest}\n{hashes}")
    });
}

fn edit(project: &Project, file: &str, change: impl Fn(&str) -> String) {
    let path = project.folder().join(file);
    let text = std::fs::read_to_string(&path).expect("init wrote it");
    std::fs::write(&path, change(&text)).expect("it can be written");
}

/// Nobody outside reaches the database, and whoever took over the application could do little.
fn is_sealed(ps: &Value) {
    let containers = ps["containers"].as_array().expect("a list");
    let of = |service: &str| {
        let found = containers.iter().find(|one| one["service"] == service);
        found.unwrap_or_else(|| panic!("{service} runs: {ps}"))
    };
    assert_eq!(of("database")["ports"], json!([]));
    for service in ["app", "database"] {
        assert_eq!(of(service)["health"], "healthy", "{ps}");
    }
    let app = of("app")["id"].as_str().expect("text");
    let asked = |words: &[&str]| {
        let mut docker = Command::new("docker");
        succeed(docker.args(["exec", app]).args(words))
    };
    assert_eq!(asked(&["id", "--user"]), "10001");
    let refused = asked(&["sh", "-c", "! touch /srv/x /usr/local/bin/x 2>&1"]);
    assert_eq!(
        refused.matches("Read-only file system").count(),
        2,
        "{refused}"
    );
}

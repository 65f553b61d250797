//! What is run after the files are in place, and what becomes of it when it fails. A stand-in for cargo notes that it was
//! called, and succeeds or fails as it is told.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt as _;

use super::support::{Project, Said};
use super::templates::Evolving;

/// A project that was built once, with a change to apply.
fn built() -> Project {
    let project = Project::new(&[]);
    project.write("target/CACHEDIR.TAG", "");
    project.write("cargo-should", "exit 0\n");
    let script =
        "#!/bin/sh\nif [ \"$1\" = build ]; then echo \"$@\" >> cargo-ran; . ./cargo-should; fi\n";
    let cargo = project.beside("bin/cargo");
    std::fs::create_dir_all(cargo.parent().expect("a folder")).expect("a folder");
    std::fs::write(&cargo, script).expect("written");
    std::fs::set_permissions(&cargo, std::fs::Permissions::from_mode(0o755)).expect("may be run");
    project
}

fn run(project: &Project, arguments: &[&str]) -> Said {
    let path = std::env::var("PATH").unwrap_or_default();
    let bin = project.beside("bin");
    let mut command = project.command(arguments);
    command.env("PATH", format!("{}:{path}", bin.display()));
    Said::of(&command.output().expect("it can be started"))
}

fn ran(project: &Project) -> String {
    std::fs::read_to_string(project.path("cargo-ran")).unwrap_or_default()
}

#[test]
fn what_was_built_is_built_again() {
    let project = built();
    let plan = run(&project, &["plan", "--remove", "admin", "--json"]);
    let plan: serde_json::Value = serde_json::from_str(&plan.out).unwrap();
    let step = serde_json::json!({ "name": "build", "command": "cargo build --locked" });
    assert_eq!(plan["steps"], serde_json::json!([step]));
    let said = run(&project, &["plan", "--remove", "admin"]);
    assert!(
        said.err.contains("Then `cargo build --locked` is run."),
        "{said:?}"
    );
    assert_eq!(run(&project, &["apply", "--remove", "admin"]).code, Some(0));
    assert_eq!(ran(&project), "build --locked\n");
    // Nothing changes, nothing is built.
    assert_eq!(run(&project, &["apply"]).code, Some(0));
    assert_eq!(ran(&project), "build --locked\n");
}

#[test]
fn what_was_never_built_is_left_alone() {
    let project = built();
    std::fs::remove_dir_all(project.path("target")).unwrap();
    assert_eq!(run(&project, &["apply", "--remove", "admin"]).code, Some(0));
    assert_eq!(ran(&project), "");
}

#[test]
fn a_step_that_fails_stays_pending_until_it_succeeds() {
    let project = built();
    project.write("cargo-should", "echo broken >&2; exit 101\n");
    let said = run(&project, &["apply", "--remove", "admin"]);
    assert_eq!(said.code, Some(5), "{said:?}");
    for part in [
        "broken",
        "error: the files are in place, but `cargo build --locked` failed",
        "hint: mend what it says and run `quickscale apply` again",
    ] {
        assert!(said.err.contains(part), "no {part:?} in {said:?}");
    }
    assert!(!project.read("quickscale.yml").contains("admin"));
    let status = run(&project, &["status"]);
    assert!(
        status.out.contains("  cargo build --locked\n"),
        "{status:?}"
    );
    assert!(!status.out.contains("Nothing is pending"), "{status:?}");
    for command in ["plan", "status"] {
        assert_eq!(
            run(&project, &[command, "--exit-code"]).code,
            Some(10),
            "{command}"
        );
    }
    // The next apply has no file to change, and does not say that all is well before it is.
    assert_eq!(run(&project, &["apply"]).code, Some(5));
    project.write("cargo-should", "exit 0\n");
    assert_eq!(run(&project, &["apply"]).code, Some(0));
    let status = run(&project, &["status"]);
    assert!(status.out.contains("Nothing is pending"), "{status:?}");
    assert_eq!(ran(&project), "build --locked\n".repeat(3));
}

#[test]
fn steps_can_be_left_for_later_and_are_forgotten_with_their_apply() {
    let project = built();
    let said = run(&project, &["apply", "--remove", "admin", "--no-steps"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.err
            .contains("`cargo build --locked` is still to be run"),
        "{said:?}"
    );
    assert_eq!(ran(&project), "");
    assert_eq!(run(&project, &["status", "--exit-code"]).code, Some(10));
    assert_eq!(run(&project, &["undo"]).code, Some(0));
    assert_eq!(run(&project, &["apply"]).code, Some(0));
    assert_eq!(ran(&project), "");
}

#[test]
fn a_module_has_steps_of_its_own_while_it_is_on() {
    let it = Evolving::new(&[("page.md", "1\n")]);
    it.template(
        "modules/two/module.yml",
        "{name: two, summary: more, feature: two, requires: [one], steps: [{name: note, command: touch noted}]}",
    );
    it.base("page.md", "2\n");
    let plan = it.project.run(&["plan", "--json"]);
    let plan: serde_json::Value = serde_json::from_str(&plan.out).unwrap();
    assert_eq!(plan["steps"][0]["command"], "touch noted");
    it.applies(&[]);
    assert!(it.project.path("noted").exists());
    std::fs::remove_file(it.project.path("noted")).unwrap();
    it.applies(&["--remove", "two"]);
    assert!(!it.project.path("noted").exists());
}

#[test]
fn a_program_that_is_missing_is_a_step_that_failed() {
    let project = built();
    let mut command = project.command(&["apply", "--remove", "admin"]);
    command.env("PATH", project.beside("nothing"));
    let said = Said::of(&command.output().unwrap());
    assert_eq!(said.code, Some(5), "{said:?}");
    assert!(said.err.contains("cannot be run"), "{said:?}");
}

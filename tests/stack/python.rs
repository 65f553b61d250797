//! The environments of Python programs: made by `up`, looked at by `check`, and what is said when they cannot be had. The
//! programs of these tests need no packages, so that no network is needed.

use serde_json::Value;

use crate::support::{Project, only_program, said};

const REQUIREMENTS: &str = "services/python/words/requirements.txt";
const STAMP: &str = "services/python/words/.venv/made-of.txt";

fn project() -> Project {
    let project = Project::new();
    project.write(
        "services/python/words/service.py",
        "def run(input, context): ...\n",
    );
    project.write(REQUIREMENTS, "# nothing\n");
    project
}

/// What `check` finds about Python: status, message and remedy.
fn findings(project: &Project) -> Vec<[String; 3]> {
    let report = said(&mut project.command(&["check", "--json"])).out;
    let report: Value = serde_json::from_str(&report).unwrap();
    let findings = report["findings"].as_array().unwrap().iter();
    let text = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
    findings
        .filter(|one| one["check"] == "python")
        .map(|one| {
            [
                text(one, "status"),
                text(one, "message"),
                text(one, "remedy"),
            ]
        })
        .collect()
}

#[test]
fn up_makes_environments_and_makes_them_anew_when_they_are_old() {
    let project = project();
    let found = findings(&project);
    assert_eq!(found[0][0], "ok", "{found:?}");
    assert_eq!(found[1][0], "error", "{found:?}");
    assert!(
        found[1][1].contains("words has no Python environment"),
        "{found:?}"
    );
    assert!(found[1][2].contains("quickscale up"), "{found:?}");

    project
        .run(&["up"])
        .exits(0)
        .complains("Preparing the Python environment of words");
    assert!(
        project
            .root()
            .join("services/python/words/.venv/bin/python")
            .exists()
    );
    assert_eq!(findings(&project)[1][0], "ok");
    let made_of = project.read(STAMP);

    project.write(REQUIREMENTS, "# still nothing\n");
    let found = findings(&project);
    assert_eq!(found[1][0], "warning", "{found:?}");
    assert!(
        found[1][1].contains("requirements.txt has changed"),
        "{found:?}"
    );
    project
        .run(&["up"])
        .exits(0)
        .complains("services/python/words/requirements.txt changed since");
    project.run(&["restart"]).exits(0).complains("Preparing");
    assert_ne!(project.read(STAMP), made_of);

    let said = project.run(&["restart"]).exits(0);
    assert!(!said.err.contains("Preparing"), "{said:?}");

    // As after an update of Python.
    let made_of = project.read(STAMP);
    let requirements = made_of.lines().next().unwrap();
    project.write(STAMP, &format!("{requirements}\nPython 3.1.0 (old)\n"));
    assert!(findings(&project)[1][1].contains("Python has changed"));
}

#[test]
fn packages_that_cannot_be_had_are_named_and_nothing_starts() {
    let project = project();
    project.write(
        REQUIREMENTS,
        "nothing-of-this-name @ file:///nowhere/nothing_of_this_name-1-py3-none-any.whl\n",
    );
    project
        .run(&["up"])
        .exits(1)
        .complains("cannot be installed, for the service words")
        .complains("nothing_of_this_name")
        .complains("hint: mend services/python/words/requirements.txt");
    assert!(!project.has_record(), "the app was not started");
    assert_eq!(
        findings(&project)[1][0],
        "error",
        "half an environment is none"
    );
    std::fs::remove_file(project.root().join(REQUIREMENTS)).unwrap();
    project
        .run(&["up"])
        .exits(1)
        .complains("requirements.txt is missing");
}

#[test]
fn a_machine_without_python_is_told_how_to_get_it() {
    let project = project();
    for (script, message) in [
        ("exit 1", "without venv"),
        ("echo 3.9.0", "3.9.0, with venv"),
    ] {
        let programs = only_program("python3", script);
        let mut command = project.command(&["check", "--json"]);
        let told = said(command.env("PATH", programs.path())).out;
        assert!(told.contains(message), "{script}: {told}");
        assert_eq!(
            told.contains("apt install python3 python3-venv"),
            script == "exit 1",
            "{told}"
        );
    }
    let nothing = only_program("something-else", "exit 1");
    let mut command = project.command(&["check", "--json"]);
    let told = said(command.env("PATH", nothing.path())).out;
    assert!(
        told.contains("python3 is not installed") && told.contains("python3-venv"),
        "{told}"
    );
}

#[test]
fn a_project_without_programs_hears_nothing_of_python() {
    let project = Project::new();
    assert!(findings(&project).is_empty());
}

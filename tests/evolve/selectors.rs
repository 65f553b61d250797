//! `--add`, `--remove`, `--set`, `--theme`: changes of quickscale.yml that are planned, applied, saved and taken back
//! like any other.

use crate::support::Project;

const CONFIG: &str = "quickscale.yml";

fn modules(project: &Project) -> String {
    let status = project.run(&["status", "--json"]).out;
    let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
    status["modules"].to_string()
}

#[test]
fn a_plan_shows_the_edit_and_changes_nothing() {
    let project = Project::new(&[]);
    let before = project.snapshot();
    let said = project.run(&["plan", "--set", "credits.signup_grant=25"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.out
            .contains("-    signup_grant: 100\n+    signup_grant: 25\n"),
        "{said:?}"
    );
    assert!(said.out.contains("from_milli(25_000)"), "{said:?}");
    let json = project.run(&["plan", "--remove", "admin", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    let changes = json["changes"].as_array().expect("changes");
    let edit = changes.iter().find(|change| change["path"] == CONFIG);
    assert_eq!(edit.expect("the edit")["action"], "update");
    assert!(
        json["notes"]
            .to_string()
            .contains("What admin has in the database stays"),
        "{json}"
    );
    assert_eq!(project.snapshot(), before);
}

#[test]
fn an_apply_edits_the_file_and_keeps_what_the_user_wrote_in_it() {
    let project = Project::new(&[]);
    let config = project
        .read(CONFIG)
        .replace("theme: htmx", "theme:   htmx   # of all");
    project.write(CONFIG, &config);
    let said = project.apply(&["--set", "credits.signup_grant=2.5", "--remove", "admin"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let expected = config
        .replace("signup_grant: 100", "signup_grant: 2.5")
        .lines()
        .filter(|line| !line.contains("staff pages") && !line.contains("admin: {}"))
        .fold(String::new(), |text, line| text + line + "\n");
    assert_eq!(project.read(CONFIG), expected);
    assert!(!project.path("tests/staff.rs").exists());
    assert_eq!(project.plan(), []);
}

#[test]
fn undo_takes_the_edit_back_too() {
    let project = Project::new(&[]);
    let before = project.snapshot();
    assert_eq!(project.apply(&["--remove", "services,admin"]).code, Some(0));
    assert_eq!(modules(&project), r#"["api","auth","credits"]"#);
    assert_eq!(project.run(&["undo"]).code, Some(0));
    assert_eq!(project.snapshot(), before);
    assert_eq!(project.plan(), []);
    // But not over a change of the user's.
    project.apply(&["--remove", "admin"]);
    let config = project.read(CONFIG);
    project.write(CONFIG, format!("{config}# mine\n"));
    let said = project.run(&["undo"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains(CONFIG), "{said:?}");
    assert_eq!(project.read(CONFIG), format!("{config}# mine\n"));
}

#[test]
fn a_module_comes_with_those_that_it_needs() {
    let project = Project::new(&["--module", "none"]);
    let said = project.apply(&["--add", "services", "--set", "auth.registration=closed"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.err
            .contains("Module credits comes with services, which needs it."),
        "{said:?}"
    );
    assert_eq!(modules(&project), r#"["auth","credits","services"]"#);
    assert!(
        project
            .read("src/modules.rs")
            .contains("Registration::Closed")
    );
    assert_eq!(project.apply(&["--add", "auth"]).code, Some(0));
    assert_eq!(project.plan(), []);
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_touched() {
    let project = Project::new(&[]);
    let before = project.snapshot();
    for (flags, code, told) in [
        (["--remove", ""], 2, "unknown module ``"),
        (["--remove", ".."], 2, "unknown module `..`"),
        (["--remove", "../app"], 2, "unknown module `../app`"),
        (["--remove", "/"], 2, "unknown module `/`"),
        (["--remove", "atuh"], 2, "did you mean `auth`?"),
        (["--add", "."], 2, "unknown module `.`"),
        (
            ["--remove", "auth"],
            1,
            "remove them together: --remove auth,admin,api,credits,services",
        ),
        (
            ["--set", "credits.signup_grant=many"],
            2,
            "is not an amount of credits",
        ),
        (
            ["--set", "credits.signup=1"],
            2,
            "unknown option of credits `signup`",
        ),
        (["--theme", "../base"], 2, "unknown theme"),
    ] {
        for verb in ["plan", "apply"] {
            let said = project.run(&[&[verb], &flags[..]].concat());
            assert_eq!(said.code, Some(code), "{verb} {flags:?}: {said:?}");
            assert!(said.err.contains(told), "{verb} {flags:?}: {said:?}");
        }
    }
    assert_eq!(
        project.apply(&["--only", "base", "--add", "auth"]).code,
        Some(2)
    );
    assert_eq!(project.snapshot(), before);
}

#[test]
fn a_saved_plan_carries_the_edit() {
    let project = Project::new(&[]);
    let flags = ["plan", "--remove", "admin", "--out", "../p.json"];
    assert_eq!(project.run(&flags).code, Some(0));
    assert_eq!(
        project.apply(&["../p.json", "--add", "admin"]).code,
        Some(2)
    );
    assert_eq!(project.apply(&["../p.json"]).code, Some(0));
    assert_eq!(modules(&project), r#"["api","auth","credits","services"]"#);
    assert_eq!(project.apply(&["../p.json"]).code, Some(4));

    let project = Project::new(&[]);
    project.run(&flags);
    let config = project.read(CONFIG);
    project.write(CONFIG, format!("{config}# a word\n"));
    let said = project.apply(&["../p.json"]);
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.err.contains(CONFIG), "{said:?}");
    assert!(!project.read(".quickscale/state.yml").contains("serial: 2"));
}

#[test]
fn a_file_that_cannot_be_edited_is_left_with_what_to_do_by_hand() {
    let project = Project::new(&[]);
    let config = project.read(CONFIG);
    let (head, _) = config.split_once("modules:").expect("modules");
    project.write(
        CONFIG,
        format!("{head}modules: {{ auth: {{}}, credits: {{}} }}\n"),
    );
    let said = project.apply(&["--add", "services"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        project.read(CONFIG).contains("services"),
        "{}",
        project.read(CONFIG)
    );
    std::fs::rename(project.path(CONFIG), project.path("elsewhere.yml")).expect("renamed");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("elsewhere.yml", project.path(CONFIG)).expect("linked");
        let before = project.read("elsewhere.yml");
        let said = project.apply(&["--remove", "services"]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains("is a symbolic link"), "{said:?}");
        assert_eq!(project.read("elsewhere.yml"), before);
    }
}

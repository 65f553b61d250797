//! `--add`, `--remove`, `--set`, `--theme`: changes of quickscale.yml that are planned, applied, saved and taken back
//! like any other.

use crate::support::Project;
use crate::templates::Evolving;

const CONFIG: &str = "quickscale.yml";

/// Modules of which one needs another; what else there is to be had does not matter.
const WITH: [&str; 2] = ["--module", "admin,services"];

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
    let project = Project::new(&WITH);
    let before = project.snapshot();
    assert_eq!(project.apply(&["--remove", "services,admin"]).code, Some(0));
    assert_eq!(modules(&project), r#"["auth","credits"]"#);
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
    let project = Project::new(&WITH);
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
            "remove them together: --remove auth,admin,credits,services",
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
    let project = Project::new(&WITH);
    let flags = ["plan", "--remove", "admin", "--out", "../p.json"];
    assert_eq!(project.run(&flags).code, Some(0));
    assert_eq!(
        project.apply(&["../p.json", "--add", "admin"]).code,
        Some(2)
    );
    assert_eq!(project.apply(&["../p.json"]).code, Some(0));
    assert_eq!(modules(&project), r#"["auth","credits","services"]"#);
    assert_eq!(project.apply(&["../p.json"]).code, Some(4));

    let project = Project::new(&WITH);
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

#[test]
fn mistakes_of_the_file_and_of_the_flags_are_told_apart() {
    let it = fixed("north");
    let config = it.project.read(CONFIG);
    // The file has one, whatever the flags are.
    it.project
        .write(CONFIG, config.replace("theme: plain", "theme: pain"));
    for verb in ["plan", "apply"] {
        let said = it.project.run(&[verb, "--set", "two.place=here"]);
        assert_eq!(said.code, Some(1), "{said:?}");
        for part in [
            "quickscale.yml has a mistake, so that `--set two.place=here` cannot be planned:",
            "unknown theme `pain`",
            "hint: change quickscale.yml and run the command again",
        ] {
            assert!(said.err.contains(part), "no {part:?} in {said:?}");
        }
    }
    // Both have one.
    let said = it
        .project
        .run(&["plan", "--remove", "three", "--set", "two.place=here"]);
    for part in [
        "so that `--remove three --set two.place=here` cannot be planned:",
        "unknown theme `pain`",
        "\nunknown module `three`\n",
    ] {
        assert!(said.err.contains(part), "no {part:?} in {said:?}");
    }
    // The flags have one, and the file has none.
    it.project.write(CONFIG, &config);
    let said = it.project.run(&["plan", "--set", "two.side=south"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    for part in [
        "with `--set two.side=south` quickscale.yml would have a mistake:",
        "`side` of two cannot change from `north` to `south`: doors face it",
        "hint: quickscale.yml is as it was; ask for something else",
    ] {
        assert!(said.err.contains(part), "no {part:?} in {said:?}");
    }
    assert_eq!(it.project.read(CONFIG), config);
}

/// A project whose module `two` has an option that cannot change, with this value.
fn fixed(side: &str) -> Evolving {
    let it = Evolving::new(&[]);
    it.template(
        "modules/two/module.yml",
        "
name: two
summary: more
feature: two
requires: [one]
options:
  side: {type: enum, rust_type: Side, values: [north, south], default: south, description: x, fixed: doors face it}
  place: {type: string, default: there, description: x}
",
    );
    it.applies(&["--remove", "two"]);
    it.applies(&["--add", "two", "--set", &format!("two.side={side}")]);
    it
}

#[test]
fn an_option_that_cannot_change_is_the_same_when_its_module_comes_back() {
    let it = fixed("north");
    let with_it = it.project.read(CONFIG);
    it.applies(&["--remove", "two"]);
    // Other applies come in between.
    it.base("page.md", "1\n");
    it.applies(&[]);
    let without = it.project.read(CONFIG);
    let said = it.project.apply(&["--add", "two"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let note = "Module two comes back with side `north`, which cannot change: doors face it.";
    assert!(said.err.contains(note), "{said:?}");
    let config = it.project.read(CONFIG);
    assert!(config.contains("side: north"), "{config}");

    it.applies(&["--remove", "two"]);
    let refused = "`side` of two cannot change from `north` to `south`: doors face it";
    it.refuses(&["--add", "two", "--set", "two.side=south"], 1, refused);
    // By hand it is the same: what is not said is the default.
    it.project.write(
        CONFIG,
        without.replace("  one: {}\n", "  one: {}\n  two: {}\n"),
    );
    it.refuses(&[], 1, refused);
    it.project.write(CONFIG, with_it);
    it.applies(&[]);
}

#[test]
fn an_apply_that_is_taken_back_remembers_nothing() {
    let it = Evolving::new(&[]);
    let before = it.project.read(".quickscale/state.yml");
    it.applies(&["--remove", "two"]);
    assert_eq!(it.project.run(&["undo"]).code, Some(0));
    assert_eq!(it.project.read(".quickscale/state.yml"), before);
}

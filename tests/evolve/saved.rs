//! Saved plans: what they rest on, each thing that may move under them, and that none of it is a secret.

use crate::support::Said;
use crate::templates::Evolving;

/// A project whose update is saved in `p.json`: one file to write, one to merge, one to remove.
fn saved() -> Evolving {
    let it = Evolving::new(&[
        ("a.md", "1\n"),
        ("b.md", "1\n2\n3\n4\n"),
        ("c.md", "1\n"),
        ("d.md", "1\n"),
    ]);
    it.base("a.md", "2\n");
    it.project.write("b.md", "one\n2\n3\n4\n");
    it.base("b.md", "1\n2\n3\nfour\n");
    it.drop_base("c.md");
    assert_eq!(it.project.run(&["plan", "--out", "p.json"]).code, Some(0));
    it
}

/// The saved plan is refused, naming `moved`, and nothing is changed.
fn is_stale(it: &Evolving, moved: &str) {
    it.refuses(&["p.json"], 4, moved);
    it.refuses(&["p.json"], 4, "hint: plan again");
}

#[test]
fn a_saved_plan_is_applied_once() {
    let it = saved();
    assert_eq!(it.project.apply(&["p.json"]).code, Some(0));
    assert_eq!(it.project.read("b.md"), "one\n2\n3\nfour\n");
    is_stale(&it, "the project has been changed by another apply since");
}

#[test]
fn each_file_that_is_read_or_written_may_make_it_stale() {
    for path in ["a.md", "b.md", "c.md"] {
        let it = saved();
        it.project.write(path, "changed in between\n");
        is_stale(&it, &format!("{path} has changed since"));
        std::fs::remove_file(it.project.path(path)).expect("removed");
        is_stale(&it, &format!("{path} has changed since"));
    }
    // One that the plan had nothing to do with, but its templates want: an edit of it would be kept, so it counts too.
    let it = saved();
    it.project.write("d.md", "edited in between\n");
    is_stale(&it, "d.md has changed since");
    // And one that is nobody's does not.
    let it = saved();
    it.project.write("mine.md", "mine\n");
    assert_eq!(it.project.apply(&["p.json"]).code, Some(0));
}

#[cfg(unix)]
#[test]
fn who_may_run_a_file_counts_as_well() {
    use std::os::unix::fs::PermissionsExt as _;
    for path in ["a.md", "b.md", "c.md"] {
        let it = saved();
        let script = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(it.project.path(path), script).expect("changed");
        is_stale(&it, &format!("{path} has changed since"));
    }
}

#[test]
fn the_configuration_the_templates_and_the_project_count() {
    let it = saved();
    let config = it.project.read("quickscale.yml");
    it.project
        .write("quickscale.yml", format!("{config}# a word\n"));
    is_stale(&it, "quickscale.yml has changed since");

    let it = saved();
    it.base("new.md", "newer templates\n");
    is_stale(&it, "it was made by another quickscale");

    let (it, other) = (saved(), saved());
    other.project.write("p.json", it.project.read("p.json"));
    is_stale(&other, "it was made for another project");
}

#[test]
fn what_is_no_plan_or_a_newer_one_is_told_apart() {
    let it = saved();
    let plan = it.project.read("p.json");
    it.project.write("p.json", "{}");
    it.refuses(&["p.json"], 1, "p.json is not a plan of this quickscale");
    it.project.write(
        "p.json",
        plan.replacen("\"version\": 1", "\"version\": 2, \"new_field\": 1", 1),
    );
    it.refuses(&["p.json"], 4, "a newer quickscale");
    std::fs::remove_file(it.project.path("p.json")).expect("removed");
    it.refuses(&["p.json"], 1, "quickscale plan --out FILE");
}

#[test]
fn a_newer_state_is_refused_by_every_command_that_reads_it() {
    let it = saved();
    let state = it.project.read(".quickscale/state.yml");
    let newer = state.replacen("version: 1\n", "version: 2\nnew_field: {a: 1}\n", 1);
    it.project.write(".quickscale/state.yml", newer);
    let before = it.project.snapshot();
    for command in [
        &["plan"][..],
        &["apply"],
        &["apply", "p.json"],
        &["status"],
        &["update"],
    ] {
        let said = it.project.run(command);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains("newer than this one"), "{said:?}");
        assert!(said.err.contains("hint: update quickscale"), "{said:?}");
        assert_eq!(it.project.snapshot(), before);
    }
}

#[test]
fn the_state_holds_a_digest_for_each_file_but_those_with_secrets() {
    let it = saved();
    let state: serde_json::Value =
        serde_yaml::from_str(&it.project.read(".quickscale/state.yml")).expect("YAML");
    for path in ["a.md", "b.md", "c.md", "d.md", "quickscale.yml"] {
        let digest = state["files"][path]["digest"].as_str().expect("a digest");
        assert_eq!(digest.len(), 64, "{path}");
    }
    assert_eq!(state["files"][".env"]["digest"], serde_json::Value::Null);
    for field in [
        "version",
        "project",
        "serial",
        "quickscale",
        "templates",
        "config",
    ] {
        assert!(!state[field].is_null(), "{field}");
    }
}

#[test]
fn secrets_stand_in_env_and_nowhere_else() {
    let it = saved();
    let env = it.project.read(".env");
    let (_, secret) = env.trim().split_once('=').expect("a value");
    assert!(secret.len() >= 32, "{env}");
    let mut heard = Vec::new();
    let mut listen = |said: Said| heard.extend([said.out, said.err]);
    // As if .env had never been written: the plan is to write one, with new secrets.
    let state = it.project.read(".quickscale/state.yml");
    it.project.write(
        ".quickscale/state.yml",
        state.replacen("  .env:\n", "  .env-other:\n", 1),
    );
    it.project.rename(".env", "../env");
    for command in [
        &["plan"][..],
        &["plan", "--json"],
        &["plan", "--stat"],
        &["plan", "--out", "q.json"],
        &["-vv", "status"],
        &["status", "--json"],
    ] {
        listen(it.project.run(command));
    }
    listen(it.project.run(&["-vv", "apply"]));
    let newer = it.project.read(".env");
    let (_, newer) = newer.trim().split_once('=').expect("a value");
    assert_ne!(newer, secret);
    listen(it.project.run(&["-vv", "plan", "--json"]));
    listen(it.project.run(&["-vv", "undo"]));
    for entry in walkdir::WalkDir::new(it.project.root()) {
        let path = entry.expect("an entry").into_path();
        if path.is_file() && !path.ends_with(".env") {
            heard.push(String::from_utf8_lossy(&std::fs::read(&path).expect("read")).into_owned());
        }
    }
    assert!(
        heard
            .iter()
            .any(|text| text.contains("holds secrets, not shown"))
    );
    assert!(
        heard
            .iter()
            .all(|text| !text.contains(secret) && !text.contains(newer))
    );
}

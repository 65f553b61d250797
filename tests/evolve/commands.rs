//! Selectors, saved plans, exit codes, undo, the lock, and what is never shown.

use crate::support::Project;

const PAGE: &str = "templates/about.html";

fn pending() -> Project {
    let project = Project::new(&[]);
    let newest = project.read(PAGE);
    project.age(PAGE, format!("<!-- older -->\n{newest}"));
    project
}

#[test]
fn plan_shows_diffs_and_changes_nothing() {
    let project = pending();
    let before = project.snapshot();
    let said = project.run(&["plan"]);
    assert!(
        said.out.contains(&format!("--- a/{PAGE}\n+++ b/{PAGE}\n")),
        "{said:?}"
    );
    assert!(said.out.contains("-<!-- older -->\n"), "{said:?}");
    assert!(said.out.contains("1 to update."), "{said:?}");
    assert!(!project.run(&["plan", "--stat"]).out.contains("+++"));
    assert_eq!(project.snapshot(), before);
}

#[test]
fn diffs_have_colours_where_they_are_wanted() {
    let project = pending();
    let shown = |flags: &[&str]| project.run(&[&["plan"], flags].concat()).out;
    let coloured = shown(&["--color", "always"]);
    assert!(
        coloured.contains("\x1b[31m-<!-- older -->\x1b[0m\n"),
        "{coloured:?}"
    );
    assert!(coloured.contains("\x1b[36m@@ "), "{coloured:?}");
    for flags in [&[][..], &["--color", "never"]] {
        assert!(!shown(flags).contains('\x1b'), "{flags:?}");
    }
}

#[test]
fn exit_codes_tell_pending_changes_from_drift() {
    let project = pending();
    assert_eq!(project.run(&["plan"]).code, Some(0));
    assert_eq!(project.run(&["plan", "--exit-code"]).code, Some(10));
    assert_eq!(project.run(&["status", "--exit-code"]).code, Some(10));
    project.apply(&[]);
    assert_eq!(project.run(&["plan", "--exit-code"]).code, Some(0));
    project.write(PAGE, "mine\n");
    assert_eq!(project.run(&["plan", "--exit-code"]).code, Some(11));
    assert_eq!(project.run(&["status", "--exit-code"]).code, Some(11));
}

#[test]
fn a_plan_for_one_owner_touches_no_other_file() {
    let project = pending();
    assert!(
        project
            .run(&["plan", "--only", "base"])
            .out
            .contains("Nothing to do")
    );
    let before = project.snapshot();
    assert_eq!(project.apply(&["--only", "base"]).code, Some(0));
    assert_eq!(project.snapshot(), before);
    let said = project.apply(&["--only", "nobody:x"]);
    assert_eq!(said.code, Some(2), "{said:?}");
}

#[test]
fn a_saved_plan_is_applied_once_and_refused_when_stale() {
    let project = pending();
    assert_eq!(project.run(&["plan", "--out", "p.json"]).code, Some(0));
    assert_eq!(project.apply(&["p.json"]).code, Some(0));
    let said = project.apply(&["p.json"]);
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.err.contains("another apply"), "{said:?}");

    let project = pending();
    project.run(&["plan", "--out", "p.json"]);
    project.write(PAGE, "changed in between\n");
    let said = project.apply(&["p.json"]);
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.err.contains(PAGE), "{said:?}");

    let project = pending();
    project.run(&["plan", "--out", "p.json"]);
    let config = project.read("quickscale.yml");
    project.write("quickscale.yml", format!("{config}# a word\n"));
    let said = project.apply(&["p.json"]);
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.err.contains("quickscale.yml"), "{said:?}");
}

#[test]
fn undo_takes_the_last_apply_back_and_only_that() {
    let project = pending();
    let before = project.snapshot();
    project.apply(&[]);
    assert_ne!(project.snapshot(), before);
    assert_eq!(project.run(&["undo"]).code, Some(0));
    assert_eq!(project.snapshot(), before);
    let said = project.run(&["undo"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    project.apply(&[]);
    project.write(PAGE, "mine\n");
    let said = project.run(&["undo"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains(PAGE), "{said:?}");
    assert_eq!(project.read(PAGE), "mine\n");
}

#[test]
fn undo_takes_the_first_apply_back_as_well() {
    let born = Project::new(&["--module", "credits"]);
    let project = Project::scratch();
    project.write("quickscale.yml", born.read("quickscale.yml"));
    project.write("README.md", "mine\n");
    let before = project.snapshot();
    assert_eq!(project.apply(&["--on-conflict", "mine"]).code, Some(0));
    let said = project.run(&["undo"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(project.snapshot(), before);
    assert_eq!(project.names(".quickscale/base"), [] as [&str; 0]);
    let said = project.run(&["undo"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.contains("there is no apply to take back"),
        "{said:?}"
    );
    // As if nothing had been: it can be applied again, and what was edited since is not taken away.
    assert_eq!(project.apply(&["--on-conflict", "theirs"]).code, Some(0));
    assert_eq!(project.read("README.md"), born.read("README.md"));
    let env = format!("{}MINE=1\n", project.read(".env"));
    project.write(".env", &env);
    let said = project.run(&["undo"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("changed since: .env"), "{said:?}");
    assert_eq!(project.read(".env"), env);
}

#[test]
fn what_was_born_has_no_apply_to_take_back() {
    let project = Project::new(&[]);
    let before = project.snapshot();
    let said = project.run(&["undo"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.contains("there is no apply to take back"),
        "{said:?}"
    );
    assert_eq!(project.snapshot(), before);
}

#[test]
fn no_secret_is_in_a_plan_the_state_or_a_pristine_copy() {
    let project = Project::new(&[]);
    let env = project.read(".env");
    let secrets: Vec<&str> = env
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(_, value)| value.trim())
        .filter(|value| value.len() >= 32)
        .collect();
    assert!(!secrets.is_empty(), "{env}");
    // As if .env had to be written again.
    let state = project.read(".quickscale/state.yml");
    project.write(
        ".quickscale/state.yml",
        state.replace("  .env:\n", "  .env-once:\n"),
    );
    let shown = project.run(&["plan", "--out", "p.json"]);
    std::fs::remove_file(project.path(".env")).expect("removed");
    let born = project.run(&["plan"]);
    assert!(
        born.out.contains(".env: holds secrets, not shown"),
        "{}",
        born.out
    );
    let mut seen = vec![shown.out, shown.err, born.out, project.read("p.json")];
    for entry in walkdir::WalkDir::new(project.path(".quickscale")) {
        let entry = entry.expect("an entry");
        if entry.file_type().is_file() {
            seen.push(
                String::from_utf8_lossy(&std::fs::read(entry.path()).expect("read")).into_owned(),
            );
        }
    }
    for secret in secrets {
        assert!(
            seen.iter().all(|text| !text.contains(secret)),
            "a secret is shown"
        );
    }
}

#[test]
fn a_newer_state_is_refused() {
    let project = Project::new(&[]);
    let state = project.read(".quickscale/state.yml");
    project.write(
        ".quickscale/state.yml",
        state.replacen("version: 1", "version: 99", 1),
    );
    let said = project.run(&["plan"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.contains("newer") && said.err.contains("update quickscale"),
        "{said:?}"
    );
}

#[test]
fn two_applies_at_once_do_the_work_once() {
    let project = pending();
    let children: Vec<_> = (0..4)
        .map(|_| project.command(&["apply"]).spawn().expect("started"))
        .collect();
    let codes: Vec<_> = children
        .into_iter()
        .map(|mut child| child.wait().expect("ended").code())
        .collect();
    assert!(
        codes.iter().all(|code| matches!(code, Some(0 | 4))),
        "{codes:?}"
    );
    assert!(codes.contains(&Some(0)), "{codes:?}");
    assert_eq!(project.plan(), []);
    assert!(project.read(".quickscale/state.yml").contains("serial: 2"));
}

#[test]
fn update_goes_on_after_a_project_that_fails_and_sums_up() {
    let (good, bad, same) = (pending(), pending(), Project::new(&[]));
    bad.write(PAGE, "<!-- mine -->\n");
    let folders = [&bad, &good, &same].map(|project| project.root().display().to_string());
    let said = good.run(&[
        "update",
        "--all",
        &folders[0],
        &folders[1],
        &folders[2],
        "/nowhere",
    ]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let results: Vec<_> = said
        .out
        .lines()
        .filter_map(|line| line.rsplit_once("  "))
        .map(|(_, result)| result.trim())
        .collect();
    let expected = [
        "conflicts, nothing written",
        "updated, 1 changed",
        "up to date",
        "failed, nothing written",
    ];
    assert_eq!(results, expected, "{said:?}");
    assert!(
        said.err.contains("error: there is no project /nowhere"),
        "{said:?}"
    );
    assert_eq!(good.plan(), []);
    // Where all that fail do it in one way, the code says which.
    let said = good.run(&["update", "--all", &folders[0], &folders[2], &folders[0]]);
    assert_eq!(said.code, Some(3), "{said:?}");
}

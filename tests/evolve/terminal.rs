//! `apply` on a terminal: each conflict is asked about, file by file, and everything once more before it happens.
#![cfg(unix)]

use std::process::Stdio;

use nix::sys::wait::WaitStatus;
use rexpect::session::{PtySession, spawn_command};

use super::support::Project;

const ABOUT: &str = "templates/about.html";
const HOME: &str = "templates/home.html";
const UP: &str = "\x1b[A";
const DOWN: &str = "\x1b[B";

/// A project with a conflict in each of the two pages: the template has changed their last lines, and so has the user.
fn contested() -> Project {
    let project = Project::new(&[]);
    for path in [ABOUT, HOME] {
        let page = project.read(path);
        let (kept, _) = page.trim_end().rsplit_once('\n').expect("several lines");
        project.age(path, format!("{kept}\n<!-- before -->\n"));
        project.write(path, format!("{kept}\n<!-- mine -->\n"));
    }
    project
}

fn apply(project: &Project) -> PtySession {
    let mut command = project.command(&["apply"]);
    // The terminal is the session's, not the null device.
    command
        .stdin(Stdio::inherit())
        .env("TERM", "xterm")
        .env("NO_COLOR", "1");
    spawn_command(command, Some(20_000)).expect("a terminal")
}

fn press(session: &mut PtySession, keys: &[&str]) {
    for key in keys {
        session.send(key).expect("a terminal");
        session.flush().expect("a terminal");
    }
}

#[track_caller]
fn exits(session: &PtySession, code: i32) {
    match session.process().wait().expect("a status") {
        WaitStatus::Exited(_, actual) => assert_eq!(actual, code),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_conflict_has_an_answer_of_its_own() {
    let project = contested();
    let mut session = apply(&project);
    session.exp_string(&format!("{ABOUT}: ")).unwrap();
    // Both sides first, then the file as it is.
    press(&mut session, &[DOWN, "\r"]);
    session.exp_string("+<<<<<<< yours").unwrap();
    session.exp_string(&format!("{ABOUT}: ")).unwrap();
    press(&mut session, &[UP, UP, "\r"]);
    session.exp_string(&format!("{HOME}: ")).unwrap();
    press(&mut session, &["\r"]);
    session.exp_string("Change 1 file?").unwrap();
    press(&mut session, &["y"]);
    let said = session.exp_eof().unwrap();
    assert!(said.contains("hold conflict markers"), "{said}");
    exits(&session, 0);
    assert!(project.read(ABOUT).ends_with("<!-- mine -->\n"));
    let marked = project.read(HOME);
    for line in [
        "<<<<<<< ",
        "<!-- mine -->",
        "||||||| ",
        "<!-- before -->",
        "=======",
        ">>>>>>> ",
    ] {
        assert!(marked.contains(line), "no {line:?} in\n{marked}");
    }
}

#[test]
fn the_templates_file_can_be_taken_and_undo_brings_ones_own_back() {
    let newest = Project::new(&[]);
    let project = contested();
    let before = project.snapshot();
    let mut session = apply(&project);
    for path in [ABOUT, HOME] {
        session.exp_string(&format!("{path}: ")).unwrap();
        press(&mut session, &[UP, "\r"]);
    }
    session.exp_string("Change 2 files?").unwrap();
    press(&mut session, &["y"]);
    session.exp_eof().unwrap();
    exits(&session, 0);
    for path in [ABOUT, HOME] {
        assert_eq!(project.read(path), newest.read(path));
    }
    assert_eq!(project.plan(), []);
    assert_eq!(project.run(&["undo"]).code, Some(0));
    assert_eq!(project.snapshot(), before);
}

#[test]
fn no_at_the_end_and_control_c_in_between_change_nothing() {
    let project = contested();
    let before = project.snapshot();
    let mut session = apply(&project);
    session.exp_string(&format!("{ABOUT}: ")).unwrap();
    press(&mut session, &[UP, "\r"]);
    session.exp_string(&format!("{HOME}: ")).unwrap();
    press(&mut session, &[UP, "\r"]);
    session.exp_string("Change 2 files?").unwrap();
    press(&mut session, &["n"]);
    let said = session.exp_eof().unwrap();
    assert!(said.contains("Nothing was changed."), "{said}");
    exits(&session, 0);
    assert_eq!(project.snapshot(), before);

    let mut session = apply(&project);
    session.exp_string(&format!("{ABOUT}: ")).unwrap();
    press(&mut session, &["\x03"]);
    session.exp_eof().unwrap();
    exits(&session, 130);
    assert_eq!(project.snapshot(), before);
}

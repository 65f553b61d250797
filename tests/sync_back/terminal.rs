//! `--interactive` on a terminal: each edit is asked about, and everything once more before it happens.
#![cfg(unix)]

use std::process::Stdio;

use nix::sys::wait::WaitStatus;
use rexpect::session::{PtySession, spawn_command};

use crate::support::Workshop;

const UP: &str = "\x1b[A";
const DOWN: &str = "\x1b[B";

const NOTES: &str = "before\n<% if has.two %>\nfirst\nsecond\n<% endif %>\nafter\nlast\n";

/// A project with an edit that has one place, and one at the edge of a block.
fn shop() -> Workshop {
    let shop = Workshop::with_templates(&[
        ("base/notes.md.j2", NOTES.as_bytes()),
        ("base/docs/plain.md", b"1\n2\n3\n4\n"),
    ]);
    shop.init("my-saas", &["--module", "two"]);
    shop.replace("notes.md", "second\n", "second\nthird\n");
    shop.replace("notes.md", "last\n", "the last\n");
    shop
}

fn start(shop: &Workshop) -> PtySession {
    let mut command = shop.command(&[
        "sync-back",
        "my-saas",
        "--templates",
        "checkout",
        "--interactive",
    ]);
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
fn each_edit_has_an_answer_of_its_own() {
    let shop = shop();
    let mut session = start(&shop);
    session.exp_string("edge of a block").unwrap();
    session.exp_string("<% endif %>").unwrap();
    session.exp_string("+third").unwrap();
    session.exp_string("notes.md:4").unwrap();
    // From skip to outside to inside.
    press(&mut session, &[UP, UP, "\r"]);
    session.exp_string("+the last").unwrap();
    session.exp_string("notes.md:6").unwrap();
    press(&mut session, &["\r"]);
    session.exp_string("Change 1 template?").unwrap();
    press(&mut session, &["y"]);
    let said = session.exp_eof().unwrap();
    assert!(said.contains("what stood there is kept in"), "{said}");
    exits(&session, 0);
    let wanted = NOTES.replace("second\n", "second\nthird\n");
    assert_eq!(
        shop.checkout("base/notes.md.j2"),
        wanted.replace("last", "the last")
    );
}

#[test]
fn what_is_skipped_stays_and_what_is_open_is_skipped_by_default() {
    let shop = shop();
    let mut session = start(&shop);
    session.exp_string("notes.md:4").unwrap();
    press(&mut session, &["\r"]);
    session.exp_string("notes.md:6").unwrap();
    press(&mut session, &[DOWN, "\r"]);
    let said = session.exp_eof().unwrap();
    assert!(said.contains("Nothing to carry back."), "{said}");
    exits(&session, 0);
    assert_eq!(shop.checkout("base/notes.md.j2"), NOTES);
}

#[test]
fn no_at_the_end_and_control_c_in_between_write_nothing() {
    let shop = shop();
    let before = shop.snapshot();
    let mut session = start(&shop);
    session.exp_string("notes.md:4").unwrap();
    press(&mut session, &["\r"]);
    session.exp_string("notes.md:6").unwrap();
    press(&mut session, &["\r"]);
    session.exp_string("Change 1 template?").unwrap();
    press(&mut session, &["n"]);
    let said = session.exp_eof().unwrap();
    assert!(said.contains("Nothing was changed."), "{said}");
    exits(&session, 0);
    assert_eq!(shop.snapshot(), before);

    let mut session = start(&shop);
    session.exp_string("notes.md:4").unwrap();
    press(&mut session, &["\x03"]);
    session.exp_eof().unwrap();
    exits(&session, 130);
    assert_eq!(shop.snapshot(), before);
}

#[test]
fn files_that_are_new_or_gone_are_asked_about() {
    let shop = Workshop::new(&[
        ("base/docs/plain.md", b"1\n2\n3\n4\n"),
        ("base/docs/gone.md", b"a\nb\nc\nd\n"),
    ]);
    let project = |path: &str| shop.path("my-saas").join(path);
    std::fs::rename(project("docs/plain.md"), project("docs/better.md")).expect("moved");
    std::fs::remove_file(project("docs/gone.md")).expect("removed");
    shop.edit("docs/new.md", "Run my-saas.\n");
    shop.edit("docs/own.md", "mine\n");
    let mut session = start(&shop);
    session.exp_string("docs/gone.md is gone").unwrap();
    press(&mut session, &[DOWN, "\r"]);
    session.exp_string("docs/plain.md is gone").unwrap();
    session.exp_string("docs/better.md").unwrap();
    press(&mut session, &[DOWN, "\r"]);
    session.exp_string("become templates?").unwrap();
    session.exp_string("docs/own.md").unwrap();
    press(&mut session, &[" ", "\r"]);
    session.exp_string("docs/new.md belongs to").unwrap();
    session.exp_string("base").unwrap();
    press(&mut session, &["\r"]);
    session.exp_string("Change 5 templates?").unwrap();
    press(&mut session, &["y"]);
    session.exp_eof().unwrap();
    exits(&session, 0);
    assert_eq!(
        shop.checkout("base/docs/new.md.j2"),
        "Run <%= project.slug %>.\n"
    );
    assert_eq!(shop.checkout("base/docs/better.md"), "1\n2\n3\n4\n");
    let is_there = |path: &str| {
        shop.path("checkout/project_templates/base")
            .join(path)
            .exists()
    };
    assert!(!is_there("docs/plain.md") && !is_there("docs/gone.md") && !is_there("docs/own.md"));
}

#[test]
fn without_a_terminal_it_says_what_else_there_is() {
    let shop = shop();
    let said = shop.sync(&["--interactive"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("nobody can be asked here"), "{said:?}");
    assert_eq!(shop.checkout("base/notes.md.j2"), NOTES);
}

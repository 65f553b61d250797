//! `init` on a terminal: menus, Ctrl-C, signals and kills.

use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;
use rexpect::session::{PtySession, spawn_command};

use crate::support::{PREFIX, QUICKSCALE, Scratch, read};

const DOWN: &str = "\x1b[B";

fn on_terminal(scratch: &Scratch, arguments: &[&str]) -> PtySession {
    let mut command = scratch.command(QUICKSCALE);
    // The terminal is the session's, not the null device.
    command
        .stdin(Stdio::inherit())
        .env("NO_COLOR", "1")
        .args(arguments);
    spawn_command(command, Some(20_000)).expect("a terminal")
}

fn press(session: &mut PtySession, keys: &str) {
    session.send(keys).expect("a terminal");
    session.flush().expect("a terminal");
}

#[track_caller]
fn exits(session: &PtySession, code: i32) {
    match session.process().wait().expect("a status") {
        WaitStatus::Exited(_, actual) => assert_eq!(actual, code),
        other => panic!("{other:?}"),
    }
}

#[test]
fn menus_ask_for_modules_and_whether_to_start() {
    let scratch = Scratch::new();
    let mut session = on_terminal(&scratch, &["init", "my-saas", "--no-git"]);
    session.exp_string("Modules").unwrap();
    // Everything is chosen; the second line is taken out.
    press(&mut session, DOWN);
    press(&mut session, " ");
    press(&mut session, "\r");
    session.exp_string("Build and start it now?").unwrap();
    press(&mut session, "n");
    session.exp_string("Created My Saas in my-saas").unwrap();
    session.exp_eof().unwrap();
    exits(&session, 0);
    let config = read(&scratch.path("my-saas/quickscale.yml"));
    let second = &quickscale::catalogue::Catalogue::embedded().modules[1]
        .manifest
        .name;
    assert!(
        !config.contains(&format!("  {second}:")) && config.contains("  auth:"),
        "{config}"
    );
}

#[test]
fn flags_answer_the_questions() {
    let scratch = Scratch::new();
    let mut session = on_terminal(&scratch, &["init", "my-saas", "--yes"]);
    let said = session.exp_eof().unwrap();
    assert!(
        !said.contains("Modules") && said.contains("Created My Saas"),
        "{said}"
    );
    exits(&session, 0);
}

#[test]
fn control_c_and_escape_in_a_menu_leave_nothing() {
    for leave in ["\x03", "\x1b"] {
        let scratch = Scratch::new();
        let mut session = on_terminal(&scratch, &["init", "my-saas"]);
        session.exp_string("Modules").unwrap();
        press(&mut session, leave);
        let said = session.exp_eof().unwrap();
        assert!(!said.contains("error"), "{said}");
        // The cursor that menus hide is back.
        assert!(said.contains("\x1b[?25h"), "{said:?}");
        exits(&session, 130);
        assert_eq!(scratch.names(), [""; 0]);
    }
}

/// Starts `init`, waits `delay`, sends `signal` and returns how it ended.
fn interrupted(scratch: &Scratch, delay: Duration, signal: Signal) -> std::process::ExitStatus {
    let mut command: Command = scratch.command(QUICKSCALE);
    command
        .args(["init", "my-saas", "--quiet", "--no-git"])
        .stderr(Stdio::null());
    let mut child = command.spawn().expect("the binary");
    std::thread::sleep(delay);
    let pid = i32::try_from(child.id()).expect("a number");
    // It may be done already.
    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal);
    child.wait().expect("a status")
}

/// Moments spread over the time that an undisturbed `init` takes.
fn moments() -> impl Iterator<Item = Duration> {
    let scratch = Scratch::new();
    let start = std::time::Instant::now();
    scratch.init(&["my-saas", "--no-git"]).exits(0);
    let whole = start.elapsed();
    (0..24).map(move |part| whole * part / 20)
}

#[test]
fn a_signal_leaves_a_whole_project_or_nothing() {
    for (index, moment) in moments().enumerate() {
        let scratch = Scratch::new();
        let signal = if index % 2 == 0 {
            Signal::SIGINT
        } else {
            Signal::SIGTERM
        };
        let status = interrupted(&scratch, moment, signal);
        match scratch.names().as_slice() {
            [] => assert_ne!(status.code(), Some(0), "after {moment:?}"),
            [name] => {
                assert_eq!(name, "my-saas");
                assert!(
                    scratch.path("my-saas/quickscale.yml").is_file(),
                    "after {moment:?}"
                );
            }
            names => panic!("{names:?} after {moment:?}"),
        }
    }
}

#[test]
fn what_a_kill_leaves_is_hidden_and_the_next_init_clears_it_away() {
    for moment in moments() {
        let scratch = Scratch::new();
        interrupted(&scratch, moment, Signal::SIGKILL);
        let visible = scratch
            .names()
            .into_iter()
            .filter(|name| !name.starts_with(PREFIX));
        assert!(
            visible.clone().all(|name| name == "my-saas"),
            "{:?}",
            scratch.names()
        );
        if visible.count() == 0 {
            scratch.init(&["my-saas", "--no-git"]).exits(0);
        }
        assert!(
            scratch.path("my-saas/quickscale.yml").is_file(),
            "after {moment:?}"
        );
        scratch.init(&["other", "--no-git"]).exits(0);
        assert_eq!(scratch.names(), ["my-saas", "other"], "after {moment:?}");
    }
}

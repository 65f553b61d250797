//! `init` on a terminal: menus, the bar, Ctrl-C, signals and kills.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

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

/// What `init` says on a terminal, with these variables more and these less than it has otherwise.
fn said_on_terminal(arguments: &[&str], more: &[(&str, &str)], less: &[&str]) -> String {
    let scratch = Scratch::new();
    let mut command = scratch.command(QUICKSCALE);
    command
        .stdin(Stdio::inherit())
        .args(["init", "my-saas", "--no-git"])
        .args(arguments)
        .envs(more.iter().copied());
    for name in less {
        command.env_remove(name);
    }
    let mut session = spawn_command(command, Some(20_000)).expect("a terminal");
    let said = session.exp_eof().expect("an end");
    exits(&session, 0);
    assert!(scratch.path("my-saas/quickscale.yml").is_file());
    said
}

/// What a bar showed, each time that it was drawn: how many pieces of how many were done, and what it named.
fn frames(said: &str) -> Vec<(u64, u64, String)> {
    let bars = said.split('\r').filter(|line| line.contains("Rendering"));
    bars.map(|line| {
        let (_, numbers) = line.split_once("] ").expect("a bar has an end");
        let mut words = numbers.split_whitespace();
        let (done, total) = words
            .next()
            .and_then(|word| word.split_once('/'))
            .expect("numbers");
        let named = words.nth(1).unwrap_or_default();
        (
            done.parse().expect("a number"),
            total.parse().expect("a number"),
            named.to_owned(),
        )
    })
    .collect()
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
fn rendering_draws_a_bar_that_is_gone_at_the_end() {
    let said = said_on_terminal(&["--yes"], &[], &[]);
    let frames = frames(&said);
    let (_, end) = said.rsplit_once("\x1b[2K").expect("the bar is erased");
    let end = console::strip_ansi_codes(end);
    // A piece is named once it counts.
    let Some((_, total, _)) = frames
        .iter()
        .find(|(done, _, named)| *done == 1 && !named.is_empty())
    else {
        panic!("no first piece in {said:?}");
    };
    assert!(
        frames
            .iter()
            .all(|(done, _, named)| *done > 0 || named.is_empty()),
        "{frames:?}"
    );
    assert!(
        end.starts_with(&format!("     Created My Saas in my-saas ({total} files)")),
        "{end:?}"
    );
    assert!(frames.is_sorted_by_key(|(done, ..)| *done), "{frames:?}");
    assert!(
        frames.iter().all(|(done, of, _)| done <= of && of == total),
        "{frames:?}"
    );
}

#[test]
fn without_colours_the_bar_is_drawn_all_the_same() {
    let colour = "\x1b[36m";
    assert!(said_on_terminal(&["--yes"], &[], &[]).contains(colour));
    for (arguments, more) in [
        (&["--yes"][..], &[("NO_COLOR", "1")][..]),
        (&["--yes", "--color", "never"], &[]),
    ] {
        let said = said_on_terminal(arguments, more, &[]);
        assert!(!frames(&said).is_empty(), "{said:?}");
        let mut sequences = said.split("\x1b[").skip(1);
        let is_colour = |sequence: &str| {
            sequence
                .trim_start_matches(|c: char| !c.is_ascii_alphabetic())
                .starts_with('m')
        };
        assert!(!sequences.any(is_colour), "{said:?}");
    }
}

#[test]
fn a_terminal_that_redraws_nothing_gets_lines_only_and_no_questions() {
    let dumb = said_on_terminal(&[], &[("TERM", "dumb")], &[]);
    let unknown = said_on_terminal(&[], &[], &["TERM"]);
    for said in [dumb, unknown] {
        assert!(
            said.starts_with("     Created My Saas in my-saas"),
            "{said:?}"
        );
        let lines = said.replace("\r\n", "\n");
        assert!(!lines.contains(['\x1b', '\r']), "{said:?}");
    }
}

#[test]
fn with_quiet_a_terminal_gets_nothing() {
    assert_eq!(said_on_terminal(&["--yes", "--quiet"], &[], &[]), "");
}

#[test]
fn where_there_is_no_terminal_no_bar_is_drawn() {
    let said = Scratch::new().init(&["my-saas", "--no-git"]).exits(0);
    assert!(
        said.err.contains("Created") && !said.err.contains("Rendering"),
        "{said}"
    );
    assert!(!said.err.contains(['\x1b', '\r']), "{said}");
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
    let start = Instant::now();
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
fn a_kill_leaves_a_whole_project_or_nothing() {
    for moment in moments() {
        let scratch = Scratch::new();
        interrupted(&scratch, moment, Signal::SIGKILL);
        // What is there for a moment longer is hidden.
        let patience = Instant::now() + Duration::from_secs(10);
        while scratch.names().iter().any(|name| name.starts_with(PREFIX)) {
            assert!(
                Instant::now() < patience,
                "{:?} after {moment:?}",
                scratch.names()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        if scratch.names().is_empty() {
            scratch.init(&["my-saas", "--no-git"]).exits(0);
        }
        assert_eq!(scratch.names(), ["my-saas"], "after {moment:?}");
        assert!(
            scratch.path("my-saas/quickscale.yml").is_file(),
            "after {moment:?}"
        );
    }
}

//! A build on a terminal draws a bar, from the messages of a stand-in for cargo that goes on when it is told to.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use nix::sys::wait::WaitStatus;
use rexpect::session::{PtySession, spawn_command};
use tempfile::TempDir;

use crate::support::{Project, only_program, said};

/// Counts three crates and builds them; each waits for a file of its number.
const CARGO: &str = r#"
artifact() {
    until [ -e "cue $1" ]; do sleep 0.02; done
    printf '{"reason":"compiler-artifact","package_id":"%s","manifest_path":"%s","target":{"name":"%s","kind":["%s"]},"executable":%s}\n' \
        "$3" "$PWD/Cargo.toml" "$2" "$4" "$5"
}
case "$1" in
tree) printf '%s\n' 'tiny-app v0.1.0' 'log v0.4.0' 'serde v1.0.0' 'log v0.4.0 (*)' ;;
build)
    artifact 1 log 'registry+https://crates.example#log@0.4.0' lib null
    artifact 2 serde 'registry+https://crates.example#serde@1.0.0' lib null
    if [ -e broken ]; then echo 'error: it is broken' >&2; exit 101; fi
    if [ -e interrupted ]; then kill -INT $$; fi
    artifact 3 tiny-app "path+file://$PWD/tiny-app#0.1.0" bin "\"$PWD/app\""
    echo '{"reason":"build-finished","success":true}' ;;
esac
"#;

/// A project whose binary ends as soon as it is started.
fn project() -> (Project, TempDir) {
    let project = Project::new();
    project.write("app", "#!/bin/sh\nexit 3\n");
    let app = project.root().join("app");
    std::fs::set_permissions(app, PermissionsExt::from_mode(0o755)).unwrap();
    (project, only_program("cargo", CARGO))
}

fn cue(project: &Project, numbers: impl IntoIterator<Item = u8>) {
    for number in numbers {
        project.write(&format!("cue {number}"), "");
    }
}

fn up(project: &Project, cargo: &TempDir) -> Command {
    let mut command = project.command(&["up"]);
    command.env("PATH", cargo.path());
    command
}

fn on_terminal(mut command: Command, term: &str) -> PtySession {
    // The terminal is the session's, not the null device.
    command.stdin(Stdio::inherit()).env("TERM", term);
    spawn_command(command, Some(20_000)).unwrap()
}

/// What comes until the end, after the bar is erased for the last time.
#[track_caller]
fn after_the_bar(session: &mut PtySession) -> String {
    let rest = session.exp_eof().unwrap();
    let (_, end) = rest.rsplit_once("\x1b[2K").expect("the bar is erased");
    let end = console::strip_ansi_codes(end).into_owned();
    assert!(!end.contains("Building"), "{end:?}");
    end
}

#[track_caller]
fn exits(session: &PtySession, code: i32) {
    match session.process().wait().unwrap() {
        WaitStatus::Exited(_, actual) => assert_eq!(actual, code),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_build_shows_how_many_crates_of_how_many_are_done() {
    let (project, cargo) = project();
    let mut session = on_terminal(up(&project, &cargo), "xterm");
    session.exp_string("Building").unwrap();
    session.exp_string("] 0/3 ").unwrap();
    for (number, name) in [(1, "log"), (2, "serde")] {
        cue(&project, [number]);
        let before = session.exp_string(&format!("] {number}/3 ")).unwrap();
        assert!(!before.contains(name), "{before:?}");
        session.exp_string(name).unwrap();
    }
    cue(&project, [3]);
    let end = after_the_bar(&mut session);
    assert!(
        end.starts_with("error: the app ended at its start (exit status: 3)"),
        "{end:?}"
    );
    exits(&session, 1);
}

#[test]
fn the_bar_of_a_build_that_fails_gives_way_to_the_reason() {
    let (project, cargo) = project();
    project.write("broken", "");
    let mut session = on_terminal(up(&project, &cargo), "xterm");
    session.exp_string("Building").unwrap();
    cue(&project, 1..=2);
    let end = after_the_bar(&mut session);
    assert!(
        end.starts_with("error: the build failed\r\n\r\nerror: it is broken\r\n"),
        "{end:?}"
    );
    exits(&session, 1);
}

#[test]
fn what_an_interruption_ended_did_not_fail() {
    let (project, cargo) = project();
    // As when the end of cargo is seen before the interruption is heard of.
    project.write("interrupted", "");
    let mut session = on_terminal(up(&project, &cargo), "xterm");
    session.exp_string("Building").unwrap();
    cue(&project, 1..=2);
    let end = after_the_bar(&mut session);
    assert_eq!(end, "error: interrupted; the build was ended\r\n");
    exits(&session, 130);
}

#[test]
fn control_c_takes_the_bar_away() {
    let (project, cargo) = project();
    let mut session = on_terminal(up(&project, &cargo), "xterm");
    session.exp_string("] 0/3 ").unwrap();
    session.send_control('c').unwrap();
    let end = after_the_bar(&mut session);
    assert!(
        end.starts_with("error: interrupted; the build was ended"),
        "{end:?}"
    );
    exits(&session, 130);
}

#[test]
fn where_no_bar_can_be_drawn_a_line_comes_now_and_then() {
    let (project, cargo) = project();
    let (dumb, cargo_of_dumb) = self::project();
    let mut session = on_terminal(up(&dumb, &cargo_of_dumb), "dumb");
    let piped = std::thread::scope(|scope| {
        let piped = scope.spawn(|| said(&mut up(&project, &cargo)));
        // A plain line comes every five seconds.
        std::thread::sleep(std::time::Duration::from_millis(5500));
        cue(&project, 1..=3);
        cue(&dumb, 1..=3);
        piped.join().unwrap()
    });
    let on_dumb = session.exp_eof().unwrap().replace("\r\n", "\n");
    exits(&session, 1);
    for told in [piped.exits(1).err, on_dumb] {
        assert!(
            told.starts_with("    Building 1/3 log\nerror: "),
            "{told:?}"
        );
        assert!(!told.contains(['\x1b', '\r']), "{told:?}");
    }
}

#[test]
fn with_quiet_a_terminal_hears_of_the_fault_only() {
    let (project, cargo) = project();
    cue(&project, 1..=3);
    let mut command = up(&project, &cargo);
    command.args(["--quiet", "--color", "never"]);
    let mut session = on_terminal(command, "xterm");
    let told = session.exp_eof().unwrap();
    assert!(
        told.starts_with("error: the app ended at its start"),
        "{told:?}"
    );
    assert!(!told.contains('\x1b'), "{told:?}");
    exits(&session, 1);
}

//! `logs` on a log that is written, turned over and followed.

use std::io::{BufRead, BufReader};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::support::Project;

const LOG: &str = ".quickscale/run/app.log";

#[test]
fn shows_the_last_lines_over_older_files() {
    let project = Project::new();
    project.write(&format!("{LOG}.1"), "one\ntwo\n");
    project.write(LOG, "three\nfour\n");
    assert_eq!(
        project.run(&["logs"]).exits(0).out,
        "one\ntwo\nthree\nfour\n"
    );
    assert_eq!(
        project.run(&["logs", "-n", "3"]).exits(0).out,
        "two\nthree\nfour\n"
    );
    assert_eq!(project.run(&["logs", "-n", "0"]).exits(0).out, "");
}

#[test]
fn shows_the_lines_since_a_moment() {
    let project = Project::new();
    let now = jiff::Timestamp::now();
    let (old, new) = (
        now - jiff::SignedDuration::from_hours(3),
        now - jiff::SignedDuration::from_mins(5),
    );
    project.write(
        LOG,
        &format!("{old} INFO old\n{new}  INFO new\nmore of it\n"),
    );
    let expected = format!("{new}  INFO new\nmore of it\n");
    assert_eq!(
        project.run(&["logs", "--since", "10m"]).exits(0).out,
        expected
    );
    assert_eq!(
        project
            .run(&["logs", "--since", &new.to_string()])
            .exits(0)
            .out,
        expected
    );
    assert_eq!(
        project
            .run(&["logs", "--since", "10m", "-n", "1"])
            .exits(0)
            .out,
        "more of it\n"
    );
    assert_eq!(
        project
            .run(&["logs", "--since", "4h"])
            .exits(0)
            .out
            .lines()
            .count(),
        3
    );
    project
        .run(&["logs", "--since", "yesterday"])
        .exits(2)
        .complains("hint: say for example --since 10m");
}

#[test]
fn without_a_log_there_is_a_hint() {
    Project::new()
        .run(&["logs"])
        .exits(1)
        .complains("there is no log")
        .complains("hint: quickscale up");
}

#[test]
fn follows_what_the_app_writes_over_a_restart() {
    let project = Project::new();
    project.run(&["up"]).exits(0);
    let mut follower = project.spawn(&["logs", "-f", "-n", "1"]);
    let lines = lines_of(follower.stdout.take().unwrap());
    assert!(next(&lines).starts_with("listening on"));
    project.get("/say/hello");
    assert_eq!(next(&lines), "hello");
    // A log beyond its length is turned over by the restart.
    let long = std::fs::OpenOptions::new()
        .append(true)
        .open(project.root().join(LOG))
        .unwrap();
    std::io::Write::write_all(&mut &long, &vec![b'\n'; 9 * 1024 * 1024]).unwrap();
    project.run(&["restart"]).exits(0);
    assert!(project.root().join(format!("{LOG}.1")).exists());
    let mut line = next(&lines);
    while line.is_empty() {
        line = next(&lines);
    }
    assert!(line.starts_with("listening on"), "{line}");
    project.get("/say/again");
    assert_eq!(next(&lines), "again");
    follower.kill().unwrap();
    follower.wait().unwrap();
}

#[test]
fn a_reader_that_has_seen_enough_is_no_fault() {
    let project = Project::new();
    project.write(LOG, &"a line\n".repeat(200_000));
    let mut logs = project.spawn(&["logs", "-n", "200000"]);
    drop(logs.stdout.take());
    assert!(logs.wait().unwrap().success());
}

fn lines_of(stdout: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (send, lines) = channel();
    std::thread::spawn(move || {
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        while lines.next().is_some_and(|line| send.send(line).is_ok()) {}
    });
    lines
}

#[track_caller]
fn next(lines: &Receiver<String>) -> String {
    lines.recv_timeout(Duration::from_secs(60)).expect("a line")
}

//! What ends otherwise than it should, or happens at the same time: kills, reboots, Ctrl-C, two commands at once.

use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::{Project, ended, eventually, lives};

#[cfg(unix)]
#[test]
fn down_kills_what_does_not_listen() {
    let project = Project::behaving("ignores SIGTERM");
    project.run(&["up"]).exits(0);
    let pid = project.pid();
    project
        .run(&["down", "--timeout", "1"])
        .exits(0)
        .complains(&format!("process {pid} did not end in 1 s and was killed"));
    assert!(!lives(pid));
}

#[cfg(unix)]
#[test]
fn an_app_that_was_killed_is_told_of_and_started_again() {
    let project = Project::new();
    project.run(&["up"]).exits(0);
    let pid = project.pid();
    kill(pid);
    let ps = project.ps();
    assert_eq!((&ps["state"], &ps["pid"]), (&json!("ended"), &json!(null)));
    project
        .run(&["ps"])
        .exits(0)
        .prints("ended: the app had ended by itself");
    project
        .run(&["up"])
        .exits(0)
        .complains("the app had ended by itself");
    kill(project.pid());
    project
        .run(&["down"])
        .exits(0)
        .complains("already: the app had ended by itself");
    assert!(!project.has_record());
}

#[cfg(unix)]
#[test]
fn a_foreign_process_with_the_same_number_is_left_alone() {
    let project = Project::new();
    project.run(&["up"]).exits(0);
    let mut record = project.record();
    project.run(&["down"]).exits(0);
    let mut foreign = Command::new("sleep").arg("60").spawn().unwrap();
    record["process"]["pid"] = json!(foreign.id());
    project.write_record(&record);
    assert_eq!(project.ps()["state"], "ended");
    project.run(&["down"]).exits(0).complains("already");
    assert!(lives(foreign.id()));
    project.write_record(&record);
    project.run(&["up"]).exits(0);
    project.run(&["down"]).exits(0);
    assert!(lives(foreign.id()));
    foreign.kill().unwrap();
    foreign.wait().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_of_before_a_reboot_is_not_taken_for_the_app() {
    let project = Project::new();
    project.run(&["up"]).exits(0);
    let real = project.record();
    let pid = project.pid();
    let stamp = real["process"]["stamp"].as_str().unwrap();
    let (_, ticks) = stamp.split_once(':').unwrap();
    let mut old = real.clone();
    old["process"]["stamp"] = json!(format!("00000000-0000-0000-0000-000000000000:{ticks}"));
    project.write_record(&old);
    assert_eq!(
        project.ps()["reason"],
        "the app ended when the machine was restarted"
    );
    project
        .run(&["down"])
        .exits(0)
        .complains("already: the app ended when the machine was restarted");
    assert!(lives(pid));
    project.write_record(&real);
    assert_eq!(project.ps()["state"], "running");
}

#[test]
fn of_two_ups_at_once_one_wins_and_the_other_says_so() {
    let project = Project::behaving("slow");
    let ups = [project.spawn(&["up"]), project.spawn(&["up"])];
    let pids = ups.each_ref().map(|up| up.id());
    let said = ups.map(ended);
    let winner = said
        .iter()
        .position(|said| said.code == 0)
        .expect("one wins");
    let loser = &said[1 - winner];
    assert_eq!(loser.code, 4, "{said:#?}");
    let told = format!(
        "`quickscale up` (process {}) is starting or stopping this app",
        pids[winner]
    );
    assert!(loser.err.contains(&told), "{said:#?}");
    assert_eq!(project.ps()["state"], "running");
}

#[cfg(unix)]
#[test]
fn an_up_that_is_killed_leaves_what_the_next_one_understands() {
    let project = Project::behaving("slow");
    project.run(&["manage", "echo"]).exits(0);
    let mut up = project.spawn(&["up"]);
    eventually("the launch", || {
        project.has_record() && project.record()["process"]["pid"].is_u64()
    });
    let pid = u32::try_from(project.record()["process"]["pid"].as_u64().unwrap()).unwrap();
    up.kill().unwrap();
    up.wait().unwrap();
    assert!(lives(pid));
    project
        .run(&["up"])
        .exits(0)
        .complains(&format!("already, as process {pid}"));
    project.run(&["down"]).exits(0);
    assert!(!lives(pid));
}

#[test]
fn a_start_that_was_cut_off_before_the_app_ran_is_no_app() {
    let project = Project::new();
    project.run(&["up"]).exits(0);
    let mut record = project.record();
    project.run(&["down"]).exits(0);
    record["process"] = json!(null);
    project.write_record(&record);
    assert_eq!(project.ps()["state"], "stopped");
    project
        .run(&["down"])
        .exits(0)
        .complains("the last start was cut off before the app ran");
    project.write_record(&record);
    project.run(&["up"]).exits(0);
}

#[cfg(unix)]
#[test]
fn ctrl_c_while_waiting_stops_the_app() {
    let project = Project::behaving("never ready");
    project.run(&["manage", "echo"]).exits(0);
    let up = project.spawn(&["up"]);
    eventually("the launch", || {
        project.has_record() && project.record()["process"]["pid"].is_u64()
    });
    let pid = u32::try_from(project.record()["process"]["pid"].as_u64().unwrap()).unwrap();
    signal(up.id(), "INT");
    ended(up)
        .exits(130)
        .complains("interrupted; the app was stopped");
    assert!(!lives(pid));
    assert!(!project.has_record());
}

#[cfg(unix)]
#[test]
fn in_the_foreground_ctrl_c_stops_the_app() {
    let project = Project::new();
    let up = project.spawn(&["up", "--foreground"]);
    eventually("readiness", || project.ps()["state"] == "running");
    let (ps, pid) = (project.ps(), project.pid());
    assert_eq!(ps["foreground"], true);
    signal(up.id(), "INT");
    ended(up)
        .exits(0)
        .prints("listening on")
        .complains("until Ctrl-C");
    assert!(!lives(pid));
    assert!(!project.has_record());
}

#[test]
fn down_ends_an_app_in_the_foreground_elsewhere() {
    let project = Project::new();
    let up = project.spawn(&["up", "--foreground"]);
    eventually("readiness", || project.ps()["state"] == "running");
    project.run(&["down"]).exits(0);
    ended(up).exits(0);
}

#[test]
fn the_apps_of_many_projects_come_up_at_once_on_ports_of_their_own() {
    let projects: Vec<Project> = (0..4).map(|_| Project::new()).collect();
    for project in &projects {
        project.write(".env", &format!("PORT={}\n", projects[0].port));
        project.run(&["manage", "echo"]).exits(0);
    }
    let ups: Vec<_> = projects
        .iter()
        .map(|project| project.spawn(&["up"]))
        .collect();
    let mut urls: Vec<String> = ups.into_iter().map(|up| ended(up).exits(0).out).collect();
    for project in &projects {
        assert_eq!(project.get("/"), format!("pid {}", project.pid()));
    }
    urls.sort();
    urls.dedup();
    assert_eq!(urls.len(), projects.len());
}

#[cfg(unix)]
fn kill(pid: u32) {
    signal(pid, "KILL");
    eventually("the end", || !lives(pid));
}

#[cfg(unix)]
fn signal(pid: u32, name: &str) {
    let status = Command::new("kill")
        .arg(format!("-{name}"))
        .arg(pid.to_string())
        .stderr(Stdio::null())
        .status();
    assert!(status.unwrap().success());
}

#[cfg(unix)]
#[test]
fn an_interrupted_build_ends_cargo() {
    let project = Project::new();
    let script = "fn main() { std::fs::write(\"building\", std::process::id().to_string()).unwrap(); \
                  std::thread::sleep(std::time::Duration::from_secs(60)); }";
    project.write("build.rs", script);
    let up = project.spawn(&["up"]);
    eventually("the build", || {
        std::fs::read_to_string(project.root().join("building")).is_ok_and(|pid| !pid.is_empty())
    });
    signal(up.id(), "TERM");
    ended(up)
        .exits(130)
        .complains("interrupted; the build was ended");
    assert!(!project.has_record());
    signal(project.read("building").parse().unwrap(), "KILL");
}

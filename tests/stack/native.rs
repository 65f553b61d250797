//! `up`, `down`, `restart`, `ps` and `manage` on an app that runs as a process.

use std::net::TcpListener;

use serde_json::json;

use crate::support::{Project, free_port, lives, said};

#[test]
fn up_builds_starts_and_prints_the_url() {
    let project = Project::new();
    let said = project
        .run(&["up"])
        .exits(0)
        .complains("in the background as process");
    assert_eq!(said.out, format!("{}\n", project.url()));
    assert_eq!(project.get("/"), format!("pid {}", project.pid()));
    assert!(project.log().contains(&format!(
        "listening on {} as {}",
        project.port,
        project.url()
    )));
}

#[test]
fn up_again_says_that_it_runs() {
    let project = Project::new();
    project.run(&["up"]).exits(0);
    let pid = project.pid();
    let said = project
        .run(&["up"])
        .exits(0)
        .complains(&format!("already, as process {pid}"));
    assert_eq!(said.out, format!("{}\n", project.url()));
    assert!(!said.err.contains("older"), "{said:?}");
    assert_eq!(project.pid(), pid);
}

#[test]
fn up_again_on_another_port_is_refused() {
    let project = Project::new();
    project.run(&["up"]).exits(0);
    let other = free_port().to_string();
    let said = project.run(&["up", "--port", &other]).exits(1);
    said.complains(&format!("runs already, on port {}", project.port))
        .complains(&format!("quickscale up --port {other}"));
    project
        .run(&["up", "--foreground"])
        .exits(1)
        .complains("hint: watch it with `quickscale logs -f`");
}

#[test]
fn a_changed_source_or_configuration_makes_the_running_app_outdated() {
    let project = Project::new();
    project.run(&["up"]).exits(0);
    project.write(
        "src/main.rs",
        &format!("{}\n// changed\n", project.read("src/main.rs")),
    );
    project
        .run(&["up"])
        .exits(0)
        .complains("older than the project: src/main.rs changed since")
        .complains("hint: quickscale restart");
    assert_eq!(project.ps()["outdated"], "src/main.rs changed since");
    project.run(&["manage", "echo"]).exits(0);
    assert_eq!(project.ps()["outdated"], "it was built again since");
    project.run(&["restart"]).exits(0);
    assert_eq!(project.ps()["outdated"], json!(null));
    project.write(".env", &format!("{}# changed\n", project.read(".env")));
    assert_eq!(project.ps()["outdated"], ".env changed since");
}

#[test]
fn a_taken_port_is_left_to_its_owner() {
    let project = Project::new();
    let _held = TcpListener::bind(("127.0.0.1", project.port)).unwrap();
    let said = project
        .run(&["up"])
        .exits(0)
        .complains(&format!("port {} is taken by `", project.port));
    let url = said.out.trim().to_owned();
    assert_ne!(url, project.url());
    assert!(
        project.log().contains(&format!("as {url}")),
        "{}",
        project.log()
    );
    assert_eq!(project.ps()["url"], url);
}

#[test]
fn a_taken_port_that_was_asked_for_is_an_error() {
    let project = Project::new();
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let said = project.run(&["up", "--port", &port]).exits(1);
    said.complains(&format!("error: port {port} is taken by `"))
        .complains("hint: choose another port");
    assert_eq!(project.ps()["state"], "stopped");
}

#[test]
fn a_build_failure_shows_the_compilers_reason() {
    let project = Project::new();
    project.write(
        "src/main.rs",
        "fn main() { let _unused = 1; missing_function(); }",
    );
    let said = project
        .run(&["up"])
        .exits(1)
        .complains("error: the build failed");
    let said = said
        .complains("cannot find function `missing_function`")
        .complains("hint: mend");
    assert!(!said.err.contains("Compiling"), "{said:?}");
    assert!(
        project
            .read(".quickscale/run/build.log")
            .contains("Compiling tiny-app")
    );
    assert!(!project.has_record());
}

#[test]
fn an_app_that_dies_at_its_start_is_told_with_the_end_of_its_log() {
    let project = Project::behaving("dies");
    let said = project
        .run(&["up"])
        .exits(1)
        .complains("error: the app ended at its start (exit status: 3)");
    said.complains("connecting to the database\nthe database is on fire")
        .complains("hint: mend what the log says");
    assert!(!project.has_record());
    project.write("behaviour", "silent death");
    project
        .run(&["up"])
        .exits(1)
        .complains("exit status: 4")
        .complains("without a word in its log");
}

#[test]
fn an_app_that_never_gets_ready_is_stopped() {
    let project = Project::behaving("never ready");
    let said = project.run(&["up", "--timeout", "5"]).exits(1);
    said.complains("did not become ready: /health/ready answers 503")
        .complains("--timeout");
    assert!(!project.has_record());
    assert!(TcpListener::bind(("127.0.0.1", project.port)).is_ok());
}

#[test]
fn a_slow_app_is_waited_for() {
    let project = Project::behaving("slow");
    project.run(&["up"]).exits(0);
    assert_eq!(project.ps()["state"], "running");
}

#[test]
fn down_stops_the_app_and_twice_is_no_error() {
    let project = Project::new();
    project.run(&["up"]).exits(0);
    let pid = project.pid();
    project
        .run(&["down"])
        .exits(0)
        .complains(&format!("Stopped process {pid}"));
    assert!(!lives(pid));
    assert!(!project.has_record());
    project
        .run(&["down"])
        .exits(0)
        .complains("already: no app of this project runs");
}

#[test]
fn restart_runs_what_the_project_is_now_on_the_same_port() {
    let project = Project::new();
    let port = free_port().to_string();
    project.run(&["up", "--port", &port]).exits(0);
    let before = project.pid();
    project.run(&["restart"]).exits(0).prints(&port);
    assert_ne!(project.pid(), before);
    assert!(!lives(before));
    assert_eq!(project.ps()["port"].to_string(), port);
}

#[cfg(unix)]
#[test]
fn a_restart_that_does_not_build_leaves_the_running_app_alone() {
    let project = Project::new();
    project.run(&["up"]).exits(0);
    let before = project.pid();
    project.write("src/main.rs", "fn main() { oops }");
    project
        .run(&["restart"])
        .exits(1)
        .complains("cannot find value `oops`");
    assert_eq!(project.pid(), before);
    assert_eq!(project.ps()["state"], "running");
}

#[test]
fn restart_starts_what_does_not_run() {
    let project = Project::new();
    project
        .run(&["restart"])
        .exits(0)
        .complains("the app did not run");
    assert_eq!(project.ps()["state"], "running");
}

#[test]
fn ps_tells_programs_and_people() {
    let project = Project::new();
    let stopped = project.ps();
    assert_eq!(
        (&stopped["state"], &stopped["url"]),
        (&json!("stopped"), &json!(null))
    );
    project.run(&["ps"]).exits(0).prints("state    stopped\n");
    project.run(&["up"]).exits(0);
    let ps = project.ps();
    assert_eq!(ps["state"], "running");
    assert_eq!(ps["mode"], "native");
    assert_eq!(ps["port"], project.port);
    assert_eq!(ps["url"], project.url());
    assert_eq!(ps["profile"], "dev");
    assert!(ps["memory_bytes"].as_u64().unwrap() > 100_000, "{ps}");
    assert!(ps["uptime_seconds"].as_u64().unwrap() < 60, "{ps}");
    project
        .run(&["ps"])
        .exits(0)
        .prints("state    running\n")
        .prints(&format!("url      {}\n", project.url()));
}

#[test]
fn manage_passes_arguments_and_the_exit_code() {
    let project = Project::new();
    let said = project
        .run(&["manage", "echo", "--flag", "two words", "-n"])
        .exits(0);
    assert_eq!(said.out, "--flag|two words|-n\n");
    project.run(&["manage", "exit", "7"]).exits(7);
    project.run(&["manage"]).exits(2);
}

#[test]
fn the_app_sees_the_callers_environment_and_not_the_tools() {
    let project = Project::new();
    let mut command = project.command(&["manage", "env"]);
    command
        .env("MY_OWN", "mine")
        .env("CARGO_PKG_NAME", "other")
        .env("QUICKSCALE_PROJECT", project.root());
    let said = said(&mut command).exits(0).prints("MY_OWN=mine\n");
    assert!(
        !said.out.contains("CARGO_PKG_NAME") && !said.out.contains("QUICKSCALE_"),
        "{said:?}"
    );
}

#[test]
fn down_with_volumes_asks_before_it_deletes_the_database() {
    let project = Project::new();
    project.run(&["up"]).exits(0);
    for name in ["app.db", "app.db-wal", "mail.txt"] {
        project.write(&format!("var/{name}"), "data");
    }
    project
        .run(&["down", "--volumes"])
        .exits(2)
        .complains("Delete the database var/app.db")
        .complains("pass --yes");
    assert_eq!(project.ps()["state"], "running");
    project
        .run(&["down", "--volumes", "--yes"])
        .exits(0)
        .complains("Removed var/app.db-wal");
    let left: Vec<_> = std::fs::read_dir(project.root().join("var"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["mail.txt"]);
    assert_eq!(project.ps()["state"], "stopped");
}

#[test]
fn a_database_on_a_server_is_not_deleted() {
    let project = Project::new();
    project.write(".env", "DATABASE_URL=postgres://me:secret@db.example/app\n");
    let said = project
        .run(&["down", "--volumes", "--yes"])
        .exits(1)
        .complains("the database stands on a server");
    assert!(!said.err.contains("secret"), "{said:?}");
}

#[test]
fn what_is_no_port_is_refused() {
    let project = Project::new();
    project.run(&["up", "--port", "0"]).exits(2);
    project.write(".env", "PORT=http\n");
    project
        .run(&["up"])
        .exits(1)
        .complains("PORT is \"http\"")
        .complains("hint: set PORT");
}

#[test]
fn a_project_without_a_binary_or_without_cargo_is_told_what_is_missing() {
    let project = Project::new();
    std::fs::rename(
        project.root().join("src/main.rs"),
        project.root().join("src/lib.rs"),
    )
    .unwrap();
    project
        .run(&["up"])
        .exits(1)
        .complains("no binary of its own name")
        .complains("hint: src/main.rs");
    let mut command = project.command(&["up"]);
    said(command.env("PATH", "/nonexistent"))
        .exits(1)
        .complains("cannot run cargo")
        .complains("https://rustup.rs");
}

#[test]
fn up_on_a_running_app_takes_no_build() {
    let project = Project::new();
    project.run(&["up"]).exits(0);
    project.write("src/main.rs", "fn main() { does not compile }");
    project.run(&["up"]).exits(0);
}

#[cfg(unix)]
#[test]
fn open_shows_the_app_in_the_browser() {
    let project = Project::new();
    let browser = crate::support::only_program("browser", r#"echo "$1" > "$0.url""#);
    let program = browser.path().join("browser");
    let mut up = project.command(&["up", "--open"]);
    said(up.env("BROWSER", &program)).exits(0);
    let url = browser.path().join("browser.url");
    let expected = format!("{}\n", project.url());
    crate::support::eventually("the browser", || {
        std::fs::read_to_string(&url).is_ok_and(|text| text == expected)
    });
    let mut again = project.command(&["up", "--open"]);
    said(again.env("BROWSER", "/nonexistent"))
        .exits(0)
        .complains("warning: cannot open a browser");
}

#[test]
fn a_release_build_does_not_hide_behind_one_without_optimisations() {
    let project = Project::new();
    project.run(&["up"]).exits(0);
    project
        .run(&["up", "--release"])
        .exits(1)
        .complains("built without optimisations")
        .complains("quickscale up --release");
    project.run(&["down"]).exits(0);
    project.run(&["up", "--release"]).exits(0);
    assert_eq!(project.ps()["profile"], "release");
    project.run(&["restart"]).exits(0);
    assert_eq!(project.ps()["profile"], "release");
}

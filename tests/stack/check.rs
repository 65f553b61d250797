//! `check` on a project that lacks nothing, and on the same project with one thing wrong at a time.

use std::net::TcpListener;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Project, said};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A project in which nothing is wrong.
fn sound() -> Project {
    let project = Project::new();
    project.write("vendor/quickscale-runtime/Cargo.toml", "");
    project.write(
        "Cargo.lock",
        "version = 4\n\n[[package]]\nname = \"tiny-app\"\nversion = \"0.1.0\"\n",
    );
    env(&project, "");
    project
}

/// Writes `.env` with `first` and what is needed, readable by its owner only. The first of two equal names counts.
fn env(project: &Project, first: &str) {
    let port = project.port;
    let text =
        format!("{first}APP_SECRET_KEY={SECRET}\nDATABASE_URL=sqlite://var/app.db\nPORT={port}\n");
    project.write(".env", &text);
    chmod(project, ".env", 0o600);
}

#[cfg(unix)]
fn chmod(project: &Project, path: &str, mode: u32) {
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
    std::fs::set_permissions(project.root().join(path), permissions).unwrap();
}

#[cfg(not(unix))]
fn chmod(_project: &Project, _path: &str, _mode: u32) {}

/// What `check --json` prints, having exited with `code`.
#[track_caller]
fn report(project: &Project, code: i32) -> Value {
    serde_json::from_str(&project.run(&["check", "--json"]).exits(code).out).unwrap()
}

fn all(report: &Value) -> &[Value] {
    report["findings"].as_array().unwrap()
}

/// Expects one finding that is not ok, of this check and status, with these texts.
#[track_caller]
fn expect(project: &Project, check: &str, status: &str, message: &str, remedy: &str) {
    let report = report(project, i32::from(status == "error"));
    assert_eq!(report["ok"], status != "error");
    let wrong: Vec<_> = all(&report)
        .iter()
        .filter(|one| one["status"] != "ok")
        .collect();
    assert_eq!(wrong.len(), 1, "{report:#}");
    assert_eq!(
        (&wrong[0]["check"], &wrong[0]["status"]),
        (&json!(check), &json!(status)),
        "{report:#}"
    );
    let text = |name: &str| wrong[0][name].as_str().unwrap_or_default().to_owned();
    assert!(text("message").contains(message), "{report:#}");
    assert!(text("remedy").contains(remedy), "{report:#}");
    assert!(!report.to_string().contains(SECRET), "{report:#}");
}

#[test]
fn a_sound_project_has_nothing_to_mend() {
    let project = sound();
    let report = report(&project, 0);
    let wrong: Vec<_> = all(&report)
        .iter()
        .filter(|one| one["status"] != "ok")
        .collect();
    assert_eq!(wrong, Vec::<&Value>::new());
    assert_eq!(report["ok"], true);
    let checks: Vec<_> = all(&report)
        .iter()
        .map(|one| one["check"].as_str().unwrap())
        .collect();
    for check in [
        "configuration",
        "runtime",
        "rustc",
        "cargo",
        "disk",
        "env",
        "database",
        "port",
        "app",
        "docker",
    ] {
        assert!(checks.contains(&check), "no {check} in {checks:?}");
    }
    project
        .run(&["check"])
        .exits(0)
        .prints("     ok  env           .env is complete and private\n");
    assert!(
        !project.root().join(".quickscale").exists(),
        "a look changes nothing"
    );
}

#[test]
fn a_wrong_configuration() {
    let project = sound();
    project.write(
        "quickscale.yml",
        "version: 1\nproject: { name: Tiny, slug: tiny-app }\ntheme: htnx\n",
    );
    expect(
        &project,
        "configuration",
        "error",
        "did you mean `htmx`?",
        "change quickscale.yml",
    );
}

#[test]
fn a_missing_runtime_or_lockfile() {
    for path in ["vendor/quickscale-runtime/Cargo.toml", "Cargo.lock"] {
        let project = sound();
        std::fs::remove_file(project.root().join(path)).unwrap();
        expect(
            &project,
            "runtime",
            "error",
            &format!("{path} is missing"),
            "git checkout",
        );
    }
}

#[test]
fn a_rust_that_is_too_old() {
    let project = sound();
    let manifest = project
        .read("Cargo.toml")
        .replace("edition", "rust-version = \"1.999\"\nedition");
    project.write("Cargo.toml", &manifest);
    let report = report(&project, 1);
    let wrong: Vec<_> = all(&report)
        .iter()
        .filter(|one| one["status"] != "ok")
        .collect();
    let checks: Vec<_> = wrong
        .iter()
        .map(|one| one["check"].as_str().unwrap())
        .collect();
    assert_eq!(checks, ["rustc", "cargo"]);
    assert!(
        wrong[0]["message"]
            .as_str()
            .unwrap()
            .ends_with("and the project needs 1.999")
    );
    assert_eq!(wrong[0]["remedy"], "rustup update stable");
}

#[test]
fn no_rust_at_all() {
    let project = sound();
    let nothing = tempfile::tempdir().unwrap();
    let told = said(project.command(&["check"]).env("PATH", nothing.path())).exits(1);
    told.prints("  error  rustc         rustc is not installed\n")
        .prints("→ install Rust: https://rustup.rs");
}

#[test]
fn environment_faults() {
    let project = sound();
    std::fs::remove_file(project.root().join(".env")).unwrap();
    let report = report(&project, 1);
    let found = all(&report)
        .iter()
        .find(|one| one["check"] == "env")
        .unwrap();
    assert_eq!(
        (&found["status"], &found["message"]),
        (&json!("error"), &json!(".env is missing"))
    );

    let table = [
        (
            "APP_SECRET_KEY=\n",
            "APP_SECRET_KEY is not set",
            "openssl rand -hex 32",
        ),
        (
            "APP_SECRET_KEY=short\n",
            "APP_SECRET_KEY is shorter than 32 characters",
            "openssl rand -hex 32",
        ),
        (
            "TITLE=two words\n",
            ".env line 1 is not of the form NAME=value",
            "single quotes",
        ),
    ];
    for (line, message, remedy) in table {
        let project = sound();
        env(&project, line);
        expect(&project, "env", "error", message, remedy);
    }
}

#[cfg(unix)]
#[test]
fn secrets_that_others_may_read() {
    let project = sound();
    chmod(&project, ".env", 0o644);
    expect(
        &project,
        "env",
        "warning",
        "has the mode 0644",
        "chmod 600 .env",
    );
}

#[test]
fn secrets_in_git() {
    let project = sound();
    for args in [&["init", "--quiet"][..], &["add", "--force", ".env"]] {
        assert!(
            Command::new("git")
                .args(args)
                .current_dir(project.root())
                .status()
                .unwrap()
                .success()
        );
    }
    expect(
        &project,
        "env",
        "error",
        ".env holds secrets and is in git",
        "git rm --cached .env",
    );
}

#[test]
fn database_faults() {
    let project = sound();
    project.write("var/app.db", "this is a letter");
    expect(
        &project,
        "database",
        "error",
        "is no SQLite database",
        "DATABASE_URL",
    );

    let project = sound();
    env(&project, "DATABASE_URL=mysql://somewhere/app\n");
    expect(
        &project,
        "database",
        "error",
        "DATABASE_URL is not the address of a database",
        "sqlite://var/app.db",
    );

    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let project = sound();
    env(
        &project,
        &format!("DATABASE_URL=postgres://me:{SECRET}@{closed}/app\n"),
    );
    expect(
        &project,
        "database",
        "error",
        &format!("PostgreSQL at {closed} does not answer"),
        "start the server",
    );
}

#[test]
fn a_server_that_is_no_postgresql() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let project = sound();
    env(
        &project,
        &format!("DATABASE_URL=postgres://me@{address}/app\n"),
    );
    expect(
        &project,
        "database",
        "error",
        "what answers there is no PostgreSQL",
        "DATABASE_URL",
    );
}

#[cfg(unix)]
#[test]
fn a_postgresql_that_lets_nobody_in_is_told_in_its_own_words() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = std::io::Write::write_all(&mut stream, b"N");
        }
    });
    let psql = crate::support::only_program(
        "psql",
        r#"case "$1" in --version) exit 0;; *) echo "FATAL: no such role $PGUSER" >&2; exit 2;; esac"#,
    );
    let project = sound();
    env(
        &project,
        &format!("DATABASE_URL=postgres://me:{SECRET}@{address}/app\n"),
    );
    let path = format!(
        "{}:{}",
        psql.path().display(),
        std::env::var("PATH").unwrap()
    );
    let told = said(project.command(&["check"]).env("PATH", path)).exits(1);
    let told = told.prints("does not let the app in: FATAL: no such role me");
    assert!(!told.out.contains(SECRET));
}

#[test]
fn a_taken_port_is_a_warning_and_the_apps_own_is_none() {
    let project = sound();
    let held = TcpListener::bind(("127.0.0.1", project.port)).unwrap();
    expect(
        &project,
        "port",
        "warning",
        &format!("{} is taken by `", project.port),
        "quickscale up",
    );
    drop(held);
    project.run(&["up"]).exits(0);
    let report = report(&project, 0);
    let message = |check: &str| {
        all(&report)
            .iter()
            .find(|one| one["check"] == check)
            .unwrap()["message"]
            .clone()
    };
    assert_eq!(message("port"), format!("{} is the app's", project.port));
    assert_eq!(message("app"), format!("runs at {}", project.url()));
}

//! `shell`: the tool of the database that DATABASE_URL names, or what is missing for it.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::{Project, said};

#[test]
fn opens_sqlite_on_the_projects_file() {
    if Command::new("sqlite3")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        eprintln!("not run: sqlite3 is not installed");
        return;
    }
    let project = Project::new();
    project.write("var/app.db", "");
    let mut command = project.command(&["shell"]);
    let mut shell = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let sql = "create table t (a); insert into t values ('from the shell'); select a from t;\n";
    shell
        .stdin
        .take()
        .unwrap()
        .write_all(sql.as_bytes())
        .unwrap();
    let output = shell.wait_with_output().unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "from the shell\n"
    );
    assert!(
        project
            .read_bytes("var/app.db")
            .starts_with(b"SQLite format 3")
    );
}

#[cfg(unix)]
#[test]
fn gives_psql_the_password_where_nobody_else_sees_it() {
    let project = Project::new();
    project.write(
        ".env",
        "DATABASE_URL=postgres://me:p%40ss@db.example:5433/app\n",
    );
    let psql = crate::support::only_program(
        "psql",
        r#"echo "$# $PGUSER $PGPASSWORD $PGHOST $PGPORT $PGDATABASE"; exit 3"#,
    );
    let told = said(project.command(&["shell"]).env("PATH", psql.path())).exits(3);
    assert_eq!(told.out, "0 me p@ss db.example 5433 app\n");
}

#[test]
fn says_what_is_missing() {
    let nothing = tempfile::tempdir().unwrap();
    let project = Project::new();
    project
        .run(&["shell"])
        .exits(1)
        .complains("there is no database at")
        .complains("hint: quickscale up creates it");
    project.write("var/app.db", "");
    said(project.command(&["shell"]).env("PATH", nothing.path()))
        .exits(1)
        .complains("sqlite3 is not installed")
        .complains("apt-get install sqlite3");
    project.write(".env", "DATABASE_URL=postgres://me:secret@db/app\n");
    let told = said(project.command(&["shell"]).env("PATH", nothing.path())).exits(1);
    let told = told
        .complains("psql is not installed")
        .complains("postgresql-client");
    assert!(!told.err.contains("secret"), "{told:?}");
    project.write(".env", "DATABASE_URL=sqlite::memory:\n");
    project
        .run(&["shell"])
        .exits(1)
        .complains("lives in the app's memory");
    project.write(".env", "");
    project
        .run(&["shell"])
        .exits(1)
        .complains("DATABASE_URL is not set");
}

//! Feature flags from outside: the command `flags`, and applications that run with other flags on one database.

use std::process::{Command, Output};

use crate::support::process::{self, Folder, Process, printed};
use crate::support::{SITE, settings};
use axum::http::StatusCode;
use quickscale_runtime::auth::{self, Registration};
use quickscale_runtime::flags::Flag;
use quickscale_runtime::module::Module;
use quickscale_runtime::testing::TestDatabase;
use quickscale_runtime::{App, Environment};
use serde_json::{Value, json};

static UNFINISHED: Flag = Flag::off("unfinished", "A page that is not ready.");

/// A module of a project's own that has a flag.
struct Own;

impl Module for Own {
    fn name(&self) -> &'static str {
        "own"
    }

    fn flags(&self) -> Vec<&'static Flag> {
        vec![&UNFINISHED]
    }
}

fn small(environment: Environment) -> App {
    App::builder(SITE, environment)
        .module(auth::module(settings(Registration::Open)))
        .module(Own)
}

#[test]
fn application() {
    process::application(small);
}

/// A project with a database.
struct Place {
    folder: Folder,
    database: TestDatabase,
}

impl Place {
    async fn new() -> Self {
        Self {
            folder: Folder::new(),
            database: TestDatabase::create().await.unwrap(),
        }
    }

    fn program(&self, arguments: &str, flags: &[(&str, &str)]) -> Command {
        let folder = &self.folder.0;
        let mut program = process::program("flags::application", arguments, folder, &self.database);
        program.envs(flags.iter().copied());
        program
    }

    /// What a command does that is let end.
    fn run(&self, arguments: &str, flags: &[(&str, &str)]) -> Output {
        self.program(arguments, flags).output().unwrap()
    }

    fn write_env(&self, text: &str) {
        std::fs::write(self.folder.0.join(".env"), text).unwrap();
    }
}

/// What a command prints that succeeds.
#[track_caller]
fn told(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    printed(output)
}

/// What a command says that is refused.
#[track_caller]
fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test]
async fn every_flag_is_listed_with_its_value() {
    let place = Place::new().await;
    let list = |flags: &[(&str, &str)]| told(&place.run("flags", flags));
    assert_eq!(
        list(&[]),
        "FLAG_CONTACT_FORM        on   The page where visitors leave a message.\n\
         FLAG_PRICING_PAGE        on   The public page with prices.\n\
         FLAG_UNFINISHED          off  A page that is not ready.\n"
    );
    for (off, on) in [("off", "on"), ("false", "true"), ("0", " 1 ")] {
        let listed = list(&[("FLAG_PRICING_PAGE", off), ("FLAG_UNFINISHED", on)]);
        let values: Vec<_> = listed
            .lines()
            .map(|line| line.split_whitespace().nth(1).unwrap())
            .collect();
        assert_eq!(values, ["on", "off", "on"], "{listed}");
    }
}

#[tokio::test]
async fn programs_get_the_flags_as_json() {
    let place = Place::new().await;
    let listed = told(&place.run("flags --json", &[("FLAG_UNFINISHED", "on")]));
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let names: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, ["contact_form", "pricing_page", "unfinished"]);
    assert_eq!(
        listed[2],
        json!({
            "name": "unfinished",
            "variable": "FLAG_UNFINISHED",
            "on": true,
            "default": false,
            "summary": "A page that is not ready.",
        })
    );
}

#[tokio::test]
async fn in_development_a_flag_is_read_from_the_projects_file_and_the_environment_wins() {
    let place = Place::new().await;
    place.write_env("FLAG_UNFINISHED=on\n");
    let value = |flags: &[(&str, &str)]| {
        let listed = told(&place.run("flags --json", flags));
        serde_json::from_str::<Value>(&listed).unwrap()[2]["on"].clone()
    };
    assert_eq!(value(&[]), true);
    assert_eq!(value(&[("FLAG_UNFINISHED", "off")]), false);
    // In production there is no such file.
    let production = [("APP_ENV", "production"), ("APP_URL", "https://app.test")];
    assert_eq!(value(&production), false);
}

#[tokio::test]
async fn every_wrong_flag_is_told_at_once_and_nothing_runs_with_it() {
    let place = Place::new().await;
    let wrong = [("FLAG_CONTACT_FROM", "off"), ("FLAG_UNFINISHED", "maybe")];
    let faults = [
        "FLAG_CONTACT_FROM: names no feature flag; take it away, \
         the flags are: FLAG_CONTACT_FORM, FLAG_PRICING_PAGE, FLAG_UNFINISHED",
        "FLAG_UNFINISHED: is \"maybe\"; set it to on or off",
    ];
    for command in ["flags", "flags --json", "serve", "migrate"] {
        let output = place.run(command, &wrong);
        let said = refused(&output);
        assert_eq!(
            said,
            format!(
                "error: the configuration has 2 fault(s):\n  {}\n",
                faults.join("\n  ")
            ),
            "{command}"
        );
        assert_eq!(printed(&output), "", "{command}");
    }
    let checked = place.run("check", &wrong);
    refused(&checked);
    let said = printed(&checked);
    for fault in faults {
        assert!(said.contains(&format!("error    {fault}\n")), "{said}");
    }
}

#[tokio::test]
async fn flags_takes_no_other_arguments() {
    let place = Place::new().await;
    for arguments in ["flags --josn", "flags unfinished"] {
        let output = place.run(arguments, &[]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("Usage: app flags"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flag_is_what_each_process_was_started_with() {
    let place = Place::new().await;
    let serve =
        async |flags: &[(&str, &str)]| Process::start(&mut place.program("serve", flags)).await;
    let there = async |process: &Process| {
        let mut client = process.client();
        let home = client.get("/").await.text;
        let is_linked = home.contains("href=\"/pricing\"");
        let status = client.get("/pricing").await.status;
        let expected = if is_linked {
            StatusCode::OK
        } else {
            StatusCode::NOT_FOUND
        };
        assert_eq!(status, expected);
        is_linked
    };
    let one = serve(&[]).await;
    let other = serve(&[("FLAG_PRICING_PAGE", "off")]).await;
    assert!(there(&one).await);
    assert!(!there(&other).await);
    // What is set later holds from the next start on.
    place.write_env("FLAG_PRICING_PAGE=off\n");
    assert!(there(&one).await);
    drop(one);
    let one = serve(&[]).await;
    assert!(!there(&one).await);
}

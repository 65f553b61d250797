//! `cargo xtask demo`: a generated application, running, from one command.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::repo::{self, Profile};
use crate::servers::Chromedriver;
use crate::tools::{self, Tool};
use crate::{process, test};

/// Create an application in a scratch folder, start it, and say how to use it
///
/// Runs `quickscale init` and `quickscale up` with the embedded SQLite, and creates a user and a member of staff.
#[derive(clap::Args)]
pub struct Args {
    /// Let a browser use the application, from sign-up to a paid service, then stop it and tell by the exit code
    #[arg(long)]
    check: bool,
    /// Install missing tools first, by apt-get
    #[arg(long)]
    install: bool,
    /// Stop every demo that runs; their folders stay
    #[arg(long, conflicts_with = "check")]
    stop: bool,
}

/// What the project of the demo is called.
const NAME: &str = "my-saas-app";

pub fn run(args: &Args) -> Result<()> {
    if args.stop {
        return stop();
    }
    if args.check {
        tools::require(
            vec![Tool::Node, Tool::Chromium, Tool::Chromedriver],
            args.install,
        )?;
        return check();
    }
    tools::require(vec![Tool::Node], args.install)?;
    let quickscale = repo::build_cli(Profile::Debug)?;
    let scratch = tempfile::Builder::new()
        .prefix("quickscale-demo-")
        .tempdir()?
        .keep();
    let project = scratch.join(NAME);
    remember(&project)?;
    process::run(quickscale_in(&quickscale, &scratch).args(["init", NAME]))?;
    let mut up = quickscale_in(&quickscale, &project);
    process::run(up.arg("up"))?;
    let url = address(&quickscale, &project)?;
    let seed = process::read(
        quickscale_in(&quickscale, &project).args(["--quiet", "manage", "seed", "--json"]),
    )?;
    print!("{}", welcome(&url, &project, &seed)?);
    Ok(())
}

/// `quickscale`, at work in `folder`; what it builds is kept with this repository's builds, so that the next demo starts
/// at once.
fn quickscale_in(quickscale: &Path, folder: &Path) -> Command {
    let mut command = Command::new(quickscale);
    command
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", repo::generated_target());
    command
}

fn address(quickscale: &Path, project: &Path) -> Result<String> {
    let status = process::read(quickscale_in(quickscale, project).args(["ps", "--json"]))?;
    let status: Value =
        serde_json::from_str(&status).context("`quickscale ps --json` printed no JSON")?;
    let url = status["url"]
        .as_str()
        .context("`quickscale ps --json` names no url")?;
    Ok(url.to_owned())
}

fn welcome(url: &str, project: &Path, seed: &str) -> Result<String> {
    let seed: Value = serde_json::from_str(seed).context("`manage seed --json` printed no JSON")?;
    let users = seed["users"]
        .as_array()
        .context("`manage seed --json` names no users")?;
    let mut text = format!("\nYour application runs at {url}\n\n");
    for user in users {
        let field = |name: &str| user[name].as_str().unwrap_or_default();
        text += &format!(
            "  {:<6} {}  password {}\n",
            field("role"),
            field("email"),
            field("password")
        );
    }
    text += &format!("\nIt stands in {}\n", project.display());
    text += "Stop it with `cargo xtask demo --stop`\n";
    Ok(text)
}

/// The file that lists the projects of demos, one a line.
fn memory() -> PathBuf {
    repo::target().join("demos")
}

fn remember(project: &Path) -> Result<()> {
    let mut all = fs_err::read_to_string(memory()).unwrap_or_default();
    all += &format!("{}\n", project.display());
    fs_err::create_dir_all(repo::target())?;
    Ok(fs_err::write(memory(), all)?)
}

fn stop() -> Result<()> {
    let all = fs_err::read_to_string(memory()).unwrap_or_default();
    let projects: Vec<_> = all
        .lines()
        .map(Path::new)
        .filter(|project| project.is_dir())
        .collect();
    if projects.is_empty() {
        println!("There is no demo.");
    } else {
        let quickscale = repo::build_cli(Profile::Debug)?;
        for project in projects {
            process::run(quickscale_in(&quickscale, project).arg("down"))?;
            println!("{} stays; remove it when you like.", project.display());
        }
    }
    match fs_err::remove_file(memory()) {
        Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => Err(fault.into()),
        _ => Ok(()),
    }
}

/// The whole journey on SQLite, as the tests walk it.
fn check() -> Result<()> {
    let chromedriver = Chromedriver::start()?;
    let mut journey = test::browser_tests(&chromedriver);
    process::run(journey.arg("on_sqlite"))?;
    println!(
        "\nThe journey went well: a browser signed up, ran services, and staff granted credits."
    );
    Ok(())
}

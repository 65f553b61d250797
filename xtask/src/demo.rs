//! `cargo xtask demo`: a generated application, running, from one command.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::person::Person;
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
    print!("{}", Demo::start()?.welcome());
    Ok(())
}

/// An application in a scratch folder that runs, with a user and a member of staff.
struct Demo {
    project: PathBuf,
    url: String,
    users: Vec<User>,
}

/// Who may sign in, as `seed --json` of the application names him.
#[derive(serde::Deserialize)]
struct User {
    email: String,
    password: String,
    role: String,
}

#[derive(serde::Deserialize)]
struct Seed {
    users: Vec<User>,
}

impl Demo {
    fn start() -> Result<Self> {
        let quickscale = repo::build_cli(Profile::Debug)?;
        let scratch = tempfile::Builder::new()
            .prefix("quickscale-demo-")
            .tempdir()?
            .keep();
        let project = scratch.join(NAME);
        remember(&project)?;
        process::run(quickscale_in(&quickscale, &scratch).args(["init", NAME]))?;
        process::run(quickscale_in(&quickscale, &project).arg("up"))?;
        let mut seed = quickscale_in(&quickscale, &project);
        let seed = process::read(seed.args(["--quiet", "manage", "seed", "--json"]))?;
        let seed: Seed =
            serde_json::from_str(&seed).context("`manage seed --json` names no users")?;
        Ok(Self {
            url: address(&quickscale, &project)?,
            users: seed.users,
            project,
        })
    }

    fn welcome(&self) -> String {
        let mut text = format!("\nYour application runs at {}\n\n", self.url);
        for User {
            email,
            password,
            role,
        } in &self.users
        {
            text += &format!("  {role:<6} {email}  password {password}\n");
        }
        text += &format!("\nIt stands in {}\n", self.project.display());
        text += "Stop it with `cargo xtask demo --stop`\n";
        text
    }

    /// Both may sign in and see what is theirs.
    fn is_open(&self) -> Result<()> {
        for user in &self.users {
            let person = Person::at(&self.url);
            let fields = [("email", &*user.email), ("password", &*user.password)];
            person.send("/accounts/login", &fields)?;
            let (path, words) = match user.role.as_str() {
                "user" => ("/dashboard", "credits available"),
                _ => ("/admin/users", "user@example.com"),
            };
            let page = person.page(path)?;
            ensure!(page.contains(words), "{path} does not say {words:?}");
        }
        ensure!(self.users.len() == 2, "not a user and one of the staff");
        Ok(())
    }
}

/// What the command does without arguments, and with `--stop`, in this demo alone. For the tests.
pub fn try_out() -> Result<()> {
    let demo = Demo::start()?;
    let opened = demo.is_open();
    let quickscale = repo::build_cli(Profile::Debug)?;
    end(&quickscale, &demo.project)?;
    opened?;
    ensure!(
        Person::at(&demo.url).page("/").is_err(),
        "{} still answers",
        demo.url
    );
    let scratch = demo.project.parent().context("it stands in a folder")?;
    Ok(fs_err::remove_dir_all(scratch)?)
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

/// The projects of demos whose folders are there.
fn remembered() -> Vec<PathBuf> {
    let all = fs_err::read_to_string(memory()).unwrap_or_default();
    let projects = all.lines().map(PathBuf::from);
    projects.filter(|project| project.is_dir()).collect()
}

fn forget(project: &Path) -> Result<()> {
    let others = remembered().into_iter().filter(|other| other != project);
    let others: Vec<_> = others
        .map(|other| format!("{}\n", other.display()))
        .collect();
    Ok(fs_err::write(memory(), others.concat())?)
}

/// Stops one that runs; its folder stays.
fn end(quickscale: &Path, project: &Path) -> Result<()> {
    process::run(quickscale_in(quickscale, project).arg("down"))?;
    forget(project)
}

fn stop() -> Result<()> {
    let projects = remembered();
    if projects.is_empty() {
        println!("There is no demo.");
        return Ok(());
    }
    let quickscale = repo::build_cli(Profile::Debug)?;
    for project in projects {
        end(&quickscale, &project)?;
        println!("{} stays; remove it when you like.", project.display());
    }
    Ok(())
}

/// The whole journey on SQLite, as the tests walk it.
fn check() -> Result<()> {
    let chromedriver = Chromedriver::start()?;
    let mut journey = test::browser_tests(&chromedriver)?;
    // Filters add up, so that what is not meant has to be left out.
    process::run(journey.args(["--skip", "on_postgresql", "--nocapture"]))?;
    println!(
        "\nThe journey went well: a browser signed up, ran services, and staff granted credits."
    );
    Ok(())
}

//! `cargo xtask test`: every check there is, in the order in which a fault is told soonest.

mod browser;
mod report;
mod room;
mod steps;

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};
use tempfile::TempDir;

use crate::servers::{Chromedriver, Docker, Durability, Postgres};
use crate::{interrupt, process, tools};
pub use steps::browser_tests;

use report::{Report, Row, Tests};
use steps::{STEPS, Step, When};

/// Run every check: formatting, lints, unit, command, runtime, generated-project and browser tests
///
/// Each step runs even if an earlier one failed; the end says which did. Needs PostgreSQL's server programs, chromium
/// and chromium-driver, Node.js and git, names those that are missing, and starts and stops what it uses. Says at once
/// when the disk is too small for all of it.
#[derive(clap::Args)]
pub struct Args {
    /// Install missing tools first, by apt-get
    #[arg(long)]
    install: bool,
    /// Leave out what takes minutes: lints per feature set, generated projects, browser journeys
    #[arg(long)]
    fast: bool,
    /// Only show the steps
    #[arg(long)]
    list: bool,
    /// Let the browser journeys write the screenshots of docs/images
    #[arg(long)]
    screenshots: bool,
    /// Only the steps of this name; without any, all of them but those that only run when named
    #[arg(value_name = "STEP")]
    steps: Vec<String>,
    /// Arguments for the test programs of the chosen steps: names of tests, --nocapture, …
    #[arg(last = true, value_name = "ARG")]
    arguments: Vec<String>,
}

/// What steps share: servers that start when the first step asks for them, and what the caller asked for.
pub struct World {
    postgres: Option<Postgres>,
    chromedriver: Option<Chromedriver>,
    docker: Option<Docker>,
    scratch: Option<TempDir>,
    screenshots: bool,
    /// Passed on to test programs.
    arguments: Vec<String>,
    /// What the step that runs counts.
    tests: Tests,
}

impl World {
    fn postgres(&mut self) -> Result<&Postgres> {
        if self.postgres.is_none() {
            self.postgres = Some(Postgres::start(Durability::None)?);
        }
        Ok(self.postgres.as_ref().expect("it was started just now"))
    }

    fn chromedriver(&mut self) -> Result<&Chromedriver> {
        if self.chromedriver.is_none() {
            self.chromedriver = Some(Chromedriver::start()?);
        }
        Ok(self.chromedriver.as_ref().expect("it was started just now"))
    }

    fn docker(&mut self) -> Result<&Docker> {
        if self.docker.is_none() {
            self.docker = Some(Docker::find_or_start()?);
        }
        Ok(self.docker.as_ref().expect("it was started just now"))
    }

    /// Where tests put files for a moment.
    fn scratch(&mut self) -> Result<&Path> {
        if self.scratch.is_none() {
            self.scratch = Some(room::scratch()?);
        }
        let scratch = self.scratch.as_ref();
        Ok(scratch.expect("it was made just now").path())
    }
}

pub fn run(args: &Args) -> Result<()> {
    let chosen = choose(args)?;
    if args.list {
        for step in chosen {
            println!("{:<18} {}", step.name, step.summary);
        }
        return Ok(());
    }
    let tools = chosen.iter().flat_map(|step| step.tools).copied().collect();
    tools::require(tools, args.install)?;
    if args.steps.is_empty() && !args.fast {
        room::require()?;
    }
    let mut world = World {
        postgres: None,
        chromedriver: None,
        docker: None,
        scratch: None,
        screenshots: args.screenshots,
        arguments: args.arguments.clone(),
        tests: Tests::default(),
    };
    let mut report = Report::default();
    for step in chosen {
        eprintln!("\n=== {}: {}", step.name, step.summary);
        let begun = Instant::now();
        let cpu_before = process::cpu_of_children()?;
        let done = (step.run)(&mut world);
        interrupt::check()?;
        if let Err(fault) = &done {
            eprintln!("error: {fault:#}");
        }
        report.add(Row {
            name: step.name,
            succeeded: done.is_ok(),
            wall: begun.elapsed(),
            cpu: process::cpu_of_children()? - cpu_before,
            tests: std::mem::take(&mut world.tests),
        });
    }
    report.conclude()
}

fn choose(args: &Args) -> Result<Vec<&'static Step>> {
    for wish in &args.steps {
        let known = STEPS.iter().any(|step| step.name == wish);
        ensure!(
            known,
            "no step is called {wish}\nhint: `cargo xtask test --list` shows them"
        );
    }
    let named = |step: &Step| args.steps.iter().any(|wish| step.name == wish);
    let chosen = |step: &&Step| match step.when {
        When::Named => named(step),
        When::Unhurried if args.fast => false,
        When::Always | When::Unhurried => args.steps.is_empty() || named(step),
    };
    Ok(STEPS.iter().filter(chosen).collect())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn chosen(words: &[&str]) -> Result<Vec<&'static str>> {
        let line = Line::parse_from([&["test"], words].concat());
        Ok(choose(&line.args)?.iter().map(|step| step.name).collect())
    }

    #[test]
    fn a_step_is_chosen_by_its_whole_name() {
        assert_eq!(chosen(&["oracle"]).expect("there is one"), ["oracle"]);
        let two = chosen(&["oracle-full", "fmt"]).expect("there are both");
        assert_eq!(two, ["fmt", "oracle-full"]);
        assert!(chosen(&["runtime"]).is_err());
        let all = chosen(&[]).expect("nothing is named");
        assert!(all.contains(&"oracle") && !all.contains(&"oracle-full"));
    }
}

//! `cargo xtask bench`: the numbers that QuickScale is held to, measured on this machine. None of them is a test: a
//! machine that is busy with something else makes each of them worse.

mod billing;
mod build;
mod evolve;
mod http;
mod init;
mod ledger;
mod serve;
mod server;
mod table;
mod wrk;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use tempfile::TempDir;

use crate::repo::{self, Profile};
use crate::tools::{self, Tool};
use crate::{interrupt, process};
use table::Table;

/// Measure and print: creating a project, building it, starting it, and what it answers under load
///
/// Builds `quickscale` and generated projects with optimisations, which takes minutes. Prints one table; the second
/// column is what was measured, the third what is aimed at.
#[derive(clap::Args)]
pub struct Args {
    /// Install missing tools first, by apt-get
    #[arg(long)]
    install: bool,
    /// How long each kind of request is sent
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    seconds: u64,
    /// Measure this binary of a generated project, which an earlier run has left in target/bench, instead of building one
    #[arg(long, value_name = "FILE")]
    built: Option<PathBuf>,
    /// What to measure; without any, everything
    #[arg(value_enum, value_name = "NAME")]
    names: Vec<Name>,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Name {
    /// `quickscale init`: time, memory, growth with the number of files
    Init,
    /// `quickscale plan` and `apply` on 300 and on 3,000 files
    Evolve,
    /// A generated project's first build and its rebuild after a change
    Build,
    /// The optimised binary: size, start, memory
    Serve,
    /// Requests a second, on SQLite and on PostgreSQL
    Http,
    /// Spends through the API, against pgbench; one account under load; a short and a long journal; a paid run
    Ledger,
    /// Stripe's webhooks on PostgreSQL while people spend
    Billing,
}

pub fn run(args: &Args) -> Result<()> {
    let wanted = |name| args.names.is_empty() || args.names.contains(&name);
    let mut tools = vec![Tool::Git, Tool::Node];
    if wanted(Name::Http) || wanted(Name::Ledger) || wanted(Name::Billing) {
        tools.extend([Tool::Wrk, Tool::Postgres]);
    }
    tools::require(tools, args.install)?;
    // Where only what it makes is measured, it may be slow itself.
    let is_measured = wanted(Name::Init) || wanted(Name::Evolve);
    let quickscale = repo::build_cli(if is_measured {
        Profile::Release
    } else {
        Profile::Debug
    })?;
    let mut table = Table::default();
    if wanted(Name::Init) {
        init::measure(&quickscale, &mut table)?;
    }
    if wanted(Name::Evolve) {
        evolve::measure(&quickscale, &mut table)?;
    }
    if wanted(Name::Build) {
        build::measure(&Project::create(&quickscale)?, &mut table)?;
    }
    if wanted(Name::Serve) || wanted(Name::Http) || wanted(Name::Billing) {
        let project = Project::create(&quickscale)?;
        let binary = match &args.built {
            Some(built) => built.canonicalize()?,
            None => project.build_release()?,
        };
        if wanted(Name::Serve) {
            serve::measure(&project, &binary, &mut table)?;
        }
        if wanted(Name::Http) {
            http::measure(&project, &binary, args.seconds, &mut table)?;
        }
        if wanted(Name::Billing) {
            billing::measure(&project, &binary, &mut table)?;
        }
    }
    if wanted(Name::Ledger) {
        let project = Project::create(&quickscale)?;
        let binary = match &args.built {
            Some(built) => built.canonicalize()?,
            None => {
                ledger::prepare(&project)?;
                project.build_release()?
            }
        };
        ledger::measure(&project, &binary, args.seconds, &mut table)?;
    }
    interrupt::check()?;
    table.print();
    Ok(())
}

/// A generated project in a scratch folder, whose users start with plenty of credits.
struct Project {
    scratch: TempDir,
}

const NAME: &str = "my-saas-app";

impl Project {
    fn create(quickscale: &std::path::Path) -> Result<Self> {
        let scratch = tempfile::Builder::new()
            .prefix("quickscale-bench-")
            .tempdir()?;
        let mut init = Command::new(quickscale);
        init.current_dir(scratch.path()).args([
            "init",
            NAME,
            "--set",
            "credits.signup_grant=1000000",
            "--set",
            "api.requests_per_minute=1000000",
            // Nobody reads mails here.
            "--set",
            "auth.email_verification=none",
            // One machine signs up and in as fast as it can.
            "--set",
            "auth.sign_ups_per_minute=1000000",
            "--set",
            "auth.sign_ins_per_minute=1000000",
            "--set",
            "auth.failed_sign_ins_per_minute=1000000",
            "--set",
            "auth.failed_sign_ins_per_account=1000000",
        ]);
        process::run(&mut init)?;
        Ok(Self { scratch })
    }

    fn folder(&self) -> PathBuf {
        self.scratch.path().join(NAME)
    }

    fn scratch(&self) -> PathBuf {
        self.scratch.path().to_owned()
    }

    /// Its optimised binary, built beside this repository's own builds, which saves its dependencies for the next time.
    fn build_release(&self) -> Result<PathBuf> {
        let target = repo::target().join("bench");
        let mut build = repo::cargo_in(&self.folder());
        build
            .args(["build", "--release", "--locked", "--features", "production"])
            .env("CARGO_TARGET_DIR", &target);
        process::run(&mut build)?;
        let binary = target.join("release").join(NAME);
        binary
            .canonicalize()
            .with_context(|| format!("cargo left no {}", binary.display()))
    }
}

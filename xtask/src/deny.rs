//! `cargo xtask deny`: licences, sources and known faults of every dependency, by deny.toml.

use anyhow::{Result, ensure};

use crate::{process, repo, tools};

/// Check every dependency's licence, source and known vulnerabilities
///
/// Needs cargo-deny, which takes minutes to build, and fetches the advisory database; that is why it stands beside `test`.
#[derive(clap::Args)]
pub struct Args {
    /// Leave out known vulnerabilities, for which a database is fetched from GitHub
    #[arg(long)]
    offline: bool,
}

pub fn run(args: &Args) -> Result<()> {
    let is_there = tools::find_program("cargo-deny").is_some();
    ensure!(
        is_there,
        "cargo-deny is missing\nhint: run `cargo install cargo-deny --locked`"
    );
    let mut command = repo::cargo(&["deny"]);
    if args.offline {
        command
            .arg("--offline")
            .args(["check", "bans", "licenses", "sources"]);
    } else {
        command.arg("check");
    }
    process::run(&mut command).map(drop)
}

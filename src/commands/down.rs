//! `quickscale down`.

use std::time::Duration;

use anyhow::Result;

use crate::cli::Ctx;
use crate::error::Exit;
use crate::stack::Site;
use crate::stack::down::{Options, down};

/// Stop the app that `quickscale up` started
///
/// Stops exactly that process, known by its number and the moment it began, so that no other process that got its number
/// later is touched. It is asked to end, and killed when it has not in time. That nothing runs is no error.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Delete the app's database too, after a question or with --yes
    #[arg(long)]
    volumes: bool,
    /// How long the app has to finish what is under way before it is killed
    #[arg(long, value_name = "SECONDS", default_value_t = 25)]
    timeout: u64,
}

pub(super) fn run(args: Args, ctx: &Ctx) -> Result<Exit> {
    let project = ctx.project()?;
    let options = Options {
        volumes: args.volumes,
        grace: Duration::from_secs(args.timeout),
    };
    down(&Site::open(&project, &ctx.ui)?, options)?;
    Ok(Exit::Done)
}

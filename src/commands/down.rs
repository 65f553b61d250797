//! `quickscale down`.

use anyhow::Result;

use crate::cli::Ctx;
use crate::error::Exit;
use crate::stack::Site;
use crate::stack::down::down;

/// Stop the app that `quickscale up` started
///
/// Stops exactly that process, known by its number and the moment it began, so that no other process that got its number
/// later is touched. It is asked to end, and killed when it has not after ten seconds. That nothing runs is no error.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Delete the app's database too, after a question or with --yes
    #[arg(long)]
    volumes: bool,
}

pub(super) fn run(args: Args, ctx: &Ctx) -> Result<Exit> {
    let project = ctx.project()?;
    down(&Site::open(&project, &ctx.ui)?, args.volumes)?;
    Ok(Exit::Done)
}

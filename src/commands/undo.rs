//! `quickscale undo`.

use anyhow::Result;

use crate::cli::Ctx;
use crate::error::Exit;
use crate::evolve;

/// Take the last apply back
///
/// Refused when a file that it wrote has been changed since; nothing is changed then.
#[derive(Debug, clap::Args)]
pub struct Args {}

pub(super) fn run(_: Args, ctx: &Ctx) -> Result<Exit> {
    let count = evolve::undo(&ctx.project()?)?;
    ctx.ui.status(
        "Undone",
        &format!("the last apply: {count} files are as they were"),
    );
    Ok(Exit::Done)
}

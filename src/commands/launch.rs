//! The hidden verb through which `quickscale up` becomes the app.

use anyhow::Result;

use crate::cli::Ctx;
use crate::error::Exit;
use crate::stack::native::become_app;
use crate::stack::record::RunDir;

/// Become the app that `quickscale up` has put on record
#[derive(Debug, clap::Args)]
pub struct Args {}

pub(super) fn run(_args: Args, ctx: &Ctx) -> Result<Exit> {
    become_app(&RunDir::of(&ctx.project()?))?;
    Ok(Exit::Done)
}

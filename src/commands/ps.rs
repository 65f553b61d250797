//! `quickscale ps`.

use anyhow::Result;

use crate::cli::Ctx;
use crate::error::Exit;
use crate::stack::Site;
use crate::stack::status::{describe, status};

/// Show whether the app runs, where, since when and with how much memory
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args, ctx: &Ctx) -> Result<Exit> {
    let project = ctx.project()?;
    let status = status(&Site::open(&project, &ctx.ui)?)?;
    if args.json {
        ctx.ui.json(&status)?;
    } else {
        ctx.ui.data(&describe(&status))?;
    }
    Ok(Exit::Done)
}

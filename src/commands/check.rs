//! `quickscale check`.

use anyhow::Result;

use crate::cli::Ctx;
use crate::error::Exit;
use crate::stack::doctor::{describe, examine};

/// Look at everything that the app needs to run, and name a remedy for what is wrong
///
/// Tools and their versions, room on the disk, quickscale.yml, the vendored runtime, .env and who may read it, the
/// database, the port. Changes nothing. Exits with 1 when the app does not run like this.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args, ctx: &Ctx) -> Result<Exit> {
    let report = examine(&ctx.project()?, &ctx.ui);
    if args.json {
        ctx.ui.json(&report)?;
    } else {
        ctx.ui.data(&describe(&report))?;
    }
    Ok(if report.ok { Exit::Done } else { Exit::Fault })
}

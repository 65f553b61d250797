//! `quickscale status`.

use anyhow::Result;

use crate::cli::Ctx;
use crate::error::Exit;
use crate::evolve::{Evolution, Selectors, Status};

/// Show how the project stands: versions, modules, what you changed, what an apply would do
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Exit with 10 when changes are pending, with 11 when there is only drift
    #[arg(long)]
    exit_code: bool,
}

pub(super) fn run(args: Args, ctx: &Ctx) -> Result<Exit> {
    let evolution = Evolution::read(ctx.project()?, Selectors::default())?;
    let status = Status::of(&evolution)?;
    if args.json {
        ctx.ui.json(&status)?;
    } else {
        ctx.ui.data(&status.text())?;
    }
    Ok(
        match (args.exit_code, status.is_pending(), status.has_drifted()) {
            (false, _, _) | (true, false, false) => Exit::Done,
            (true, true, _) => Exit::ChangesPending,
            (true, false, true) => Exit::Drift,
        },
    )
}

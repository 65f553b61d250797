//! `quickscale version`.

use anyhow::Result;
use serde::Serialize;

use crate::cli::Ctx;
use crate::error::Exit;

/// Show the versions of quickscale and of what it generates
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Versions {
    quickscale: &'static str,
}

pub(super) fn run(args: Args, ctx: &Ctx) -> Result<Exit> {
    let versions = Versions { quickscale: env!("CARGO_PKG_VERSION") };
    if args.json {
        ctx.ui.json(&versions)?;
    } else {
        ctx.ui.data(&format!("quickscale {}\n", versions.quickscale))?;
    }
    Ok(Exit::Done)
}

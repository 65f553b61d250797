//! `quickscale version`.

use anyhow::Result;
use serde::Serialize;

use crate::catalogue::Catalogue;
use crate::cli::Ctx;
use crate::digest::Digest;
use crate::error::Exit;

/// Show the version of quickscale and of the templates inside it
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Versions {
    quickscale: &'static str,
    /// Changes with every template, the runtime and the browser packages.
    templates: Digest,
}

pub(super) fn run(args: Args, ctx: &Ctx) -> Result<Exit> {
    let versions = Versions {
        quickscale: env!("CARGO_PKG_VERSION"),
        templates: Catalogue::pack_digest(),
    };
    if args.json {
        ctx.ui.json(&versions)?;
    } else {
        let Versions {
            quickscale,
            templates,
        } = versions;
        ctx.ui.data(&format!(
            "quickscale {quickscale}\ntemplates  {templates}\n"
        ))?;
    }
    Ok(Exit::Done)
}

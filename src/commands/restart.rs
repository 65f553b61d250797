//! `quickscale restart`.

use std::time::Duration;

use anyhow::Result;

use crate::cli::Ctx;
use crate::error::Exit;
use crate::stack::Site;
use crate::stack::up::restart;

/// Build the app as it is now, stop the one that runs and start the new one on the same port
///
/// The build comes first, so that an app that does not compile leaves the running one alone (on Windows, where a running
/// program cannot be replaced, the stop comes first). An app that does not run is started.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How long the app has to become ready
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
}

pub(super) fn run(args: Args, ctx: &Ctx) -> Result<Exit> {
    let project = ctx.project()?;
    restart(
        &Site::open(&project, &ctx.ui)?,
        Duration::from_secs(args.timeout),
    )?;
    Ok(Exit::Done)
}

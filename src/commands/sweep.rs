//! The hidden verb of the process that `quickscale init` starts to clean up after a kill.

use std::path::PathBuf;

use anyhow::Result;

use crate::apply::wait_and_sweep;
use crate::cli::Ctx;
use crate::error::Exit;

/// Clear away what a killed `init` leaves in a folder
#[derive(Debug, clap::Args)]
pub struct Args {
    folder: PathBuf,
}

#[expect(clippy::unnecessary_wraps, reason = "all verbs look alike")]
pub(super) fn run(args: Args, _ctx: &Ctx) -> Result<Exit> {
    wait_and_sweep(&args.folder);
    Ok(Exit::Done)
}

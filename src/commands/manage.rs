//! `quickscale manage`.

use std::ffi::OsString;

use anyhow::Result;

use crate::cli::Ctx;
use crate::error::Exit;
use crate::stack::Site;
use crate::stack::manage::manage;

/// Run a command of the app itself, building it first if needed
///
/// `quickscale manage create-admin`, `quickscale manage migrate --status`, `quickscale manage --help`. Exits with what
/// the command exits with.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub struct Args {
    /// The app's command and its arguments
    #[arg(
        value_name = "ARGS",
        trailing_var_arg = true,
        allow_hyphen_values = true,
        required = true
    )]
    args: Vec<OsString>,
}

pub(super) fn run(args: Args, ctx: &Ctx) -> Result<Exit> {
    let project = ctx.project()?;
    manage(&Site::open(&project, &ctx.ui)?, &args.args)
}

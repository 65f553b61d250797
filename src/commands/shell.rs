//! `quickscale shell`.

use anyhow::Result;

use crate::cli::Ctx;
use crate::error::Exit;
use crate::stack::Site;
use crate::stack::shell::shell;

/// Open a shell of the app's database
///
/// Runs sqlite3 or psql on the database of DATABASE_URL, from the environment or .env; for an app in containers, psql in
/// the database's container. Exits with what that exits with.
#[derive(Debug, clap::Args)]
pub struct Args {}

pub(super) fn run(_args: Args, ctx: &Ctx) -> Result<Exit> {
    let project = ctx.project()?;
    shell(&Site::open(&project, &ctx.ui)?)
}

//! `quickscale config`.

use anyhow::Result;
use clap::Subcommand;

use crate::catalogue::Catalogue;
use crate::cli::Ctx;
use crate::error::Exit;

/// What can stand in quickscale.yml
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print the JSON Schema of quickscale.yml, for editors that complete and check it
    ///
    /// Editors with a YAML language server take it from a file that is named in the first line of quickscale.yml:
    /// `# yaml-language-server: $schema=FILE`.
    Schema,
}

pub(super) fn run(args: Args, ctx: &Ctx) -> Result<Exit> {
    match args.what {
        What::Schema => {
            ctx.without_project("the schema is the same for every project")?;
            ctx.ui.json(&Catalogue::embedded().config_schema())?;
        }
    }
    Ok(Exit::Done)
}

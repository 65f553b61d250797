//! `quickscale modules`.

use anyhow::Result;
use clap::Subcommand;

use crate::catalogue::{Catalogue, overview};
use crate::cli::Ctx;
use crate::error::Exit;
use crate::project::config::Config;

/// Show which modules can be had, or one of them with its options
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show one module: its options with type, default and whether they can change later
    Show {
        /// The module's name
        #[arg(value_name = "MODULE")]
        module: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(args: Args, ctx: &Ctx) -> Result<Exit> {
    let catalogue = Catalogue::embedded();
    let config = match ctx.project_if_any()? {
        Some(project) => Some(Config::load(&project, catalogue)?),
        None => None,
    };
    match args.what {
        None => {
            let modules = catalogue.overviews(config.as_ref());
            if args.json {
                ctx.ui.json(&modules)?;
            } else {
                ctx.ui.data(&overview::list(&modules))?;
            }
        }
        Some(What::Show { module, json }) => {
            let module = catalogue.overview(catalogue.asked_module(&module)?, config.as_ref());
            if json {
                ctx.ui.json(&module)?;
            } else {
                ctx.ui.data(&module.text())?;
            }
        }
    }
    Ok(Exit::Done)
}

//! `quickscale sdk`.

use std::path::PathBuf;

use anyhow::Result;

use crate::cli::Ctx;
use crate::error::Exit;
use crate::sdk::{self, Language, Order};
use crate::stack::Site;

/// Generate a typed client of the app's API
///
/// Takes the app's own description of its API, building the app if needed, and hands it to a generator:
/// openapi-python-client for Python, openapi-typescript for TypeScript. Run it again after a change of the API; a folder
/// that it did not make is left alone.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// In which language
    #[arg(value_enum)]
    language: Language,
    /// Where the client goes; without it, `sdk/LANGUAGE` in the project
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The generator's program; without it, it is looked for on the PATH and in the project
    #[arg(long, value_name = "FILE")]
    generator: Option<PathBuf>,
}

pub(super) fn run(args: Args, ctx: &Ctx) -> Result<Exit> {
    let project = ctx.project()?;
    let site = Site::open(&project, &ctx.ui)?;
    let order = Order {
        language: args.language,
        out: args.out,
        generator: args.generator,
    };
    let made = sdk::generate(&site, order)?;
    ctx.ui
        .status("Generated", &made.folder.display().to_string());
    ctx.ui.info(&made.next);
    Ok(Exit::Done)
}

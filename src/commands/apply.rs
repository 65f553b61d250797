//! `quickscale apply`.

use std::path::PathBuf;

use anyhow::Result;

use crate::cli::Ctx;
use crate::error::Exit;
use crate::evolve::{self, Evolution, OnConflict, SavedPlan, Selectors};

/// Make the project what quickscale.yml and this quickscale's templates say, all or nothing
///
/// Your edits are merged and never lost. Where you and a template changed the same lines you are asked, or
/// --on-conflict says what becomes of them. `quickscale undo` takes it back.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A plan saved by `quickscale plan --out FILE`; refused when anything has changed since
    #[arg(value_name = "FILE", conflicts_with = "Selectors")]
    file: Option<PathBuf>,
    #[command(flatten)]
    selectors: Selectors,
    /// What becomes of files that you and a template changed in the same place
    #[arg(long, value_enum, default_value_t = OnConflict::Ask, value_name = "ANSWER")]
    on_conflict: OnConflict,
    /// Change files and run nothing after them; what would be run stays pending
    #[arg(long)]
    no_steps: bool,
}

pub(super) fn run(args: Args, ctx: &Ctx) -> Result<Exit> {
    let project = ctx.project()?;
    let _lock = evolve::lock(&project, "apply")?;
    let saved = args.file.as_deref().map(SavedPlan::read).transpose()?;
    let selectors = saved.as_ref().map_or(args.selectors, SavedPlan::selectors);
    let evolution = Evolution::read(project, selectors)?;
    if let Some(saved) = &saved {
        saved.check(&evolution)?;
    }
    evolve::apply(&evolution, args.on_conflict, &ctx.ui)?;
    evolution.run_steps(args.no_steps, &ctx.ui)?;
    Ok(Exit::Done)
}

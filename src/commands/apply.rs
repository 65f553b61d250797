//! `quickscale apply`.

use std::path::PathBuf;

use anyhow::Result;

use crate::cli::Ctx;
use crate::error::Exit;
use crate::evolve::{self, Applied, Evolution, OnConflict, SavedPlan, Selection};
use crate::plan::preview::{self, Detail};
use crate::project::owner::Owner;

/// Make the project what quickscale.yml and this quickscale's templates say, all or nothing
///
/// Your edits are merged and never lost. Where you and a template changed the same lines you are asked, or
/// --on-conflict says what becomes of them. `quickscale undo` takes it back.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A plan saved by `quickscale plan --out FILE`; refused when anything has changed since
    #[arg(value_name = "FILE", conflicts_with = "only")]
    file: Option<PathBuf>,
    /// Only files of this owner (base, runtime, theme:NAME, module:NAME, service:NAME); may be repeated
    #[arg(long, value_name = "OWNER")]
    only: Vec<Owner>,
    /// What becomes of files that you and a template changed in the same place
    #[arg(long, value_enum, default_value_t = OnConflict::Ask, value_name = "ANSWER")]
    on_conflict: OnConflict,
}

pub(super) fn run(args: Args, ctx: &Ctx) -> Result<Exit> {
    let project = ctx.project()?;
    let _lock = evolve::lock(&project, "apply")?;
    let saved = args.file.as_deref().map(SavedPlan::read).transpose()?;
    let selection = match &saved {
        Some(saved) => saved.selection(),
        None => Selection { only: args.only.into_iter().collect() },
    };
    let evolution = Evolution::read(project, selection)?;
    if let Some(saved) = &saved {
        saved.check(&evolution)?;
    }
    if !evolution.plan.is_quiet() {
        ctx.ui.info(&preview::text(&evolution.plan, Detail::Stat));
    }
    let choices = evolve::choose(&evolution.plan, args.on_conflict, &ctx.ui)?;
    let ready = evolution.ready(&choices)?;
    let question = format!("Change {} files?", ready.operations.len());
    if !ready.operations.is_empty() && !ctx.ui.confirm(&question, true)? {
        ctx.ui.info("Nothing was changed.");
        return Ok(Exit::Done);
    }
    match evolution.carry_out(&ready)? {
        Applied::Nothing => ctx.ui.info("Nothing to do: the project is as quickscale.yml says."),
        Applied::Files(count) => {
            let noun = if count == 1 { "file" } else { "files" };
            ctx.ui.status("Applied", &format!("{count} {noun} changed; `quickscale undo` takes it back"));
        }
    }
    let marked: Vec<_> = ready.state.files.iter().filter(|(_, known)| known.unresolved).collect();
    if !marked.is_empty() {
        ctx.ui.warn("these files hold conflict markers; resolve them, later applies leave them alone:");
        marked.iter().for_each(|(path, _)| ctx.ui.info(&format!("  {path}")));
    }
    Ok(Exit::Done)
}

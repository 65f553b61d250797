//! `quickscale plan`.

use std::path::PathBuf;

use anyhow::Result;

use crate::cli::Ctx;
use crate::error::Exit;
use crate::evolve::{Evolution, SavedPlan, Selection};
use crate::plan::preview::{self, Detail, PlanJson, ProjectJson};
use crate::project::owner::Owner;

/// Show what `apply` would do, as diffs; change nothing
///
/// Compares three versions of each file: what was applied last, what stands on disk, and what quickscale.yml and the
/// templates of this quickscale want.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only files of this owner (base, runtime, theme:NAME, module:NAME, service:NAME); may be repeated
    #[arg(long, value_name = "OWNER")]
    only: Vec<Owner>,
    /// Save the plan, to apply just this with `quickscale apply FILE`
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Show a line a file, no diffs
    #[arg(long, conflicts_with_all = ["diff", "json"])]
    stat: bool,
    /// Show diffs, which is the default
    #[arg(long, conflicts_with = "json")]
    diff: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Exit with 10 when changes are pending, with 11 when there is only drift
    #[arg(long)]
    exit_code: bool,
}

pub(super) fn run(args: Args, ctx: &Ctx) -> Result<Exit> {
    let selection = Selection { only: args.only.into_iter().collect() };
    let evolution = Evolution::read(ctx.project()?, selection)?;
    if args.json {
        ctx.ui.json(&as_json(&evolution))?;
    } else {
        let detail = if args.stat { Detail::Stat } else { Detail::Diff };
        ctx.ui.data(&preview::text(&evolution.plan, detail))?;
    }
    if let Some(path) = &args.out {
        SavedPlan::of(&evolution)?.write(path)?;
        ctx.ui.info(&format!("Saved. Apply it with `quickscale apply {}`.", path.display()));
    }
    Ok(exit(&evolution, args.exit_code))
}

fn as_json(evolution: &Evolution) -> PlanJson<'_> {
    let project = ProjectJson {
        id: evolution.state().map_or("", |state| &state.project),
        name: evolution.config.name.as_str(),
        slug: evolution.config.slug.as_str(),
    };
    PlanJson::new(&evolution.plan, project, &[])
}

fn exit(evolution: &Evolution, asked: bool) -> Exit {
    match (asked, evolution.plan.is_quiet(), evolution.plan.changes.is_empty()) {
        (false, _, _) | (true, true, true) => Exit::Done,
        (true, false, _) => Exit::ChangesPending,
        (true, true, false) => Exit::Drift,
    }
}

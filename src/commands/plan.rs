//! `quickscale plan`.

use std::path::PathBuf;

use anyhow::Result;

use crate::cli::Ctx;
use crate::error::Exit;
use crate::evolve::{Evolution, SavedPlan, Selectors};
use crate::plan::preview::{self, Beside, Detail, PlanJson, ProjectJson};
use crate::project::step::Step;

/// Show what `apply` would do, as diffs; change nothing
///
/// Compares three versions of each file: what was applied last, what stands on disk, and what quickscale.yml and the
/// templates of this quickscale want.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    selectors: Selectors,
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
    let evolution = Evolution::read(ctx.project()?, args.selectors)?;
    let steps = evolution.steps()?;
    if args.json {
        ctx.ui.json(&as_json(&evolution, &steps))?;
    } else {
        let detail = if args.stat {
            Detail::Stat
        } else {
            Detail::Diff
        };
        ctx.ui.data(&preview::text(&evolution.plan, detail))?;
    }
    for note in &evolution.notes {
        ctx.ui.info(note);
    }
    if !args.json {
        for step in &steps {
            ctx.ui.info(&format!("Then `{}` is run.", step.command));
        }
    }
    if let Some(path) = &args.out {
        SavedPlan::of(&evolution)?.write(path)?;
        ctx.ui.info(&format!(
            "Saved. Apply it with `quickscale apply {}`.",
            path.display()
        ));
    }
    if !args.exit_code {
        return Ok(Exit::Done);
    }
    let is_open = !evolution.plan.is_quiet() || evolution.plan.has_markers() || !steps.is_empty();
    Ok(match (is_open, evolution.plan.changes.is_empty()) {
        (true, _) => Exit::ChangesPending,
        (false, false) => Exit::Drift,
        (false, true) => Exit::Done,
    })
}

fn as_json<'e>(evolution: &'e Evolution, steps: &'e [Step]) -> PlanJson<'e> {
    let project = ProjectJson {
        id: evolution.state().map_or("", |state| &state.project),
        name: evolution.config.name.as_str(),
        slug: evolution.config.slug.as_str(),
    };
    let beside = Beside {
        steps,
        notes: &evolution.notes,
    };
    PlanJson::new(&evolution.plan, project, beside)
}

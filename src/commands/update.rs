//! `quickscale update`.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::cli::Ctx;
use crate::error::{Exit, exit_of};
use crate::evolve::{self, Applied, Evolution, OnConflict, Selectors};
use crate::project::{self, Project};

/// Bring projects to the templates and the runtime of this quickscale
///
/// The same as `plan` and `apply`, for one project or for several in one go: one that fails does not stop the others,
/// and a table at the end says how each went.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The projects' folders, instead of the one found from here
    #[arg(long, value_name = "DIR", num_args = 1..)]
    all: Vec<PathBuf>,
    /// What becomes of files that you and a template changed in the same place
    #[arg(long, value_enum, default_value_t = OnConflict::Ask, value_name = "ANSWER")]
    on_conflict: OnConflict,
    /// Change files and run nothing after them; what would be run stays pending
    #[arg(long)]
    no_steps: bool,
}

pub(super) fn run(args: Args, ctx: &Ctx) -> Result<Exit> {
    if args.all.is_empty() {
        one(ctx.project()?, &args, ctx)?;
        return Ok(Exit::Done);
    }
    ctx.without_project("--all names the projects")?;
    let mut rows = Vec::new();
    let mut exit = Exit::Done;
    for folder in &args.all {
        ctx.ui.status("Updating", &folder.display().to_string());
        let outcome = updated(folder, &args, ctx);
        if let Err(error) = &outcome {
            ctx.ui.error(error);
            exit = both(exit, exit_of(error));
        }
        rows.push((folder.display().to_string(), outcome));
    }
    ctx.ui.data(&table(&rows))?;
    Ok(exit)
}

/// How several updates end of which one more failed: as that one, when no other failed in another way.
fn both(before: Exit, failed: Exit) -> Exit {
    match before {
        Exit::Done => failed,
        before if before == failed => failed,
        _ => Exit::Fault,
    }
}

fn updated(folder: &Path, args: &Args, ctx: &Ctx) -> Result<Applied> {
    let project = project::locate(Some(folder))?;
    evolve::recover(&project, &ctx.ui)?;
    one(project, args, ctx)
}

fn one(project: Project, args: &Args, ctx: &Ctx) -> Result<Applied> {
    let _lock = evolve::lock(&project, "update")?;
    let evolution = Evolution::read(project, Selectors::default())?;
    let applied = evolve::apply(&evolution, args.on_conflict, &ctx.ui)?;
    evolution.run_steps(args.no_steps, &ctx.ui)?;
    Ok(applied)
}

fn table(rows: &[(String, Result<Applied>)]) -> String {
    let width = rows.iter().map(|(folder, _)| folder.chars().count()).max();
    let width = width.unwrap_or(0);
    let row = |(folder, outcome): &(String, Result<Applied>)| {
        let result = match outcome {
            Ok(Applied::Nothing) => "up to date".into(),
            Ok(Applied::Files(count)) => format!("updated, {count} changed"),
            Err(error) => match exit_of(error) {
                Exit::Conflicts => "conflicts, nothing written".into(),
                Exit::Pending => "updated, but a step after it failed".into(),
                _ => "failed, nothing written".to_owned(),
            },
        };
        format!("{folder:<width$}  {result}\n")
    };
    rows.iter().map(row).collect()
}

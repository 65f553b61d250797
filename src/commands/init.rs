//! `quickscale init`.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::apply::Repository;
use crate::birth::{self, Birth, Born, Choices};
use crate::catalogue::Catalogue;
use crate::cli::Ctx;
use crate::error::{Exit, Fault, exit_of, hint_of};
use crate::project;
use crate::stack::Site;
use crate::stack::up::{self, up};

/// Create a project: a complete SaaS application, ready to run
///
/// On a terminal it asks what the flags leave open; elsewhere, or with --yes, it takes the defaults: every module.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What the project is called; its folder and its package get a name made of it (`MySaaS`: my-saas)
    name: String,
    /// The project's folder, which must not exist or be empty [default: its name, here]
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
    /// What people call it, when NAME is only for machines
    #[arg(long = "name", value_name = "DISPLAY", id = "display")]
    display: Option<String>,
    /// The looks
    #[arg(long)]
    theme: Option<String>,
    /// A module to have, with those that it needs; may be repeated; `none` for a bare site [default: all but those on request]
    #[arg(long = "module", value_name = "MODULE", value_delimiter = ',')]
    modules: Vec<String>,
    /// An option of a module; may be repeated
    #[arg(long = "set", value_name = "MODULE.OPTION=VALUE")]
    settings: Vec<String>,
    /// Make no git repository
    #[arg(long)]
    no_git: bool,
    /// Build and start it at once, as `quickscale up` does
    #[arg(long)]
    up: bool,
}

pub(super) fn run(args: Args, ctx: &Ctx) -> Result<Exit> {
    ctx.without_project("init makes a project; --path says where")?;
    let catalogue = Catalogue::embedded();
    let names = birth::names(&args.name, args.display.as_deref(), catalogue)?;
    let path = args
        .path
        .unwrap_or_else(|| PathBuf::from(names.slug.as_str()));
    let target = birth::vacant(&path)?;
    let choices = Choices {
        theme: args.theme,
        modules: args.modules,
        settings: args.settings,
    };
    let config = choices.settle(names, catalogue, &ctx.ui)?;
    let start =
        args.up || (ctx.ui.interactive() && ctx.ui.confirm("Build and start it now?", true)?);
    let birth = Birth {
        config,
        target,
        git: !args.no_git,
    };
    let born = birth.happen(catalogue, &ctx.ui)?;
    report(&birth, &born, ctx);
    if start {
        begin(&birth.target, ctx).map_err(there_but_not_up)?;
    } else {
        next_steps(&birth.target, ctx);
    }
    Ok(Exit::Done)
}

/// Builds and starts the new project.
fn begin(target: &Path, ctx: &Ctx) -> Result<()> {
    let project = project::locate(Some(target))?;
    up(&Site::open(&project, &ctx.ui)?, &up::Options::default())
}

/// The project is whole whatever keeps it from running. Ctrl-C stays what it is.
fn there_but_not_up(error: anyhow::Error) -> anyhow::Error {
    if exit_of(&error) == Exit::Interrupted {
        return error;
    }
    let hint = hint_of(&error).unwrap_or("mend what it says and run `quickscale up` there");
    let fault = Fault::new("the project is made, but it does not run").hint(hint);
    error.context(fault.exit(Exit::Pending))
}

fn report(birth: &Birth, born: &Born, ctx: &Ctx) {
    let place = birth::shown(&birth.target);
    ctx.ui.status(
        "Created",
        &format!("{} in {place} ({} files)", birth.config.name, born.files),
    );
    match &born.repository {
        None | Some(Repository::Made) => {}
        Some(Repository::Around) => ctx
            .ui
            .info("It stands in a git repository already and gets none of its own."),
        Some(Repository::NoGit) => ctx
            .ui
            .warn("git is not installed; the project has no repository"),
        Some(Repository::Refused(why)) => ctx.ui.warn(&format!("git made no repository: {why}")),
    }
}

fn next_steps(target: &Path, ctx: &Ctx) {
    let place = birth::shown(target);
    let enter = if place == "." {
        String::new()
    } else {
        format!("  cd {place}\n")
    };
    ctx.ui.info(&format!("\nNext:\n{enter}  quickscale up"));
}

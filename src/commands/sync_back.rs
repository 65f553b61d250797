//! `quickscale sync-back`.

use std::path::PathBuf;

use anyhow::Result;

use crate::cli::Ctx;
use crate::error::Exit;
use crate::evolve;
use crate::project::names::RelPath;
use crate::project::{self, Project};
use crate::sync_back::preview::{self, ProposalJson};
use crate::sync_back::{self, Answer, NewFile, Proposal, Rename, SyncBack, Wish};

/// Carry edits of a project back into the templates of a QuickScale checkout
///
/// For those who work on templates: improve them in a running project, where they can be seen, and carry the edits back,
/// so that the next project has them. An edit goes back where there is one place for it; where there is not, it is asked.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("deed").required(true))]
pub struct Args {
    /// The project's folder, instead of the one found from here
    #[arg(value_name = "PROJECT")]
    folder: Option<PathBuf>,
    /// Show what would go back; write nothing
    #[arg(long, group = "deed")]
    preview: bool,
    /// Write it
    #[arg(long, group = "deed")]
    apply: bool,
    /// Ask about each edit on this terminal, then write
    #[arg(long, group = "deed")]
    interactive: bool,
    /// The checkout, instead of the one that this quickscale was built from
    #[arg(long, value_name = "DIR")]
    templates: Option<PathBuf>,
    /// Only this file or folder of the project; may be repeated
    #[arg(long, value_name = "PATH")]
    only: Vec<RelPath>,
    /// What becomes of one edit: ID=inside, outside, literal, var:NAME or skip; may be repeated
    #[arg(long, value_name = "ID=CHOICE")]
    hunk: Vec<Answer>,
    /// Merge edits that were made on other templates than those of this quickscale
    #[arg(long)]
    rebase: bool,
    /// Make a file of the project a template of LAYER: base, runtime, module:NAME, theme:NAME or theme:NAME/MODULE
    #[arg(long, value_name = "PATH=LAYER")]
    new: Vec<NewFile>,
    /// Have a template follow its file to the name that it has in the project
    #[arg(long, value_name = "OLD=NEW")]
    rename: Vec<Rename>,
    /// Remove the templates of files that were deleted in the project
    #[arg(long)]
    delete: bool,
    /// Print JSON
    #[arg(long, requires = "preview")]
    json: bool,
}

pub(super) fn run(args: Args, ctx: &Ctx) -> Result<Exit> {
    let project = project(&args, ctx)?;
    let templates = args.templates.as_deref();
    let _lock = (!args.preview)
        .then(|| sync_back::hold(templates, &ctx.ui))
        .transpose()?;
    let wish = Wish {
        only: args.only,
        answers: args.hunk.into_iter().collect(),
        rebase: args.rebase,
        delete: args.delete,
        deleted: Vec::new(),
        new: args.new,
        renames: args.rename,
    };
    let mut sync = SyncBack::read(&project, templates, &wish)?;
    if args.interactive {
        let proposal = sync_back::ask(&mut sync, wish, &ctx.ui)?;
        ctx.ui.info(&preview::text(&proposal));
        let count = count(proposal.writes.len());
        if proposal.writes.is_empty() || ctx.ui.confirm(&format!("Change {count}?"), false)? {
            return carry_out(&sync, &proposal, ctx);
        }
        ctx.ui.info("Nothing was changed.");
        return Ok(Exit::Done);
    }
    let proposal = sync.propose(&wish)?;
    proposal.check(&wish.answers)?;
    if args.json {
        ctx.ui.json(&ProposalJson::new(&proposal))?;
        return Ok(Exit::Done);
    }
    let text = preview::text(&proposal);
    if args.preview {
        ctx.ui.data(&text)?;
        return Ok(Exit::Done);
    }
    ctx.ui.info(&text);
    carry_out(&sync, &proposal, ctx)
}

fn carry_out(sync: &SyncBack, proposal: &Proposal, ctx: &Ctx) -> Result<Exit> {
    let changed = sync.carry_out(proposal)?;
    if changed > 0 {
        let backup = sync.checkout().backup();
        let what = count(changed);
        let kept = format!("what stood there is kept in {}", backup.display());
        ctx.ui
            .status("Carried", &format!("edits into {what}; {kept}"));
    }
    Ok(Exit::Done)
}

fn count(templates: usize) -> String {
    match templates {
        1 => "1 template".into(),
        many => format!("{many} templates"),
    }
}

fn project(args: &Args, ctx: &Ctx) -> Result<Project> {
    let Some(folder) = &args.folder else {
        return ctx.project();
    };
    ctx.without_project("PROJECT names the project")?;
    let project = project::locate(Some(folder))?;
    evolve::recover(&project, &ctx.ui)?;
    Ok(project)
}

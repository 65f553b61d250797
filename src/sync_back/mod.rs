//! From an edited project back to the templates that it was made from. What a project says is compared with what its
//! templates make of it; an edit goes back where there is one place for it, and is asked about where there is not.
//! Nothing is guessed, and nothing is written but through the journal of `apply`.

mod checkout;
mod contents;
mod cut;
mod file;
mod firm;
mod ground;
mod guard;
mod hunk;
mod laws;
mod moves;
mod origin;
mod others;
mod place;
pub mod preview;
mod proposal;
mod rendered;
mod secrets;
mod subject;
mod target;
mod tokens;
mod values;
mod verbatim;
mod within;

use std::path::Path;

use anyhow::Result;

use crate::evolve;
use crate::project::Project;
use crate::project::lock::Lock;
use crate::project::names::RelPath;
use crate::render::Inputs;
use crate::ui::Ui;

use file::{Found, Sight};
use others::{Renderer, Setting};
use proposal::Skipped;

pub use checkout::Checkout;
pub use hunk::{Answer, Answers, Choice};
pub use proposal::Proposal;
pub use subject::Subject;

/// What the user said about an exchange.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Only these paths of the project, and what is below them; all when empty.
    pub only: Vec<RelPath>,
    /// What becomes of single edits.
    pub answers: Answers,
    /// Whether edits made on other templates are merged into the checkout's.
    pub rebase: bool,
}

impl Wish {
    fn is_about(&self, path: &RelPath) -> bool {
        let mut around = path.folders().chain([path.clone()]);
        self.only.is_empty() || around.any(|around| self.only.contains(&around))
    }
}

/// A project and the templates that its edits may go to.
#[derive(Debug)]
pub struct SyncBack {
    subject: Subject,
    checkout: Checkout,
}

impl SyncBack {
    /// Reads both.
    ///
    /// # Errors
    /// When one cannot be read, or they do not belong together.
    pub fn read(project: &Project, templates: Option<&Path>, wish: &Wish) -> Result<Self> {
        let checkout = Checkout::open(templates)?;
        let subject = Subject::read(project, &checkout, wish.rebase)?;
        Ok(Self { subject, checkout })
    }

    /// The templates.
    pub fn checkout(&self) -> &Checkout {
        &self.checkout
    }

    /// What would go back.
    ///
    /// # Errors
    /// When the engine of the templates cannot be set up.
    pub fn propose(&self, wish: &Wish) -> Result<Proposal> {
        let catalogue = &self.checkout.catalogue;
        let inputs = Inputs {
            kinds: evolve::kinds(Some(&self.subject.state)),
            ..Inputs::default()
        };
        let own = Setting::new(self.subject.config.clone(), catalogue, inputs);
        let sight = Sight {
            renderer: &Renderer::new(own, catalogue)?,
            subject: &self.subject,
            checkout: &self.checkout,
            answers: &wish.answers,
        };
        let mut proposal = Proposal::default();
        let files = self.subject.state.files.iter();
        for (path, known) in files.filter(|(path, _)| wish.is_about(path)) {
            match sight.look(path, known) {
                Found::Nothing => {}
                Found::Skip(reason) => proposal.skip(path, reason),
                Found::Deleted => proposal.skip(path, "it was deleted in the project".into()),
                Found::Edited(edit, write) => {
                    let write = write.map(|write| (edit.template.clone(), write));
                    proposal.writes.extend(write);
                    proposal.files.push(edit);
                }
            }
        }
        Ok(proposal)
    }

    /// Carries `proposal` out and says how many files of the checkout changed. The caller holds the checkout's lock.
    ///
    /// # Errors
    /// When an edit needs an answer, or a file cannot be written; nothing is changed then.
    pub fn carry_out(&self, proposal: &Proposal) -> Result<usize> {
        let tree = self.checkout.tree(proposal.writes.keys())?;
        let operations = proposal.operations(&tree)?;
        if !operations.is_empty() {
            self.checkout.write(&operations)?;
        }
        Ok(operations.len())
    }
}

impl Proposal {
    fn skip(&mut self, path: &RelPath, reason: String) {
        self.skipped.push(Skipped {
            path: path.clone(),
            reason,
        });
    }
}

/// Takes the checkout's lock and ends a writing that was interrupted there.
///
/// # Errors
/// When another quickscale writes to it, or the interrupted writing cannot be ended.
pub fn hold(templates: Option<&Path>, ui: &Ui) -> Result<Lock> {
    let checkout = Checkout::open(templates)?;
    let lock = checkout.lock()?;
    if checkout.is_interrupted() {
        checkout.recover()?;
        ui.warn("an interrupted sync-back was ended in the templates");
    }
    Ok(lock)
}

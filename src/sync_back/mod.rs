//! From an edited project back to the templates that it was made from. What a project says is compared with what its
//! templates make of it; an edit goes back where there is one place for it, and is asked about where there is not.
//! Nothing is guessed, and nothing is written but through the journal of `apply`.

mod ask;
mod checkout;
mod contents;
mod cut;
mod draft;
mod echo;
mod file;
mod firm;
mod fresh;
mod gone;
mod ground;
mod guard;
mod home;
mod hunk;
mod laws;
mod manifest;
mod mode;
mod moves;
#[cfg(test)]
mod oracle;
mod origin;
mod others;
mod place;
pub mod preview;
mod proposal;
mod propose;
mod rendered;
mod secrets;
mod strays;
mod subject;
mod target;
mod tokens;
mod values;
mod verbatim;
mod within;

use std::path::Path;

use anyhow::Result;

use crate::error::{Exit, Fault};
use crate::project::Project;
use crate::project::config::Config;
use crate::project::lock::Lock;
use crate::project::names::{RelPath, Word};
use crate::project::owner::Policy;
use crate::project::tree::Entry;
use crate::ui::Ui;

use subject::Subject;

pub use ask::ask;
pub use checkout::Checkout;
pub use home::{Home, NewFile, Rename};
pub use hunk::{Answer, Answers, Choice, Hunk, Standing};
pub use proposal::{FileEdit, Offer, Proposal};

/// What the user said about an exchange.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Only these paths of the project, and what is below them; all when empty.
    pub only: Vec<RelPath>,
    /// What becomes of single edits.
    pub answers: Answers,
    /// Whether edits made on other templates are merged into the checkout's.
    pub rebase: bool,
    /// Whether the templates of files that were deleted go.
    pub delete: bool,
    /// The same for single files.
    pub deleted: Vec<RelPath>,
    /// Files of the project that are to become templates.
    pub new: Vec<NewFile>,
    /// Templates' files that have other names in the project.
    pub renames: Vec<Rename>,
}

impl Wish {
    fn is_about(&self, path: &RelPath) -> bool {
        let mut around = path.folders().chain([path.clone()]);
        self.only.is_empty() || around.any(|around| self.only.contains(&around))
    }

    /// The files of the project that no template made and that are named.
    fn named(&self) -> impl Iterator<Item = &RelPath> {
        let new = self.new.iter().map(|new| &new.path);
        new.chain(self.renames.iter().map(|rename| &rename.to))
    }

    /// Refuses names of files that cannot be what they are named as.
    fn check(&self, subject: &Subject) -> Result<(), Fault> {
        for path in self.named() {
            if !subject.strays.contains(path) {
                let why = match guard::never_as_new(path) {
                    Some(why) => why,
                    None if subject.state.files.contains_key(path) => "a template made it",
                    None => "it is not there, or git ignores it",
                };
                let message = format!("{path} cannot become a template: {why}");
                return Err(Fault::new(message).exit(Exit::Usage));
            }
        }
        for Rename { from, .. } in &self.renames {
            let why = match subject.state.files.get(from) {
                None => "no template made it",
                Some(known) if known.policy == Policy::Once => {
                    "it is this project's own since its birth"
                }
                Some(_) if *subject.tree.entry(from) != Entry::Missing => "it is still there",
                Some(_) => continue,
            };
            let message = format!("{from} cannot have been renamed: {why}");
            return Err(Fault::new(message).exit(Exit::Usage));
        }
        Ok(())
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
    /// When one cannot be read, they do not belong together, or the wish names files that are not there.
    pub fn read(project: &Project, templates: Option<&Path>, wish: &Wish) -> Result<Self> {
        let checkout = Checkout::open(templates)?;
        let subject = Subject::read(project, &checkout, wish)?;
        wish.check(&subject)?;
        Ok(Self { subject, checkout })
    }

    /// The templates.
    pub fn checkout(&self) -> &Checkout {
        &self.checkout
    }

    /// The layers that a new file can belong to, those of the project first.
    pub fn homes(&self, path: &RelPath) -> Vec<Home> {
        let Config { theme, modules, .. } = &self.subject.config;
        let pages = |module: &Word| Home::Pages {
            theme: theme.clone(),
            module: module.clone(),
        };
        let own = [Home::Base, Home::Theme(theme.clone()), Home::Runtime].into_iter();
        let of_modules = modules.keys().cloned().map(Home::Module);
        let all = own.chain(of_modules).chain(modules.keys().map(pages));
        all.filter(|home| home.template(path.as_str(), false).is_some())
            .collect()
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

//! From a project, a checkout and a wish to a [`Proposal`].

use anyhow::{Context, Result};

use super::draft::Draft;
use super::file::{Found, Sight};
use super::fresh::fresh;
use super::gone;
use super::hunk::Hunk;
use super::mode::mode;
use super::others::{Renderer, Setting};
use super::proposal::{FileEdit, Offer, Proposal, Skipped};
use super::{SyncBack, Wish};
use crate::error::Fault;
use crate::evolve;
use crate::project::names::RelPath;
use crate::project::owner::Policy;
use crate::project::state::FileState;
use crate::project::tree::Entry;

impl SyncBack {
    /// What would go back.
    ///
    /// # Errors
    /// When the templates would not fit together any more.
    pub fn propose(&self, wish: &Wish) -> Result<Proposal> {
        let catalogue = &self.checkout.catalogue;
        let kinds = evolve::kinds(Some(&self.subject.state));
        let own = Setting::new(self.subject.config.clone(), catalogue, kinds);
        let renderer = Renderer::new(own, catalogue)?;
        let mut proposing = Proposing {
            sight: Sight {
                subject: &self.subject,
                checkout: &self.checkout,
                answers: &wish.answers,
                renderer: &renderer,
            },
            wish,
            draft: Draft::new(&self.checkout),
            proposal: Proposal::default(),
        };
        for (path, known) in &self.subject.state.files {
            let is_renamed = wish.renames.iter().any(|rename| rename.from == *path);
            if (wish.is_about(path) || is_renamed) && known.policy == Policy::Managed {
                proposing.look(path, known);
            }
        }
        proposing.fresh();
        proposing.offers();
        let Proposing {
            draft,
            mut proposal,
            ..
        } = proposing;
        proposal.writes = draft.finish(&renderer).context(
            Fault::new("the templates would not fit together any more, so nothing goes back").hint(
                "leave files that are new, deleted or renamed out, or mend the templates by hand",
            ),
        )?;
        Ok(proposal)
    }
}

struct Proposing<'a> {
    sight: Sight<'a>,
    wish: &'a Wish,
    draft: Draft<'a>,
    proposal: Proposal,
}

impl Proposing<'_> {
    /// Looks at the file that a template made at `path`.
    fn look(&mut self, path: &RelPath, known: &FileState) {
        match self.sight.look(path, known) {
            Found::Nothing => {}
            Found::Skip(reason) => self.skip(path, reason),
            Found::Deleted => self.gone(path, known),
            Found::Edited(edit, write) => {
                if let Some(write) = write {
                    self.draft.put(&edit.template, write.after);
                }
                self.proposal.files.push(edit);
            }
        }
        if let Entry::File(file) = self.sight.subject.tree.entry(path) {
            let hunk = mode(self.sight, (path, known), file, &mut self.draft);
            if let Some(hunk) = hunk {
                self.add(path, known, hunk);
            }
        }
    }

    /// Adds an edit to those of the file at `path`.
    fn add(&mut self, path: &RelPath, known: &FileState, hunk: Hunk) {
        match self.proposal.files.last_mut() {
            Some(file) if file.path == *path => file.hunks.push(hunk),
            Some(_) | None => self
                .proposal
                .files
                .extend(FileEdit::new(path, known, vec![hunk])),
        }
    }

    /// A file that was deleted or has another name.
    fn gone(&mut self, path: &RelPath, known: &FileState) {
        let renamed = self.wish.renames.iter().find(|rename| rename.from == *path);
        let edit = match renamed {
            Some(rename) => gone::renamed(self.sight, rename, known, &mut self.draft),
            None if self.wish.delete || self.wish.deleted.contains(path) => {
                gone::deleted(self.sight, path, known, &mut self.draft)
            }
            None => {
                let base = self.sight.subject.base(known).unwrap_or_default();
                let to = gone::become_of(base, self.sight.subject.fresh());
                let path = path.clone();
                let to = to.filter(|to| !self.is_taken(to)).cloned();
                self.proposal.offers.push(Offer::Gone { path, to });
                return;
            }
        };
        self.note(path, edit);
    }

    /// The files that are to become templates.
    fn fresh(&mut self) {
        for new in &self.wish.new {
            if let Some(file) = self.sight.subject.fresh_file(&new.path) {
                let edit = fresh(self.sight, new, file, &mut self.draft);
                self.note(&new.path, edit);
            }
        }
    }

    /// Whether a file that no template made is asked for or proposed already.
    fn is_taken(&self, path: &RelPath) -> bool {
        let offers = self.proposal.offers.iter();
        let mut renamed = offers.filter_map(|offer| match offer {
            Offer::Gone { to, .. } => to.as_ref(),
            Offer::New { .. } => None,
        });
        self.wish.named().any(|named| named == path) || renamed.any(|to| to == path)
    }

    /// What could go back if it were asked for.
    fn offers(&mut self) {
        let strays = self.sight.subject.strays.iter();
        let new: Vec<_> = strays
            .filter(|path| self.wish.is_about(path) && !self.is_taken(path))
            .map(|path| Offer::New { path: path.clone() })
            .collect();
        self.proposal.offers.extend(new);
    }

    fn note(&mut self, path: &RelPath, edit: Result<FileEdit, String>) {
        match edit {
            Ok(edit) => self.proposal.files.push(edit),
            Err(reason) => self.skip(path, reason),
        }
    }

    fn skip(&mut self, path: &RelPath, reason: String) {
        self.proposal.skipped.push(Skipped {
            path: path.clone(),
            reason,
        });
    }
}

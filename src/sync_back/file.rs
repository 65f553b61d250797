//! One file that was applied to the project: whether it has edits, and what becomes of them.

use super::checkout::Checkout;
use super::guard;
use super::hunk::{Answers, Hunk, HunkId, Question};
use super::proposal::{FileEdit, Write};
use super::subject::Subject;
use super::target::{Sides, Target, target};
use super::verbatim::{self, Surroundings, answered};
use crate::catalogue::template::Source;
use crate::digest::Digest;
use crate::merge::SIZE_LIMIT;
use crate::project::names::RelPath;
use crate::project::owner::{Owner, Policy};
use crate::project::state::FileState;
use crate::project::tree::{Entry, FileOnDisk};

/// What is found at a path.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing to carry.
    Nothing,
    /// Something that does not go back; why.
    Skip(String),
    /// The file was deleted.
    Deleted,
    /// Edits, and what they make of the template.
    Edited(FileEdit, Option<Write>),
}

/// Everything that is known when a file is judged.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    pub subject: &'a Subject,
    pub checkout: &'a Checkout,
    pub answers: &'a Answers,
}

impl Sight<'_> {
    /// Looks at the file that the state knows at `path`.
    pub fn look(self, path: &RelPath, known: &FileState) -> Found {
        let skip = |reason: &str| Found::Skip(reason.to_owned());
        let disk = self.subject.tree.entry(path);
        if known.policy == Policy::Once {
            return Found::Nothing;
        }
        let file = match disk {
            Entry::File(file) => file,
            Entry::Missing => return Found::Deleted,
            Entry::Link => return skip("a symbolic link stands there"),
            Entry::Folder(_) | Entry::Special => {
                return skip("something that is no file stands there");
            }
            Entry::Blocked(_) | Entry::Alias(_) => return skip("it stands elsewhere now"),
        };
        let is_edited = known.digest != Some(Digest::of(&file.bytes));
        match (is_edited, file.mode == known.mode.on_disk()) {
            (false, true) => Found::Nothing,
            (false, false) => skip("who may run it is said in the manifest beside its template"),
            (true, _) => self.edited(path, known, file),
        }
    }

    fn edited(self, path: &RelPath, known: &FileState, file: &FileOnDisk) -> Found {
        let skip = |reason: String| Found::Skip(reason);
        if let Some(reason) = guard::never(path) {
            return skip(reason.into());
        }
        let Some(source) = self.checkout.source(&known.template) else {
            return skip(format!(
                "its template, {}, is not among those of {}",
                known.template,
                self.checkout.root().display()
            ));
        };
        let Ok(template) = known.template.parse::<RelPath>() else {
            return skip(format!("its template, {}, has no place", known.template));
        };
        if is_rendered(known) {
            return skip(format!("it is rendered: change {template} by hand"));
        }
        let base = match known.digest {
            Some(digest) if digest == source.digest => Some(&*source.bytes),
            _ => self.subject.base(known),
        };
        if guard::has_markers(&file.bytes, &source.bytes) {
            return skip("it holds conflict markers".into());
        }
        let edited = match target(Sides {
            base,
            edited: &file.bytes,
            rendered: &source.bytes,
        }) {
            Target::Same => return Found::Nothing,
            Target::Bytes(bytes) => bytes,
            Target::NoBase if is_text(&file.bytes) => {
                return skip(NOT_KEPT.into());
            }
            // What was applied is kept of text only.
            Target::NoBase | Target::Conflict => {
                let hunk = self.whole(path, &file.bytes, CHANGED_TOO);
                return found(path, template, &known.owner, (vec![hunk], None));
            }
        };
        let carried = self.carried(path, source, &edited);
        found(path, template, &known.owner, carried)
    }

    fn carried(self, path: &RelPath, source: &Source, edited: &[u8]) -> (Vec<Hunk>, Option<Write>) {
        if !is_text(edited) || !is_text(&source.bytes) {
            let hunk = self.binary(path, edited);
            let after = hunk.standing.goes_back().then(|| edited.to_vec());
            return (vec![hunk], written(source, after));
        }
        let around = Surroundings {
            path,
            values: &self.subject.values,
            secrets: &self.subject.secrets,
            answers: self.answers,
        };
        let carried = verbatim::carry(around, &source.bytes, edited);
        (carried.hunks, written(source, Some(carried.source)))
    }

    /// The one edit of a file that is no text.
    fn binary(self, path: &RelPath, edited: &[u8]) -> Hunk {
        let id = HunkId::of(path, b"", edited, 0);
        let standing = if self
            .subject
            .secrets
            .are_in(&String::from_utf8_lossy(edited))
        {
            super::hunk::Standing::Refused("it holds a secret of this project".into())
        } else {
            answered(None, self.answers.to(&id))
        };
        Hunk {
            id,
            line: 1,
            removed: String::new(),
            added: String::new(),
            standing,
        }
    }

    /// An edit of a whole file that nobody can place.
    fn whole(self, path: &RelPath, edited: &[u8], reason: &str) -> Hunk {
        let id = HunkId::of(path, b"", edited, 0);
        let question = Question {
            reason: reason.into(),
            tag: None,
            choices: Vec::new(),
        };
        Hunk {
            standing: answered(Some(question), self.answers.to(&id)),
            id,
            line: 1,
            removed: String::new(),
            added: String::new(),
        }
    }
}

const NOT_KEPT: &str = "what was applied to it is not kept any more: run `quickscale update` first";

const CHANGED_TOO: &str = "its template has been changed in the same place since; `quickscale update` with that template brings \
     both together in the project";

/// Whether a file is rendered from its template and not copied.
fn is_rendered(known: &FileState) -> bool {
    known.owner != Owner::Runtime && known.template.ends_with(".j2")
}

fn is_text(bytes: &[u8]) -> bool {
    !bytes.contains(&0) && bytes.len() <= SIZE_LIMIT
}

fn written(source: &Source, after: Option<Vec<u8>>) -> Option<Write> {
    let after = after.filter(|after| after[..] != source.bytes[..])?;
    Some(Write {
        before: Some(source.bytes.to_vec()),
        after: Some(after),
    })
}

fn found(
    path: &RelPath,
    template: RelPath,
    owner: &Owner,
    (hunks, write): (Vec<Hunk>, Option<Write>),
) -> Found {
    let edit = FileEdit {
        path: path.clone(),
        template,
        owner: owner.clone(),
        hunks,
    };
    Found::Edited(edit, write)
}

//! One file that was applied to the project: whether it has edits, and what becomes of them.

use std::borrow::Cow;

use super::checkout::Checkout;
use super::guard;
use super::hunk::{Answers, Hunk, HunkId, Question, Standing};
use super::others::Renderer;
use super::proposal::{FileEdit, Write};
use super::rendered;
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

/// The edits of a file, and what those that go back make of its template.
type Edits = (Vec<Hunk>, Option<Write>);

/// What a template should make.
enum Wanted<'a> {
    /// What it makes.
    Nothing,
    /// This.
    Bytes(Cow<'a, [u8]>),
    /// Nobody can tell: it has changed in the same places.
    Conflict,
}

/// Everything that is known when a file is judged.
#[derive(Clone, Copy)]
pub struct Sight<'a> {
    pub subject: &'a Subject,
    pub checkout: &'a Checkout,
    pub answers: &'a Answers,
    pub renderer: &'a Renderer,
}

impl<'a> Sight<'a> {
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
        match is_edited {
            true => self.carry(path, known, file),
            false => Found::Nothing,
        }
    }

    /// Carries the edits of `file` back, which the state knows as `known`.
    pub fn carry(self, path: &RelPath, known: &FileState, file: &FileOnDisk) -> Found {
        let skip = |reason: String| Found::Skip(reason);
        if let Some(reason) = guard::never(path) {
            return skip(reason.into());
        }
        if !self.subject.kept.contains(path) {
            return skip("git ignores it".into());
        }
        let Some(source) = self.checkout.source(&known.template) else {
            return skip(format!(
                "its template, {}, is not among those of {}",
                known.template,
                self.checkout.root().display()
            ));
        };
        let carried = match is_rendered(known) {
            true => self.rendered(path, known, (source, file)),
            false => self.copied(path, known, (source, file)),
        };
        match carried {
            Err(reason) => skip(reason),
            Ok(None) => Found::Nothing,
            Ok(Some((hunks, write))) => match FileEdit::new(path, known, hunks) {
                Some(edit) => Found::Edited(edit, write),
                None => skip(format!("its template, {}, has no place", known.template)),
            },
        }
    }

    /// The edits of a file that is rendered; none when there are none.
    fn rendered(
        self,
        path: &RelPath,
        known: &FileState,
        files: (&Source, &FileOnDisk),
    ) -> Result<Option<Edits>, String> {
        let (source, file) = files;
        let by_hand = |why: &str| format!("{why}: change {} by hand", known.template);
        let text = source
            .text()
            .map_err(|_| by_hand("its template is no text"))?;
        let world = self.renderer.world(&known.template);
        let ruled = world.rule(text);
        let ruled = ruled
            .map_err(|error| by_hand(&format!("its template cannot be taken apart ({error:#})")))?;
        let rendered = ruled.own.text.as_bytes();
        let edited = match self.wanted(known, file, rendered)? {
            Wanted::Nothing => return Ok(None),
            Wanted::Conflict => {
                return Ok(Some((
                    vec![self.whole(path, &file.bytes, CHANGED_TOO)],
                    None,
                )));
            }
            Wanted::Bytes(bytes) => bytes,
        };
        let edited = str::from_utf8(&edited).map_err(|_| by_hand("it is no text"))?;
        let Some(carried) = rendered::carry(self.around(path), &ruled, edited) else {
            let hunk = self.whole(
                path,
                &file.bytes,
                "it differs too much from what its template makes: change the template by hand",
            );
            return Ok(Some((vec![hunk], None)));
        };
        Ok(Some((carried.hunks, written(source, Some(carried.source)))))
    }

    /// The edits of a file that is copied; none when there are none.
    fn copied(
        self,
        path: &RelPath,
        known: &FileState,
        files: (&Source, &FileOnDisk),
    ) -> Result<Option<Edits>, String> {
        let (source, file) = files;
        Ok(match self.wanted(known, file, &source.bytes)? {
            Wanted::Nothing => None,
            Wanted::Conflict => Some((vec![self.whole(path, &file.bytes, CHANGED_TOO)], None)),
            Wanted::Bytes(bytes) => Some(self.carried(path, source, &bytes)),
        })
    }

    /// What the template should make, where it makes `rendered` now.
    fn wanted<'f>(
        self,
        known: &FileState,
        file: &'f FileOnDisk,
        rendered: &'f [u8],
    ) -> Result<Wanted<'f>, String>
    where
        'a: 'f,
    {
        if guard::has_markers(&file.bytes, rendered) {
            return Err("it holds conflict markers".into());
        }
        let base = match known.digest {
            Some(digest) if digest == Digest::of(rendered) => Some(rendered),
            _ => self.subject.base(known),
        };
        let sides = Sides {
            base,
            edited: &file.bytes,
            rendered,
        };
        match target(sides) {
            Target::Same => Ok(Wanted::Nothing),
            Target::Bytes(bytes) => Ok(Wanted::Bytes(bytes)),
            Target::Conflict => Ok(Wanted::Conflict),
            Target::NoBase if is_text(&file.bytes) => Err(NOT_KEPT.into()),
            // What was applied is kept of text only.
            Target::NoBase => Ok(Wanted::Conflict),
        }
    }

    fn around<'p>(&self, path: &'p RelPath) -> Surroundings<'p>
    where
        'a: 'p,
    {
        Surroundings {
            path,
            values: &self.subject.values,
            secrets: &self.subject.secrets,
            answers: self.answers,
        }
    }

    fn carried(self, path: &RelPath, source: &Source, edited: &[u8]) -> Edits {
        if !is_text(edited) || !is_text(&source.bytes) {
            let hunk = self.binary(path, edited);
            let after = hunk.standing.goes_back().then(|| edited.to_vec());
            return (vec![hunk], written(source, after));
        }
        let carried = verbatim::carry(self.around(path), &source.bytes, edited);
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
            Standing::Refused("it holds a secret of this project".into())
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

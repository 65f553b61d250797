//! [`Proposal`]: what would go back, what would not and why, and what has to be answered. A value, shown or carried out.

use std::collections::BTreeMap;

use super::hunk::{Answers, Hunk, HunkId, Question, Standing};
use crate::digest::Digest;
use crate::error::{Exit, Fault};
use crate::plan::{After, Before, Operation};
use crate::project::names::RelPath;
use crate::project::owner::{Mode, Owner};
use crate::project::state::FileState;
use crate::project::tree::{Entry, Tree};

/// Everything that is found in a project and what becomes of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proposal {
    /// The files whose edits go back or could.
    pub files: Vec<FileEdit>,
    /// What changes in the checkout, by the place there.
    pub writes: BTreeMap<RelPath, Write>,
    /// What does not go back.
    pub skipped: Vec<Skipped>,
    /// What goes back only when it is asked for.
    pub offers: Vec<Offer>,
}

/// A file of the project with edits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEdit {
    pub path: RelPath,
    /// The template that it comes from, by its place in the checkout.
    pub template: RelPath,
    pub owner: Owner,
    pub hunks: Vec<Hunk>,
}

impl FileEdit {
    /// The edits of a file that the state knows; none when its template has no place.
    pub fn new(path: &RelPath, known: &FileState, hunks: Vec<Hunk>) -> Option<Self> {
        Some(Self {
            path: path.clone(),
            template: known.template.parse().ok()?,
            owner: known.owner.clone(),
            hunks,
        })
    }
}

/// A file of the checkout that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// What stands there; none when nothing does.
    pub before: Option<Vec<u8>>,
    /// What will stand there; none when it is removed.
    pub after: Option<Vec<u8>>,
}

/// Something that goes back only when it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offer {
    /// A file that no template made.
    New { path: RelPath },
    /// A file that a template made is gone; `to` looks like it under another name.
    Gone { path: RelPath, to: Option<RelPath> },
}

impl Offer {
    /// How it is asked for.
    pub fn flag(&self) -> String {
        match self {
            Self::New { path } => format!("--new {path}=LAYER"),
            Self::Gone { path, to: None } => format!("--delete --only {path}"),
            Self::Gone { path, to: Some(to) } => format!("--rename {path}={to}"),
        }
    }
}

/// A file of the project that stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    pub path: RelPath,
    pub reason: String,
}

impl Proposal {
    /// The edits that need an answer.
    pub fn open(&self) -> impl Iterator<Item = (&FileEdit, &Hunk, &Question)> {
        let hunks = |file| -> Vec<_> { hunks_of(file).collect() };
        self.files
            .iter()
            .flat_map(hunks)
            .filter_map(|(file, hunk)| match &hunk.standing {
                Standing::Open(question) => Some((file, hunk, question)),
                Standing::Placed | Standing::Answered(_) => None,
                Standing::Left | Standing::Refused(_) => None,
            })
    }

    /// Whether nothing goes back and nothing is asked.
    pub fn is_quiet(&self) -> bool {
        self.writes.is_empty() && self.open().next().is_none()
    }

    /// Refuses answers that answer nothing.
    ///
    /// # Errors
    /// When one names no edit, or says what cannot be answered to it ([`Exit::Usage`]).
    pub fn check(&self, answers: &Answers) -> Result<(), Fault> {
        let hunks: Vec<&Hunk> = self.files.iter().flat_map(|file| &file.hunks).collect();
        let ids: Vec<&HunkId> = hunks.iter().map(|hunk| &hunk.id).collect();
        if let Some(stranger) = answers.strangers(&ids).next() {
            return Err(Fault::new(format!("no edit is called {stranger}"))
                .hint("`quickscale sync-back --preview` shows the edits with their names")
                .exit(Exit::Usage));
        }
        for hunk in hunks {
            if let (Standing::Open(question), [.., answer]) = (&hunk.standing, answers.to(&hunk.id))
            {
                let message = format!("{answer} is no answer to {}: {}", hunk.id, question.reason);
                let hint = format!("answer {}", choices(question));
                return Err(Fault::new(message).hint(hint).exit(Exit::Usage));
            }
        }
        Ok(())
    }

    /// What is to be written, where `tree` says what stands in the checkout.
    ///
    /// # Errors
    /// When an edit needs an answer ([`Exit::Conflicts`]).
    pub fn operations(&self, tree: &Tree) -> Result<Vec<Operation>, Fault> {
        let open: Vec<_> = self.open().map(line).collect();
        if !open.is_empty() {
            let many = match open.len() {
                1 => "an edit needs".to_owned(),
                count => format!("{count} edits need"),
            };
            let message = format!(
                "nothing was written, because {many} an answer:{}",
                open.concat()
            );
            let hint = "answer with --hunk ID=CHOICE or on a terminal with --interactive; `skip` leaves an edit to the project";
            return Err(Fault::new(message).hint(hint).exit(Exit::Conflicts));
        }
        let operation = |(path, write): (&RelPath, &Write)| {
            let mode = match tree.entry(path) {
                Entry::File(file) => file.mode,
                _ => Mode::Plain,
            };
            Operation {
                path: path.clone(),
                before: write.before.as_ref().map(|bytes| Before {
                    digest: Digest::of(bytes),
                    mode,
                }),
                after: write.after.clone().map(|bytes| After {
                    bytes: bytes.into(),
                    mode,
                }),
            }
        };
        let mut operations: Vec<_> = self.writes.iter().map(operation).collect();
        // What goes makes room first.
        operations.sort_by_key(|operation| operation.after.is_some());
        Ok(operations)
    }
}

fn hunks_of(file: &FileEdit) -> impl Iterator<Item = (&FileEdit, &Hunk)> {
    file.hunks.iter().map(move |hunk| (file, hunk))
}

fn line((file, hunk, question): (&FileEdit, &Hunk, &Question)) -> String {
    format!(
        "\n  {} {}:{}: {} ({})",
        hunk.id,
        file.path,
        hunk.line,
        question.reason,
        choices(question)
    )
}

/// The answers to a question, as they are given.
pub fn choices(question: &Question) -> String {
    let choices = question.choices.iter().map(ToString::to_string);
    let choices: Vec<_> = choices.chain(["skip".to_owned()]).collect();
    choices.join(" | ")
}

//! From a [`Plan`] and the user's answers to a [`ReadyPlan`]: what is written where, and the state after it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, anyhow};

use super::{Action, After, Change, Conflict, ConflictKind, Input, Plan, plan};
use crate::digest::Digest;
use crate::merge::{self, MarkerLabels};
use crate::project::names::RelPath;
use crate::project::owner::Mode;
use crate::project::state::{FileState, State, kept_as};
use crate::project::tree::{Entry, Tree};
use crate::render::{Desired, DesiredFile};

/// What becomes of a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// The user's file stays; the template's change counts as seen.
    Mine,
    /// The template's file takes its place; the user's is kept in the backup.
    Theirs,
    /// Both, between markers in the file; where that cannot be, the template's beside the user's.
    Markers,
}

/// Answers by path.
pub type Choices = BTreeMap<RelPath, Choice>;

/// The paths that still need an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswered(pub Vec<RelPath>);

/// What an apply does, in this order; nothing else is asked any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadyPlan {
    pub operations: Vec<Operation>,
    /// The state after it.
    pub state: State,
    /// Pristine contents that the state refers to, by their digest.
    pub pristine: BTreeMap<Digest, Cow<'static, [u8]>>,
}

/// One step on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    pub path: RelPath,
    /// What must stand there, or the plan is stale.
    pub before: Option<Before>,
    /// What stands there afterwards; none when the path is removed.
    pub after: Option<After>,
}

/// The file that an operation expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Before {
    pub digest: Digest,
    pub mode: Mode,
}

/// What the template's version is called where it is written beside the user's.
pub const BESIDE_SUFFIX: &str = ".quickscale-new";

impl Plan {
    /// Settles every conflict by `choices`.
    ///
    /// # Errors
    /// The conflicts without an answer. Those left from an earlier apply need none: they wait.
    pub fn resolve(
        &self,
        desired: &Desired,
        state: State,
        choices: &Choices,
    ) -> Result<ReadyPlan, Unanswered> {
        let open: Vec<_> = self
            .conflicts()
            .filter(|(change, conflict)| {
                conflict.kind != ConflictKind::Unresolved && !choices.contains_key(&change.path)
            })
            .map(|(change, _)| change.path.clone())
            .collect();
        if !open.is_empty() {
            return Err(Unanswered(open));
        }
        let mut ready = Ready {
            state,
            operations: Vec::new(),
            pristine: BTreeMap::new(),
        };
        for change in &self.changes {
            let wanted = change.renamed_from.as_ref().unwrap_or(&change.path);
            ready.carry_out(change, desired.files.get(wanted), choices.get(&change.path));
        }
        Ok(ready.finish(desired))
    }
}

impl ReadyPlan {
    /// The plan of a project that is not there yet: every file is new, and nobody has to be asked.
    ///
    /// # Errors
    /// Never, as long as nothing stands in the way in a project that is not there.
    pub fn from_nothing(desired: &Desired, state: State) -> Result<Self> {
        let nothing = Tree::default();
        let plan = plan(&Input {
            desired,
            state: None,
            pristine: &BTreeMap::new(),
            tree: &nothing,
            strays: &nothing,
            only: &BTreeSet::new(),
        });
        let ready = plan.resolve(desired, state, &Choices::new());
        ready.map_err(|Unanswered(paths)| anyhow!("conflicts in a new project: {paths:?}"))
    }
}

struct Ready {
    state: State,
    operations: Vec<Operation>,
    pristine: BTreeMap<Digest, Cow<'static, [u8]>>,
}

impl Ready {
    fn carry_out(
        &mut self,
        change: &Change,
        wanted: Option<&DesiredFile>,
        choice: Option<&Choice>,
    ) {
        match &change.action {
            Action::Create | Action::Update | Action::Merge => {
                self.write(change, change.after.clone())
            }
            Action::Remove => self.remove(&change.path, change.before.as_ref()),
            Action::Adopt | Action::Forget | Action::KeepEdit | Action::KeepDeleted => {}
            Action::Conflict(conflict) => match choice {
                Some(choice) => self.settle(change, conflict, wanted, *choice),
                // It stays as it is, and so does what is known of it.
                None => return,
            },
        }
        match (&change.action, choice) {
            (Action::Conflict(conflict), Some(Choice::Mine | Choice::Theirs))
                if conflict.kind == ConflictKind::Renamed =>
            {
                self.note_at_its_place(change, wanted);
            }
            _ => self.note(change, wanted),
        }
    }

    /// Writes a file; one whose template has moved leaves its old place.
    fn write(&mut self, change: &Change, after: Option<After>) {
        let before = match change.from {
            Some(_) => None,
            None => change.before.as_ref().and_then(expected),
        };
        self.operations.push(Operation {
            path: change.path.clone(),
            before,
            after,
        });
        if let Some(from) = &change.from {
            self.remove(from, change.before.as_ref());
        }
    }

    fn remove(&mut self, path: &RelPath, before: Option<&Entry>) {
        let before = before.and_then(expected);
        self.operations.push(Operation {
            path: path.clone(),
            before,
            after: None,
        });
    }

    fn settle(
        &mut self,
        change: &Change,
        conflict: &Conflict,
        wanted: Option<&DesiredFile>,
        choice: Choice,
    ) {
        let Some(wanted) = wanted else { return };
        let theirs = After {
            bytes: wanted.bytes.clone(),
            mode: wanted.mode,
        };
        match (choice, &conflict.marked) {
            (Choice::Mine, _) => self.keep(change),
            (Choice::Theirs, _) if conflict.kind == ConflictKind::Renamed => {
                self.operations
                    .extend(change.renamed_from.clone().map(|path| Operation {
                        path,
                        before: None,
                        after: Some(theirs),
                    }));
            }
            (Choice::Theirs, _) => self.write(change, Some(theirs)),
            (Choice::Markers, Some(marked)) => self.write(change, Some(marked.clone())),
            (Choice::Markers, None) => {
                self.keep(change);
                if let Ok(path) = format!("{}{BESIDE_SUFFIX}", change.path).parse() {
                    self.operations.push(Operation {
                        path,
                        before: None,
                        after: Some(theirs),
                    });
                }
            }
        }
    }

    /// Leaves the user's file as it is, but where its template wants it now.
    fn keep(&mut self, change: &Change) {
        if let (Some(_), Some(Entry::File(file))) = (&change.from, &change.before) {
            let mine = After {
                bytes: file.bytes.clone().into(),
                mode: file.mode,
            };
            self.write(change, Some(mine));
        }
    }

    /// The user did not rename the file: it was deleted, or is written again, where its template wants it.
    fn note_at_its_place(&mut self, change: &Change, wanted: Option<&DesiredFile>) {
        if let Some(former) = &change.formerly {
            self.state.files.remove(former);
        }
        if let (Some(path), Some(wanted)) = (&change.renamed_from, wanted) {
            self.state.files.insert(path.clone(), FileState::of(wanted));
        }
    }

    /// What is known of a path from now on.
    fn note(&mut self, change: &Change, wanted: Option<&DesiredFile>) {
        if let Some(former) = &change.formerly {
            self.state.files.remove(former);
        }
        match wanted {
            None => {
                self.state.files.remove(&change.path);
            }
            Some(wanted) => {
                let mut known = FileState::of(wanted);
                known.unresolved = self.has_markers(change);
                known.renamed_from.clone_from(&change.renamed_from);
                self.state.files.insert(change.path.clone(), known);
            }
        }
    }

    fn has_markers(&self, change: &Change) -> bool {
        let mut written = self.operations.iter().rev();
        let written = written.find(|operation| operation.path == change.path);
        matches!(change.action, Action::Conflict(_))
            && written
                .and_then(|operation| operation.after.as_ref())
                .is_some_and(|after| {
                    merge::has_open_conflict(&after.bytes, MarkerLabels::default())
                })
    }

    fn finish(mut self, desired: &Desired) -> ReadyPlan {
        let known = self.state.files.values().filter_map(|known| known.digest);
        let needed: BTreeSet<Digest> = known.collect();
        for file in desired.files.values() {
            if let Some(digest) = kept_as(file).filter(|digest| needed.contains(digest)) {
                self.pristine.insert(digest, file.bytes.clone());
            }
        }
        // What goes makes room first: a file for a folder, a name for the same one in other letters.
        self.operations
            .sort_by_key(|operation| operation.after.is_some());
        ReadyPlan {
            operations: self.operations,
            state: self.state,
            pristine: self.pristine,
        }
    }
}

fn expected(entry: &Entry) -> Option<Before> {
    match entry {
        Entry::File(file) => Some(Before {
            digest: Digest::of(&file.bytes),
            mode: file.mode,
        }),
        Entry::Missing | Entry::Link | Entry::Folder(_) => None,
        Entry::Special | Entry::Blocked(_) | Entry::Alias(_) => None,
    }
}

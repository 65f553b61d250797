//! From what is wanted, what was applied and what stands on disk to a [`Plan`]: a value that `plan` shows and `apply`
//! carries out. Pure: nothing here reads or writes.

mod decide;
#[cfg(test)]
mod laws;
mod places;
pub mod preview;
mod resolve;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::digest::Digest;
use crate::project::names::RelPath;
use crate::project::owner::{Mode, Owner, Policy};
use crate::project::state::{FileState, State};
use crate::project::tree::{Entry, Tree};
use crate::render::{Desired, DesiredFile};

use places::{Kind, Place};

pub use decide::{After, Base, Sides, Verdict, decide};
pub use resolve::{BESIDE_SUFFIX, Before, Choice, Choices, Operation, ReadyPlan, Unanswered};

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    pub desired: &'a Desired,
    /// None before the first apply.
    pub state: Option<&'a State>,
    /// The pristine contents that are kept and whole, by their digest.
    pub pristine: &'a BTreeMap<Digest, Vec<u8>>,
    pub tree: &'a Tree,
    /// Files that nobody knows, among which those that the user has renamed are looked for.
    pub strays: &'a Tree,
    /// Which owners it is about; all of them when empty.
    pub only: &'a BTreeSet<Owner>,
}

/// Everything that an apply would do, path by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    pub changes: Vec<Change>,
}

/// What is to be done at one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub path: RelPath,
    /// Where the file stands until then, when its template has moved.
    pub from: Option<RelPath>,
    /// Where its template wants it, when the user has renamed the file.
    pub renamed_from: Option<RelPath>,
    /// Where the state knows it until then, when that is elsewhere.
    pub formerly: Option<RelPath>,
    pub owner: Owner,
    pub policy: Policy,
    pub action: Action,
    /// Why, for people; empty where the action says it all.
    pub reason: Cow<'static, str>,
    /// What stands there now.
    pub before: Option<Entry>,
    /// What will stand there, where something is written.
    pub after: Option<After>,
    /// Whether its contents hold secrets and are not shown.
    pub secret: bool,
}

/// What is done at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A new file.
    Create,
    /// The user has not touched it: the template's newer contents take its place.
    Update,
    /// Both sides' changes go in.
    Merge,
    /// Nobody wants it any more and the user has not touched it.
    Remove,
    /// It is already as wanted, or the user's from now on; only the state changes.
    Adopt,
    /// Nobody wants it any more, but it holds the user's work: it stays and is the user's.
    Forget,
    /// The user has changed it and the template has not.
    KeepEdit,
    /// The user has deleted it, and the template has changed.
    KeepDeleted,
    /// The user has to say what becomes of it.
    Conflict(Conflict),
}

/// Why a path needs an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    pub kind: ConflictKind,
    /// Both sides in one text, between markers, where the contents are text.
    pub marked: Option<After>,
}

/// The kinds of conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictKind {
    /// So many places that both sides changed.
    Hunks(usize),
    /// Both sides changed something that cannot be merged.
    BothChanged,
    /// Something of the user's stands where a new file should go.
    InTheWay,
    /// The file is gone, and one that resembles it has appeared.
    Renamed,
    /// An earlier conflict whose markers are still in the file.
    Unresolved,
}

impl Action {
    /// The word that scripts read.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Merge => "merge",
            Self::Remove => "remove",
            Self::Adopt => "adopt",
            Self::Forget => "forget",
            Self::KeepEdit => "keep_edit",
            Self::KeepDeleted => "keep_deleted",
            Self::Conflict(_) => "conflict",
        }
    }

    /// Whether an apply has something to do here, if only to the state.
    pub fn is_pending(&self) -> bool {
        match self {
            Self::Create | Self::Update | Self::Merge | Self::Remove => true,
            Self::Adopt | Self::Forget | Self::KeepDeleted => true,
            Self::KeepEdit => false,
            Self::Conflict(conflict) => conflict.kind != ConflictKind::Unresolved,
        }
    }
}

impl Serialize for Action {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl Change {
    /// A file of the user's that is rewritten because they asked for it.
    pub fn asked(path: RelPath, stands: &Entry, bytes: Vec<u8>) -> Self {
        let mode = match stands {
            Entry::File(file) => file.mode,
            _ => Mode::Plain,
        };
        Self {
            path,
            from: None,
            renamed_from: None,
            formerly: None,
            owner: Owner::Base,
            policy: Policy::Once,
            action: Action::Update,
            reason: "as you asked".into(),
            before: Some(stands.clone()),
            after: Some(After {
                bytes: bytes.into(),
                mode,
            }),
            secret: false,
        }
    }
}

impl Plan {
    /// Whether an apply would change neither a file nor the state.
    pub fn is_quiet(&self) -> bool {
        !self.changes.iter().any(|change| change.action.is_pending())
    }

    /// Whether the markers of an earlier conflict are still to be resolved somewhere.
    pub fn has_markers(&self) -> bool {
        self.conflicts()
            .any(|(_, conflict)| conflict.kind == ConflictKind::Unresolved)
    }

    /// Puts `change` in the place of what was planned for its path.
    pub fn rewrite(&mut self, change: Change) {
        self.changes.retain(|other| other.path != change.path);
        let place = self
            .changes
            .partition_point(|other| other.path < change.path);
        self.changes.insert(place, change);
    }

    /// The changes that need an answer.
    pub fn conflicts(&self) -> impl Iterator<Item = (&Change, &Conflict)> {
        self.changes
            .iter()
            .filter_map(|change| match &change.action {
                Action::Conflict(conflict) => Some((change, conflict)),
                _ => None,
            })
    }

    /// How often each action occurs, by its name.
    pub fn summary(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for change in &self.changes {
            *counts.entry(change.action.name()).or_default() += 1;
        }
        counts
    }
}

/// Compares the three versions of every path.
pub fn plan(input: &Input<'_>) -> Plan {
    let places = places::places(input);
    let vacated = places.iter().filter(|place| vacates(input, place));
    let vacated = vacated.map(|place| place.stands).collect();
    let changes = places
        .iter()
        .filter_map(|place| change(input, place, &vacated));
    Plan {
        changes: changes.collect(),
    }
}

/// Whether nothing stands any more where the file stood, so that another can come there: a folder of its name, or the
/// same name in other letters.
fn vacates(input: &Input<'_>, place: &Place<'_>) -> bool {
    let may = place.wanted.is_none() || place.kind == Kind::TemplateMoved;
    let change = may
        .then(|| change(input, place, &BTreeSet::new()))
        .flatten();
    change.is_some_and(|change| match change.action {
        Action::Remove => true,
        Action::Conflict(conflict) => {
            change.from.is_some() && conflict.kind != ConflictKind::Unresolved
        }
        Action::Create | Action::Update | Action::Merge => change.from.is_some(),
        Action::Adopt | Action::Forget | Action::KeepEdit | Action::KeepDeleted => false,
    })
}

fn change(input: &Input<'_>, place: &Place<'_>, vacated: &BTreeSet<&RelPath>) -> Option<Change> {
    let wanted = place.wanted.and_then(|path| input.desired.files.get(path));
    let known = input.state.and_then(|state| state.files.get(place.known));
    let owner = meant(input, wanted, known)?;
    let base = known.map(|state| Base {
        state,
        bytes: state
            .digest
            .and_then(|digest| input.pristine.get(&digest))
            .map(Vec::as_slice),
    });
    let mut disk = place.entry(input);
    if known.is_none() && disk.is_free_without(|path| vacated.contains(path)) {
        disk = &Entry::Missing;
    }
    let decided = decide(Sides { base, disk, wanted }).or_else(|| relocated(known, wanted, disk));
    let decided = match place.kind {
        Kind::Usual | Kind::Respelled => decided,
        Kind::TemplateMoved => moved(decided, disk),
        Kind::UserRenamed => decided.or(Some(FOLLOWED)),
        Kind::UserMayHaveRenamed => decided.and(Some(resembles(base, disk, wanted))),
    }?;
    let written = place.written;
    Some(Change {
        path: written.clone(),
        from: (place.kind == Kind::TemplateMoved).then(|| place.known.clone()),
        renamed_from: place.wanted.filter(|path| *path != written).cloned(),
        formerly: (place.known != written).then(|| place.known.clone()),
        owner: owner.clone(),
        policy: wanted
            .map(|file| file.policy)
            .or(known.map(|file| file.policy))?,
        reason: match input.desired.gone.get(place.known) {
            Some(why) if decided.action == Action::Forget => why.clone().into(),
            _ => decided.reason.into(),
        },
        action: decided.action,
        before: Some(disk.clone()).filter(|entry| *entry != Entry::Missing),
        after: decided.after,
        secret: wanted.is_some_and(|file| file.digest.is_none()),
    })
}

/// Whose file it is, when the plan is about it.
fn meant<'a>(
    input: &Input<'_>,
    wanted: Option<&'a DesiredFile>,
    known: Option<&'a FileState>,
) -> Option<&'a Owner> {
    let now = wanted.map(|file| &file.owner);
    let before = known.map(|file| &file.owner);
    let owner = now.or(before)?;
    if wanted.is_none() && matches!(owner, Owner::Service(_)) {
        // A generated service is nobody's but the user's.
        return None;
    }
    // A file that changes hands is about both.
    let mut owners = [now, before].into_iter().flatten();
    let meant = input.only.is_empty() || owners.all(|owner| input.only.contains(owner));
    meant.then_some(owner)
}

/// What is said of a file that the user has renamed and that needs nothing else.
const FOLLOWED: Verdict = Verdict {
    action: Action::Adopt,
    reason: "you have renamed it; it is followed",
    after: None,
};

/// A file that the user may have renamed and changed: only they know.
fn resembles(base: Option<Base<'_>>, disk: &Entry, wanted: Option<&DesiredFile>) -> Verdict {
    let marked = match decide(Sides { base, disk, wanted }) {
        Some(Verdict { after, .. }) if after.is_some() => after,
        Some(Verdict {
            action: Action::Conflict(conflict),
            ..
        }) => conflict.marked,
        _ => None,
    };
    Verdict {
        action: Action::Conflict(Conflict {
            kind: ConflictKind::Renamed,
            marked,
        }),
        reason: "a template's file is gone and this one resembles it: did you rename it?",
        after: None,
    }
}

/// A file that stays as it is but comes from elsewhere now: another owner, another template.
fn relocated(
    known: Option<&FileState>,
    wanted: Option<&DesiredFile>,
    disk: &Entry,
) -> Option<Verdict> {
    let (known, wanted) = (known?, wanted?);
    let same = known.owner == wanted.owner && known.template == wanted.template;
    let reason = match disk {
        Entry::Missing => "its template belongs to another part now",
        _ => "it stays; its template belongs to another part now",
    };
    (!same).then_some(Verdict {
        action: Action::Adopt,
        reason,
        after: None,
    })
}

/// A file that has to be written at its new place although its contents stay.
fn moved(decided: Option<Verdict>, disk: &Entry) -> Option<Verdict> {
    let writes = decided
        .as_ref()
        .is_some_and(|verdict| match &verdict.action {
            Action::KeepEdit | Action::Adopt => false,
            Action::Create | Action::Update | Action::Merge | Action::Remove => true,
            Action::Forget | Action::KeepDeleted | Action::Conflict(_) => true,
        });
    match disk {
        Entry::File(file) if !writes => Some(Verdict {
            action: Action::Update,
            reason: "its template has moved",
            after: Some(After {
                bytes: file.bytes.clone().into(),
                mode: file.mode,
            }),
        }),
        _ => decided,
    }
}

//! What to do with one path: the table of three versions, as a pure function.

use std::borrow::Cow;

use super::{Action, Conflict, ConflictKind};
use crate::digest::Digest;
use crate::merge::{self, MarkerLabels, Merged, Unmergeable, Versions};
use crate::project::owner::{Mode, Policy};
use crate::project::state::FileState;
use crate::project::tree::{Entry, FileOnDisk};
use crate::render::DesiredFile;

/// One path's three versions.
#[derive(Debug, Clone, Copy)]
pub struct Sides<'a> {
    /// What was applied last.
    pub base: Option<Base<'a>>,
    /// What stands on disk.
    pub disk: &'a Entry,
    /// What the templates want.
    pub wanted: Option<&'a DesiredFile>,
}

/// What was applied last at a path.
#[derive(Debug, Clone, Copy)]
pub struct Base<'a> {
    /// As the state has it.
    pub state: &'a FileState,
    /// The pristine contents, where they are kept and whole.
    pub bytes: Option<&'a [u8]>,
}

/// What is to be done at a path, and what it then holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub action: Action,
    /// Why, for people; empty where the action says it all.
    pub reason: &'static str,
    /// What will stand there; none where nothing is written.
    pub after: Option<After>,
}

/// Contents and mode of a file that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    pub bytes: Cow<'static, [u8]>,
    pub mode: Mode,
}

/// `None`: nothing is to be done and nothing to be said.
pub fn decide(sides: Sides<'_>) -> Option<Verdict> {
    match (sides.base, sides.wanted) {
        (None, None) => None,
        (None, Some(wanted)) => born(sides.disk, wanted),
        (Some(base), None) => dropped(base, sides.disk),
        (Some(base), Some(wanted)) => match wanted.policy {
            Policy::Once => handed_over(base),
            Policy::Managed => kept(base, sides.disk, wanted),
        },
    }
}

fn verdict(action: Action, reason: &'static str) -> Option<Verdict> {
    Some(Verdict {
        action,
        reason,
        after: None,
    })
}

fn writes(action: Action, bytes: Cow<'static, [u8]>, mode: Mode) -> Option<Verdict> {
    Some(Verdict {
        action,
        reason: "",
        after: Some(After { bytes, mode }),
    })
}

fn conflict(kind: ConflictKind, reason: &'static str) -> Option<Verdict> {
    verdict(Action::Conflict(Conflict { kind, marked: None }), reason)
}

/// A path that was never applied.
fn born(disk: &Entry, wanted: &DesiredFile) -> Option<Verdict> {
    match disk {
        Entry::Missing => writes(Action::Create, wanted.bytes.clone(), wanted.mode),
        Entry::File(file) if file.bytes[..] == wanted.bytes[..] => {
            verdict(Action::Adopt, "it is already as the templates want it")
        }
        Entry::File(_) | Entry::Link if wanted.policy == Policy::Once => {
            verdict(Action::Adopt, "your file stays as it is")
        }
        Entry::File(_) => conflict(ConflictKind::InTheWay, "a file of yours stands there"),
        entry => in_the_way(entry),
    }
}

fn in_the_way(entry: &Entry) -> Option<Verdict> {
    let reason = match entry {
        Entry::Folder(_) => "a folder of yours stands there",
        Entry::Link => "a symbolic link of yours stands there",
        Entry::Special => "something of yours that is no file stands there",
        Entry::Blocked(_) => "its folder is a file or a symbolic link",
        Entry::Alias(_) => "a file of yours stands there, in other letters",
        Entry::Missing | Entry::File(_) => "a file of yours stands there",
    };
    conflict(ConflictKind::InTheWay, reason)
}

/// A path that the templates no longer want.
fn dropped(base: Base<'_>, disk: &Entry) -> Option<Verdict> {
    if base.state.policy == Policy::Once {
        return verdict(Action::Forget, "it has been yours since it was written");
    }
    match disk {
        Entry::Missing => verdict(Action::Forget, "you have deleted it"),
        Entry::File(file) if is_base(base, file) => verdict(Action::Remove, ""),
        Entry::File(_) => verdict(Action::Forget, "you have changed it; it is yours now"),
        Entry::Folder(_) | Entry::Link | Entry::Special | Entry::Blocked(_) | Entry::Alias(_) => {
            verdict(Action::Forget, "something of yours stands there now")
        }
    }
}

/// A file that is the user's since its birth: only its policy may have changed.
fn handed_over(base: Base<'_>) -> Option<Verdict> {
    match base.state.policy {
        Policy::Once => None,
        Policy::Managed => verdict(Action::Adopt, "from now on it is yours"),
    }
}

/// A managed path that was applied before and is still wanted.
fn kept(base: Base<'_>, disk: &Entry, wanted: &DesiredFile) -> Option<Verdict> {
    let template_changed = base.state.digest != wanted.digest;
    match disk {
        Entry::Missing if template_changed => {
            verdict(Action::KeepDeleted, "you have deleted it; it stays deleted")
        }
        Entry::Missing => None,
        Entry::File(file) => kept_file(base, file, wanted),
        Entry::Folder(_) | Entry::Link | Entry::Special | Entry::Blocked(_) | Entry::Alias(_) => {
            if template_changed {
                in_the_way(disk)
            } else {
                verdict(Action::KeepEdit, "something else of yours stands there")
            }
        }
    }
}

fn kept_file(base: Base<'_>, file: &FileOnDisk, wanted: &DesiredFile) -> Option<Verdict> {
    if base.state.unresolved {
        let open = merge::has_open_conflict(&file.bytes, MarkerLabels::default());
        if open {
            return conflict(
                ConflictKind::Unresolved,
                "its conflict markers are still there",
            );
        }
    }
    // The user's wish for the mode wins over a change of the template's.
    let mode = if file.mode == base.state.mode.on_disk() {
        wanted.mode
    } else {
        file.mode
    };
    let keeps_mode = mode.on_disk() == file.mode;
    let template_changed = base.state.digest != wanted.digest;
    let as_wanted = file.bytes[..] == wanted.bytes[..];
    if as_wanted && keeps_mode {
        let mode_changed = base.state.mode.on_disk() != wanted.mode.on_disk();
        let mode_is_there = mode_changed && file.mode == wanted.mode.on_disk();
        return (template_changed || mode_is_there)
            .then(|| verdict(Action::Adopt, "it is already as the templates want it"))
            .flatten();
    }
    if as_wanted || is_base_bytes(base, file) && template_changed {
        return writes(Action::Update, wanted.bytes.clone(), mode);
    }
    if !template_changed {
        return match keeps_mode {
            true => verdict(Action::KeepEdit, ""),
            false => writes(Action::Update, Cow::Owned(file.bytes.to_vec()), mode),
        };
    }
    three_ways(base, file, wanted, mode)
}

const NOT_TEXT: &str = "you and the template changed it, and it is not text";
const TOO_LARGE: &str = "you and the template changed it, and it is too large to merge";

fn three_ways(
    base: Base<'_>,
    file: &FileOnDisk,
    wanted: &DesiredFile,
    mode: Mode,
) -> Option<Verdict> {
    let Some(pristine) = base.bytes else {
        // What no merge takes is not kept.
        let sides = [&file.bytes[..], &wanted.bytes[..]];
        let reason = if !sides.into_iter().all(is_text) {
            NOT_TEXT
        } else if sides.iter().any(|side| side.len() > merge::SIZE_LIMIT) {
            TOO_LARGE
        } else {
            "you and the template changed it, and its pristine copy is missing or damaged"
        };
        return conflict(ConflictKind::BothChanged, reason);
    };
    let versions = Versions {
        base: pristine,
        mine: &file.bytes,
        theirs: &wanted.bytes,
    };
    match merge::merge(versions, MarkerLabels::default()) {
        Merged::Clean(bytes) => writes(Action::Merge, Cow::Owned(bytes), mode),
        Merged::Conflict { marked, hunks } => {
            let marked = Some(After {
                bytes: Cow::Owned(marked),
                mode,
            });
            let kind = ConflictKind::Hunks(hunks);
            verdict(
                Action::Conflict(Conflict { kind, marked }),
                "you and the template changed the same lines",
            )
        }
        Merged::Unmergeable(Unmergeable::Binary) => conflict(ConflictKind::BothChanged, NOT_TEXT),
        Merged::Unmergeable(Unmergeable::TooLarge) => {
            conflict(ConflictKind::BothChanged, TOO_LARGE)
        }
    }
}

fn is_base(base: Base<'_>, file: &FileOnDisk) -> bool {
    is_base_bytes(base, file) && file.mode == base.state.mode.on_disk()
}

fn is_base_bytes(base: Base<'_>, file: &FileOnDisk) -> bool {
    base.state.digest == Some(Digest::of(&file.bytes))
}

fn is_text(bytes: &[u8]) -> bool {
    !bytes.contains(&0)
}

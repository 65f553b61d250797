//! What must stand where a transaction is about to write, and what does. Nothing is written through a link, over a
//! folder or over anything that the plan did not see.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use super::journal::{APPLY_DIR, Contents, Entry, UNDO_DIR};
use crate::digest::Digest;
use crate::error::{Exit, Fault};
use crate::plan::{BESIDE_SUFFIX, Operation};
use crate::project::STATE_DIR;
use crate::project::names::RelPath;
use crate::project::state::BASE_DIR;
use crate::project::tree::{self, Tree};

/// Refuses a plan whose files have moved under it, and one that would replace what must not be.
pub fn check(root: &Path, operations: &[Operation]) -> Result<()> {
    let tree = Tree::read(root, operations.iter().map(|operation| &operation.path))?;
    let mut gone = BTreeSet::new();
    let mut read_only = Vec::new();
    for operation in operations {
        let path = &operation.path;
        let entry = tree.entry(path);
        let expected = Entry::of(operation);
        let as_planned = match (&expected.before, entry) {
            (None, entry) => entry.is_free_without(|path| gone.contains(path)),
            (Some(before), tree::Entry::File(file)) => *before == contents_of(file),
            (Some(_), _) => false,
        };
        if !as_planned {
            return Err(not_as_planned(path, entry).into());
        }
        if expected.before.is_some() && is_read_only(&path.under(root)) {
            read_only.push(path.as_str());
        }
        if operation.after.is_none() {
            gone.insert(path);
        }
    }
    if read_only.is_empty() {
        return Ok(());
    }
    let message = format!(
        "read-only, so nothing was changed: {}",
        read_only.join(", ")
    );
    Err(Fault::new(message)
        .hint("make it writable and run the command again")
        .into())
}

fn is_read_only(file: &Path) -> bool {
    fs_err::symlink_metadata(file).is_ok_and(|found| found.permissions().readonly())
}

fn not_as_planned(path: &RelPath, entry: &tree::Entry) -> Fault {
    let what = match entry {
        tree::Entry::Link => "is a symbolic link",
        tree::Entry::Blocked(_) => "stands behind a symbolic link or a file",
        tree::Entry::Folder(_) => "is a folder",
        tree::Entry::Special => "is no file",
        tree::Entry::Alias(_) => "is there in other letters",
        tree::Entry::File(_) if path.as_str().ends_with(BESIDE_SUFFIX) => {
            let message = format!("{path} is left from an earlier conflict");
            return Fault::new(message).hint("move it away and run the command again");
        }
        tree::Entry::Missing | tree::Entry::File(_) => return stale(path),
    };
    Fault::new(format!(
        "{path} {what}, and only regular files of the project are written"
    ))
    .hint("move it out of the way, or answer `mine`")
}

/// The file is not as the plan saw it.
pub fn stale(path: &RelPath) -> Fault {
    Fault::new(format!("{path} has changed since the plan was made"))
        .hint("plan again")
        .exit(Exit::Stale)
}

/// Refuses a project whose folders of quickscale's lead elsewhere: a clone may bring any link.
pub fn own_folders_are_real(root: &Path) -> Result<()> {
    let own = [APPLY_DIR, UNDO_DIR, BASE_DIR].map(|name| format!("{STATE_DIR}/{name}"));
    for name in [STATE_DIR.to_owned()].into_iter().chain(own) {
        if root.join(&name).is_symlink() {
            let message = format!("{name} is a symbolic link, and quickscale writes through none");
            return Err(Fault::new(message).hint("remove the link").into());
        }
    }
    Ok(())
}

/// What stands where an entry of a journal is to be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// What stood there before the apply.
    Before,
    /// What stands there after it.
    After,
    /// Neither: somebody changed it in between.
    Other,
}

/// Compares what stands at an entry's path with both of its versions. Where they are the same, it is as after.
pub fn stands(root: &Path, entry: &Entry) -> Result<Stands> {
    let tree = Tree::read(root, [&entry.path])?;
    let found = match tree.entry(&entry.path) {
        tree::Entry::Missing => None,
        tree::Entry::File(file) => Some(contents_of(file)),
        // A name in other letters, or a folder, has taken the place of what was removed.
        tree::Entry::Alias(_) if entry.before.is_some() => None,
        tree::Entry::Folder(_) | tree::Entry::Blocked(_) if entry.after.is_none() => None,
        tree::Entry::Link | tree::Entry::Folder(_) | tree::Entry::Special => {
            return Ok(Stands::Other);
        }
        tree::Entry::Blocked(_) | tree::Entry::Alias(_) => return Ok(Stands::Other),
    };
    Ok(if found == entry.after {
        Stands::After
    } else if found == entry.before {
        Stands::Before
    } else {
        Stands::Other
    })
}

fn contents_of(file: &tree::FileOnDisk) -> Contents {
    Contents {
        digest: Digest::of(&file.bytes),
        mode: file.mode,
    }
}

//! The journal of an apply: what it is about to do, on disk before it does it, so that whatever stops the process, the
//! next command finishes or undoes it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::project::names::RelPath;
use crate::project::owner::Mode;

/// The version of the journal's format.
const VERSION: u32 = 1;

/// The folder of an apply under way, inside `.quickscale/`.
pub const APPLY_DIR: &str = "apply";

/// The folder of the last apply that was done, for `undo`.
pub const UNDO_DIR: &str = "undo";

/// What an apply does, in this order; the state comes last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Journal {
    version: u32,
    /// The project's id, so that a copied folder is recognised.
    pub project: String,
    /// The serial of the state that it leads to.
    pub serial: u64,
    pub entries: Vec<Entry>,
}

/// One path that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub path: RelPath,
    /// What stands there before; it is kept under the entry's number in `old/`.
    pub before: Option<Contents>,
    /// What stands there afterwards; it waits under the entry's number in `new/`.
    pub after: Option<Contents>,
}

/// A file without its contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    pub digest: Digest,
    pub mode: Mode,
}

impl Journal {
    pub fn new(project: String, serial: u64, entries: Vec<Entry>) -> Self {
        Self {
            version: VERSION,
            project,
            serial,
            entries,
        }
    }

    /// Reads the journal in `folder`; none when it was never finished.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let path = Self::path(folder);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs_err::read(&path)?;
        let journal = serde_json::from_slice(&text)
            .with_context(|| format!("{} is not a journal of this quickscale", path.display()))?;
        Ok(Some(journal))
    }

    pub fn to_json(&self) -> Result<Vec<u8>> {
        Ok(serde_json::to_vec_pretty(self)?)
    }

    /// Where the journal stands in `folder`.
    pub fn path(folder: &Path) -> PathBuf {
        folder.join("journal.json")
    }

    /// Where the new contents of an entry wait.
    pub fn new_file(folder: &Path, number: usize) -> PathBuf {
        folder.join("new").join(number.to_string())
    }

    /// Where the old contents of an entry are kept.
    pub fn old_file(folder: &Path, number: usize) -> PathBuf {
        folder.join("old").join(number.to_string())
    }
}

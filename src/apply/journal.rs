//! The journal of an apply: what it is about to do, on disk before it does it, so that whatever stops the process, the
//! next command finishes or undoes it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::error::Fault;
use crate::plan::Operation;
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
    /// Whether it can be taken back afterwards.
    pub purpose: Purpose,
    pub entries: Vec<Entry>,
}

/// What a journal is kept for once all is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// An apply: for `undo`.
    Apply,
    /// An apply that is taken back: for nothing.
    Undo,
    /// The first apply that is taken back: for nothing, and the state goes, too.
    Unmake,
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
    /// As [`Mode::on_disk`] tells it.
    pub mode: Mode,
}

impl Entry {
    /// What an operation changes.
    pub fn of(operation: &Operation) -> Self {
        let Operation {
            path,
            before,
            after,
        } = operation;
        let contents = |digest, mode: Mode| Contents {
            digest,
            mode: mode.on_disk(),
        };
        Self {
            path: path.clone(),
            before: before.map(|before| contents(before.digest, before.mode)),
            after: after
                .as_ref()
                .map(|after| contents(Digest::of(&after.bytes), after.mode)),
        }
    }
}

impl Journal {
    pub fn new(purpose: Purpose, entries: Vec<Entry>) -> Self {
        Self {
            version: VERSION,
            purpose,
            entries,
        }
    }

    /// Reads the journal in `folder`; none when it was never finished.
    ///
    /// # Errors
    /// When it cannot be read, or another quickscale wrote it.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let path = Self::path(folder);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs_err::read(&path)?;
        let journal = serde_json::from_slice(&text).with_context(|| {
            let message = format!("{} is not a journal of this quickscale", path.display());
            Fault::new(message).hint("run the quickscale that began the apply")
        })?;
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

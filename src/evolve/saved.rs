//! A plan in a file: what it rests on and what it would write, as digests. It holds no contents and so no secret; an
//! apply of it plans again and refuses when anything differs.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::{Evolution, Selectors};
use crate::catalogue::Catalogue;
use crate::digest::Digest;
use crate::error::{Exit, Fault};
use crate::plan::Change;
use crate::project::names::RelPath;
use crate::project::owner::Mode;
use crate::project::tree::Entry;

/// The version of the file's format.
const VERSION: u32 = 1;

/// A plan as it stands in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedPlan {
    version: u32,
    quickscale: String,
    /// The project's id.
    project: String,
    /// The apply that it follows; after the next one it is stale.
    serial: u64,
    /// The digest of the templates.
    templates: Digest,
    /// The digest of quickscale.yml.
    config: Digest,
    /// What was asked beside what quickscale.yml says.
    selectors: Selectors,
    changes: BTreeMap<RelPath, SavedChange>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedChange {
    action: String,
    /// What stands there.
    before: Option<SavedFile>,
    /// What will stand there; none also for a file that holds a secret.
    after: Option<SavedFile>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedFile {
    digest: Digest,
    mode: Mode,
}

impl SavedPlan {
    /// The plan of `evolution`.
    ///
    /// # Errors
    /// When quickscale.yml cannot be read.
    pub fn of(evolution: &Evolution) -> Result<Self> {
        let config = fs_err::read(evolution.project.config_file())?;
        let state = evolution.state();
        Ok(Self {
            version: VERSION,
            quickscale: env!("CARGO_PKG_VERSION").into(),
            project: state.map(|state| state.project.clone()).unwrap_or_default(),
            serial: state.map_or(0, |state| state.serial),
            templates: Catalogue::pack_digest(),
            config: Digest::of(&config),
            selectors: evolution.selectors.clone(),
            changes: evolution.plan.changes.iter().map(saved).collect(),
        })
    }

    /// Writes the plan to `path`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        Ok(fs_err::write(path, serde_json::to_vec_pretty(self)?)?)
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// When the file is none, or a newer quickscale wrote it.
    pub fn read(path: &Path) -> Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
            quickscale: String,
        }
        let hint = "make one with `quickscale plan --out FILE`";
        let text = fs_err::read(path).context(Fault::new("cannot read the plan").hint(hint))?;
        let none = || {
            let message = format!("{} is not a plan of this quickscale", path.display());
            Fault::new(message).hint(hint)
        };
        let found: Version = serde_json::from_slice(&text).with_context(none)?;
        if found.version > VERSION {
            let message = format!("a newer quickscale ({}) made this plan", found.quickscale);
            return Err(Fault::new(message).hint(hint).exit(Exit::Stale).into());
        }
        serde_json::from_slice(&text).with_context(none)
    }

    /// What the plan was asked for.
    pub fn selectors(&self) -> Selectors {
        self.selectors.clone()
    }

    /// Refuses when anything that the plan rests on has moved.
    ///
    /// # Errors
    /// [`Exit::Stale`], naming what moved.
    pub fn check(&self, evolution: &Evolution) -> Result<()> {
        let now = Self::of(evolution)?;
        let moved = if self.project != now.project {
            "it was made for another project".to_owned()
        } else if self.quickscale != now.quickscale || self.templates != now.templates {
            "it was made by another quickscale".to_owned()
        } else if self.serial != now.serial {
            "the project has been changed by another apply since".to_owned()
        } else if self.config != now.config {
            "quickscale.yml has changed since".to_owned()
        } else if let Some(path) = self.first_difference(&now) {
            format!("{path} has changed since")
        } else {
            return Ok(());
        };
        Err(Fault::new(format!("the plan is stale: {moved}"))
            .hint("plan again")
            .exit(Exit::Stale)
            .into())
    }

    fn first_difference<'a>(&'a self, now: &'a Self) -> Option<&'a RelPath> {
        let paths = self.changes.keys().chain(now.changes.keys());
        paths
            .into_iter()
            .find(|path| self.changes.get(*path) != now.changes.get(*path))
    }
}

fn saved(change: &Change) -> (RelPath, SavedChange) {
    let file = |bytes: &[u8], mode| SavedFile {
        digest: Digest::of(bytes),
        mode,
    };
    let before = match &change.before {
        Some(Entry::File(found)) if !change.secret => Some(file(&found.bytes, found.mode)),
        _ => None,
    };
    let after = change.after.as_ref().filter(|_| !change.secret);
    let saved = SavedChange {
        action: change.action.name().into(),
        before,
        after: after.map(|after| file(&after.bytes, after.mode)),
    };
    (change.path.clone(), saved)
}

//! [`State`]: what was last applied to a project. It stands in `.quickscale/state.yml`, and the pristine contents of
//! managed text in `.quickscale/base/<sha256>`, both for git to keep. No secret is ever in them.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::Project;
#[cfg(test)]
use super::config::Gone;
use super::config::{AppliedConfig, Config};
use super::names::RelPath;
use super::owner::{Mode, Owner, Policy};
use crate::catalogue::Catalogue;
use crate::digest::Digest;
use crate::error::Fault;
use crate::merge::SIZE_LIMIT;
use crate::render::DesiredFile;

/// The version of the file's format.
const STATE_VERSION: u32 = 1;

/// The file, inside `.quickscale/`.
pub const STATE_FILE: &str = "state.yml";

/// The folder of pristine contents, inside `.quickscale/`.
pub const BASE_DIR: &str = "base";

/// What was last applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    version: u32,
    /// The project's own, from its birth on: 32 hexadecimal digits.
    pub project: String,
    /// Counts the applies; a saved plan holds the one that it was made for.
    pub serial: u64,
    /// The version of quickscale that applied.
    pub quickscale: String,
    /// The digest of the templates that were applied.
    pub templates: Digest,
    /// The Config that was applied, with every option.
    pub config: AppliedConfig,
    /// Every file that was applied.
    pub files: BTreeMap<RelPath, FileState>,
}

/// What was last applied at one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileState {
    /// The layer that it came from.
    pub owner: Owner,
    /// What happens to it after its birth.
    pub policy: Policy,
    /// Who may do what with it.
    #[serde(default, skip_serializing_if = "is_plain")]
    pub mode: Mode,
    /// Where its template stands in QuickScale's repository.
    pub template: String,
    /// The digest of what was applied; none for a file that holds a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Where its template wants it, when the user has renamed the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed_from: Option<RelPath>,
    /// Conflict markers were written into it and are to be gone before anything else is done with it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unresolved: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks with a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

fn is_plain(mode: &Mode) -> bool {
    *mode == Mode::Plain
}

impl State {
    /// The state that an apply starts from: the next serial, and when the whole project is applied, this quickscale's
    /// version, templates and `config`. Its files are those of `last` until the plan notes what it does.
    ///
    /// # Errors
    /// When a first state needs an id and the system gives no random numbers.
    pub fn next(
        last: Option<&Self>,
        config: &Config,
        catalogue: &Catalogue,
        whole: bool,
    ) -> Result<Self> {
        let fresh = |project, serial, files| Self {
            version: STATE_VERSION,
            project,
            serial,
            quickscale: env!("CARGO_PKG_VERSION").to_owned(),
            templates: Catalogue::pack_digest(),
            config: AppliedConfig::of(config, catalogue),
            files,
        };
        Ok(match last {
            None => fresh(crate::birth::random_id()?, 1, BTreeMap::new()),
            Some(last) if whole => {
                let next = fresh(last.project.clone(), last.serial + 1, last.files.clone());
                Self {
                    config: next.config.after(&last.config),
                    ..next
                }
            }
            Some(last) => Self {
                serial: last.serial + 1,
                ..last.clone()
            },
        })
    }

    /// Whether there was none before it.
    pub fn is_first(&self) -> bool {
        self.serial == 1
    }

    /// Whether `other` differs in its serial at most.
    pub fn says_as_much_as(&self, other: &Self) -> bool {
        let serial = self.serial;
        *self
            == Self {
                serial,
                ..other.clone()
            }
    }

    /// A state that holds nothing but files.
    #[cfg(test)]
    pub fn for_tests(files: BTreeMap<RelPath, FileState>) -> Self {
        Self {
            version: STATE_VERSION,
            project: "0".repeat(32),
            serial: 1,
            quickscale: "0.0.0".into(),
            templates: Digest::of(b""),
            config: AppliedConfig {
                name: "My SaaS".into(),
                slug: "my-saas".parse().expect("a slug"),
                theme: "htmx".parse().expect("a word"),
                modules: BTreeMap::new(),
                environments: BTreeMap::new(),
                gone: Gone::default(),
            },
            files,
        }
    }

    /// The text of `state.yml`.
    pub fn to_yaml(&self) -> Result<String> {
        let note = "# What quickscale last applied. Keep it in git; do not edit it.\n";
        Ok(format!("{note}{}", serde_yaml::to_string(self)?))
    }

    /// Reads a project's state; none when nothing was ever applied.
    ///
    /// # Errors
    /// When it cannot be read, or a newer quickscale wrote it.
    pub fn load(project: &Project) -> Result<Option<Self>> {
        let path = project.state_dir().join(STATE_FILE);
        if !path.exists() {
            return Ok(None);
        }
        Self::from_yaml(&fs_err::read_to_string(path)?).map(Some)
    }

    /// Reads the text of `state.yml`.
    ///
    /// # Errors
    /// When it is none, or a newer quickscale wrote it.
    pub fn from_yaml(text: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
            quickscale: String,
        }
        let read = || "the state of the project cannot be read";
        let found: Version = serde_yaml::from_str(text).with_context(read)?;
        if found.version > STATE_VERSION {
            let message = format!(
                "this project was last changed by quickscale {}, which is newer than this one ({})",
                found.quickscale,
                env!("CARGO_PKG_VERSION")
            );
            return Err(Fault::new(message).hint("update quickscale").into());
        }
        serde_yaml::from_str(text).with_context(read)
    }
}

impl FileState {
    /// What is known of a file once it has been applied.
    pub fn of(file: &DesiredFile) -> Self {
        Self {
            unresolved: false,
            renamed_from: None,
            owner: file.owner.clone(),
            policy: file.policy,
            mode: file.mode,
            template: file.template.clone(),
            digest: file.digest,
        }
    }
}

/// Under which name the pristine contents of a file are kept, if they are: managed text, to merge with later.
pub fn kept_as(file: &DesiredFile) -> Option<Digest> {
    let can_be_merged = || !file.bytes.contains(&0) && file.bytes.len() <= SIZE_LIMIT;
    file.digest
        .filter(|_| file.policy == Policy::Managed && can_be_merged())
}

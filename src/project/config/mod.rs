//! [`Config`]: what a project should be, as `quickscale.yml` says.

mod read;

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result};

use super::names::{NameError, Slug, Word};
use super::{CONFIG_FILE, Project};
use crate::catalogue::Catalogue;
use crate::catalogue::option::OptionValue;
use crate::error::Fault;

/// The version of the file's format.
pub const CONFIG_VERSION: u32 = 1;

/// What the user wants: checked against a catalogue, so that it can be rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The project's name, for people.
    pub name: DisplayName,
    /// The project's name, for machines.
    pub slug: Slug,
    /// The theme.
    pub theme: Word,
    /// The modules that are on, with the options that are stated; the others have their defaults.
    pub modules: BTreeMap<Word, BTreeMap<Word, OptionValue>>,
}

impl Config {
    /// Reads a project's `quickscale.yml`; all its mistakes are told at once.
    pub fn load(project: &Project, catalogue: &Catalogue) -> Result<Self> {
        let text = fs_err::read_to_string(project.config_file())
            .context(Fault::new("cannot read the configuration"))?;
        Self::parse(&text, catalogue).map_err(|mistakes| {
            let places = mistakes
                .iter()
                .map(|mistake| format!("\n  {CONFIG_FILE}:{}: {}", mistake.place, mistake.message));
            let count = if mistakes.len() == 1 {
                "a mistake".into()
            } else {
                format!("{} mistakes", mistakes.len())
            };
            Fault::new(format!(
                "{CONFIG_FILE} has {count}:{}",
                places.collect::<String>()
            ))
            .hint(format!(
                "mend {} and run the command again",
                project.config_file().display()
            ))
            .into()
        })
    }

    /// The value of an option: as stated, else its default. None for what no module has.
    pub fn option(&self, catalogue: &Catalogue, module: &str, option: &str) -> Option<OptionValue> {
        let manifest = catalogue.module(module)?.manifest.options.get(option)?;
        let stated = self.modules.get(module)?.get(option);
        Some(stated.unwrap_or(&manifest.default).clone())
    }
}

/// What people call a project: one line, not blank, at most 60 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayName(String);

/// The longest name that fits on a page's head and in a line of code.
const LONGEST_NAME: usize = 60;

impl DisplayName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for DisplayName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let text = text.trim();
        if text.is_empty() {
            Err(NameError::new("a project needs a name"))
        } else if let Some(c) = text.chars().find(|c| c.is_control()) {
            Err(NameError::new(format!(
                "a name cannot hold the control character {c:?}"
            )))
        } else if text.chars().count() > LONGEST_NAME {
            Err(NameError::new(format!(
                "a name may have {LONGEST_NAME} characters, this one has {}",
                text.chars().count()
            )))
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

impl fmt::Display for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

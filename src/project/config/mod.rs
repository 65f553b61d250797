//! [`Config`]: what a project should be, as `quickscale.yml` says.

mod applied;
pub mod edit;
mod environment;
mod fixed;
mod read;

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result};

use super::names::{NameError, Slug, Word};
use super::yaml::Mistake;
use super::{CONFIG_FILE, Project};
use crate::catalogue::Catalogue;
use crate::catalogue::option::OptionValue;
use crate::error::Fault;
use crate::ui::excerpts;

pub use applied::AppliedConfig;
#[cfg(test)]
pub use applied::Gone;
pub use environment::Environment;

/// The version of the file's format.
pub const CONFIG_VERSION: u32 = 1;

/// Values of a module's options by their names.
pub type Options = BTreeMap<Word, OptionValue>;

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
    pub modules: BTreeMap<Word, Options>,
    /// What an environment has otherwise: options of modules that are on.
    pub environments: BTreeMap<Environment, BTreeMap<Word, Options>>,
}

impl Config {
    /// Reads a project's `quickscale.yml`; all its mistakes are told at once.
    ///
    /// # Errors
    /// When it cannot be read or has mistakes.
    pub fn load(project: &Project, catalogue: &Catalogue) -> Result<Self> {
        Self::from_text(&text(project)?, catalogue, None)
    }

    /// Reads the text of a `quickscale.yml`. With what was applied before, an option that cannot change later must be as
    /// it was.
    ///
    /// # Errors
    /// When it has mistakes: all at once, with their lines.
    pub fn from_text(
        text: &str,
        catalogue: &Catalogue,
        applied: Option<&AppliedConfig>,
    ) -> Result<Self> {
        Self::parse(text, catalogue, applied)
            .map_err(|mistakes| fault(text, &mistakes, Blame::File).into())
    }

    /// The value of an option: as stated, else its default. None for what no module has.
    pub fn option(&self, catalogue: &Catalogue, module: &str, option: &str) -> Option<OptionValue> {
        let manifest = catalogue.module(module)?.manifest.options.get(option)?;
        let stated = self.modules.get(module)?.get(option);
        Some(stated.unwrap_or(&manifest.default).clone())
    }

    /// The value of an option in one environment. None for what no module has.
    pub fn option_in(
        &self,
        environment: Environment,
        catalogue: &Catalogue,
        module: &str,
        option: &str,
    ) -> Option<OptionValue> {
        let overlay = self.environments.get(&environment);
        let stated = overlay.and_then(|modules| modules.get(module)?.get(option));
        stated
            .cloned()
            .or_else(|| self.option(catalogue, module, option))
    }

    /// The same wish without what goes without saying: a stated default equals an absent one.
    #[must_use]
    pub fn normal(mut self, catalogue: &Catalogue) -> Self {
        let environments = std::mem::take(&mut self.environments);
        for (environment, modules) in environments {
            for (module, mut options) in modules {
                options.retain(|name, value| {
                    self.option(catalogue, module.as_str(), name.as_str())
                        .as_ref()
                        != Some(value)
                });
                if !options.is_empty() {
                    let overlay = self.environments.entry(environment).or_default();
                    overlay.insert(module, options);
                }
            }
        }
        for (module, options) in &mut self.modules {
            let known = catalogue.module(module.as_str());
            let default = |name: &Word| Some(&known?.manifest.options.get(name)?.default);
            options.retain(|name, value| default(name) != Some(value));
        }
        self
    }
}

/// The text of a project's `quickscale.yml`.
///
/// # Errors
/// When it cannot be read.
pub fn text(project: &Project) -> Result<String> {
    fs_err::read_to_string(project.config_file())
        .context(Fault::new("cannot read the configuration"))
}

/// Where the mistakes of a text come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame<'a> {
    /// From the file.
    File,
    /// From the file, which is why these flags cannot be planned.
    FileBefore(&'a str),
    /// From these flags: the file has none without them.
    Flags(&'a str),
}

/// The mistakes of the text of a `quickscale.yml` as one fault.
pub fn fault(text: &str, mistakes: &[Mistake], blame: Blame<'_>) -> Fault {
    let count = match mistakes.len() {
        1 => "a mistake".into(),
        count => format!("{count} mistakes"),
    };
    let excerpts = excerpts(CONFIG_FILE, text, mistakes);
    let head = match blame {
        Blame::File => format!("{CONFIG_FILE} has {count}"),
        Blame::FileBefore(flags) => {
            format!("{CONFIG_FILE} has {count}, so that `{flags}` cannot be planned")
        }
        Blame::Flags(flags) => format!("with `{flags}` {CONFIG_FILE} would have {count}"),
    };
    let hint = match blame {
        Blame::File | Blame::FileBefore(_) => {
            format!("change {CONFIG_FILE} and run the command again")
        }
        Blame::Flags(_) => format!("{CONFIG_FILE} is as it was; ask for something else"),
    };
    Fault::new(format!("{head}:\n\n{excerpts}\n")).hint(hint)
}

/// What people call a project: one line, not blank, at most 60 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayName(String);

/// The longest name that fits on a page's head and in a line of code.
pub const LONGEST_NAME: usize = 60;

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

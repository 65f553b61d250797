//! What a user names on the command line, looked up; what there is not is told with what was probably meant.

use super::option::OptionValue;
use super::{Catalogue, Module, nearest};
use crate::error::{Exit, Fault};
use crate::project::names::Word;

/// An option with its value, as `--set MODULE.OPTION=VALUE` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    pub module: Word,
    pub option: Word,
    pub value: OptionValue,
}

impl Catalogue {
    /// The names of all modules, each after those that it requires.
    pub fn module_names(&self) -> impl Iterator<Item = &str> + Clone {
        let modules = self.modules.iter();
        modules.map(|module| module.manifest.name.as_str())
    }

    /// The module that a user names.
    ///
    /// # Errors
    /// When there is none ([`Exit::Usage`]).
    pub fn asked_module(&self, name: &str) -> Result<&Module, Fault> {
        let found = self.module(name);
        found.ok_or_else(|| unknown("module", name, self.module_names()))
    }

    /// The theme that a user names.
    ///
    /// # Errors
    /// When there is none ([`Exit::Usage`]).
    pub fn asked_theme(&self, name: &str) -> Result<&Word, Fault> {
        let found = self.themes.get_key_value(name).map(|(name, _)| name);
        found.ok_or_else(|| unknown("theme", name, self.themes.keys().map(Word::as_str)))
    }

    /// The setting that a user writes as `MODULE.OPTION=VALUE`.
    ///
    /// # Errors
    /// When it is none, or names something that there is not ([`Exit::Usage`]).
    pub fn asked_setting(&self, text: &str) -> Result<Setting, Fault> {
        let malformed = || usage(format!("--set {text} is not MODULE.OPTION=VALUE"));
        let (place, value) = text.split_once('=').ok_or_else(malformed)?;
        let (module, option) = place.split_once('.').ok_or_else(malformed)?;
        let manifest = &self.asked_module(module)?.manifest;
        let options = &manifest.options;
        let what = format!("option of {}", manifest.name);
        let (option, known) = options
            .get_key_value(option)
            .ok_or_else(|| unknown(&what, option, options.keys().map(Word::as_str)))?;
        let read = known.kind.read(value).map_err(|wanted| {
            let fault = usage(format!("--set {place}: `{value}` is not {wanted}"));
            match known.kind.near(value) {
                Some(near) => fault.hint(format!("did you mean `{near}`?")),
                None => fault,
            }
        })?;
        Ok(Setting {
            module: manifest.name.clone(),
            option: option.clone(),
            value: read,
        })
    }
}

/// Wrong usage of the command line.
pub fn usage(message: impl Into<String>) -> Fault {
    Fault::new(message).exit(Exit::Usage)
}

/// A name that is none of `known`, with the nearest of them, or all when none is near.
pub fn unknown<'a>(what: &str, wrong: &str, known: impl Iterator<Item = &'a str> + Clone) -> Fault {
    let fault = usage(format!("unknown {what} `{wrong}`"));
    match nearest(wrong, known.clone()) {
        Some(near) => fault.hint(format!("did you mean `{near}`?")),
        None => {
            let known: Vec<_> = known.collect();
            fault.hint(if known.is_empty() {
                "there is none".into()
            } else {
                format!("there is {}", known.join(", "))
            })
        }
    }
}

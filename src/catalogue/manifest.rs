//! The manifests that stand beside templates, as YAML: `base.yml`, `module.yml`, `theme.yml`, `service.yml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::option::OptionManifest;
use crate::project::names::{RelPath, ServiceName, Word};
use crate::project::owner::{Mode, Policy};

/// How files are treated that are not managed, readable text: by their path in the project.
pub type Rules = BTreeMap<RelPath, Rule>;

/// What is special about one file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rule {
    /// What happens to it after its birth.
    pub policy: Policy,
    /// Who may do what with it.
    pub mode: Mode,
    /// Where it stood in earlier templates, so that a project's file moves with the edits made to it.
    pub moved_from: Vec<RelPath>,
}

/// `base.yml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaseManifest {
    /// The random values that every project gets at its birth, by the names templates call them.
    pub secrets: Vec<Word>,
    /// What is special about its files.
    #[serde(default)]
    pub files: Rules,
}

/// `module.yml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModuleManifest {
    /// The module's name, which is its folder's.
    pub name: Word,
    /// What it brings, in a few words.
    pub summary: String,
    /// Modules that must be there too.
    #[serde(default)]
    pub requires: Vec<Word>,
    /// Modules that must not be there.
    #[serde(default)]
    pub conflicts: Vec<Word>,
    /// The runtime's cargo feature and Rust module that hold its code.
    pub feature: Word,
    /// What can be chosen.
    #[serde(default)]
    pub options: BTreeMap<Word, OptionManifest>,
    /// What is special about its files.
    #[serde(default)]
    pub files: Rules,
}

/// `theme.yml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThemeManifest {
    /// The theme's name, which is its folder's.
    pub name: Word,
    /// What it looks like and stands on, in a few words.
    pub summary: String,
    /// The front-end packages that go to `static/vendor/`.
    #[serde(default)]
    pub packages: Vec<Word>,
    /// What is special about its files.
    #[serde(default)]
    pub files: Rules,
}

/// `service.yml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceManifest {
    /// The kind's name, which is its folder's.
    pub kind: Word,
    /// What such a service does, in a few words.
    pub summary: String,
    /// Under which name every project with the module `services` starts with one, if it does.
    pub born_as: Option<ServiceName>,
    /// Crates that its code uses, as in a Cargo.toml: `imagesize: "0.15"`.
    #[serde(default)]
    pub dependencies: BTreeMap<String, String>,
}

//! The manifests that stand beside templates, as YAML: `base.yml`, `module.yml`, `theme.yml`, `service.yml`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::option::{OptionManifest, quoted};
use super::service::Price;
use crate::project::names::{RelPath, ServiceName, Word};
use crate::project::owner::{Mode, Policy};
use crate::project::step::Step;

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
    /// What is run after every apply that changes files.
    #[serde(default)]
    pub steps: Vec<Step>,
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
    /// Whether only projects that ask for it are born with it.
    #[serde(default)]
    pub on_request: bool,
    /// The runtime's cargo feature and Rust module that hold its code.
    pub feature: Word,
    /// Crates that the code of projects with this module uses, as in a Cargo.toml.
    #[serde(default)]
    pub dependencies: Dependencies,
    /// What can be chosen.
    #[serde(default)]
    pub options: BTreeMap<Word, OptionManifest>,
    /// The environment variables that its code reads.
    #[serde(default)]
    pub environment: BTreeMap<String, Variable>,
    /// What is run after every apply that changes files of a project with this module, behind the steps of the base.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// What is special about its files.
    #[serde(default)]
    pub files: Rules,
    /// Files that earlier templates brought and that stay with their owners, with what they have to do about them.
    #[serde(default)]
    pub gone: BTreeMap<RelPath, String>,
}

/// An environment variable of the generated application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// What it decides, in one line.
    pub description: String,
    /// What it is when it is not set; none when there is nothing or something that depends.
    #[serde(default)]
    pub default: Option<String>,
    /// Whether nobody else may see it.
    #[serde(default)]
    pub secret: bool,
}

impl Variable {
    /// Refuses what could not stand in `.env.example` and in compose.yml as it is.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, name: &str) -> Result<(), String> {
        let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        if !name.starts_with(|c: char| c.is_ascii_uppercase()) || !name.chars().all(is_part) {
            return Err(format!(
                "{name} is no name of an environment variable: A_NAME_2 is"
            ));
        }
        let default = self.default.as_deref().unwrap_or_default();
        if default
            .contains(|c: char| c.is_whitespace() || c.is_control() || "\"'\\$#{}".contains(c))
        {
            return Err(format!("the default of {name} cannot stand in a .env file"));
        }
        if self.secret && self.default.is_some() {
            return Err(format!("{name} is a secret and has a default"));
        }
        Ok(())
    }
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
    /// The title of the service that its source is.
    pub title: String,
    /// The description of that service.
    pub description: String,
    /// What that service costs a run.
    #[serde(deserialize_with = "price")]
    pub cost: Price,
    /// Under which name every project with the module `services` starts with one, if it does.
    pub born_as: Option<ServiceName>,
    /// Crates that its code uses, as in a Cargo.toml.
    #[serde(default)]
    pub dependencies: Dependencies,
    /// Features of the runtime that its code needs beside those of the modules.
    #[serde(default)]
    pub features: Vec<Word>,
    /// The environment variables that its code reads.
    #[serde(default)]
    pub environment: BTreeMap<String, Variable>,
}

/// An amount of credits, which YAML takes for a number.
fn price<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Price, D::Error> {
    let number = serde_yaml::Number::deserialize(deserializer)?;
    Price::parse(&number.to_string()).map_err(serde::de::Error::custom)
}

/// Crates by name.
pub type Dependencies = BTreeMap<String, Dependency>;

/// What a Cargo.toml says of a crate: `"0.15"`, or a mapping with the version and features.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Dependency {
    /// The version alone.
    Version(String),
    /// With the features that are wanted.
    Detailed(DetailedDependency),
}

/// The version and the features of a crate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetailedDependency {
    version: String,
    #[serde(default)]
    features: Vec<String>,
    #[serde(default = "yes")]
    default_features: bool,
}

fn yes() -> bool {
    true
}

impl fmt::Display for Dependency {
    /// As a value in a Cargo.toml.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => f.write_str(&quoted(version)),
            Self::Detailed(DetailedDependency {
                version,
                features,
                default_features,
            }) => {
                write!(f, "{{ version = {}", quoted(version))?;
                if !default_features {
                    f.write_str(", default-features = false")?;
                }
                if !features.is_empty() {
                    let features: Vec<_> = features.iter().map(|name| quoted(name)).collect();
                    write!(f, ", features = [{}]", features.join(", "))?;
                }
                f.write_str(" }")
            }
        }
    }
}

//! What the modules are, told to people and programs; in a project also which are on and what their options are.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use super::manifest::Variable;
use super::option::{OptionKind, OptionManifest};
use super::schema::value;
use super::{Catalogue, Module};
use crate::project::config::Config;
use crate::project::names::Word;
use crate::project::step::Step;

/// One module.
#[derive(Debug, Serialize)]
pub struct Overview {
    name: String,
    summary: String,
    /// Whether it is on; none outside of a project.
    on: Option<bool>,
    requires: Vec<String>,
    /// The modules that require this one.
    required_by: Vec<String>,
    conflicts: Vec<String>,
    /// The cargo feature of the runtime.
    feature: String,
    options: Vec<OptionOverview>,
    /// The environment variables that its code reads.
    environment: BTreeMap<String, Variable>,
    /// What is run after an apply.
    steps: Vec<Step>,
}

/// One option of a module.
#[derive(Debug, Serialize)]
struct OptionOverview {
    name: String,
    description: String,
    #[serde(rename = "type")]
    kind: &'static str,
    /// What values do, in words.
    allowed: String,
    default: Value,
    /// What it is in this project, outside of its environments' overlays; none outside of a project or while it is off.
    value: Option<Value>,
    /// Whether it can change after it was applied.
    mutable: bool,
    /// Why it cannot.
    fixed: Option<String>,
}

impl Catalogue {
    /// Every module, each after those that it requires.
    pub fn overviews(&self, config: Option<&Config>) -> Vec<Overview> {
        let overview = |module| self.overview(module, config);
        self.modules.iter().map(overview).collect()
    }

    /// One module.
    pub fn overview(&self, module: &Module, config: Option<&Config>) -> Overview {
        let manifest = &module.manifest;
        let needing = self
            .modules
            .iter()
            .filter(|other| other.manifest.requires.contains(&manifest.name))
            .map(|other| other.manifest.name.to_string());
        let on = config.map(|config| config.modules.contains_key(&manifest.name));
        let stated = config.filter(|_| on == Some(true));
        let option = |(name, option): (&Word, &OptionManifest)| OptionOverview {
            name: name.to_string(),
            description: option.description.clone(),
            kind: kind(&option.kind),
            allowed: option.kind.wanted(),
            default: value(&option.default),
            value: stated
                .and_then(|config| config.option(self, manifest.name.as_str(), name.as_str()))
                .map(|stated| value(&stated)),
            mutable: option.fixed.is_none(),
            fixed: option.fixed.clone(),
        };
        Overview {
            name: manifest.name.to_string(),
            summary: manifest.summary.clone(),
            on,
            requires: manifest.requires.iter().map(Word::to_string).collect(),
            required_by: needing.collect(),
            conflicts: manifest.conflicts.iter().map(Word::to_string).collect(),
            feature: manifest.feature.to_string(),
            options: manifest.options.iter().map(option).collect(),
            environment: manifest.environment.clone(),
            steps: manifest.steps.clone(),
        }
    }
}

fn kind(kind: &OptionKind) -> &'static str {
    match kind {
        OptionKind::Bool => "bool",
        OptionKind::Integer { .. } => "integer",
        OptionKind::Text => "string",
        OptionKind::Choice { .. } => "enum",
        OptionKind::Credits { .. } => "credits",
    }
}

/// A line for each module.
pub fn list(modules: &[Overview]) -> String {
    let widest = modules.iter().map(|module| module.name.len()).max();
    let width = widest.unwrap_or_default();
    let mut text = String::new();
    for Overview {
        name,
        summary,
        requires,
        on,
        ..
    } in modules
    {
        let mark = match on {
            Some(true) => "on   ",
            Some(false) => "off  ",
            None => "",
        };
        let requires = match requires.as_slice() {
            [] => String::new(),
            requires => format!(" (needs {})", requires.join(", ")),
        };
        let _ = writeln!(text, "{mark}{name:width$}  {summary}{requires}");
    }
    text
}

impl Overview {
    /// Everything about it, for people.
    pub fn text(&self) -> String {
        let state = match self.on {
            Some(true) => ", on in this project",
            Some(false) => ", off in this project",
            None => "",
        };
        let mut text = format!("{}: {}{state}\n", self.name, self.summary);
        let relations = [
            ("needs", &self.requires),
            ("needed by", &self.required_by),
            ("not together with", &self.conflicts),
        ];
        for (what, names) in relations {
            if !names.is_empty() {
                let _ = writeln!(text, "  {what} {}", names.join(", "));
            }
        }
        if !self.options.is_empty() {
            text.push_str("\noptions\n");
        }
        for option in &self.options {
            option.write(&mut text);
        }
        if !self.environment.is_empty() {
            text.push_str("\nenvironment variables\n");
        }
        for (name, variable) in &self.environment {
            let secret = if variable.secret { " (secret)" } else { "" };
            let default = match &variable.default {
                Some(default) => format!("; {default} when it is not set"),
                None => String::new(),
            };
            let _ = writeln!(
                text,
                "  {name}{secret}\n      {}{default}",
                variable.description
            );
        }
        for step in &self.steps {
            let _ = writeln!(text, "\nafter an apply: {}", step.command);
        }
        text
    }
}

impl OptionOverview {
    fn write(&self, text: &mut String) {
        let default = plain(&self.default);
        let here = match &self.value {
            Some(value) if *value != self.default => format!("; here {}", plain(value)),
            _ => String::new(),
        };
        let later = match &self.fixed {
            Some(why) => format!("; it cannot change later: {why}"),
            None => String::new(),
        };
        let _ = writeln!(
            text,
            "  {}\n      {}\n      {}; default {default}{here}{later}",
            self.name, self.description, self.allowed
        );
    }
}

/// As it stands in quickscale.yml.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "none".into(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

//! What the modules are, told to people and programs; in a project also which are on and what their options are.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use super::list::{Field, FieldValue};
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
    /// Whether only projects that ask for it are born with it.
    on_request: bool,
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
    /// What each record of a list has, with what it decides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<FieldOverview>,
    /// The field by which the records of a list are known; empty for what is no list.
    #[serde(skip)]
    key: String,
    /// What it is in this project, outside of its environments' overlays; none outside of a project or while it is off.
    value: Option<Value>,
    /// Whether it can change after it was applied.
    mutable: bool,
    /// Why it cannot.
    fixed: Option<String>,
}

/// One field of a list's records.
#[derive(Debug, Serialize)]
struct FieldOverview {
    name: String,
    description: String,
    /// None when it must be said.
    default: Option<Value>,
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
            fields: fields(&option.kind),
            key: match &option.kind {
                OptionKind::List(records) => records.key.to_string(),
                _ => String::new(),
            },
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
            on_request: manifest.on_request,
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
        OptionKind::List(_) => "list",
    }
}

fn fields(kind: &OptionKind) -> Vec<FieldOverview> {
    let OptionKind::List(records) = kind else {
        return Vec::new();
    };
    let field = |(name, field): &(Word, Field)| FieldOverview {
        name: name.to_string(),
        description: field.description.clone(),
        default: match &field.default {
            Some(FieldValue::One(default)) => Some(value(default)),
            Some(FieldValue::Prices(_)) | None => None,
        },
    };
    records.fields.iter().map(field).collect()
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
        on_request,
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
        let on_request = if *on_request { " (on request)" } else { "" };
        let _ = writeln!(text, "{mark}{name:width$}  {summary}{requires}{on_request}");
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
        if self.on_request {
            text.push_str("  on request: a new project has it only when it is asked for\n");
        }
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
        let default = written(&self.default, &self.key);
        let here = match &self.value {
            Some(value) if *value != self.default => format!("; here{}", written(value, &self.key)),
            _ => String::new(),
        };
        let later = match &self.fixed {
            Some(why) => format!("; it cannot change later: {why}"),
            None => String::new(),
        };
        let _ = writeln!(
            text,
            "  {}\n      {}\n      {}; default{default}{here}{later}",
            self.name, self.description, self.allowed
        );
        for field in &self.fields {
            let default = match &field.default {
                Some(default) => format!("; default {}", plain(default)),
                None => String::new(),
            };
            let FieldOverview {
                name, description, ..
            } = field;
            let _ = writeln!(text, "        {name}: {description}{default}");
        }
    }
}

/// As it stands in quickscale.yml; of a list what each record is known by, for the whole of it is long.
fn written(value: &Value, key: &str) -> String {
    match value.as_array() {
        None => format!(" {}", plain(value)),
        Some(records) if records.is_empty() => " none".into(),
        Some(records) => {
            let names = records.iter().filter_map(|record| record[key].as_str());
            format!(" {}", names.collect::<Vec<_>>().join(", "))
        }
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

//! A module's options as Rust: the values of the fields of its `Settings`, laid out as rustfmt does.

use crate::catalogue::manifest::ModuleManifest;
use crate::catalogue::option::{OptionKind, OptionManifest, OptionValue};
use crate::project::config::{Config, Environment};
use crate::project::names::Word;

/// The column that a field stands in.
const FIELD: usize = 8;

/// The column that an arm of its match stands in.
const ARM: usize = 12;

/// The longest line of Rust.
const WIDTH: usize = 100;

/// The value of a field as Rust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    /// What stands behind `name: `, from the column of a field on.
    pub text: String,
    /// Whether it chooses by the environment.
    pub chooses: bool,
    /// Whether this is how rustfmt writes it; long texts it breaks in its own ways.
    pub fits: bool,
}

impl Expression {
    /// The value of one option of a module.
    pub fn of(
        config: &Config,
        module: &ModuleManifest,
        name: &Word,
        option: &OptionManifest,
    ) -> Self {
        let field = Field {
            name: name.as_str(),
            kind: &option.kind,
            feature: module.feature.as_str(),
        };
        let base = config.modules.get(&module.name);
        let base = base.and_then(|options| options.get(name));
        let base = base.unwrap_or(&option.default);
        let value = |environment| {
            let overlay = config.environments.get(&environment);
            let value = overlay.and_then(|modules| modules.get(&module.name)?.get(name));
            (environment, value.unwrap_or(base).clone())
        };
        let arms = grouped(Environment::ALL.map(value));
        match arms.as_slice() {
            [(_, value)] => field.plain(value),
            arms => field.choice(arms),
        }
    }
}

/// The environments that have the same value, in the order of their first.
fn grouped(
    values: impl IntoIterator<Item = (Environment, OptionValue)>,
) -> Vec<(Vec<Environment>, OptionValue)> {
    let mut groups: Vec<(Vec<Environment>, OptionValue)> = Vec::new();
    for (environment, value) in values {
        match groups.iter_mut().find(|(_, other)| *other == value) {
            Some((environments, _)) => environments.push(environment),
            None => groups.push((vec![environment], value)),
        }
    }
    groups
}

struct Field<'a> {
    name: &'a str,
    kind: &'a OptionKind,
    feature: &'a str,
}

impl Field<'_> {
    fn plain(&self, value: &OptionValue) -> Expression {
        let text = self.kind.rust(value, self.feature);
        let start = FIELD + self.name.len() + ": ".len();
        Expression {
            chooses: false,
            fits: fits(&format!("{:start$}{text},", "")),
            text,
        }
    }

    fn choice(&self, arms: &[(Vec<Environment>, OptionValue)]) -> Expression {
        let mut text = "match app.environment() {\n".to_owned();
        let mut is_laid_out = true;
        for (environments, value) in arms {
            let names = environments.iter().map(|environment| variant(*environment));
            let pattern = names.collect::<Vec<_>>().join(" | ");
            let value = self.kind.rust(value, self.feature);
            // Lists are laid out for a field: their lines stand deeper here.
            let value = value.replace('\n', &format!("\n{:1$}", "", ARM - FIELD));
            let line = format!("{:ARM$}{pattern} => {value},", "");
            let below = format!("{:ARM$}    {value}", "");
            if fits(&line) || value.contains('\n') {
                is_laid_out &= fits(&line);
                text += &format!("{line}\n");
            } else {
                is_laid_out &= value.is_ascii() && below.len() <= WIDTH;
                text += &format!("{:ARM$}{pattern} => {{\n{below}\n{:ARM$}}}\n", "", "");
            }
        }
        text += &format!("{:FIELD$}}}", "");
        Expression {
            text,
            chooses: true,
            fits: is_laid_out,
        }
    }
}

/// Whether no line is too long. Letters of other scripts may take two columns.
fn fits(text: &str) -> bool {
    let width =
        |line: &str| -> usize { line.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum() };
    text.lines().all(|line| width(line) <= WIDTH)
}

/// The runtime's name of an environment.
fn variant(environment: Environment) -> &'static str {
    match environment {
        Environment::Development => "Environment::Development",
        Environment::Test => "Environment::Test",
        Environment::Production => "Environment::Production",
    }
}

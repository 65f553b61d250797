//! Other projects: every theme with every set of modules that go together, with names and options of their own. What goes
//! back must be right for them too.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::laws::World;
use super::values::Values;
use crate::catalogue::option::{OptionKind, OptionManifest, OptionValue};
use crate::catalogue::{Catalogue, Module};
use crate::project::config::{Config, Options};
use crate::project::names::Word;
use crate::render::{Engine, Inputs, RenderContext};

/// More modules than this are tried one by one and all together, not in every set.
const MOST_IN_SETS: usize = 8;

/// Renders templates for the project that is looked at, and for others.
pub struct Renderer {
    engine: Engine,
    own: Setting,
    others: Vec<Setting>,
}

impl Renderer {
    /// For the project that `own` is and all others that `catalogue` can make.
    ///
    /// # Errors
    /// When the engine cannot be set up.
    pub fn new(own: Setting, catalogue: &Catalogue) -> Result<Self> {
        Ok(Self {
            engine: Engine::new()?,
            own,
            others: others(catalogue)?,
        })
    }

    /// The project that is looked at.
    pub fn own(&self) -> &Setting {
        &self.own
    }

    /// The others.
    pub fn others(&self) -> &[Setting] {
        &self.others
    }

    /// The template that stands at `origin`, in every project.
    pub fn world<'a>(&'a self, origin: &'a str) -> World<'a> {
        World {
            engine: &self.engine,
            origin,
            own: &self.own,
            others: &self.others,
        }
    }
}

/// A project with what its templates are told.
#[derive(Debug)]
pub struct Setting {
    pub config: Config,
    pub context: RenderContext,
    pub inputs: Inputs,
    pub values: Values,
}

impl Setting {
    /// With values for the secrets that are nobody's: templates that hold secrets are never carried back.
    pub fn new(config: Config, catalogue: &Catalogue, kinds: BTreeSet<Word>) -> Self {
        let secret = |name: &Word| (name.clone(), format!("no {name} at all"));
        let inputs = Inputs {
            secrets: catalogue.secrets.iter().map(secret).collect(),
            kinds,
            ..Inputs::default()
        };
        Self {
            context: RenderContext::new(&config, catalogue, &inputs),
            values: Values::of(&config, catalogue),
            config,
            inputs,
        }
    }

    /// Whether a project like this has the template at `origin`.
    pub fn has(&self, origin: &str) -> bool {
        let mut path = origin.split('/');
        let is_on = |module: &str| self.config.modules.contains_key(module);
        match (path.next(), path.next(), path.next(), path.next()) {
            (Some("project_templates"), Some("modules"), Some(module), _) => is_on(module),
            (Some("project_templates"), Some("themes"), Some(theme), Some(part)) => {
                self.config.theme.as_str() == theme && (part == "base" || is_on(part))
            }
            _ => true,
        }
    }
}

/// The other projects of a catalogue.
///
/// # Errors
/// When a name for one cannot be made.
fn others(catalogue: &Catalogue) -> Result<Vec<Setting>> {
    let mut settings = Vec::new();
    for theme in catalogue.themes.keys() {
        for set in sets(catalogue) {
            let number = settings.len();
            let module = |name: &Word| {
                catalogue
                    .module(name.as_str())
                    .map(|module| (name.clone(), options(module, number)))
            };
            let modules = set.iter().filter_map(module);
            let config = Config {
                name: format!("Zoë's \"Shop\" {number}").parse()?,
                slug: format!("zoes-shop-{number}").parse()?,
                theme: theme.clone(),
                modules: modules.collect(),
                environments: BTreeMap::new(),
            };
            // Half of them have services of every kind.
            let kinds = catalogue.services.keys().filter(|_| number % 2 == 0);
            let kinds = kinds.cloned().collect();
            settings.push(Setting::new(config, catalogue, kinds));
        }
    }
    Ok(settings)
}

/// The sets of modules that go together.
fn sets(catalogue: &Catalogue) -> BTreeSet<BTreeSet<Word>> {
    let names: Vec<&Word> = catalogue
        .modules
        .iter()
        .map(|module| &module.manifest.name)
        .collect();
    let chosen: Vec<BTreeSet<Word>> = if names.len() <= MOST_IN_SETS {
        let set = |bits: usize| {
            let chosen = names
                .iter()
                .enumerate()
                .filter(|(at, _)| bits >> at & 1 == 1);
            chosen.map(|(_, name)| (*name).clone()).collect()
        };
        (0..1 << names.len()).map(set).collect()
    } else {
        let all = names.iter().map(|name| (*name).clone()).collect();
        let single = names.iter().map(|name| BTreeSet::from([(*name).clone()]));
        single.chain([BTreeSet::new(), all]).collect()
    };
    let closed = chosen.iter().map(|set| catalogue.closure(set).modules);
    closed
        .filter(|set| catalogue.conflict(set).is_none())
        .collect()
}

/// Options that are not the defaults, for every second project.
fn options(module: &Module, number: usize) -> Options {
    let options = module.manifest.options.iter().filter(|_| number % 2 == 1);
    let other = options.map(|(name, option)| (name.clone(), other(option, number)));
    other.collect()
}

fn other(option: &OptionManifest, number: usize) -> OptionValue {
    match (&option.kind, &option.default) {
        (OptionKind::Bool, OptionValue::Bool(value)) => OptionValue::Bool(!value),
        (OptionKind::Text, _) => OptionValue::Text(format!("Quite another text {number}")),
        (OptionKind::Choice { values, .. }, default) => {
            let choices = values
                .iter()
                .map(|value| OptionValue::Choice(value.clone()));
            let mut others = choices.filter(|choice| choice != default);
            others.next().unwrap_or_else(|| default.clone())
        }
        (OptionKind::Integer { min, .. }, _) => OptionValue::Integer(*min),
        (OptionKind::Credits { min, .. }, _) => OptionValue::Credits(*min),
        (OptionKind::List(_), _) => OptionValue::List(Vec::new()),
        (OptionKind::Bool, default) => default.clone(),
    }
}

//! [`AppliedConfig`]: a Config as it was applied, kept in the state of a project.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Config, Environment};
use crate::catalogue::Catalogue;
use crate::project::names::{Slug, Word};

/// The values of options by module, as they stand in quickscale.yml.
type Values = BTreeMap<Word, BTreeMap<Word, String>>;

/// A Config as it was, whatever a newer catalogue makes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppliedConfig {
    /// The project's name, for people.
    pub name: String,
    /// The project's name, for machines.
    pub slug: Slug,
    /// The theme.
    pub theme: Word,
    /// The modules with all their options, the defaults too, as they stand in quickscale.yml.
    pub modules: Values,
    /// What an environment had otherwise.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environments: BTreeMap<Environment, Values>,
    /// The modules that were on and are off now, as they were when they went: their data is still there.
    #[serde(default, skip_serializing_if = "Gone::is_empty")]
    pub gone: Gone,
}

/// The options of modules that are off.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gone {
    modules: Values,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    environments: BTreeMap<Environment, Values>,
}

impl Gone {
    fn is_empty(&self) -> bool {
        let Self {
            modules,
            environments,
        } = self;
        modules.is_empty() && environments.is_empty()
    }
}

impl AppliedConfig {
    /// `config` with every option that `catalogue` knows.
    pub fn of(config: &Config, catalogue: &Catalogue) -> Self {
        let options = |module: &Word| {
            let known = catalogue.module(module.as_str());
            let known = known.map(|module| &module.manifest.options);
            known
                .into_iter()
                .flatten()
                .filter_map(|(name, _)| {
                    let value = config.option(catalogue, module.as_str(), name.as_str())?;
                    Some((name.clone(), value.to_string()))
                })
                .collect()
        };
        Self {
            name: config.name.to_string(),
            slug: config.slug.clone(),
            theme: config.theme.clone(),
            modules: config
                .modules
                .keys()
                .map(|module| (module.clone(), options(module)))
                .collect(),
            environments: config
                .environments
                .iter()
                .map(|(environment, modules)| (*environment, written(modules)))
                .collect(),
            gone: Gone::default(),
        }
    }

    /// The same when it follows `last`: modules that are off from now on are remembered.
    #[must_use]
    pub fn after(mut self, last: &Self) -> Self {
        let is_gone = |module: &Word| !self.modules.contains_key(module);
        let remembered = |before: &Values, last: &Values| -> Values {
            let all = before.iter().chain(last);
            let gone = all.filter(|(module, options)| is_gone(module) && !options.is_empty());
            gone.map(|(module, options)| (module.clone(), options.clone()))
                .collect()
        };
        let none = Values::new();
        let overlays = Environment::ALL.map(|environment| {
            let before = last.gone.environments.get(&environment).unwrap_or(&none);
            let last = last.environments.get(&environment).unwrap_or(&none);
            (environment, remembered(before, last))
        });
        self.gone = Gone {
            modules: remembered(&last.gone.modules, &last.modules),
            environments: overlays
                .into_iter()
                .filter(|(_, modules)| !modules.is_empty())
                .collect(),
        };
        self
    }

    /// The value that an option had in `environment`, or where nothing else was said, when its module was on the last
    /// time; none when it was not there yet.
    pub fn value(
        &self,
        environment: Option<Environment>,
        module: &str,
        option: &str,
    ) -> Option<&str> {
        let (modules, environments) = match self.modules.contains_key(module) {
            true => (&self.modules, &self.environments),
            false => (&self.gone.modules, &self.gone.environments),
        };
        let overlay = environment.and_then(|environment| environments.get(&environment));
        overlay
            .and_then(|values| values.get(module)?.get(option))
            .or_else(|| modules.get(module)?.get(option))
            .map(String::as_str)
    }
}

fn written(modules: &BTreeMap<Word, super::Options>) -> Values {
    let options = |options: &super::Options| {
        options
            .iter()
            .map(|(name, value)| (name.clone(), value.to_string()))
            .collect()
    };
    modules
        .iter()
        .map(|(module, stated)| (module.clone(), options(stated)))
        .collect()
}

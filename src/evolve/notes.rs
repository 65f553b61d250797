//! What goes without having been said when modules go or come: their data, and the variables that they read.

use super::selectors::listed;
use crate::catalogue::Catalogue;
use crate::catalogue::manifest::ModuleManifest;
use crate::project::config::Config;
use crate::project::names::Word;
use crate::project::state::State;

/// What is said of the modules that go and of those that come; nothing at the first apply, where everything comes.
pub(super) fn of(state: Option<&State>, config: &Config, catalogue: &Catalogue) -> Vec<String> {
    let Some(state) = state else {
        return Vec::new();
    };
    let before = &state.config.modules;
    let mut notes: Vec<String> = staying(state, config).into_iter().collect();
    for module in &catalogue.modules {
        let manifest = &module.manifest;
        let was_on = before.contains_key(&manifest.name);
        let is_on = config.modules.contains_key(&manifest.name);
        notes.extend(match (was_on, is_on) {
            (false, true) => read(manifest),
            (true, false) => unread(manifest),
            (true, true) | (false, false) => None,
        });
    }
    notes
}

/// Modules that go leave their data.
fn staying(state: &State, config: &Config) -> Option<String> {
    let modules = state.config.modules.keys();
    let gone: Vec<&str> = modules
        .filter(|name| !config.modules.contains_key(*name))
        .map(Word::as_str)
        .collect();
    let names = listed(&gone);
    let (verb, comes) = match gone.as_slice() {
        [] => return None,
        [_] => ("has", "it comes"),
        [_, _, ..] => ("have", "they come"),
    };
    Some(format!(
        "What {names} {verb} in the database stays, and is there again when {comes} back."
    ))
}

/// A module that comes wants to be told things.
fn read(manifest: &ModuleManifest) -> Option<String> {
    let variables = variables(manifest)?;
    let name = &manifest.name;
    Some(format!(
        "Module {name} reads {variables} from the environment; .env.example says what that is."
    ))
}

/// A module that goes leaves what it was told in `.env`, which is the user's.
fn unread(manifest: &ModuleManifest) -> Option<String> {
    let variables = variables(manifest)?;
    Some(format!(
        "Nothing reads {variables} any more; `.env` is yours to tidy up."
    ))
}

fn variables(manifest: &ModuleManifest) -> Option<String> {
    let names: Vec<&str> = manifest.environment.keys().map(String::as_str).collect();
    (!names.is_empty()).then(|| listed(&names))
}

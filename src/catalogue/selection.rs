//! Which modules go together, and which name was probably meant.

use std::collections::BTreeSet;

use super::Catalogue;
use crate::project::names::Word;

/// A choice of modules with everything that it requires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closure {
    /// The modules chosen and required.
    pub modules: BTreeSet<Word>,
    /// What was not chosen but is required: the module and the one that requires it.
    pub added: Vec<(Word, Word)>,
}

impl Catalogue {
    /// Adds what the chosen modules require. Names that are no module stay as they are.
    pub fn closure(&self, chosen: &BTreeSet<Word>) -> Closure {
        let mut closure = Closure {
            modules: chosen.clone(),
            added: Vec::new(),
        };
        for name in chosen {
            self.require(name, &mut closure);
        }
        closure
    }

    fn require(&self, name: &Word, closure: &mut Closure) {
        let Some(module) = self.module(name.as_str()) else {
            return;
        };
        for required in &module.manifest.requires {
            if closure.modules.insert(required.clone()) {
                closure.added.push((required.clone(), name.clone()));
                self.require(required, closure);
            }
        }
    }

    /// Two modules of the choice that cannot stand together, if there are any.
    pub fn conflict<'a>(&'a self, chosen: &BTreeSet<Word>) -> Option<(&'a Word, &'a Word)> {
        let modules = self
            .modules
            .iter()
            .filter(|module| chosen.contains(&module.manifest.name));
        let mut conflicts = modules.flat_map(|module| {
            module
                .manifest
                .conflicts
                .iter()
                .map(move |other| (&module.manifest.name, other))
        });
        conflicts.find(|(_, other)| chosen.contains(*other))
    }
}

/// The candidate that `wrong` was probably meant to be: at most a third of its letters differ.
pub fn nearest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |candidate: &&str| strsim::damerau_levenshtein(wrong, candidate);
    let best = candidates.into_iter().min_by_key(distance)?;
    (distance(&best) <= (wrong.chars().count().max(3)) / 3).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let names = ["auth", "credits", "services"];
        assert_eq!(nearest("credit", names), Some("credits"));
        assert_eq!(nearest("atuh", names), Some("auth"));
        assert_eq!(nearest("billing", names), None);
        assert_eq!(nearest("x", []), None);
    }
}

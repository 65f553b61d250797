//! Options that cannot change once they were applied.

use super::{AppliedConfig, Config, Environment};
use crate::catalogue::Catalogue;
use crate::project::names::Word;
use crate::project::yaml::{Mistake, Node, Span};

/// What is compared: a wish with what was applied, and the file to complain about.
pub(super) struct Fixed<'a> {
    pub config: &'a Config,
    pub applied: &'a AppliedConfig,
    pub catalogue: &'a Catalogue,
    pub root: &'a Node,
}

impl Fixed<'_> {
    /// One mistake for each option that differs and must not. An environment is named only where it says otherwise.
    pub fn mistakes(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        for name in self.config.modules.keys() {
            let module = self.catalogue.module(name.as_str());
            for (option, manifest) in module.into_iter().flat_map(|m| &m.manifest.options) {
                if let Some(reason) = &manifest.fixed {
                    mistakes.extend(self.option(name, option, reason));
                }
            }
        }
        mistakes
    }

    fn option(&self, module: &Word, option: &Word, reason: &str) -> Vec<Mistake> {
        let (m, o) = (module.as_str(), option.as_str());
        let places = [None].into_iter().chain(Environment::ALL.map(Some));
        let mut mistakes: Vec<Mistake> = Vec::new();
        for place in places {
            let now = match place {
                None => self.config.option(self.catalogue, m, o),
                Some(environment) => self.config.option_in(environment, self.catalogue, m, o),
            };
            let (Some(before), Some(now)) = (self.applied.value(place, m, o), now) else {
                continue;
            };
            let span = self.span(place, m, o);
            let is_told = mistakes.iter().any(|mistake| mistake.span == span);
            if before != now.to_string() && !is_told {
                let message = format!(
                    "`{option}` of {module} cannot change from `{before}` to `{now}`: {reason}"
                );
                let mistake = Mistake::new(span, message);
                mistakes.push(mistake.label(format!("leave it at `{before}`")));
            }
        }
        mistakes
    }

    /// Where the value is stated for a place; else where its module is.
    fn span(&self, place: Option<Environment>, module: &str, option: &str) -> Span {
        let within = |root: &Node| -> Option<Span> {
            let module = root.entry("modules")?.value.entry(module)?;
            let stated = module
                .value
                .entry(option)
                .map(|entry| entry.value.span.clone());
            Some(stated.unwrap_or_else(|| module.key_span.clone()))
        };
        let overlay = place.and_then(|environment| {
            let environments = self.root.entry("environments")?;
            within(&environments.value.entry(environment.name())?.value)
        });
        overlay.or_else(|| within(self.root)).unwrap_or(0..0)
    }
}

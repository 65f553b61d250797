//! What a project should have: from flags, else from menus, else everything.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::names::Names;
use crate::catalogue::Catalogue;
use crate::catalogue::asked::{Setting, unknown, usage};
use crate::error::Fault;
use crate::project::config::Config;
use crate::project::names::Word;
use crate::ui::{Choice, Ui};

/// The word that stands for no module at all.
const NONE: &str = "none";

/// What the flags say.
#[derive(Debug, Default)]
pub struct Choices {
    /// `--theme`.
    pub theme: Option<String>,
    /// `--module`, in order; empty when nothing was said.
    pub modules: Vec<String>,
    /// `--set`: `MODULE.OPTION=VALUE`.
    pub settings: Vec<String>,
}

impl Choices {
    /// Asks for what was not said and puts everything together.
    pub fn settle(&self, names: Names, catalogue: &Catalogue, ui: &Ui) -> Result<Config> {
        let theme = self.theme(catalogue, ui)?;
        let chosen = self.modules(catalogue, ui)?;
        let closure = catalogue.closure(&chosen);
        for (added, because) in &closure.added {
            ui.info(&format!(
                "Module {added} comes with {because}, which needs it."
            ));
        }
        if let Some((one, other)) = catalogue.conflict(&closure.modules) {
            return Err(usage(format!("modules {one} and {other} cannot stand together")).into());
        }
        let mut modules: BTreeMap<_, _> = closure
            .modules
            .into_iter()
            .map(|module| (module, BTreeMap::new()))
            .collect();
        for setting in &self.settings {
            let Setting {
                module,
                option,
                value,
            } = catalogue.asked_setting(setting)?;
            let Some(options) = modules.get_mut(&module) else {
                let fault = usage(format!("--set {setting}: module {module} is not chosen"));
                return Err(fault.hint(format!("add --module {module}")).into());
            };
            options.insert(option, value);
        }
        let config = Config {
            name: names.display,
            slug: names.slug,
            theme,
            modules,
            environments: BTreeMap::new(),
        };
        Ok(config.normal(catalogue))
    }

    fn theme(&self, catalogue: &Catalogue, ui: &Ui) -> Result<Word> {
        if let Some(theme) = &self.theme {
            return Ok(catalogue.asked_theme(theme)?.clone());
        }
        let choice = |theme: &crate::catalogue::Theme| Choice {
            name: theme.manifest.name.to_string(),
            summary: theme.manifest.summary.clone(),
        };
        let menu: Vec<_> = catalogue.themes.values().map(choice).collect();
        let index = if menu.len() > 1 {
            ui.select("Theme", &menu, 0)?
        } else {
            0
        };
        let theme = catalogue
            .themes
            .keys()
            .nth(index)
            .ok_or_else(|| Fault::new("this build of quickscale has no theme"))?;
        Ok(theme.clone())
    }

    fn modules(&self, catalogue: &Catalogue, ui: &Ui) -> Result<BTreeSet<Word>> {
        let names: Vec<&Word> = catalogue
            .modules
            .iter()
            .map(|module| &module.manifest.name)
            .collect();
        if self.modules.is_empty() {
            let modules = catalogue.modules.iter();
            let usual: Vec<_> = modules.map(|module| !module.manifest.on_request).collect();
            let picked = ui.multi_select("Modules", &menu(catalogue), &usual)?;
            return Ok(picked
                .into_iter()
                .map(|index| names[index].clone())
                .collect());
        }
        if self.modules.iter().any(|module| module == NONE) && self.modules.len() > 1 {
            return Err(usage("--module none stands alone").into());
        }
        let named = self.modules.iter().filter(|module| *module != NONE);
        named
            .map(|module| {
                let found = catalogue.module(module).map(|found| &found.manifest.name);
                let known = catalogue.module_names().chain([NONE]);
                Ok(found
                    .ok_or_else(|| unknown("module", module, known))?
                    .clone())
            })
            .collect()
    }
}

fn menu(catalogue: &Catalogue) -> Vec<Choice> {
    let choice = |module: &crate::catalogue::Module| {
        let needs: Vec<_> = module.manifest.requires.iter().map(Word::as_str).collect();
        let needs = if needs.is_empty() {
            String::new()
        } else {
            format!(" (needs {})", needs.join(", "))
        };
        Choice {
            name: module.manifest.name.to_string(),
            summary: format!("{}{needs}", module.manifest.summary),
        }
    };
    catalogue.modules.iter().map(choice).collect()
}

//! Which layers a Config has, in the order in which they are rendered.

use std::borrow::Cow;

use anyhow::{Context, Result};

use crate::catalogue::Catalogue;
use crate::catalogue::template::Template;
use crate::project::config::Config;
use crate::project::owner::Owner;

/// The module whose projects are born with services.
const SERVICES: &str = "services";

/// Each layer's owner and templates.
pub fn of<'a>(
    config: &Config,
    catalogue: &'a Catalogue,
) -> Result<Vec<(Owner, Cow<'a, [Template]>)>> {
    let theme = catalogue
        .themes
        .get(&config.theme)
        .with_context(|| format!("there is no theme {}", config.theme))?;
    let theme_owner = Owner::Theme(config.theme.clone());
    let mut layers = vec![
        (Owner::Base, Cow::from(&catalogue.base)),
        (Owner::Runtime, Cow::from(&catalogue.runtime)),
        (theme_owner.clone(), Cow::from(&theme.base)),
    ];
    for module in catalogue
        .modules
        .iter()
        .filter(|module| config.modules.contains_key(&module.manifest.name))
    {
        let name = &module.manifest.name;
        layers.push((Owner::Module(name.clone()), Cow::from(&module.templates)));
        if let Some(pages) = theme.modules.get(name) {
            layers.push((theme_owner.clone(), Cow::from(pages)));
        }
    }
    if config.modules.contains_key(SERVICES) {
        for kind in catalogue.services.values() {
            let Some(name) = &kind.manifest.born_as else {
                continue;
            };
            let templates: Result<Vec<_>> = kind
                .templates
                .iter()
                .map(|template| template.for_service(name.as_str()))
                .collect();
            layers.push((Owner::Service(name.clone()), Cow::from(templates?)));
        }
    }
    Ok(layers)
}

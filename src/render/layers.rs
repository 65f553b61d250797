//! Which layers a Config has, in the order in which they are rendered.

use std::borrow::Cow;

use anyhow::{Context, Result};

use crate::catalogue::template::Template;
use crate::catalogue::{Catalogue, ServiceKind};
use crate::project::config::Config;
use crate::project::names::ServiceName;
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
    for (name, kind) in born_services(config, catalogue) {
        let templates = kind.templates.iter();
        let templates: Result<Vec<_>> = templates
            .map(|template| template.for_service(name.as_str()))
            .collect();
        layers.push((Owner::Service(name.clone()), Cow::from(templates?)));
    }
    Ok(layers)
}

/// The services that a project starts with, by their names.
pub fn born_services<'a>(
    config: &Config,
    catalogue: &'a Catalogue,
) -> impl Iterator<Item = (&'a ServiceName, &'a ServiceKind)> {
    let kinds = config
        .modules
        .contains_key(SERVICES)
        .then_some(&catalogue.services);
    let kinds = kinds.into_iter().flat_map(|kinds| kinds.values());
    kinds.filter_map(|kind| Some((kind.manifest.born_as.as_ref()?, kind)))
}

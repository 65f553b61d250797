//! Which layers a Config has, in the order in which they are rendered.

use std::borrow::Cow;

use anyhow::{Context, Result};

use super::Inputs;
use crate::catalogue::service::ServiceWords;
use crate::catalogue::template::Template;
use crate::catalogue::{Catalogue, ServiceKind};
use crate::project::config::Config;
use crate::project::names::ServiceName;
use crate::project::owner::Owner;

/// The module whose projects are born with services.
const SERVICES: &str = "services";

/// Files of one owner.
pub struct Layer<'a> {
    pub owner: Owner,
    pub templates: Cow<'a, [Template]>,
    /// The service that they are, if they are one.
    pub service: Option<ServiceWords>,
}

impl<'a> Layer<'a> {
    fn new(owner: Owner, templates: &'a [Template]) -> Self {
        Self {
            owner,
            templates: Cow::from(templates),
            service: None,
        }
    }

    fn service(name: &ServiceName, (words, templates): (ServiceWords, Vec<Template>)) -> Self {
        Self {
            owner: Owner::Service(name.clone()),
            templates: Cow::from(templates),
            service: Some(words),
        }
    }
}

/// The layers.
pub fn of<'a>(
    config: &Config,
    catalogue: &'a Catalogue,
    inputs: &Inputs,
) -> Result<Vec<Layer<'a>>> {
    let theme = catalogue
        .themes
        .get(&config.theme)
        .with_context(|| format!("there is no theme {}", config.theme))?;
    let theme_owner = Owner::Theme(config.theme.clone());
    let mut layers = vec![
        Layer::new(Owner::Base, &catalogue.base),
        Layer::new(Owner::Runtime, &catalogue.runtime),
        Layer::new(theme_owner.clone(), &theme.base),
    ];
    for module in catalogue
        .modules
        .iter()
        .filter(|module| config.modules.contains_key(&module.manifest.name))
    {
        let name = &module.manifest.name;
        layers.push(Layer::new(Owner::Module(name.clone()), &module.templates));
        if let Some(pages) = theme.modules.get(name) {
            layers.push(Layer::new(theme_owner.clone(), pages));
        }
    }
    for (name, kind) in born_services(config, catalogue) {
        layers.push(Layer::service(name, kind.born(name)?));
    }
    if let Some(service) = &inputs.service {
        let kind = catalogue.services.get(&service.kind);
        let kind = kind.with_context(|| format!("there is no kind {}", service.kind))?;
        layers.push(Layer::service(&service.name, kind.generated(service)?));
    }
    Ok(layers)
}

/// The kinds of service that a project has: born with it, generated before, generated now.
pub fn kinds<'a>(
    config: &Config,
    catalogue: &'a Catalogue,
    inputs: &Inputs,
) -> Vec<&'a ServiceKind> {
    let born = born_services(config, catalogue).map(|(_, kind)| kind);
    let now = inputs.service.iter().map(|service| &service.kind);
    let generated = inputs.kinds.iter().chain(now);
    let generated = generated.filter_map(|kind| catalogue.services.get(kind));
    born.chain(generated).collect()
}

/// The services that a project starts with, by their names.
fn born_services<'a>(
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

//! What templates of the CLI can say: the values of a project, typed.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::settings::Expression;
use super::{Inputs, layers};
use crate::catalogue::manifest::Variable;
use crate::catalogue::service::ServiceWords;
use crate::catalogue::{Catalogue, Module, ServiceKind};
use crate::project::config::Config;

/// The variables of every template.
#[derive(Debug, Serialize)]
pub struct RenderContext {
    project: ProjectNames,
    theme: String,
    /// The modules that are on, each after those that it requires.
    modules: Vec<ModuleValues>,
    /// Whether an option of a module has another value in some environment.
    by_environment: bool,
    /// Every known module: whether it is on.
    has: BTreeMap<String, bool>,
    /// Crates that the project's own code uses: by name what a Cargo.toml says of them.
    dependencies: BTreeMap<String, String>,
    /// Features of the runtime that services need beside those of the modules.
    service_features: BTreeSet<String>,
    /// The environment variables that services read, by name.
    service_environment: BTreeMap<String, Variable>,
    quickscale: Versions,
    /// The service that the template is of, if it is of one.
    pub service: Option<ServiceWords>,
}

#[derive(Debug, Serialize)]
struct ProjectNames {
    name: String,
    slug: String,
    crate_name: String,
}

#[derive(Debug, Serialize)]
struct ModuleValues {
    name: String,
    summary: String,
    feature: String,
    options: Vec<OptionValues>,
    /// Whether rustfmt would leave the options as they are written.
    formatted: bool,
    /// The environment variables that it reads, by name.
    environment: BTreeMap<String, Variable>,
}

#[derive(Debug, Serialize)]
struct OptionValues {
    name: String,
    description: String,
    /// What else it could be.
    wanted: String,
    /// As it stands in quickscale.yml, behind the colon.
    written: String,
    /// As a Rust expression, laid out to stand in a field of the module's settings.
    rust: String,
    #[serde(skip)]
    chooses: bool,
    #[serde(skip)]
    formatted: bool,
}

#[derive(Debug, Serialize)]
struct Versions {
    version: &'static str,
}

impl RenderContext {
    /// The values for one project.
    pub fn new(config: &Config, catalogue: &Catalogue, inputs: &Inputs) -> Self {
        let kinds = layers::kinds(config, catalogue, inputs);
        let is_on = |module: &&Module| config.modules.contains_key(&module.manifest.name);
        let all = catalogue.modules.iter();
        let modules: Vec<_> = all
            .clone()
            .filter(is_on)
            .map(|module| values(module, config))
            .collect();
        let mut options = modules.iter().flat_map(|module| &module.options);
        Self {
            by_environment: options.any(|option| option.chooses),
            project: ProjectNames {
                name: config.name.to_string(),
                slug: config.slug.to_string(),
                crate_name: config.slug.crate_name(),
            },
            theme: config.theme.to_string(),
            modules,
            has: all
                .map(|module| (module.manifest.name.to_string(), is_on(&module)))
                .collect(),
            dependencies: dependencies(config, catalogue, &kinds),
            service_features: features(&kinds),
            service_environment: environment(&kinds),
            service: None,
            quickscale: Versions {
                version: env!("CARGO_PKG_VERSION"),
            },
        }
    }
}

/// What the code of the chosen modules and of the services uses.
fn dependencies(
    config: &Config,
    catalogue: &Catalogue,
    kinds: &[&ServiceKind],
) -> BTreeMap<String, String> {
    let modules = catalogue.modules.iter().map(|module| &module.manifest);
    let of_modules = modules
        .filter(|manifest| config.modules.contains_key(&manifest.name))
        .map(|manifest| &manifest.dependencies);
    let of_services = kinds.iter().map(|kind| &kind.manifest.dependencies);
    let all = of_modules.chain(of_services).flatten();
    all.map(|(name, dependency)| (name.clone(), dependency.to_string()))
        .collect()
}

fn features(kinds: &[&ServiceKind]) -> BTreeSet<String> {
    let features = kinds.iter().flat_map(|kind| &kind.manifest.features);
    features.map(ToString::to_string).collect()
}

fn environment(kinds: &[&ServiceKind]) -> BTreeMap<String, Variable> {
    let all = kinds.iter().flat_map(|kind| &kind.manifest.environment);
    all.map(|(name, variable)| (name.clone(), variable.clone()))
        .collect()
}

fn values(module: &Module, config: &Config) -> ModuleValues {
    let manifest = &module.manifest;
    let stated = config.modules.get(&manifest.name);
    let options = manifest.options.iter().map(|(name, option)| {
        let value = stated
            .and_then(|options| options.get(name))
            .unwrap_or(&option.default);
        let expression = Expression::of(config, manifest, name, option);
        OptionValues {
            name: name.to_string(),
            description: option.description.clone(),
            wanted: option.kind.wanted(),
            written: option.kind.written(value),
            rust: expression.text,
            chooses: expression.chooses,
            formatted: expression.fits,
        }
    });
    let options: Vec<_> = options.collect();
    ModuleValues {
        name: manifest.name.to_string(),
        summary: manifest.summary.clone(),
        feature: manifest.feature.to_string(),
        formatted: options.iter().all(|option| option.formatted),
        options,
        environment: manifest.environment.clone(),
    }
}

//! What can be had: the base, modules, themes and kinds of service with their manifests and templates, typed and checked.

pub mod asked;
mod embedded;
pub mod folder;
pub mod list;
pub mod manifest;
pub mod option;
pub mod overview;
#[cfg(test)]
pub mod sample;
mod schema;
mod selection;
pub mod service;
pub mod template;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use anyhow::{Context, Result, bail, ensure};
use serde::de::DeserializeOwned;

use crate::digest::Digest;
use crate::project::names::Word;
use crate::project::owner::Policy;
use crate::project::step::Step;
use manifest::{BaseManifest, ModuleManifest, ServiceManifest, ThemeManifest};
use template::{Source, Template, apply_rules};

pub use selection::{Closure, nearest};
pub use service::{NewService, Price, ServiceKind};

/// Where the runtime stands in a project.
const RUNTIME_FOLDER: &str = "vendor/quickscale-runtime/";

/// Where the browser packages stand in a project.
const PACKAGES_FOLDER: &str = "static/vendor/";

/// The sources that a catalogue is made of, each tree with paths of its own.
#[derive(Debug, Clone, Default)]
pub struct Pack {
    /// `project_templates/`.
    pub project: Vec<Source>,
    /// `service_templates/`.
    pub services: Vec<Source>,
    /// `runtime/`.
    pub runtime: Vec<Source>,
    /// The browser packages, as they stand below `static/vendor/`.
    pub packages: Vec<Source>,
}

/// The catalogue of this process.
static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();

impl Pack {
    /// The sources inside this binary.
    fn embedded() -> Self {
        let sources = |tree: &[embedded::Embedded]| tree.iter().map(Source::from).collect();
        Self {
            project: sources(embedded::PROJECT_TEMPLATES),
            services: sources(embedded::SERVICE_TEMPLATES),
            runtime: sources(embedded::RUNTIME),
            packages: sources(embedded::FRONTEND),
        }
    }

    /// Has the source that stands at `origin` in QuickScale's repository hold these bytes, or be gone.
    pub fn put(&mut self, origin: &str, bytes: Option<Vec<u8>>) {
        let Some((tree, path)) = origin.split_once('/') else {
            return;
        };
        let sources = match tree {
            "project_templates" => &mut self.project,
            "service_templates" => &mut self.services,
            "runtime" => &mut self.runtime,
            _ => return,
        };
        sources.retain(|source| source.path != path);
        sources.extend(bytes.map(|bytes| Source::new(path, bytes)));
        sources.sort_by(|one, other| one.path.cmp(&other.path));
    }

    /// The digest of everything in it.
    fn digest(&self) -> Digest {
        let trees = [&self.project, &self.services, &self.runtime, &self.packages];
        let mut list = String::new();
        for (number, tree) in trees.into_iter().enumerate() {
            for Source { path, digest, .. } in tree {
                list.push_str(&format!("{number}/{path}\0{digest}\n"));
            }
        }
        Digest::of(list.as_bytes())
    }
}

/// Everything that a project can be made of.
#[derive(Debug)]
pub struct Catalogue {
    /// The digest of the pack that it was read from.
    pub digest: Digest,
    /// The names of the random values that a project is born with.
    pub secrets: Vec<Word>,
    /// What is run after every apply that changes files.
    pub steps: Vec<Step>,
    /// What every project has.
    pub base: Vec<Template>,
    /// The modules, each after those that it requires.
    pub modules: Vec<Module>,
    /// The themes by name.
    pub themes: BTreeMap<Word, Theme>,
    /// The kinds of service by name.
    pub services: BTreeMap<Word, ServiceKind>,
    /// The vendored runtime.
    pub runtime: Vec<Template>,
}

/// A part of the application that can be had or left out.
#[derive(Debug)]
pub struct Module {
    /// What it is.
    pub manifest: ModuleManifest,
    /// What only it brings, whatever the theme.
    pub templates: Vec<Template>,
}

/// Pages and assets for all modules.
#[derive(Debug)]
pub struct Theme {
    /// What it is.
    pub manifest: ThemeManifest,
    /// Layout, public pages, assets and browser packages.
    pub base: Vec<Template>,
    /// The pages of each module.
    pub modules: BTreeMap<Word, Vec<Template>>,
}

impl Catalogue {
    /// The catalogue inside this binary, or the one that was chosen in its place.
    pub fn embedded() -> &'static Self {
        CATALOGUE.get_or_init(|| {
            Self::load(&Pack::embedded()).expect("a test loads the embedded catalogue")
        })
    }

    /// Takes the templates of `folder` instead of those inside this binary, from now on.
    ///
    /// # Errors
    /// When they hold a mistake, or a catalogue is in use already.
    pub fn choose(folder: &Path) -> Result<()> {
        let chosen = Self::load(&Pack::with_folder(folder)?)?;
        let chosen = CATALOGUE.set(chosen).is_ok();
        ensure!(chosen, "the templates are chosen before they are used");
        Ok(())
    }

    /// The digest of every template: it changes when one of them, the runtime or a browser package does.
    pub fn pack_digest() -> Digest {
        Self::embedded().digest
    }

    /// Reads and checks a catalogue. Every error is a mistake in the pack.
    pub fn load(pack: &Pack) -> Result<Self> {
        let tree = Tree {
            name: "project_templates",
            sources: &pack.project,
        };
        let manifest: BaseManifest = tree.manifest("base/base.yml")?;
        let mut base = tree.templates("base", &[])?;
        apply_rules(base.iter_mut(), &manifest.files, "base.yml")?;
        let modules = in_order(modules(&tree)?)?;
        check_variables(&modules)?;
        let known = |name: &Word| modules.iter().any(|module| module.manifest.name == *name);
        let mut themes = BTreeMap::new();
        for name in tree.folders("themes") {
            let theme = theme(&tree, name, &pack.packages)?;
            if let Some(stranger) = theme.modules.keys().find(|name| !known(name)) {
                bail!("theme {name} has pages for {stranger}, which is no module");
            }
            themes.insert(theme.manifest.name.clone(), theme);
        }
        let runtime = Tree {
            name: "runtime",
            sources: &pack.runtime,
        };
        Ok(Self {
            digest: pack.digest(),
            secrets: manifest.secrets,
            steps: manifest.steps,
            base,
            modules,
            themes,
            services: services(&Tree {
                name: "service_templates",
                sources: &pack.services,
            })?,
            runtime: runtime.verbatim(RUNTIME_FOLDER)?,
        })
    }

    /// Whether every project's lockfile holds a package of this name, so that the project cannot have it too.
    pub fn is_dependency(&self, package: &str) -> bool {
        let lockfile = self
            .base
            .iter()
            .find(|template| template.path.as_str() == "Cargo.lock");
        let line = format!("name = \"{package}\"");
        lockfile.is_some_and(|template| {
            String::from_utf8_lossy(&template.bytes)
                .lines()
                .any(|other| other == line)
        })
    }

    /// Every template but those of services.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        let modules = self.modules.iter().flat_map(|module| &module.templates);
        let themes = self.themes.values();
        let pages = themes.flat_map(|theme| theme.modules.values().flatten().chain(&theme.base));
        self.base
            .iter()
            .chain(&self.runtime)
            .chain(modules)
            .chain(pages)
    }

    /// The template that stands at `origin` in QuickScale's repository.
    pub fn template(&self, origin: &str) -> Option<&Template> {
        self.templates().find(|template| template.origin == origin)
    }

    /// A module by its name.
    pub fn module(&self, name: &str) -> Option<&Module> {
        self.modules
            .iter()
            .find(|module| module.manifest.name.as_str() == name)
    }
}

/// The sources of one tree, asked by folder.
struct Tree<'a> {
    name: &'static str,
    sources: &'a [Source],
}

impl Tree<'_> {
    /// The names of the folders directly below `folder`.
    fn folders(&self, folder: &str) -> Vec<&str> {
        let mut names: Vec<_> = self
            .sources
            .iter()
            .filter_map(|source| {
                source
                    .path
                    .strip_prefix(folder)?
                    .strip_prefix('/')?
                    .split_once('/')
            })
            .map(|(name, _)| name)
            .collect();
        names.dedup();
        names
    }

    fn manifest<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let source = self.sources.iter().find(|source| source.path == path);
        let source = source.with_context(|| format!("{}/{path} is missing", self.name))?;
        serde_yaml::from_str(source.text()?).with_context(|| format!("{}/{path}", self.name))
    }

    /// The templates below `folder`, but no manifest and nothing below a folder of `without`.
    fn templates(&self, folder: &str, without: &[&str]) -> Result<Vec<Template>> {
        let mut templates = Vec::new();
        for source in self.sources {
            let Some(inside) = source
                .path
                .strip_prefix(folder)
                .and_then(|rest| rest.strip_prefix('/'))
            else {
                continue;
            };
            let first = inside.split_once('/').map(|(first, _)| first);
            let is_manifest = matches!(
                inside,
                "base.yml" | "module.yml" | "theme.yml" | "service.yml"
            );
            if !is_manifest && first.is_none_or(|first| !without.contains(&first)) {
                let origin = format!("{}/{}", self.name, source.path);
                templates.push(Template::new(origin, "", inside, source)?);
            }
        }
        Ok(templates)
    }

    /// Every file of the tree below `prefix`, byte for byte, whatever its name.
    fn verbatim(&self, prefix: &str) -> Result<Vec<Template>> {
        let template = |source: &Source| {
            let origin = format!("{}/{}", self.name, source.path);
            let path = format!("{prefix}{}", source.path).parse()?;
            Ok(Template {
                path,
                rendered: false,
                ..Template::new(origin, "", &source.path, source)?
            })
        };
        self.sources.iter().map(template).collect()
    }
}

fn modules(tree: &Tree<'_>) -> Result<Vec<Module>> {
    let mut modules = Vec::new();
    for folder in tree.folders("modules") {
        let path = format!("modules/{folder}");
        let manifest: ModuleManifest = tree.manifest(&format!("{path}/module.yml"))?;
        ensure!(
            manifest.name.as_str() == folder,
            "{path}/module.yml names itself {}",
            manifest.name
        );
        let mut templates = tree.templates(&path, &[])?;
        apply_rules(templates.iter_mut(), &manifest.files, &path)?;
        modules.push(Module {
            manifest,
            templates,
        });
    }
    Ok(modules)
}

/// Each environment variable belongs to one module, and can stand where it will.
fn check_variables(modules: &[Module]) -> Result<()> {
    let mut owners = BTreeMap::new();
    for ModuleManifest {
        name, environment, ..
    } in modules.iter().map(|module| &module.manifest)
    {
        for (variable, known) in environment {
            known.check(variable).map_err(anyhow::Error::msg)?;
            if let Some(other) = owners.insert(variable, name) {
                bail!("{variable} belongs to the modules {other} and {name}");
            }
        }
    }
    Ok(())
}

/// Puts each module after those that it requires, else by name; a circle or a stranger is a mistake.
fn in_order(mut waiting: Vec<Module>) -> Result<Vec<Module>> {
    waiting.sort_by(|a, b| a.manifest.name.cmp(&b.manifest.name));
    let mut ordered: Vec<Module> = Vec::new();
    while !waiting.is_empty() {
        let is_ready = |module: &Module| {
            let placed = |name: &Word| ordered.iter().any(|module| module.manifest.name == *name);
            module.manifest.requires.iter().all(placed)
        };
        let Some(index) = waiting.iter().position(is_ready) else {
            let names: Vec<_> = waiting
                .iter()
                .map(|module| module.manifest.name.as_str())
                .collect();
            bail!(
                "modules that require each other or a module that does not exist: {}",
                names.join(", ")
            );
        };
        ordered.push(waiting.remove(index));
    }
    Ok(ordered)
}

fn theme(tree: &Tree<'_>, folder: &str, packages: &[Source]) -> Result<Theme> {
    let path = format!("themes/{folder}");
    let manifest: ThemeManifest = tree.manifest(&format!("{path}/theme.yml"))?;
    ensure!(
        manifest.name.as_str() == folder,
        "{path}/theme.yml names itself {}",
        manifest.name
    );
    let mut base = tree.templates(&format!("{path}/base"), &[])?;
    let mut modules = BTreeMap::new();
    for module in tree
        .folders(&path)
        .into_iter()
        .filter(|folder| *folder != "base")
    {
        modules.insert(
            module.parse()?,
            tree.templates(&format!("{path}/{module}"), &[])?,
        );
    }
    for package in &manifest.packages {
        let package = format!("{package}/");
        let sources: Vec<_> = packages
            .iter()
            .filter(|source| source.path.starts_with(&package))
            .cloned()
            .collect();
        ensure!(
            !sources.is_empty(),
            "{path}/theme.yml wants the package {package} and there is none"
        );
        base.extend(
            Tree {
                name: "frontend",
                sources: &sources,
            }
            .verbatim(PACKAGES_FOLDER)?,
        );
    }
    let pages = modules.values_mut().flatten();
    apply_rules(base.iter_mut().chain(pages), &manifest.files, &path)?;
    Ok(Theme {
        manifest,
        base,
        modules,
    })
}

fn services(tree: &Tree<'_>) -> Result<BTreeMap<Word, ServiceKind>> {
    let mut kinds = BTreeMap::new();
    let mut folders: Vec<_> = tree
        .sources
        .iter()
        .filter_map(|source| Some(source.path.split_once('/')?.0))
        .collect();
    folders.dedup();
    for folder in folders {
        let manifest: ServiceManifest = tree.manifest(&format!("{folder}/service.yml"))?;
        ensure!(
            manifest.kind.as_str() == folder,
            "{folder}/service.yml calls its kind {}",
            manifest.kind
        );
        let mut templates = tree.templates(folder, &[])?;
        for template in &mut templates {
            // A service is the user's from its birth on.
            template.rule.policy = Policy::Once;
        }
        let kind = ServiceKind {
            manifest,
            templates,
        };
        kind.check()?;
        kinds.insert(kind.manifest.kind.clone(), kind);
    }
    Ok(kinds)
}

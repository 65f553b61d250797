//! `generate-service`: the plan of one new owner, with what its code needs in the project's manifest and lockfile.

use anyhow::Result;

use super::{Evolution, Wished, kind_of};
use crate::catalogue::NewService;
use crate::error::Fault;
use crate::plan::Plan;
use crate::project::Project;
use crate::project::names::{RelPath, ServiceName, Word};
use crate::project::owner::Owner;
use crate::project::state::State;

/// The module that services belong to.
const SERVICES: &str = "services";
/// The files of others that a new service may change: they say what its code is built with, and what it finds where it runs.
const MANIFESTS: [&str; 5] = [
    ".env.example",
    "Cargo.lock",
    "Cargo.toml",
    "Dockerfile",
    "compose.yml",
];

/// A service that a project has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Service {
    pub name: String,
    /// Which kind it was generated from; none for a file that the user has written.
    pub kind: Option<Word>,
    pub file: String,
}

/// The services of a project: every Rust file in `src/services/`, by name.
///
/// # Errors
/// When the state or the folder cannot be read.
pub fn services(project: &Project) -> Result<Vec<Service>> {
    let state = State::load(project)?;
    let folder = project.root().join("src/services");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut services = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        let file = entry?.file_name().to_string_lossy().into_owned();
        let Some(Ok(name)) = file.strip_suffix(".rs").map(str::parse::<ServiceName>) else {
            continue;
        };
        let known = state
            .as_ref()
            .and_then(|state| state.files.get(&source(&name)));
        let is_generated = |owner: &Owner| *owner == Owner::Service(name.clone());
        let known = known.filter(|known| is_generated(&known.owner));
        services.push(Service {
            kind: known.and_then(|known| kind_of(&known.template)),
            file: source(&name).to_string(),
            name: name.to_string(),
        });
    }
    services.sort();
    Ok(services)
}

/// Where the source of a service stands.
pub fn source(name: &ServiceName) -> RelPath {
    let path = format!("src/services/{name}.rs");
    path.parse()
        .expect("the name of a service is a file's name")
}

impl Evolution {
    /// Plans one new service.
    ///
    /// # Errors
    /// When the project cannot have it: it has no module for services, a file of that name is there, or changes that
    /// its code may need are still to be applied.
    pub fn with_service(self, service: &NewService) -> Result<Self> {
        self.has_the_module()?;
        self.is_free(&service.name)?;
        self.is_applied()?;
        let owner = Owner::Service(service.name.clone());
        let mut inputs = self.inputs;
        inputs.service = Some(service.clone());
        // A service that was deleted may come again: what it owned counts as never applied.
        let mut state = self.snapshot.state;
        if let Some(state) = &mut state {
            state.files.retain(|_, known| known.owner != owner);
        }
        let wished = Wished {
            config: self.config,
            text: None,
            notes: Vec::new(),
        };
        let mut evolution = Self::plan(self.project, state, wished, self.selectors, inputs)?;
        evolution
            .plan
            .changes
            .retain(|change| change.owner == owner || is_manifest(&change.path));
        evolution.partial = true;
        Ok(evolution)
    }

    fn has_the_module(&self) -> Result<()> {
        if self.config.modules.contains_key(SERVICES) {
            return Ok(());
        }
        Err(
            Fault::new("this project has no services: the module is off")
                .hint("`quickscale apply --add services` turns it on")
                .into(),
        )
    }

    fn is_free(&self, name: &ServiceName) -> Result<()> {
        let is_there = |name: &ServiceName| source(name).under(self.project.root()).exists();
        if !is_there(name) {
            return Ok(());
        }
        let others = (2..100).filter_map(|number| format!("{name}_{number}").parse().ok());
        let fault = Fault::new(format!(
            "there is a service `{name}` already: {}",
            source(name)
        ));
        Err(match others.into_iter().find(|other| !is_there(other)) {
            Some(other) => fault.hint(format!("take another name, such as `{other}`")),
            None => fault.hint("take another name"),
        }
        .into())
    }

    /// New code is written for this quickscale's runtime and manifests; they must be in place.
    fn is_applied(&self) -> Result<()> {
        if !waits_for_others(&self.plan) {
            return Ok(());
        }
        Err(
            Fault::new("changes that a new service may need are still to be applied")
                .hint("run `quickscale apply` first; `quickscale plan` shows what it does")
                .into(),
        )
    }
}

fn waits_for_others(plan: &Plan) -> bool {
    plan.changes
        .iter()
        .filter(|change| change.action.is_pending())
        .any(|change| change.owner == Owner::Runtime || is_manifest(&change.path))
}

fn is_manifest(path: &RelPath) -> bool {
    MANIFESTS.contains(&path.as_str())
}

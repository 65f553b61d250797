//! From a project's folder to its plan, and from answers to an applied plan: what `plan`, `apply`, `status`, `undo` and
//! `update` share. Three reads, one pure function, then show or do.

mod conflicts;
mod generate;
mod notes;
mod saved;
mod selectors;
mod status;
mod wish;

use std::collections::BTreeSet;

use anyhow::Result;

use crate::apply::{Disk, Recovered, Steps, Transaction};
use crate::birth::random_inputs;
use crate::catalogue::Catalogue;
use crate::error::{Exit, Fault};
use crate::interrupt;
use crate::plan::preview::{self, Detail};
use crate::plan::{self, Change, Choices, Input, Plan, ReadyPlan};
use crate::project::config::{self, Config};
use crate::project::lock::Lock;
use crate::project::names::{RelPath, Word};
use crate::project::owner::Owner;
use crate::project::snapshot::Snapshot;
use crate::project::state::State;
use crate::project::step::Step;
use crate::project::{CONFIG_FILE, Project};
use crate::render::{Desired, Inputs, render};
use crate::ui::Ui;

use wish::{Wished, wished};

pub use conflicts::{OnConflict, choose};
pub use generate::{Service, services};
pub use saved::SavedPlan;
pub use selectors::Selectors;
pub use status::{Drift, Status};

/// A project with what it should become.
#[derive(Debug)]
pub struct Evolution {
    pub project: Project,
    pub config: Config,
    pub plan: Plan,
    /// What goes without having been said, for people.
    pub notes: Vec<String>,
    selectors: Selectors,
    inputs: Inputs,
    desired: Desired,
    snapshot: Snapshot,
    /// Whether only a part of the project is applied.
    partial: bool,
}

/// What is said when the user stops an apply.
const INTERRUPTED: &str = "interrupted; nothing was changed";

/// How an apply ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// Everything was as it should be.
    Nothing,
    /// So many files were written or removed.
    Files(usize),
}

impl Evolution {
    /// Reads the project and plans.
    ///
    /// # Errors
    /// When quickscale.yml has mistakes, or the project cannot be read.
    pub fn read(project: Project, selectors: Selectors) -> Result<Self> {
        let catalogue = Catalogue::embedded();
        let state = State::load(&project)?;
        let text = config::text(&project)?;
        let wished = wished(&text, &selectors, catalogue, state.as_ref())?;
        let inputs = Inputs {
            kinds: kinds(state.as_ref()),
            ..random_inputs(catalogue)?
        };
        Self::plan(project, state, wished, selectors, inputs)
    }

    fn plan(
        project: Project,
        state: Option<State>,
        wished: Wished,
        selectors: Selectors,
        inputs: Inputs,
    ) -> Result<Self> {
        let Wished {
            config,
            text: wished,
            mut notes,
        } = wished;
        let catalogue = Catalogue::embedded();
        notes.extend(notes::of(state.as_ref(), &config, catalogue));
        let desired = render(&config, catalogue, &inputs)?;
        let snapshot = Snapshot::read(&project, state, &desired)?;
        let only = selectors.only();
        let mut plan = plan::plan(&Input {
            desired: &desired,
            state: snapshot.state.as_ref(),
            pristine: &snapshot.pristine,
            tree: &snapshot.tree,
            strays: &snapshot.strays,
            only: &only,
        });
        if let Some(wished) = wished {
            let path: RelPath = CONFIG_FILE.parse()?;
            let stands = snapshot.tree.entry(&path);
            plan.rewrite(Change::asked(path, stands, wished.into_bytes()));
        }
        Ok(Self {
            project,
            config,
            plan,
            partial: !only.is_empty(),
            notes,
            selectors,
            inputs,
            desired,
            snapshot,
        })
    }

    /// What was applied last.
    pub fn state(&self) -> Option<&State> {
        self.snapshot.state.as_ref()
    }

    /// The plan with every conflict answered.
    ///
    /// # Errors
    /// When one is not ([`Exit::Conflicts`]).
    pub fn ready(&self, choices: &Choices) -> Result<ReadyPlan> {
        let whole = !self.partial;
        let next = State::next(self.state(), &self.config, Catalogue::embedded(), whole)?;
        self.plan
            .resolve(&self.desired, next, choices)
            .map_err(|unanswered| {
                let paths: Vec<_> = unanswered
                    .0
                    .iter()
                    .map(|path| format!("\n  {path}"))
                    .collect();
                let message = format!(
                    "nothing was written, because {} an answer:{}",
                    match paths.len() {
                        1 => "a conflict needs".into(),
                        count => format!("{count} conflicts need"),
                    },
                    paths.concat()
                );
                Fault::new(message)
                    .hint("pass --on-conflict markers, mine or theirs, or run this on a terminal")
                    .exit(Exit::Conflicts)
                    .into()
            })
    }

    /// What is run once the plan is carried out: what an earlier apply left, and when files change, what the base and the
    /// modules want.
    ///
    /// # Errors
    /// When the list of those that were left cannot be read.
    pub fn steps(&self) -> Result<Vec<Step>> {
        let mut steps = Steps::pending(&self.project)?.due().to_vec();
        if !self.plan.is_quiet() {
            steps.extend(self.wanted_steps().cloned());
        }
        Ok(steps)
    }

    fn wanted_steps(&self) -> impl Iterator<Item = &Step> {
        let catalogue = Catalogue::embedded();
        let modules = catalogue.modules.iter().map(|module| &module.manifest);
        let on = modules.filter(|manifest| self.config.modules.contains_key(&manifest.name));
        let steps = catalogue
            .steps
            .iter()
            .chain(on.flat_map(|manifest| &manifest.steps));
        steps.filter(|step| {
            let given = step.given.as_ref();
            given.is_none_or(|path| path.under(self.project.root()).exists())
        })
    }

    /// Runs what is due now that the files are in place, unless the user does not want that: then it stays due.
    ///
    /// # Errors
    /// When a step fails ([`Exit::Pending`]).
    pub fn run_steps(&self, left: bool, ui: &Ui) -> Result<()> {
        let mut steps = Steps::pending(&self.project)?;
        if left {
            for step in steps.due() {
                ui.info(&format!(
                    "`{}` is still to be run; the next apply does.",
                    step.command
                ));
            }
            return Ok(());
        }
        steps.run(ui)
    }

    /// Carries `ready` out. The caller holds the project's lock.
    ///
    /// # Errors
    /// When a file cannot be written; everything is then as before.
    pub fn carry_out(&self, ready: &ReadyPlan) -> Result<Applied> {
        let as_it_was = self
            .state()
            .is_some_and(|state| state.says_as_much_as(&ready.state));
        if ready.operations.is_empty() && as_it_was {
            return Ok(Applied::Nothing);
        }
        let disk = Disk::default();
        let mut steps = Steps::pending(&self.project)?;
        if !ready.operations.is_empty() {
            let wanted: Vec<_> = self.wanted_steps().cloned().collect();
            steps.add(&wanted)?;
        }
        let interruption = interrupt::defer();
        Transaction::new(self.project.root(), &disk)
            .apply(ready, &mut |_| interruption.check(INTERRUPTED))?;
        Ok(match ready.operations.len() {
            0 => Applied::Nothing,
            count => Applied::Files(count),
        })
    }
}

/// The kinds of the services that were generated for a project.
pub fn kinds(state: Option<&State>) -> BTreeSet<Word> {
    let files = state.into_iter().flat_map(|state| state.files.values());
    let services = files.filter(|file| matches!(file.owner, Owner::Service(_)));
    services
        .filter_map(|file| kind_of(&file.template))
        .collect()
}

/// The kind of service that a template is of.
fn kind_of(template: &str) -> Option<Word> {
    let (kind, _) = template
        .strip_prefix("service_templates/")?
        .split_once('/')?;
    kind.parse().ok()
}

/// Shows the plan, has its conflicts answered, asks once more on a terminal, and carries it out. The caller holds the
/// project's lock.
///
/// # Errors
/// When a conflict has no answer, or a file cannot be written; nothing is changed then.
pub fn apply(evolution: &Evolution, on_conflict: OnConflict, ui: &Ui) -> Result<Applied> {
    if !evolution.plan.is_quiet() {
        ui.info(&preview::text(&evolution.plan, Detail::Stat));
    }
    for note in &evolution.notes {
        ui.info(note);
    }
    let choices = choose(&evolution.plan, on_conflict, ui)?;
    let ready = evolution.ready(&choices)?;
    let count = ready.operations.len();
    let noun = if count == 1 { "file" } else { "files" };
    if count > 0 && !ui.confirm(&format!("Change {count} {noun}?"), true)? {
        ui.info("Nothing was changed.");
        return Ok(Applied::Nothing);
    }
    let applied = evolution.carry_out(&ready)?;
    let files = ready.state.files.iter();
    let marked = files.filter(|(_, known)| known.unresolved);
    let marked: Vec<_> = marked.map(|(path, _)| format!("\n  {path}")).collect();
    match applied {
        Applied::Nothing if marked.is_empty() => {
            ui.info("Nothing to do: the project is as quickscale.yml says.");
        }
        Applied::Nothing => ui.info("Nothing else to do."),
        Applied::Files(_) => ui.status(
            "Applied",
            &format!("{count} {noun} changed; `quickscale undo` takes it back"),
        ),
    }
    if !marked.is_empty() {
        ui.warn(&format!(
            "these files hold conflict markers; resolve them, later applies leave them alone:{}",
            marked.concat()
        ));
    }
    Ok(applied)
}

/// Takes the project's lock for the verb `command`.
///
/// # Errors
/// When another quickscale changes the project ([`Exit::Stale`]).
pub fn lock(project: &Project, command: &str) -> Result<Lock> {
    Lock::take(&project.state_dir(), command, "is changing this project")
}

/// Ends an apply that was interrupted, and says so.
///
/// # Errors
/// When it cannot be ended.
pub fn recover(project: &Project, ui: &Ui) -> Result<()> {
    if !Transaction::is_pending(project.root()) {
        return Ok(());
    }
    let _lock = lock(project, "recover")?;
    let disk = Disk::default();
    match Transaction::new(project.root(), &disk).recover()? {
        Recovered::Nothing => {}
        Recovered::Undone => {
            ui.warn("an apply was interrupted before it changed anything; it was undone");
        }
        Recovered::Finished { kept } => {
            ui.warn("an apply was interrupted; it is finished now");
            for path in kept {
                ui.warn(&format!(
                    "{path} was changed in between and was left as it is"
                ));
            }
        }
    }
    Ok(())
}

/// Takes the last apply back and says how many files that changed.
///
/// # Errors
/// When there is nothing to take back, or files have changed since.
pub fn undo(project: &Project) -> Result<usize> {
    let _lock = lock(project, "undo")?;
    let disk = Disk::default();
    let undone = Transaction::new(project.root(), &disk).undo()?;
    Steps::pending(project)?.forget()?;
    Ok(undone.len())
}

//! How a project comes into the world: from what the user typed to a Config, and from there to a folder.

mod choices;
mod names;
mod place;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::apply::{Janitor, Repository, Staging};
use crate::catalogue::Catalogue;
use crate::interrupt;
use crate::plan::ReadyPlan;
use crate::project::config::Config;
use crate::project::names::Word;
use crate::project::state::State;
use crate::render::{Inputs, render};
use crate::ui::Ui;

pub use choices::Choices;
pub use names::{Names, names};
pub use place::vacant;

/// A project about to be born.
#[derive(Debug)]
pub struct Birth {
    /// What it should be.
    pub config: Config,
    /// Where it should stand: an absolute path that does not exist, or an empty folder.
    pub target: PathBuf,
    /// Whether it should have a git repository.
    pub git: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct Born {
    /// How many files were rendered.
    pub files: usize,
    /// What became of the repository, if one was wanted.
    pub repository: Option<Repository>,
}

/// What is said when the user changes their mind.
const INTERRUPTED: &str = "interrupted; nothing was created";

impl Birth {
    /// Carries out the plan of a project that is not there yet: beside its place, then moved there whole. When this fails nothing is left behind.
    pub fn happen(&self, catalogue: &Catalogue, ui: &Ui) -> Result<Born> {
        let interruption = interrupt::defer();
        let inputs = random_inputs(catalogue)?;
        let desired = render(&self.config, catalogue, &inputs)?;
        let state = State::next(None, &self.config, catalogue, true)?;
        let ready = ReadyPlan::from_nothing(&desired, state)?;
        let staging = Staging::new(&self.target, Janitor::over)?;
        let files = ready.operations.len();
        let mut progress = ui.progress("Rendering", u64::try_from(files)?);
        staging.apply(&ready, &mut |path| {
            progress.step(path.as_str());
            interruption.check(INTERRUPTED)
        })?;
        progress.finish();
        let repository = self.git.then(|| staging.repository());
        interruption.check(INTERRUPTED)?;
        staging.commit()?;
        Ok(Born { files, repository })
    }
}

/// The project's folder as a person would type it after `cd`.
pub fn shown(target: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let short = target.strip_prefix(&here).unwrap_or(target);
    let text = if short.as_os_str().is_empty() {
        ".".into()
    } else {
        short.display().to_string()
    };
    if text.contains(|c: char| !(c.is_alphanumeric() || "/\\._-:~".contains(c))) {
        format!("'{}'", text.replace('\'', r"'\''"))
    } else {
        text
    }
}

/// One random value for each name that the catalogue wants, 256 bits each.
///
/// # Errors
/// When the system gives no random numbers.
pub fn random_inputs(catalogue: &Catalogue) -> Result<Inputs> {
    let secret = |name: &Word| Ok((name.clone(), random_hex::<32>()?));
    let secrets = catalogue
        .secrets
        .iter()
        .map(secret)
        .collect::<Result<_>>()?;
    Ok(Inputs {
        secrets,
        ..Inputs::default()
    })
}

/// An id for a project: 32 hexadecimal digits.
///
/// # Errors
/// When the system gives no random numbers.
pub fn random_id() -> Result<String> {
    random_hex::<16>()
}

fn random_hex<const BYTES: usize>() -> Result<String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).context("the system gives no random numbers")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

//! What a project is: its folder, its names, its configuration and its state.

pub mod config;
pub mod lock;
pub mod names;
pub mod owner;
pub mod snapshot;
pub mod state;
pub mod step;
pub mod tree;
pub mod yaml;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::error::Fault;

/// The file that makes a folder a project and says what it should be.
pub const CONFIG_FILE: &str = "quickscale.yml";

/// The folder of what quickscale knows about a project.
pub const STATE_DIR: &str = ".quickscale";

/// The file inside [`STATE_DIR`] that whoever writes to the project holds locked.
pub const LOCK_FILE: &str = "lock";

/// A folder that holds a `quickscale.yml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    root: PathBuf,
}

impl Project {
    /// The absolute path of the project's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the wish stands: `quickscale.yml`.
    pub fn config_file(&self) -> PathBuf {
        self.root.join(CONFIG_FILE)
    }

    /// Where what was last applied stands: `.quickscale/`.
    pub fn state_dir(&self) -> PathBuf {
        self.root.join(STATE_DIR)
    }

    /// Where what runs is noted: `.quickscale/run/`, never in git. It need not exist.
    pub fn run_dir(&self) -> PathBuf {
        self.state_dir().join("run")
    }
}

/// Finds the project: the folder given, which must hold a `quickscale.yml`, or the nearest such folder from the working
/// directory upwards.
pub fn locate(given: Option<&Path>) -> Result<Project> {
    match given {
        Some(folder) => given_project(folder),
        None => {
            let here = std::env::current_dir().context("cannot tell the working directory")?;
            found_project(&here)
        }
    }
}

/// Whether the working directory is in a project.
pub fn is_around() -> Result<bool> {
    let here = std::env::current_dir().context("cannot tell the working directory")?;
    Ok(here
        .ancestors()
        .any(|folder| folder.join(CONFIG_FILE).is_file()))
}

fn given_project(folder: &Path) -> Result<Project> {
    let hint = "name the folder that holds quickscale.yml";
    let missing = || Fault::new(format!("there is no project {}", folder.display())).hint(hint);
    let root = fs_err::canonicalize(folder).with_context(missing)?;
    if !root.join(CONFIG_FILE).is_file() {
        let message = format!(
            "{} is not a QuickScale project: it holds no {CONFIG_FILE}",
            folder.display()
        );
        return Err(Fault::new(message).hint(hint).into());
    }
    Ok(Project { root })
}

fn found_project(here: &Path) -> Result<Project> {
    here.ancestors()
        .find(|folder| folder.join(CONFIG_FILE).is_file())
        .map(|root| Project { root: root.to_path_buf() })
        .ok_or_else(|| {
            Fault::new(format!("no {CONFIG_FILE} in {} or any folder above it", here.display()))
                .hint("go to a project's folder or pass --project DIR; `quickscale init NAME` creates a project")
                .into()
        })
}

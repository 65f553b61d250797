//! What is run once files are in place. Steps that are due are written down before the first file changes, and crossed out
//! one by one as they succeed: what failed, or was never reached, is run by the next apply.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::Disk;
use crate::error::{Exit, Fault};
use crate::project::Project;
use crate::project::step::Step;
use crate::ui::Ui;

/// The list, in the folder that git ignores: whether a build is up to date is the affair of this machine.
const FILE: &str = "steps.json";

/// The steps of a project that are still to be run.
#[derive(Debug)]
pub struct Steps<'p> {
    project: &'p Project,
    due: Vec<Step>,
}

impl<'p> Steps<'p> {
    /// Those that an earlier apply left.
    ///
    /// # Errors
    /// When the list cannot be read.
    pub fn pending(project: &'p Project) -> Result<Self> {
        let path = list(project);
        let due = match fs_err::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| {
                let message = format!("{} is no list of steps", path.display());
                Fault::new(message).hint("remove it, and build the project yourself")
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        Ok(Self { project, due })
    }

    pub fn due(&self) -> &[Step] {
        &self.due
    }

    /// Adds steps behind those that are due already, and writes them down.
    ///
    /// # Errors
    /// When they cannot be written down.
    pub fn add(&mut self, steps: &[Step]) -> Result<()> {
        for step in steps {
            if !self.due.iter().any(|due| due.name == step.name) {
                self.due.push(step.clone());
            }
        }
        self.write()
    }

    /// Runs what is due, in order.
    ///
    /// # Errors
    /// When one fails ([`Exit::Pending`]): it and those behind it stay due.
    pub fn run(&mut self, ui: &Ui) -> Result<()> {
        while let Some(step) = self.due.first() {
            ui.status("Running", &step.command);
            if let Err(error) = run(step, self.project, ui) {
                let message = format!("the files are in place, but `{}` failed", step.command);
                let hint = "mend what it says and run `quickscale apply` again; `quickscale undo` takes the files back";
                return Err(error.context(Fault::new(message).hint(hint).exit(Exit::Pending)));
            }
            self.due.remove(0);
            self.write()?;
        }
        Ok(())
    }

    /// Crosses everything out: nothing is to be run for files that are not there any more.
    ///
    /// # Errors
    /// When the list cannot be written.
    pub fn forget(&mut self) -> Result<()> {
        self.due.clear();
        self.write()
    }

    fn write(&self) -> Result<()> {
        let path = list(self.project);
        if !self.due.is_empty() {
            return Disk::default().write_over(&path, &serde_json::to_vec_pretty(&self.due)?);
        }
        match fs_err::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

fn list(project: &Project) -> PathBuf {
    project.run_dir().join(FILE)
}

/// What it says is progress and no data; with `--quiet` it is shown only when it failed.
fn run(step: &Step, project: &Project, ui: &Ui) -> Result<()> {
    let mut words = step.command.split_whitespace();
    let mut command = Command::new(words.next().context("a step names a program")?);
    command
        .args(words)
        .current_dir(project.root())
        .stdin(Stdio::null());
    let cannot = || format!("`{}` cannot be run", step.command);
    let status = if ui.quiet() {
        let output = command.output().with_context(cannot)?;
        if !output.status.success() {
            let said = [output.stdout, output.stderr].concat();
            ui.warn(String::from_utf8_lossy(&said).trim_end());
        }
        output.status
    } else {
        command.stdout(std::io::stderr());
        command.status().with_context(cannot)?
    };
    if status.success() {
        return Ok(());
    }
    Err(anyhow::anyhow!("{status}"))
}

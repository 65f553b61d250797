//! Running a project's app: as a native process or with compose, its port, health and log.

pub mod cargo;
pub mod docker;
pub mod doctor;
pub mod down;
pub mod health;
pub mod logs;
pub mod manage;
pub mod native;
pub mod platform;
pub mod port;
pub mod python;
pub mod record;
pub mod settings;
pub mod shell;
pub mod status;
pub mod up;
pub mod validate;

use std::path::Path;

use anyhow::Result;

use crate::project::Project;
use crate::ui::Ui;
use record::{Profile, RunDir};
use settings::Settings;

/// A project whose app is run, with what is needed for that.
pub struct Site<'a> {
    pub root: &'a Path,
    pub run: RunDir,
    pub settings: Settings,
    pub ui: &'a Ui,
}

impl<'a> Site<'a> {
    pub fn open(project: &'a Project, ui: &'a Ui) -> Result<Self> {
        Ok(Self {
            root: project.root(),
            run: RunDir::of(project),
            settings: Settings::load(project.root())?,
            ui,
        })
    }

    /// Builds the app's binary with progress, and returns where it stands.
    pub fn build(&self, profile: Profile) -> Result<std::path::PathBuf> {
        self.run.create()?;
        let job = cargo::Job {
            root: self.root,
            profile,
            log: &self.run.build_log(),
            color: console::colors_enabled_stderr(),
        };
        let mut progress = self.ui.progress("Building", 0);
        cargo::build(&job, |event| match event {
            cargo::Event::Total(total) => progress.set_total(total),
            cargo::Event::Done(name) => progress.step(&name),
        })
    }
}

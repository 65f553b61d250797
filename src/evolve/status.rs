//! How a project stands: versions, modules, what drifted, what an apply would do.

use std::fmt::Write as _;

use anyhow::Result;
use serde::Serialize;

use super::Evolution;
use crate::apply::Steps;
use crate::plan::{Action, ConflictKind};
use crate::project::step::Step;
use crate::project::tree::Entry;

/// How a project stands.
#[derive(Debug, Serialize)]
pub struct Status {
    format_version: u32,
    name: String,
    slug: String,
    /// This quickscale.
    quickscale_version: &'static str,
    /// The quickscale that applied last; none before the first apply.
    applied_version: Option<String>,
    serial: u64,
    theme: String,
    modules: Vec<String>,
    drift: Drift,
    /// The files that an apply would change, with what it would do.
    pending: Vec<Pending>,
    /// Files whose conflict markers are still to be resolved.
    unresolved: Vec<String>,
    /// What an apply left to be run.
    steps: Vec<Step>,
}

/// What the user changed since the last apply.
#[derive(Debug, Default, Serialize)]
pub struct Drift {
    pub edited: Vec<String>,
    pub deleted: Vec<String>,
    pub in_the_way: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Pending {
    path: String,
    action: &'static str,
}

impl Status {
    /// How the project of `evolution` stands.
    ///
    /// # Errors
    /// When the list of pending steps cannot be read.
    pub fn of(evolution: &Evolution) -> Result<Self> {
        let state = evolution.state();
        let changes = &evolution.plan.changes;
        let pending = changes.iter().filter(|change| change.action.is_pending());
        let unresolved = evolution
            .plan
            .conflicts()
            .filter(|(_, c)| c.kind == ConflictKind::Unresolved);
        Ok(Self {
            format_version: 1,
            name: evolution.config.name.to_string(),
            slug: evolution.config.slug.to_string(),
            quickscale_version: env!("CARGO_PKG_VERSION"),
            applied_version: state.map(|state| state.quickscale.clone()),
            serial: state.map_or(0, |state| state.serial),
            theme: evolution.config.theme.to_string(),
            modules: evolution
                .config
                .modules
                .keys()
                .map(ToString::to_string)
                .collect(),
            drift: Drift::of(evolution),
            pending: pending
                .map(|change| Pending {
                    path: change.path.to_string(),
                    action: change.action.name(),
                })
                .collect(),
            unresolved: unresolved
                .map(|(change, _)| change.path.to_string())
                .collect(),
            steps: Steps::pending(&evolution.project)?.due().to_vec(),
        })
    }

    /// Whether an apply has something to do.
    pub fn is_pending(&self) -> bool {
        !self.pending.is_empty() || !self.unresolved.is_empty() || !self.steps.is_empty()
    }

    /// Whether the user changed managed files.
    pub fn has_drifted(&self) -> bool {
        let Drift {
            edited,
            deleted,
            in_the_way,
        } = &self.drift;
        !(edited.is_empty() && deleted.is_empty() && in_the_way.is_empty())
    }

    /// The status for people.
    pub fn text(&self) -> String {
        let mut text = format!("{} ({})\n", self.name, self.slug);
        let applied = self.applied_version.as_deref().unwrap_or("nothing yet");
        let _ = writeln!(
            text,
            "  quickscale  {} (applied: {applied}, apply {})",
            self.quickscale_version, self.serial
        );
        let _ = writeln!(text, "  theme       {}", self.theme);
        let modules = if self.modules.is_empty() {
            "none".into()
        } else {
            self.modules.join(", ")
        };
        let _ = writeln!(text, "  modules     {modules}");
        let Drift {
            edited,
            deleted,
            in_the_way,
        } = &self.drift;
        for (title, paths) in [
            ("Edited by you, kept by every apply", edited),
            ("Deleted by you, not written again", deleted),
            ("In the way of a file of the templates", in_the_way),
            (
                "With conflict markers to resolve, left alone until then",
                &self.unresolved,
            ),
        ] {
            if !paths.is_empty() {
                let _ = writeln!(text, "\n{title}:");
                for path in paths {
                    let _ = writeln!(text, "  {path}");
                }
            }
        }
        if !self.steps.is_empty() {
            let _ = writeln!(
                text,
                "\nStill to be run after the last apply (`quickscale apply` does):"
            );
            for step in &self.steps {
                let _ = writeln!(text, "  {}", step.command);
            }
        }
        if !self.is_pending() {
            let _ = writeln!(text, "\nNothing is pending.");
        } else if !self.pending.is_empty() {
            let _ = writeln!(text, "\nPending (`quickscale plan` shows the diffs):");
            for one in &self.pending {
                let _ = writeln!(text, "  {:<13} {}", one.action, one.path);
            }
        }
        text
    }
}

impl Drift {
    fn of(evolution: &Evolution) -> Self {
        let mut drift = Self::default();
        for change in &evolution.plan.changes {
            let path = change.path.to_string();
            match &change.action {
                Action::KeepEdit | Action::Merge | Action::Forget => drift.edited.push(path),
                Action::KeepDeleted => drift.deleted.push(path),
                Action::Conflict(conflict) => match conflict.kind {
                    ConflictKind::InTheWay => drift.in_the_way.push(path),
                    ConflictKind::Hunks(_) | ConflictKind::BothChanged | ConflictKind::Renamed => {
                        drift.edited.push(path);
                    }
                    ConflictKind::Unresolved => {}
                },
                Action::Create | Action::Update | Action::Remove | Action::Adopt => {}
            }
        }
        drift.deleted.extend(evolution.deleted());
        drift.deleted.sort();
        drift.deleted.dedup();
        drift
    }
}

impl Evolution {
    /// Managed files that are known and wanted, but gone.
    fn deleted(&self) -> Vec<String> {
        let Some(state) = self.state() else {
            return Vec::new();
        };
        let gone = state.files.iter().filter(|(path, known)| {
            known.policy == crate::project::owner::Policy::Managed
                && self.desired.files.contains_key(*path)
                && *self.snapshot.tree.entry(path) == Entry::Missing
        });
        gone.map(|(path, _)| path.to_string()).collect()
    }
}

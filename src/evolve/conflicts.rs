//! Answers to conflicts: one for all from the command line, or file by file on a terminal.

use anyhow::Result;

use crate::plan::{Choice, Choices, ConflictKind, Plan, preview};
use crate::ui::{self, Ui};

/// What becomes of conflicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum OnConflict {
    /// Ask, file by file; without a terminal the same as `abort`
    Ask,
    /// Write both sides into the file, between markers as git writes them
    Markers,
    /// Keep your file
    Mine,
    /// Take the template's file
    Theirs,
    /// Change nothing
    Abort,
}

/// An answer for each conflict, as far as one can be had; what has none is then refused.
///
/// # Errors
/// When the user leaves the menu.
pub fn choose(plan: &Plan, on_conflict: OnConflict, ui: &Ui) -> Result<Choices> {
    let mut choices = Choices::new();
    for (change, conflict) in plan.conflicts() {
        if conflict.kind == ConflictKind::Unresolved {
            continue;
        }
        let choice = match on_conflict {
            OnConflict::Markers => Some(Choice::Markers),
            OnConflict::Mine => Some(Choice::Mine),
            OnConflict::Theirs => Some(Choice::Theirs),
            OnConflict::Abort => None,
            OnConflict::Ask if !ui.interactive() => None,
            OnConflict::Ask => Some(ask(change, ui)?),
        };
        if let Some(choice) = choice {
            choices.insert(change.path.clone(), choice);
        }
    }
    Ok(choices)
}

fn ask(change: &crate::plan::Change, ui: &Ui) -> Result<Choice> {
    let line = |name: &str, summary: &str| ui::Choice {
        name: name.into(),
        summary: summary.into(),
    };
    let lines = [
        line("mine", "keep your file as it is"),
        line(
            "theirs",
            "take the template's file; yours is kept for `quickscale undo`",
        ),
        line("markers", "both in the file, between conflict markers"),
        line("show", "see both first"),
    ];
    loop {
        let question = format!("{}: {}", change.path, change.reason);
        match ui.select(&question, &lines, 2)? {
            0 => return Ok(Choice::Mine),
            1 => return Ok(Choice::Theirs),
            2 => return Ok(Choice::Markers),
            _ => ui.info(&preview::sides(change)),
        }
    }
}

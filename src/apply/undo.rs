//! Takes the last apply back: what it kept in `.quickscale/undo/` is put in place by a transaction of its own.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::check::{Stands, own_folders_are_real, stands};
use super::journal::{Contents, Entry, Journal, Purpose, UNDO_DIR};
use super::transaction::{Changes, Transaction};
use crate::digest::Digest;
use crate::error::Fault;
use crate::plan::{After, Before, Operation, ReadyPlan};
use crate::project::names::RelPath;
use crate::project::state::{STATE_FILE, State};

impl Transaction<'_> {
    /// Takes the last apply back.
    ///
    /// # Errors
    /// When there is none, or a file that it wrote has been changed since; nothing is changed then.
    pub fn undo(&self) -> Result<Vec<RelPath>> {
        let folder = self.folder(UNDO_DIR);
        own_folders_are_real(self.root)?;
        let journal =
            Journal::read(&folder)?.ok_or_else(|| Fault::new("there is no apply to take back"))?;
        let mut changed = Vec::new();
        for entry in &journal.entries {
            if stands(self.root, entry)? != Stands::After {
                changed.push(entry.path.as_str());
            }
        }
        if !changed.is_empty() {
            let message = format!(
                "the last apply cannot be taken back, because these files have changed since: {}",
                changed.join(", ")
            );
            let hint = "change quickscale.yml back and apply that, or restore the files";
            return Err(Fault::new(message).hint(hint).into());
        }
        let operations = reverse(&folder, &journal)?;
        match self.state_before(&folder)? {
            Some(state) => {
                let ready = ReadyPlan {
                    operations,
                    state,
                    pristine: BTreeMap::new(),
                };
                self.run(&Changes::of(&ready), Purpose::Undo, &mut |_| Ok(()))?;
            }
            None => {
                let changes = Changes {
                    operations: &operations,
                    known: None,
                };
                self.run(&changes, Purpose::Unmake, &mut |_| Ok(()))?;
            }
        }
        let paths = journal.entries.into_iter().map(|entry| entry.path);
        Ok(paths.collect())
    }

    /// The state that the last apply, kept in `folder`, followed; none when it was the first.
    fn state_before(&self, folder: &Path) -> Result<Option<State>> {
        let read = |path: &Path| State::from_yaml(&fs_err::read_to_string(path)?);
        let old = folder.join("old").join(STATE_FILE);
        let last = self.state_file();
        if !old.exists() && last.exists() && read(&last)?.is_first() {
            return Ok(None);
        }
        let lost = || Fault::new("what stood before the last apply is not known any more");
        read(&old).map(Some).with_context(lost)
    }
}

/// What takes the changes of a journal back, the last one first.
fn reverse(folder: &Path, journal: &Journal) -> Result<Vec<Operation>> {
    let reverse = |(number, entry): (usize, &Entry)| {
        let kept = |before: Contents| -> Result<After> {
            let bytes = fs_err::read(Journal::old_file(folder, number))?;
            ensure!(
                Digest::of(&bytes) == before.digest,
                Fault::new(format!("what {} was before is damaged", entry.path))
            );
            let mode = before.mode;
            Ok(After {
                bytes: bytes.into(),
                mode,
            })
        };
        Ok(Operation {
            path: entry.path.clone(),
            before: entry.after.map(|after| Before {
                digest: after.digest,
                mode: after.mode,
            }),
            after: entry.before.map(kept).transpose()?,
        })
    };
    let entries = journal.entries.iter().enumerate();
    entries.rev().map(reverse).collect()
}

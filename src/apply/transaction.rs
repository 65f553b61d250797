//! Many files changed as one: staged and journalled first, then renamed into place in order, the state last. A failure
//! puts everything back; a kill is finished or undone by [`Transaction::recover`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::OnWritten;
use super::check::{Stands, check, own_folders_are_real, stale, stands};
use super::disk::{Disk, is_full};
use super::journal::{APPLY_DIR, Entry, Journal, Purpose, UNDO_DIR};
use crate::digest::Digest;
use crate::error::Fault;
use crate::plan::{Operation, ReadyPlan};
use crate::project::STATE_DIR;
use crate::project::names::RelPath;
use crate::project::owner::Mode;
use crate::project::state::{BASE_DIR, STATE_FILE, State};

/// How an interrupted apply was ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovered {
    /// Nothing had been interrupted.
    Nothing,
    /// It had not begun to change files: what it had prepared is gone.
    Undone,
    /// Its remaining files are in place; those that the user changed in between stay as they are.
    Finished { kept: Vec<RelPath> },
}

/// What a transaction writes.
pub(super) struct Changes<'a> {
    pub operations: &'a [Operation],
    /// What is known of a project afterwards; none for a folder that is no project.
    pub known: Option<&'a ReadyPlan>,
}

impl<'a> Changes<'a> {
    pub fn of(ready: &'a ReadyPlan) -> Self {
        Self {
            operations: &ready.operations,
            known: Some(ready),
        }
    }
}

/// Where a transaction works.
#[derive(Debug)]
pub struct Transaction<'a> {
    pub(super) root: &'a Path,
    disk: &'a Disk,
}

impl<'a> Transaction<'a> {
    /// Works on the project at `root`. The caller holds the project's lock.
    pub fn new(root: &'a Path, disk: &'a Disk) -> Self {
        Self { root, disk }
    }

    /// Whether an apply was interrupted in the project at `root`.
    pub fn is_pending(root: &Path) -> bool {
        root.join(STATE_DIR).join(APPLY_DIR).exists()
    }

    /// Carries out `ready`, whole or not at all; `written` may stop it until the first file of the project changes.
    ///
    /// # Errors
    /// When a file is not as the plan expects it ([`crate::error::Exit::Stale`]), or cannot be written: everything is
    /// then as before.
    pub fn apply(&self, ready: &ReadyPlan, written: OnWritten<'_>) -> Result<()> {
        self.run(&Changes::of(ready), Purpose::Apply, written)
    }

    /// Carries out `operations` in a folder that is no project and has no state, whole or not at all. What stood there
    /// before is kept in `.quickscale/undo/`.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub fn change(&self, operations: &[Operation], written: OnWritten<'_>) -> Result<()> {
        let changes = Changes {
            operations,
            known: None,
        };
        self.run(&changes, Purpose::Apply, written)
    }

    pub(super) fn run(
        &self,
        changes: &Changes<'_>,
        purpose: Purpose,
        written: OnWritten<'_>,
    ) -> Result<()> {
        own_folders_are_real(self.root)?;
        ensure!(
            !Self::is_pending(self.root),
            Fault::new("another apply was interrupted here").hint("run the command again")
        );
        check(self.root, changes.operations)?;
        let folder = self.folder(APPLY_DIR);
        let journal = match self.prepare(changes, purpose, written) {
            Ok(journal) => journal,
            Err(error) => {
                drop(self.discard(&folder).and_then(|()| self.sweep_pristine()));
                return Err(told(error, "nothing was changed"));
            }
        };
        for (number, entry) in journal.entries.iter().enumerate() {
            // A moment ago it was as planned; what the user saved since is not written over.
            let (error, tried) = match stands(self.root, entry) {
                Ok(Stands::After) => continue,
                Ok(Stands::Before) => match self.carry_out(&folder, number, entry) {
                    Ok(()) => continue,
                    Err(error) => (error, number + 1),
                },
                Ok(Stands::Other) => (stale(&entry.path).into(), number),
                Err(error) => (error, number),
            };
            self.put_back(&folder, &journal.entries[..tried])?;
            let message = format!(
                "cannot write {}; everything is as it was before",
                entry.path
            );
            return Err(told(error, &message));
        }
        self.complete(&folder, &journal).context(
            Fault::new("the files are in place, but their state is not")
                .hint("run any quickscale command in the project: it finishes the apply"),
        )
    }

    /// Ends an apply that was interrupted.
    ///
    /// # Errors
    /// When a file cannot be written; the next command tries again.
    pub fn recover(&self) -> Result<Recovered> {
        let folder = self.folder(APPLY_DIR);
        if !folder.exists() {
            return Ok(Recovered::Nothing);
        }
        own_folders_are_real(self.root)?;
        let Some(journal) = Journal::read(&folder)? else {
            self.disk.remove_folder(&folder)?;
            self.sweep_pristine()?;
            return Ok(Recovered::Undone);
        };
        let mut kept = Vec::new();
        for (number, entry) in journal.entries.iter().enumerate() {
            match stands(self.root, entry)? {
                Stands::After => {}
                Stands::Before => self.carry_out(&folder, number, entry).with_context(|| {
                    format!("cannot finish the interrupted apply at {}", entry.path)
                })?,
                Stands::Other => kept.push(entry.path.clone()),
            }
        }
        let has_state = journal.purpose != Purpose::Unmake && self.has_state(&folder);
        if !kept.is_empty() && has_state {
            self.forget(&folder, &kept)?;
        }
        self.complete(&folder, &journal)?;
        Ok(Recovered::Finished { kept })
    }

    pub(super) fn folder(&self, name: &str) -> PathBuf {
        self.root.join(STATE_DIR).join(name)
    }

    /// Whether the transaction in `folder` is one of a project.
    fn has_state(&self, folder: &Path) -> bool {
        self.state_file().exists() || folder.join("new").join(STATE_FILE).exists()
    }

    pub(super) fn state_file(&self) -> PathBuf {
        self.root.join(STATE_DIR).join(STATE_FILE)
    }

    /// Has everything on disk that the changes need; the journal comes last and makes it count.
    fn prepare(
        &self,
        changes: &Changes<'_>,
        purpose: Purpose,
        written: OnWritten<'_>,
    ) -> Result<Journal> {
        let folder = self.folder(APPLY_DIR);
        let mut files = Vec::new();
        for (number, operation) in changes.operations.iter().enumerate() {
            let target = operation.path.under(self.root);
            let like = operation.before.map(|_| target.as_path());
            let mut write = || -> Result<()> {
                if let Some(after) = &operation.after {
                    let file = Journal::new_file(&folder, number);
                    self.disk.write(&file, &after.bytes, after.mode, like)?;
                    files.push(file);
                }
                if operation.before.is_some() {
                    let copy = Journal::old_file(&folder, number);
                    files.extend(self.disk.keep(&target, &copy)?);
                }
                Ok(())
            };
            write().with_context(|| format!("cannot prepare {}", operation.path))?;
            written(&operation.path)?;
        }
        if let Some(ready) = changes.known {
            files.extend(self.write_pristine(ready)?);
            files.extend(self.write_state(ready, &folder)?);
        }
        self.disk.settle_files(&files)?;
        let folders: BTreeSet<_> = files.iter().filter_map(|file| file.parent()).collect();
        for around in folders {
            self.disk.settle(around)?;
        }
        let entries = changes.operations.iter().map(Entry::of).collect();
        let journal = Journal::new(purpose, entries);
        self.disk
            .write_over(&Journal::path(&folder), &journal.to_json()?)?;
        self.disk.settle(&self.root.join(STATE_DIR))?;
        Ok(journal)
    }

    /// Keeps the pristine contents that are not there yet, or damaged; gives what was written.
    fn write_pristine(&self, ready: &ReadyPlan) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for (digest, bytes) in &ready.pristine {
            let file = self.folder(BASE_DIR).join(digest.to_string());
            if !fs_err::read(&file).is_ok_and(|kept| kept[..] == bytes[..]) {
                self.disk.remove(&file)?;
                let written = self.disk.write(&file, bytes, Mode::Plain, None);
                written.with_context(|| {
                    let mut files = ready.state.files.iter();
                    let path = files.find(|(_, known)| known.digest == Some(*digest));
                    let path = path.map_or("a file", |(path, _)| path.as_str());
                    format!("cannot keep what {path} is made from")
                })?;
                files.push(file);
            }
        }
        Ok(files)
    }

    /// Has the next state wait, and keeps the one that it follows; gives what was written.
    fn write_state(&self, ready: &ReadyPlan, folder: &Path) -> Result<Vec<PathBuf>> {
        let new = folder.join("new").join(STATE_FILE);
        let text = ready.state.to_yaml()?;
        self.disk.write(&new, text.as_bytes(), Mode::Plain, None)?;
        let mut files = vec![new];
        if self.state_file().exists() {
            let old = folder.join("old").join(STATE_FILE);
            files.extend(self.disk.keep(&self.state_file(), &old)?);
        }
        Ok(files)
    }

    fn carry_out(&self, folder: &Path, number: usize, entry: &Entry) -> Result<()> {
        let target = entry.path.under(self.root);
        match entry.after {
            Some(_) => {
                self.disk
                    .make_folders(target.parent().unwrap_or(self.root))?;
                self.disk
                    .rename(&Journal::new_file(folder, number), &target)
            }
            None => {
                self.disk.remove(&target)?;
                self.prune(&entry.path);
                Ok(())
            }
        }
    }

    /// Removes the folders that a removed file leaves empty.
    fn prune(&self, path: &RelPath) {
        for folder in path.folders().rev() {
            if self
                .disk
                .remove_empty_folder(&folder.under(self.root))
                .is_err()
            {
                return;
            }
        }
    }

    /// Puts these entries back, the last one first. What the user changed in between stays.
    fn put_back(&self, folder: &Path, entries: &[Entry]) -> Result<()> {
        for (number, entry) in entries.iter().enumerate().rev() {
            let target = entry.path.under(self.root);
            let put = match (stands(self.root, entry)?, entry.before) {
                (Stands::Other, _) | (Stands::Before, Some(_)) => Ok(()),
                (Stands::After, Some(_)) => self
                    .disk
                    .make_folders(target.parent().unwrap_or(self.root))
                    .and_then(|()| {
                        self.disk
                            .rename(&Journal::old_file(folder, number), &target)
                    }),
                (Stands::After | Stands::Before, None) => {
                    self.disk.remove(&target).map(|()| self.prune(&entry.path))
                }
            };
            put.with_context(|| {
                let kept = folder.join("old");
                Fault::new(format!("{} could not be put back", entry.path))
                    .hint(format!("its contents are in {}", kept.display()))
            })?;
        }
        self.settle(entries)?;
        self.discard(folder)
    }

    /// The files, then the state, then the journal becomes what `undo` reads, or goes.
    fn complete(&self, folder: &Path, journal: &Journal) -> Result<()> {
        self.settle(&journal.entries)?;
        let own = self.root.join(STATE_DIR);
        let new = folder.join("new").join(STATE_FILE);
        if new.exists() {
            self.disk.rename(&new, &self.state_file())?;
            self.disk.settle(&own)?;
        }
        let undo = self.folder(UNDO_DIR);
        self.discard(&undo)?;
        match journal.purpose {
            Purpose::Apply => self.disk.rename(folder, &undo)?,
            Purpose::Undo => self.discard(folder)?,
            Purpose::Unmake => {
                self.disk.remove(&self.state_file())?;
                self.disk.settle(&own)?;
                self.discard(folder)?;
            }
        }
        self.disk.settle(&own)?;
        self.sweep_pristine()
    }

    /// Waits until the names of these files are on the disk.
    fn settle(&self, entries: &[Entry]) -> Result<()> {
        let nearest = |entry: &Entry| {
            let folders = entry.path.folders().rev();
            let mut folders = folders.map(|folder| folder.under(self.root));
            folders.find(|folder| folder.is_dir())
        };
        let folders = entries.iter().map(nearest);
        let folders: BTreeSet<_> = folders
            .map(|folder| folder.unwrap_or(self.root.to_path_buf()))
            .collect();
        folders
            .iter()
            .try_for_each(|folder| self.disk.settle(folder))
    }

    /// Removes a folder with a journal. The journal goes first: what it speaks of is not whole any more.
    fn discard(&self, folder: &Path) -> Result<()> {
        self.disk.remove(&Journal::path(folder))?;
        self.disk.remove_folder(folder)
    }

    /// Leaves what is known of `paths` as it was, so that the next plan merges the user's changes.
    fn forget(&self, folder: &Path, paths: &[RelPath]) -> Result<()> {
        let old = folder.join("old").join(STATE_FILE);
        let new = folder.join("new").join(STATE_FILE);
        let from = if new.exists() {
            &new
        } else {
            &self.state_file()
        };
        let mut state = State::from_yaml(&fs_err::read_to_string(from)?)?;
        let before = match old.exists() {
            true => State::from_yaml(&fs_err::read_to_string(&old)?)?.files,
            false => BTreeMap::new(),
        };
        for path in paths {
            match before.get(path) {
                Some(known) => state.files.insert(path.clone(), known.clone()),
                None => state.files.remove(path),
            };
        }
        self.disk.write_over(&new, state.to_yaml()?.as_bytes())
    }

    /// Removes pristine contents that neither the state nor the one before it refers to.
    fn sweep_pristine(&self) -> Result<()> {
        let mut needed = BTreeSet::new();
        for file in [
            self.state_file(),
            self.folder(UNDO_DIR).join("old").join(STATE_FILE),
        ] {
            if file.exists() {
                let state = State::from_yaml(&fs_err::read_to_string(&file)?)?;
                needed.extend(state.files.values().filter_map(|known| known.digest));
            }
        }
        let folder = self.folder(BASE_DIR);
        if !folder.exists() {
            return Ok(());
        }
        for entry in fs_err::read_dir(&folder)? {
            let entry = entry?;
            let digest = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse::<Digest>().ok());
            if digest.is_some_and(|digest| !needed.contains(&digest)) {
                self.disk.remove(&entry.path())?;
            }
        }
        Ok(())
    }
}

/// What is told of an error after which everything is as before: `message`, unless it is a fault that tells its own.
fn told(error: anyhow::Error, message: &str) -> anyhow::Error {
    if error.is::<Fault>() {
        return error;
    }
    let hint = match is_full(&error) {
        true => "free some space and run the command again",
        false => "mend the cause and run the command again",
    };
    error.context(Fault::new(message).hint(hint))
}

#[cfg(test)]
#[path = "transaction_tests.rs"]
mod tests;

//! Many files changed as one: staged and journalled first, then renamed into place in order, the state last. A failure
//! puts everything back; a kill is finished or undone by [`recover`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::disk::Disk;
use super::journal::{APPLY_DIR, Contents, Entry, Journal, UNDO_DIR};
use crate::digest::Digest;
use crate::error::{Exit, Fault};
use crate::plan::{Operation, ReadyPlan};
use crate::project::STATE_DIR;
use crate::project::names::RelPath;
use crate::project::owner::Mode;
use crate::project::state::{BASE_DIR, STATE_FILE, State};
use crate::project::tree::{self, FileOnDisk, Tree};

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

/// Where a transaction works.
#[derive(Debug)]
pub struct Transaction<'a> {
    root: &'a Path,
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

    /// Carries out `ready`, whole or not at all.
    ///
    /// # Errors
    /// When a file is not as the plan expects it ([`Exit::Stale`]), or cannot be written: everything is then as before.
    pub fn apply(&self, ready: &ReadyPlan) -> Result<()> {
        self.check(&ready.operations)?;
        let folder = self.folder(APPLY_DIR);
        let prepared = self.prepare(ready, &folder);
        if let Err(error) = prepared {
            drop(self.disk.remove_folder(&folder));
            return Err(error.context(
                Fault::new("nothing was changed").hint("mend the cause and run the command again"),
            ));
        }
        let journal = Journal::read(&folder)?.context("the journal was just written")?;
        for number in 0..journal.entries.len() {
            if let Err(error) = self.carry_out(&folder, number, &journal.entries[number]) {
                let path = &journal.entries[number].path;
                self.put_back(&folder, &journal, number + 1)?;
                let fault = Fault::new(format!(
                    "cannot write {path}; everything is as it was before"
                ));
                return Err(error.context(fault.hint("mend the cause and run the command again")));
            }
        }
        self.complete(&folder).context(
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
        let Some(journal) = Journal::read(&folder)? else {
            self.disk.remove_folder(&folder)?;
            return Ok(Recovered::Undone);
        };
        let mut kept = Vec::new();
        for (number, entry) in journal.entries.iter().enumerate() {
            let now = self.contents(&entry.path)?;
            if now == entry.after {
                continue;
            }
            if now == entry.before {
                self.carry_out(&folder, number, entry).with_context(|| {
                    format!("cannot finish the interrupted apply at {}", entry.path)
                })?;
            } else {
                kept.push(entry.path.clone());
            }
        }
        if !kept.is_empty() {
            self.forget(&folder, &kept)?;
        }
        self.complete(&folder)?;
        Ok(Recovered::Finished { kept })
    }

    /// Takes the last apply back.
    ///
    /// # Errors
    /// When there is none, or a file that it wrote has been changed since; nothing is changed then.
    pub fn undo(&self) -> Result<Vec<RelPath>> {
        let folder = self.folder(UNDO_DIR);
        let journal =
            Journal::read(&folder)?.ok_or_else(|| Fault::new("there is no apply to take back"))?;
        let changed: Vec<_> = journal
            .entries
            .iter()
            .filter_map(|entry| match self.contents(&entry.path) {
                Ok(now) if now == entry.after => None,
                _ => Some(entry.path.to_string()),
            })
            .collect();
        if !changed.is_empty() {
            let message = format!(
                "the last apply cannot be taken back, because these files have changed since: {}",
                changed.join(", ")
            );
            let hint = "change quickscale.yml back and apply that, or restore the files";
            return Err(Fault::new(message).hint(hint).into());
        }
        let operations = self.reverse(&folder, &journal)?;
        let state = fs_err::read_to_string(folder.join("old").join(STATE_FILE))?;
        let ready = ReadyPlan {
            operations,
            state: State::from_yaml(&state)?,
            pristine: BTreeMap::new(),
        };
        self.apply(&ready)?;
        // What was taken back is not taken back again.
        self.disk.remove_folder(&folder)?;
        Ok(journal
            .entries
            .into_iter()
            .map(|entry| entry.path)
            .collect())
    }

    fn reverse(&self, folder: &Path, journal: &Journal) -> Result<Vec<Operation>> {
        let reverse = |(number, entry): (usize, &Entry)| {
            let after = match entry.before {
                None => None,
                Some(before) => {
                    let bytes = fs_err::read(Journal::old_file(folder, number))?;
                    Some(crate::plan::After {
                        bytes: bytes.into(),
                        mode: before.mode,
                    })
                }
            };
            let before = entry.after.map(|after| crate::plan::Before {
                digest: after.digest,
                mode: after.mode,
            });
            Ok(Operation {
                path: entry.path.clone(),
                before,
                after,
            })
        };
        journal
            .entries
            .iter()
            .enumerate()
            .rev()
            .map(reverse)
            .collect()
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.root.join(STATE_DIR).join(name)
    }

    fn state_file(&self) -> PathBuf {
        self.root.join(STATE_DIR).join(STATE_FILE)
    }

    /// Refuses a plan whose files have moved under it.
    fn check(&self, operations: &[Operation]) -> Result<()> {
        let tree = Tree::read(
            self.root,
            operations.iter().map(|operation| &operation.path),
        )?;
        for operation in operations {
            let before = operation.before.map(|before| Contents {
                digest: before.digest,
                mode: before.mode,
            });
            let stands = match tree.entry(&operation.path) {
                tree::Entry::Missing => None,
                tree::Entry::File(file) => Some(contents_of(file)),
                entry @ (tree::Entry::Link | tree::Entry::Folder | tree::Entry::Blocked) => {
                    return Err(not_a_file(&operation.path, entry).into());
                }
            };
            if stands != before {
                let message = format!("{} has changed since the plan was made", operation.path);
                return Err(Fault::new(message)
                    .hint("plan again")
                    .exit(Exit::Stale)
                    .into());
            }
        }
        Ok(())
    }

    /// Has everything on disk that the changes need; the journal comes last and makes it count.
    fn prepare(&self, ready: &ReadyPlan, folder: &Path) -> Result<()> {
        let mut entries = Vec::new();
        for (number, operation) in ready.operations.iter().enumerate() {
            let path = &operation.path;
            let write = || -> Result<()> {
                if let Some(after) = &operation.after {
                    self.disk.write(
                        &Journal::new_file(folder, number),
                        &after.bytes,
                        after.mode,
                    )?;
                }
                if operation.before.is_some() {
                    self.disk
                        .copy(&path.under(self.root), &Journal::old_file(folder, number))?;
                }
                Ok(())
            };
            write().with_context(|| format!("cannot prepare {path}"))?;
            entries.push(Entry {
                path: path.clone(),
                before: operation.before.map(|before| Contents {
                    digest: before.digest,
                    mode: before.mode,
                }),
                after: operation.after.as_ref().map(|after| Contents {
                    digest: Digest::of(&after.bytes),
                    mode: after.mode,
                }),
            });
        }
        for (digest, bytes) in &ready.pristine {
            let file = self.folder(BASE_DIR).join(digest.to_string());
            if !file.exists() {
                self.disk.write_over(&file, bytes)?;
            }
        }
        let (new, old) = (
            folder.join("new").join(STATE_FILE),
            folder.join("old").join(STATE_FILE),
        );
        self.disk
            .write(&new, ready.state.to_yaml()?.as_bytes(), Mode::Plain)?;
        if self.state_file().exists() {
            self.disk.copy(&self.state_file(), &old)?;
        }
        let journal = Journal::new(ready.state.project.clone(), ready.state.serial, entries);
        self.disk.settle(&folder.join("new"))?;
        self.disk
            .write_over(&Journal::path(folder), &journal.to_json()?)
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
        for (end, _) in path.as_str().rmatch_indices('/') {
            if self
                .disk
                .remove_empty_folder(&self.root.join(&path.as_str()[..end]))
                .is_err()
            {
                return;
            }
        }
    }

    /// Puts the first `count` entries back, last one first.
    fn put_back(&self, folder: &Path, journal: &Journal, count: usize) -> Result<()> {
        for (number, entry) in journal.entries[..count].iter().enumerate().rev() {
            if self.contents(&entry.path)? == entry.before {
                continue;
            }
            let target = entry.path.under(self.root);
            let put = match entry.before {
                Some(_) => {
                    self.disk
                        .make_folders(target.parent().unwrap_or(self.root))?;
                    self.disk
                        .rename(&Journal::old_file(folder, number), &target)
                }
                None => self.disk.remove(&target).map(|()| self.prune(&entry.path)),
            };
            put.with_context(|| {
                let kept = folder.join("old");
                Fault::new(format!("{} could not be put back", entry.path))
                    .hint(format!("its contents are in {}", kept.display()))
            })?;
        }
        self.disk.remove_folder(folder)
    }

    /// The state, then the journal becomes what `undo` reads.
    fn complete(&self, folder: &Path) -> Result<()> {
        let new = folder.join("new").join(STATE_FILE);
        if new.exists() {
            self.disk.rename(&new, &self.state_file())?;
        }
        let undo = self.folder(UNDO_DIR);
        self.disk.remove_folder(&undo)?;
        self.disk.rename(folder, &undo)?;
        self.sweep_pristine()
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
        let mut needed = std::collections::BTreeSet::new();
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

    fn contents(&self, path: &RelPath) -> Result<Option<Contents>> {
        let tree = Tree::read(self.root, [path])?;
        Ok(match tree.entry(path) {
            tree::Entry::File(file) => Some(contents_of(file)),
            tree::Entry::Missing | tree::Entry::Link => None,
            tree::Entry::Folder | tree::Entry::Blocked => None,
        })
    }
}

/// Nothing is written through a link or over a folder, whatever the answer to the conflict was.
fn not_a_file(path: &RelPath, entry: &tree::Entry) -> Fault {
    let what = match entry {
        tree::Entry::Link => "is a symbolic link",
        tree::Entry::Blocked => "stands behind a symbolic link or a file",
        tree::Entry::Folder | tree::Entry::Missing | tree::Entry::File(_) => "is a folder",
    };
    Fault::new(format!(
        "{path} {what}, and only regular files of the project are written"
    ))
    .hint("move it out of the way, or answer `mine`")
}

fn contents_of(file: &FileOnDisk) -> Contents {
    Contents {
        digest: Digest::of(&file.bytes),
        mode: file.mode,
    }
}

#[cfg(test)]
#[path = "transaction_tests.rs"]
mod tests;

//! A folder in which a project is written out of sight and from which it is moved into place whole. Whatever stops the
//! process, the target holds the project or is as it was; what a kill leaves of a staging folder, a [`Janitor`] removes,
//! or the next one.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::OnWritten;
use super::disk::{claim_folder, is_full, write_new};
use super::git::{self, Repository};
use super::janitor::Janitor;
use super::sweep::{READY_FILE, move_up, sweep};
use crate::error::Fault;
use crate::plan::{After, Operation, ReadyPlan};
use crate::project::names::RelPath;
use crate::project::owner::Mode;
use crate::project::state::{BASE_DIR, STATE_FILE};
use crate::project::{LOCK_FILE, STATE_DIR};

/// How the names of staging folders start.
pub const PREFIX: &str = ".quickscale-init-";

/// A folder that is removed when this is dropped, unless it was moved into place.
#[derive(Debug)]
pub struct Staging {
    folder: PathBuf,
    target: PathBuf,
    place: Place,
    /// The project's lock, held until it is in place.
    lock: Option<File>,
    placed: bool,
    /// Dismissed when the rest is done.
    _janitor: Option<Janitor>,
}

/// How a project gets into place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// There is no target: one rename of the whole folder.
    New,
    /// The target is an empty folder, which may be a mount or somebody's working directory: its entries are moved up.
    Inside,
}

impl Staging {
    /// Prepares to write to `target`, which must not exist or be an empty folder. `janitor` looks after the folder around
    /// it, should this process be killed.
    pub fn new(target: &Path, janitor: impl FnOnce(&Path) -> Option<Janitor>) -> Result<Self> {
        let place = if target.is_dir() {
            Place::Inside
        } else {
            Place::New
        };
        let around = nearest_folder(target);
        sweep(&around);
        let refused = || {
            Fault::new(format!("cannot create a project in {}", around.display()))
                .hint("choose another folder with --path")
        };
        let lock = Path::new(STATE_DIR).join(LOCK_FILE);
        let janitor = janitor(&around);
        let (folder, lock) = claim_folder(&around, PREFIX, &lock).with_context(refused)?;
        Ok(Self {
            folder,
            target: target.to_path_buf(),
            place,
            lock: Some(lock),
            placed: false,
            _janitor: janitor,
        })
    }

    /// Where files are written for now.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes a project that was not there before, the state last; `written` may stop it.
    ///
    /// # Errors
    /// When a file cannot be written, or `written` says so; with the staging goes all that was.
    pub fn apply(&self, ready: &ReadyPlan, written: OnWritten<'_>) -> Result<()> {
        let ReadyPlan {
            operations,
            state,
            pristine,
        } = ready;
        for Operation {
            path,
            before: _,
            after,
        } in operations
        {
            if let Some(After { bytes, mode }) = after {
                self.write(path, bytes, *mode)?;
            }
            written(path)?;
        }
        for (digest, bytes) in pristine {
            let path = format!("{STATE_DIR}/{BASE_DIR}/{digest}").parse()?;
            self.write(&path, bytes, Mode::Plain)?;
        }
        let path = format!("{STATE_DIR}/{STATE_FILE}").parse()?;
        self.write(&path, state.to_yaml()?.as_bytes(), Mode::Plain)
    }

    /// Writes one file, with the folders that it needs.
    fn write(&self, path: &RelPath, bytes: &[u8], mode: Mode) -> Result<()> {
        write_new(&path.under(&self.folder), bytes, mode).map_err(|error| {
            let error = anyhow::Error::new(error);
            let message = format!("cannot write {path}; nothing is left of the new project");
            let fault = match is_full(&error) {
                true => {
                    Fault::new(message).hint("free some space, or choose another disk with --path")
                }
                false => Fault::new(message),
            };
            error.context(fault)
        })
    }

    /// Makes a git repository, unless the target stands in one.
    pub fn repository(&self) -> Repository {
        git::init(&self.folder, &nearest_folder(&self.target))
    }

    /// Moves everything to the target.
    pub fn commit(mut self) -> Result<()> {
        let moved = self.settle().and_then(|()| match self.place {
            Place::New => self.move_whole(),
            Place::Inside => self.move_entries(),
        });
        moved.with_context(|| {
            Fault::new(format!(
                "cannot move the project to {}",
                self.target.display()
            ))
        })?;
        self.placed = true;
        Ok(())
    }

    /// Has the state on disk before the project shows. The other files are not waited for, which would take longer than
    /// all the rest: after a power cut they can be had again from the same command.
    fn settle(&self) -> io::Result<()> {
        fs_err::File::open(self.folder.join(STATE_DIR).join(STATE_FILE))?.sync_all()
    }

    fn move_whole(&mut self) -> io::Result<()> {
        let parent = self.target.parent().unwrap_or(Path::new(".")).to_path_buf();
        let made = first_missing(&parent);
        fs_err::create_dir_all(&parent)?;
        self.unlock_where_it_hinders();
        let moved = fs_err::rename(&self.folder, &self.target);
        if moved.is_err()
            && let Some(made) = made
        {
            let folders = parent
                .ancestors()
                .take_while(|folder| folder.starts_with(&made));
            folders.for_each(|folder| drop(fs_err::remove_dir(folder)));
        }
        moved
    }

    fn move_entries(&mut self) -> io::Result<()> {
        fs_err::write(self.folder.join(READY_FILE), "")?;
        self.unlock_where_it_hinders();
        move_up(&self.folder, &self.target)
    }

    /// Windows moves no folder in which a file is open.
    fn unlock_where_it_hinders(&mut self) {
        if cfg!(windows) {
            self.lock = None;
        }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        self.lock = None;
        if !self.placed {
            // Nobody is left to be told; the next staging in this place sweeps.
            drop(fs_err::remove_dir_all(&self.folder));
        }
    }
}

/// The target itself or the nearest folder above it that exists.
fn nearest_folder(target: &Path) -> PathBuf {
    let mut folders = target
        .ancestors()
        .filter(|folder| !folder.as_os_str().is_empty());
    folders
        .find(|folder| folder.is_dir())
        .unwrap_or(Path::new("."))
        .to_path_buf()
}

/// The topmost folder that has to be made for `folder` to exist.
fn first_missing(folder: &Path) -> Option<PathBuf> {
    let missing = folder
        .ancestors()
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists());
    missing.last().map(Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::CONFIG_FILE;

    fn staged(target: &Path) -> Staging {
        let staging = Staging::new(target, |_| None).unwrap();
        for path in ["quickscale.yml", "src/main.rs", ".quickscale/state.yml"] {
            staging
                .write(&path.parse().unwrap(), path.as_bytes(), Mode::Plain)
                .unwrap();
        }
        staging
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_new_target_appears_whole_with_its_parents() {
        let scratch = tempfile::tempdir().unwrap();
        let target = scratch.path().join("a/b/app");
        staged(&target).commit().unwrap();
        assert_eq!(names(scratch.path()), ["a"]);
        assert_eq!(names(&target), [".quickscale", "quickscale.yml", "src"]);
    }

    #[test]
    fn an_empty_target_stays_the_same_folder() {
        let scratch = tempfile::tempdir().unwrap();
        let open = File::open(scratch.path()).unwrap();
        staged(scratch.path()).commit().unwrap();
        assert_eq!(
            names(scratch.path()),
            [".quickscale", "quickscale.yml", "src"]
        );
        drop(open);
    }

    #[test]
    fn a_dropped_staging_leaves_nothing() {
        let scratch = tempfile::tempdir().unwrap();
        drop(staged(&scratch.path().join("a/app")));
        drop(staged(scratch.path()));
        assert_eq!(names(scratch.path()), [""; 0]);
    }

    #[test]
    fn what_a_kill_left_is_swept_and_what_is_in_use_is_not() {
        let scratch = tempfile::tempdir().unwrap();
        let in_use = staged(&scratch.path().join("one"));
        let mut killed = staged(&scratch.path().join("two"));
        killed.placed = true;
        let left = killed.folder.clone();
        drop(killed);
        assert!(left.exists());
        staged(&scratch.path().join("three")).commit().unwrap();
        assert!(!left.exists());
        in_use.commit().unwrap();
        assert_eq!(names(scratch.path()), ["one", "three"]);
    }

    #[test]
    fn a_kill_between_two_moves_is_finished() {
        let scratch = tempfile::tempdir().unwrap();
        let target = scratch.path();
        let mut killed = staged(target);
        killed.placed = true;
        std::fs::write(killed.folder.join(READY_FILE), "").unwrap();
        std::fs::rename(killed.folder.join(STATE_DIR), target.join(STATE_DIR)).unwrap();
        drop(killed);
        assert!(!target.join(CONFIG_FILE).exists());
        sweep(target);
        assert_eq!(names(target), [".quickscale", "quickscale.yml", "src"]);
    }
}

//! The only code that writes projects to disk.

mod check;
mod disk;
mod git;
mod journal;
mod staging;
mod sweep;
mod transaction;

use std::collections::BTreeSet;

use anyhow::Result;

use crate::project::STATE_DIR;
use crate::project::names::RelPath;
use crate::project::owner::Mode;
use crate::project::state::{BASE_DIR, STATE_FILE, State, kept_as};
use crate::render::Desired;

pub use disk::Disk;
pub use git::Repository;
pub use staging::Staging;
pub use sweep::sweep;
pub use transaction::{Recovered, Transaction};

/// What is told while files are written: the path that was; an error stops the writing.
pub type OnWritten<'a> = &'a mut dyn FnMut(&RelPath) -> Result<()>;

/// Writes a whole project, its pristine contents and, last, its state into a staging folder.
pub fn write_project(
    staging: &Staging,
    desired: &Desired,
    state: &State,
    written: OnWritten<'_>,
) -> Result<()> {
    let mut kept = BTreeSet::new();
    for (path, file) in &desired.files {
        staging.write(path, &file.bytes, file.mode)?;
        if let Some(digest) = kept_as(file).filter(|digest| kept.insert(*digest)) {
            let path = format!("{STATE_DIR}/{BASE_DIR}/{digest}").parse()?;
            staging.write(&path, &file.bytes, Mode::Plain)?;
        }
        written(path)?;
    }
    let path = format!("{STATE_DIR}/{STATE_FILE}").parse()?;
    staging.write(&path, state.to_yaml()?.as_bytes(), Mode::Plain)
}

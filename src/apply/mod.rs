//! The only code that writes projects to disk. A `ReadyPlan` gets there in one of two ways: into a folder out of sight that
//! is then moved into place ([`Staging`], for a project that is not there yet), or file by file under a journal
//! ([`Transaction`]).

mod check;
mod disk;
mod git;
mod janitor;
mod journal;
mod staging;
mod steps;
mod sweep;
mod transaction;
mod undo;

use anyhow::Result;

use crate::project::names::RelPath;

pub use disk::Disk;
pub use git::Repository;
pub use janitor::{Janitor, wait_and_sweep};
pub use staging::Staging;
pub use steps::Steps;
pub use sweep::sweep;
pub use transaction::{Recovered, Transaction};

/// What is told while files are written: the path that was; an error stops the writing.
pub type OnWritten<'a> = &'a mut dyn FnMut(&RelPath) -> Result<()>;

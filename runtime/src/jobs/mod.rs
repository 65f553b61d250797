//! Work that is done outside of a request: enqueued in the transaction that it belongs to, done at least once by
//! whichever process gets it, tried again when it fails, kept as a dead letter when it keeps failing; and work on
//! the clock, once over all processes. A job's handler may run again after it succeeded, if its worker died before
//! that was noted: what it does must bear it.

pub mod actions;
mod commands;
mod entity;
mod kinds;
mod pace;
mod rules;
mod store;
mod worker;

pub use entity::{DeadJob, JobCounts};
pub use rules::give_up;
pub use worker::Worked;

pub(crate) use kinds::{Kinds, Schedule};
pub(crate) use worker::{Worker, work};

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::app::Core;
use crate::clock::Timestamp;
use crate::db::{Migration, Tx};
use crate::error::{Error, Result};
use crate::module::{Command, Install, Module};

/// A piece of work, as it is written down until it is done. A module declares how it is done with [`Install::job`].
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Unique, `module.verb`: `mail.send`. Jobs of a name that a process does not know wait for one that does.
    const NAME: &'static str;
    /// How often it is tried before it is a dead letter: with the default for 20 hours.
    const ATTEMPTS: u32 = 15;
    /// How long one attempt may take.
    const TIME_LIMIT: Duration = Duration::from_secs(10 * 60);

    /// Whether it may take minutes: such jobs leave one place to others.
    const IS_LONG: bool = false;

    /// Jobs of one name with the same key are one job, also while 30 days after it was done. None by default.
    fn key(&self) -> Option<String> {
        None
    }
}

impl Core {
    /// Has `job` done soon, if `tx` is committed.
    ///
    /// # Errors
    /// When no module declares such jobs, or the database does not answer.
    pub async fn enqueue<J: Job>(&self, tx: &mut Tx, job: &J) -> Result<()> {
        self.enqueue_at(tx, job, self.now()).await
    }

    /// Has `job` done at `due` or soon after it, if `tx` is committed.
    ///
    /// # Errors
    /// When no module declares such jobs, or the database does not answer.
    pub async fn enqueue_at<J: Job>(&self, tx: &mut Tx, job: &J, due: Timestamp) -> Result<()> {
        let new = entity::NewJob {
            name: J::NAME,
            key: job.key(),
            payload: serde_json::to_string(job).map_err(Error::internal)?,
            due_at: due,
        };
        self.keep_job(tx, new).await
    }

    async fn keep_job(&self, tx: &mut Tx, new: entity::NewJob) -> Result<()> {
        if self.jobs().kind(new.name).is_none() {
            let fault = anyhow::anyhow!("no module declares the job {}", new.name);
            return Err(Error::internal(fault));
        }
        store::insert(tx, self.now(), &new).await?;
        tx.wake_after_commit(self.jobs().bell());
        Ok(())
    }
}

/// The module that every application has.
pub(crate) struct Jobs;

const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Module for Jobs {
    fn name(&self) -> &'static str {
        "jobs"
    }

    fn migrations(&self) -> Vec<Migration> {
        let sql = include_str!("migrations/0001_jobs.sql");
        vec![Migration::portable("0001_jobs", sql)]
    }

    fn commands(&self) -> Vec<Command> {
        commands::commands()
    }

    fn install(&self, install: &mut Install) -> anyhow::Result<()> {
        install.every("jobs.forget_keys", A_DAY, |core| {
            Box::pin(actions::forget_keys(core))
        });
        Ok(())
    }
}

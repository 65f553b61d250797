//! What can be done with jobs from outside: look at those that died, and have them tried again.

use std::time::Duration;

use super::entity::{DeadJob, JobCounts};
use super::store;
use crate::app::Core;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::in_transaction;

/// How long a key of a job that was done is remembered.
const KEYS_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Up to `limit` dead jobs, newest first; from the newest, or from the one after `before`.
///
/// # Errors
/// When the database does not answer.
pub async fn dead_jobs(core: &Core, before: Option<&str>, limit: i64) -> Result<Vec<DeadJob>> {
    store::dead(core.db(), before.unwrap_or(crate::ids::AFTER_ALL), limit).await
}

/// How much work there is.
///
/// # Errors
/// When the database does not answer.
pub async fn count_jobs(core: &Core) -> Result<JobCounts> {
    store::counts(core.db()).await
}

/// Has a dead job tried again as if it were new, if `tx` is committed. Says its name.
///
/// # Errors
/// 404 when there is no such dead job.
pub async fn replay(core: &Core, tx: &mut Tx, id: &str) -> Result<String> {
    let name = store::revive(tx, id, core.now()).await?;
    tx.wake_after_commit(core.jobs().bell());
    name.ok_or_else(Error::not_found)
}

/// Forgets the keys of jobs that were done long ago.
pub(super) async fn forget_keys(core: &Core) -> Result<()> {
    let until = core.now().minus(KEYS_KEPT);
    in_transaction!(core.db(), tx => store::delete_done(tx, until).await)
}

//! Runs as their users see them.

use super::super::entity::{Happening, Run, RunFilter, RunId, RunSummary};
use super::super::store;
use super::ending::{give_up, sweep};
use crate::app::Core;
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::listing::{cut, one_more};

/// One of the user's runs.
///
/// # Errors
/// 404 when the user has none of this identifier.
pub async fn find_run(core: &Core, user: &UserId, id: &RunId) -> Result<Run> {
    let run = store::find_for_user(core.db(), user, id).await?;
    let run = run.ok_or_else(Error::not_found)?;
    if !run.is_overdue(core.now()) {
        return Ok(run);
    }
    give_up(core, &run).await?;
    let run = store::find_for_user(core.db(), user, id).await?;
    run.ok_or_else(Error::not_found)
}

/// A page of the user's runs that `filter` asks for, the newest first, and where the next begins.
pub async fn list_runs(
    core: &Core,
    user: &UserId,
    filter: &RunFilter,
    limit: usize,
) -> Result<(Vec<RunSummary>, Option<RunId>)> {
    runs_of(core, Some(user), filter, limit).await
}

/// As [`list_runs`], of one user or of all.
pub(in super::super) async fn runs_of(
    core: &Core,
    whose: Option<&UserId>,
    filter: &RunFilter,
    limit: usize,
) -> Result<(Vec<RunSummary>, Option<RunId>)> {
    sweep(core, whose).await?;
    let mut runs = store::list(core.db(), whose, filter, one_more(limit)).await?;
    let next = cut(&mut runs, limit).map(|last| last.id.clone());
    Ok((runs, next))
}

/// How many events are read at once.
const BATCH: i64 = 1000;

/// What a run has said until now, put together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in super::super) struct SoFar {
    pub permille: i64,
    pub message: String,
    pub output: String,
    /// The last event that is in it.
    pub last: i64,
}

/// What `run` has said until now. Of one that has its result nothing needs to be known.
///
/// # Errors
/// When the database does not answer.
pub(in super::super) async fn said_so_far(core: &Core, run: &Run) -> Result<SoFar> {
    let mut so_far = SoFar::default();
    if run.output.is_some() {
        return Ok(so_far);
    }
    loop {
        let events = store::events::list(core.db(), &run.id, so_far.last, BATCH).await?;
        let Some(last) = events.last() else {
            return Ok(so_far);
        };
        so_far.last = last.seq;
        for event in events {
            match event.what {
                Happening::Progress { permille, message } => {
                    (so_far.permille, so_far.message) = (permille, message);
                }
                Happening::Output(text) => so_far.output.push_str(&text),
                Happening::Restarted => {
                    let last = so_far.last;
                    so_far = SoFar {
                        last,
                        ..SoFar::default()
                    };
                }
            }
        }
    }
}

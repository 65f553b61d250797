//! Ends of runs that somebody else brings about than the work itself: their users, and whoever finds them left behind.

use super::super::entity::{Run, RunId, RunStatus};
use super::super::live::Live;
use super::super::rules;
use super::super::store::{self, Ending};
use super::looking::find_run;
use crate::app::Core;
use crate::credits::{HoldId, Ledger, Owner};
use crate::db::Tx;
use crate::error::Result;
use crate::ids::UserId;
use crate::in_transaction;

/// Makes what was set aside available again.
pub(super) async fn release(ledger: &mut Ledger<'_>, owner: &Owner, hold: &HoldId) -> Result<()> {
    match ledger.release(owner, hold).await {
        // Its time was up, so that it has come back by itself.
        Err(error) if error.code() == "hold_closed" => Ok(()),
        released => released,
    }
}

/// Ends a run without a result, whoever works on it; what was set aside comes back.
pub(super) async fn end(core: &Core, run: &Run, (status, why): (RunStatus, &str)) -> Result<()> {
    let now = core.now();
    let owner = Owner::User(run.user.clone());
    let ending = Ending {
        status,
        output: None,
        error: Some(why),
        attempt: None,
        cost: None,
        at: now,
    };
    in_transaction!(core.db(), tx => {
        store::forget_input(tx, &run.id).await?;
        if store::finish(tx, &run.id, &ending).await?.is_some()
            && let Some(hold) = &run.hold
        {
            release(&mut Ledger::new(core, tx, now), &owner, hold).await?;
        }
        Ok(())
    })
}

/// Ends everything that runs or waits for somebody who is being forgotten, without results; what was set aside comes
/// back. Whoever works on one of them finds that out within a second, and stops.
pub(in super::super) async fn end_all(core: &Core, tx: &mut Tx, user: &UserId) -> Result<()> {
    let now = core.now();
    // First every run, then the account: in the order of whoever ends one run.
    let holds = store::end_all(tx, user, now).await?;
    let owner = Owner::User(user.clone());
    for hold in &holds {
        release(&mut Ledger::new(core, tx, now), &owner, hold).await?;
    }
    Ok(())
}

/// Asks for the end of one of the user's runs. One that waits ends at once; one under way is told, and ends by itself or
/// is stopped soon. One that has ended stays as it is.
///
/// # Errors
/// 404 when the user has none of this identifier.
pub(in super::super) async fn cancel(core: &Core, user: &UserId, id: &RunId) -> Result<Run> {
    let run = find_run(core, user, id).await?;
    match run.status {
        RunStatus::Succeeded | RunStatus::Failed | RunStatus::Cancelled => return Ok(run),
        RunStatus::Queued => end(core, &run, (RunStatus::Cancelled, rules::CANCELLED)).await?,
        RunStatus::Running => {
            let now = core.now();
            in_transaction!(core.db(), tx => store::ask_to_cancel(tx, user, id, now).await)?;
            if let Some(ongoing) = core.state::<Live>()?.find(id) {
                ongoing.report.cancel();
            }
        }
    }
    find_run(core, user, id).await
}

/// How many runs one sweep settles.
const SWEEP: i64 = 1000;

/// Ends runs that a process which is gone left behind: of one user, or of all.
pub(in super::super) async fn sweep(core: &Core, user: Option<&UserId>) -> Result<()> {
    for run in store::overdue(core.db(), user, core.now(), SWEEP).await? {
        give_up(core, &run).await?;
    }
    Ok(())
}

pub(super) async fn give_up(core: &Core, run: &Run) -> Result<()> {
    tracing::warn!(run = %run.id, service = run.service, "a run was left behind");
    end(core, run, (RunStatus::Failed, rules::LEFT_BEHIND)).await
}

//! Runs in the background: written down together with a job, worked on by whichever process gets that, begun anew by
//! another when that one dies.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::context::Report;
use super::super::entity::{Event, Happening, Run, RunId, RunStatus};
use super::super::live::{Live, Ongoing};
use super::super::registry::Registry;
use super::super::rules;
use super::super::service::Work;
use super::super::store;
use super::attempt::Attempt;
use super::ending::end;
use super::{Asked, Begun, GRACE, write_down};
use crate::app::Core;
use crate::credits::PriceVersion;
use crate::error::Result;
use crate::in_transaction;
use crate::jobs::Job;

/// Has a run worked on.
#[derive(Debug, Serialize, Deserialize)]
pub(in super::super) struct WorkOn {
    pub run: RunId,
}

impl Job for WorkOn {
    const NAME: &'static str = "services.run";
    /// Runs have limits of their own.
    const TIME_LIMIT: Duration = Duration::from_secs(26 * 60 * 60);
    const IS_LONG: bool = true;
}

/// How often a run is begun. One that takes its process along each time ends then.
const MOST_ATTEMPTS: i64 = 3;

/// How long a run may wait before it counts as left behind.
const QUEUE: Duration = Duration::from_secs(24 * 60 * 60);

/// Sets the price aside, writes the run down with its whole `input`, and has somebody work on it.
pub(super) async fn enqueue(
    core: &Core,
    attempt: &Attempt,
    asked: &Asked<'_>,
    input: &str,
) -> Result<Begun> {
    let lasts = QUEUE + attempt.limit + GRACE;
    in_transaction!(core.db(), tx => {
        write_down(tx, attempt, asked, (RunStatus::Queued, lasts)).await?;
        attempt.set_aside(core, tx, lasts).await?;
        store::insert_input(tx, &attempt.id, input).await?;
        let job = WorkOn { run: attempt.id.clone() };
        core.enqueue(tx, &job).await
    })?;
    Ok(Begun::Waiting)
}

/// Works on a run that has not ended.
///
/// # Errors
/// When the database does not answer, or the process ends before the run does: then it is to be worked on again.
pub(in super::super) async fn work_on(core: &Core, id: &RunId) -> Result<()> {
    let begun = in_transaction!(core.db(), tx => store::begin_attempt(tx, id).await)?;
    let Some(store::Begun {
        attempt,
        input,
        last_event,
    }) = begun
    else {
        return Ok(());
    };
    let run = store::find(core.db(), id).await?;
    let work = match prepare(core, &run, attempt, &input)? {
        Ok((title, limit, work)) => (title, limit, work),
        Err(why) => return end(core, &run, why).await,
    };
    let (title, limit, work) = work;
    let attempt = Attempt {
        id: run.id,
        user: run.user,
        number: attempt,
        cost: run.cost,
        price: run.price_version.map(|number| PriceVersion {
            item: rules::item(&run.service),
            number,
        }),
        title,
        hold: run.hold,
        started_at: run.started_at,
        limit,
    };
    let ongoing = Ongoing::new(Report::new(last_event + 2));
    if last_event > 0 {
        let event = Event {
            seq: last_event + 1,
            what: Happening::Restarted,
        };
        in_transaction!(core.db(), tx => {
            let of = (&attempt.id, attempt.number);
            store::events::insert(tx, of, std::slice::from_ref(&event)).await
        })?;
    }
    let open = core.shutdown().open();
    let presence = core.state::<Live>()?.enter(&attempt.id, ongoing.clone());
    let end = attempt.end(core, &ongoing, work);
    let settled = attempt.carry_out(core, &ongoing, end).await;
    drop((presence, open));
    settled.map(drop)
}

type Prepared = (String, Duration, Work);

/// The work, or how the run ends without it.
fn prepare(
    core: &Core,
    run: &Run,
    attempt: i64,
    input: &str,
) -> Result<std::result::Result<Prepared, (RunStatus, &'static str)>> {
    if run.is_cancelling {
        return Ok(Err((RunStatus::Cancelled, rules::CANCELLED)));
    }
    if attempt > MOST_ATTEMPTS {
        tracing::error!(run = %run.id, "each process that worked on a run died before it was done");
        return Ok(Err((RunStatus::Failed, rules::LEFT_BEHIND)));
    }
    let registry = core.state::<Registry>()?;
    let Some((_, service)) = registry.find(&run.service) else {
        tracing::error!(run = %run.id, service = run.service, "the service of a run is gone");
        return Ok(Err((RunStatus::Failed, rules::FAILED)));
    };
    let (title, limit) = (service.title().to_owned(), registry.limit_of(&*service));
    let input = serde_json::from_str(input).map_err(crate::error::Error::internal)?;
    Ok(match service.prepare(input) {
        Ok(work) => Ok((title, limit, work)),
        Err(faults) => {
            // It was checked when it was asked for: the service has changed since.
            tracing::error!(run = %run.id, ?faults, "the input of a run does not fit any more");
            Err((RunStatus::Failed, rules::FAILED))
        }
    })
}

//! Running services. Order of a run: validate, price, hold, run with a time limit, then capture; or release on an
//! error, a panic or when time is up. Nothing is charged without a result.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::task::JoinError;

use super::entity::{Run, RunId, RunStatus, RunSummary};
use super::registry::Registry;
use super::rules;
use super::service::{AnyService, Meter, ServiceContext, ServiceError, Surroundings, Work};
use super::store::{self, Ending, NewRun};
use crate::app::Core;
use crate::clock::Timestamp;
use crate::credits::{Credits, HoldId, HoldTerms, Ledger, Note, Owner};
use crate::error::{Error, FieldErrors, Result};
use crate::ids::{AFTER_ALL, UserId};
use crate::in_transaction;

/// What is asked of a service.
pub(super) struct Submission {
    /// The same key is the same run.
    pub key: String,
    pub input: Map<String, Value>,
}

/// What became of a submission.
pub(super) enum Submitted {
    /// It runs or ran: now, or when its key was first used.
    Run(RunId),
    /// The input does not fit. Nothing was run or charged.
    Invalid(FieldErrors),
    /// The key was used before, with another input. Nothing was run or charged.
    KeyReused,
}

/// After a run should have ended it is given this long to be settled before it counts as left behind.
const GRACE: Duration = Duration::from_secs(30);

/// Runs a service and settles what it cost. The run goes on when whoever asked does not wait for it.
///
/// # Errors
/// 402 `insufficient_credits`; nothing was run then.
pub(super) async fn run(
    core: &Core,
    user: &UserId,
    (name, service): (&'static str, Arc<dyn AnyService>),
    submission: Submission,
) -> Result<Submitted> {
    let digest = rules::digest(name, &submission.input)?;
    let kept = service.input().without_files(&submission.input);
    let work = match service.clone().prepare(submission.input) {
        Ok(work) => work,
        Err(errors) => return Ok(Submitted::Invalid(errors)),
    };
    let usual = core.state::<Registry>()?.time_limit;
    let limit = service.time_limit().unwrap_or(usual);
    let started_at = core.now();
    let job = Job {
        id: RunId::new(started_at),
        user: user.clone(),
        cost: service.cost(),
        title: service.title().to_owned(),
        started_at,
        limit,
    };
    let input = Value::Object(kept).to_string();
    let asked = Asked {
        service: name,
        key: &submission.key,
        digest: &digest,
        input: &input,
    };
    match start(core, &job, &asked).await {
        Ok(hold) => {
            let id = job.id.clone();
            let settled = tokio::spawn(job.carry_out(core.clone(), hold, work)).await;
            settled.map_err(Error::internal)??;
            Ok(Submitted::Run(id))
        }
        Err(failure) => match store::find_by_key(core.db(), user, &submission.key).await? {
            None => Err(failure),
            Some((id, known)) if known == digest => Ok(Submitted::Run(id)),
            Some(_) => Ok(Submitted::KeyReused),
        },
    }
}

/// A run that is about to be started or under way.
struct Job {
    id: RunId,
    user: UserId,
    cost: Credits,
    title: String,
    started_at: Timestamp,
    limit: Duration,
}

/// What came of a run that has a result.
struct Done<'a> {
    output: &'a str,
    cost: Credits,
}

/// What was asked for, as it is kept.
struct Asked<'a> {
    service: &'static str,
    key: &'a str,
    digest: &'a str,
    input: &'a str,
}

/// Sets the price aside and writes the run down, both or neither. This commit need not wait for the disk: nobody is
/// told of the run before it has ended, and the commit that ends it waits, which keeps this one, too (the log is
/// written in order). In a crash before that the run is lost together with its hold: nothing was charged, and the
/// same key runs it again. A run that is answered before its end must not start like this.
async fn start(core: &Core, job: &Job, asked: &Asked<'_>) -> Result<Option<HoldId>> {
    let owner = Owner::User(job.user.clone());
    let lasts = job.limit + GRACE;
    let terms = HoldTerms {
        key: job.reference(),
        lasts,
    };
    let hold = (!job.cost.is_zero()).then(|| HoldId::new(job.started_at));
    // First the run, then the account, as where a run ends: two that meet in between would wait for each other.
    in_transaction!(core.db().unhurried(), tx => {
        let run = NewRun {
            id: &job.id,
            user: &job.user,
            service: asked.service,
            key: asked.key,
            digest: asked.digest,
            cost: job.cost,
            hold: hold.as_ref(),
            input: asked.input,
            started_at: job.started_at,
            ends_by: job.started_at.plus(lasts),
        };
        store::insert(tx, &run).await?;
        if let Some(hold) = &hold {
            let mut ledger = Ledger::new(core, tx, job.started_at);
            ledger.hold_as(hold.clone(), &owner, job.cost, &terms).await?;
        }
        Ok(())
    })?;
    Ok(hold)
}

impl Job {
    /// What the ledger calls this run.
    fn reference(&self) -> String {
        format!("run:{}", self.id)
    }

    async fn carry_out(self, core: Core, hold: Option<HoldId>, work: Work) -> Result<()> {
        let meter = Meter::new(self.cost);
        let settled = match &self.outcome(&core, work, meter.clone()).await {
            Ok(output) => {
                let cost = meter.reading(self.cost);
                self.succeed(&core, hold.as_ref(), Done { output, cost })
                    .await
            }
            Err(why) => fail(&core, &self.id, &self.user, hold.as_ref(), why).await,
        };
        match settled {
            // The credits were not there any more to be captured: then there is no result either.
            Err(error) if error.code() == "hold_closed" => {
                let why = rules::TOOK_TOO_LONG;
                fail(&core, &self.id, &self.user, hold.as_ref(), why).await
            }
            settled => settled,
        }
    }

    /// The output as JSON, or why there is none.
    async fn outcome(&self, core: &Core, work: Work, meter: Meter) -> Result<String, String> {
        let context = ServiceContext {
            run: self.id.clone(),
            user: self.user.clone(),
            started_at: self.started_at,
            price: self.cost,
            meter,
            surroundings: Surroundings(core.shared_config()),
        };
        // A task of its own: work that panics or blocks takes nobody along.
        let mut task = tokio::spawn(work(context));
        match tokio::time::timeout(self.limit, &mut task).await {
            Ok(Ok(Ok(output))) => Ok(output.to_string()),
            Ok(Ok(Err(why))) => Err(self.explain(why)),
            Ok(Err(fault)) => Err(self.explain_crash(&fault)),
            Err(_) => {
                task.abort();
                tracing::error!(run = %self.id, "a service took too long");
                Err(rules::TOOK_TOO_LONG.to_owned())
            }
        }
    }

    fn explain(&self, why: ServiceError) -> String {
        match why {
            ServiceError::Unusable(sentence) => sentence,
            ServiceError::Failed(cause) => {
                tracing::error!(run = %self.id, cause = format!("{cause:#}"), "a service failed");
                rules::FAILED.to_owned()
            }
        }
    }

    fn explain_crash(&self, fault: &JoinError) -> String {
        tracing::error!(run = %self.id, %fault, "a service crashed");
        rules::FAILED.to_owned()
    }

    async fn succeed(&self, core: &Core, hold: Option<&HoldId>, done: Done<'_>) -> Result<()> {
        let Done { output, cost } = done;
        let now = core.now();
        let owner = Owner::User(self.user.clone());
        let note = Note {
            reference: Some(self.reference()),
            ..Note::system(self.reference(), &self.title)
        };
        let ending = Ending {
            status: RunStatus::Succeeded,
            output: Some(output.to_owned()),
            error: None,
            cost: Some(cost),
            at: now,
        };
        in_transaction!(core.db(), tx => {
            if store::finish(tx, &self.id, &ending).await?
                && let Some(hold) = hold
            {
                let mut ledger = Ledger::new(core, tx, now);
                if cost.is_zero() {
                    ledger.release(&owner, hold).await?;
                } else {
                    ledger.capture(&owner, hold, cost, &note).await?;
                }
            }
            Ok(())
        })
    }
}

/// Ends a run without a result; what was set aside comes back.
async fn fail(
    core: &Core,
    id: &RunId,
    user: &UserId,
    hold: Option<&HoldId>,
    why: &str,
) -> Result<()> {
    let now = core.now();
    let owner = Owner::User(user.clone());
    let ending = Ending {
        status: RunStatus::Failed,
        output: None,
        error: Some(why),
        cost: None,
        at: now,
    };
    in_transaction!(core.db(), tx => {
        if store::finish(tx, id, &ending).await?
            && let Some(hold) = hold
        {
            match Ledger::new(core, tx, now).release(&owner, hold).await {
                // Its time was up, so that it has come back by itself.
                Err(error) if error.code() == "hold_closed" => {}
                released => released?,
            }
        }
        Ok(())
    })
}

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

/// A page of the user's runs, the newest first, and where the next begins.
pub async fn list_runs(
    core: &Core,
    user: &UserId,
    before: Option<&RunId>,
    limit: usize,
) -> Result<(Vec<RunSummary>, Option<RunId>)> {
    sweep(core, Some(user)).await?;
    let before = before.map_or(AFTER_ALL, RunId::as_str);
    let wanted = i64::try_from(limit).unwrap_or(i64::MAX - 1) + 1;
    let mut runs = store::list_for_user(core.db(), user, before, wanted).await?;
    let more = runs.len() > limit;
    runs.truncate(limit);
    let next = runs.last().filter(|_| more).map(|last| last.id.clone());
    Ok((runs, next))
}

/// How many runs one sweep settles.
const SWEEP: i64 = 1000;

/// Ends runs that a process which is gone left behind: of one user, or of all.
pub(super) async fn sweep(core: &Core, user: Option<&UserId>) -> Result<()> {
    for run in store::overdue(core.db(), user, core.now(), SWEEP).await? {
        give_up(core, &run).await?;
    }
    Ok(())
}

async fn give_up(core: &Core, run: &Run) -> Result<()> {
    tracing::warn!(run = %run.id, service = run.service, "a run was left behind");
    fail(
        core,
        &run.id,
        &run.user,
        run.hold.as_ref(),
        rules::LEFT_BEHIND,
    )
    .await
}

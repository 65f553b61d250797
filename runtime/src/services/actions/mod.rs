//! Running services. Order of a run: validate, price, hold, run with a time limit, then capture; or release on an
//! error, a panic, when time is up or the user asks for it. Nothing is charged without a result. Where the work is over
//! at once, one transaction does all of that, and the account that it keeps locked stands for the hold.

mod attempt;
mod background;
mod ending;
mod foreground;
mod keeping;
mod looking;
mod staff;

pub use looking::{find_run, list_runs};

pub(super) use background::{WorkOn, work_on};
pub(super) use ending::{cancel, end_all, sweep};
pub(super) use keeping::forget_results;
pub(super) use looking::{SoFar, runs_of, said_so_far};
pub(super) use staff::{run_of_anybody, set_price, switch, usage};

use std::time::Duration;

use serde_json::{Map, Value};

use super::entity::{Run, RunId, RunStatus};
use super::offers::Offered;
use super::registry::Registry;
use super::rules;
use super::store::{self, NewRun};
use crate::app::Core;
use crate::auth;
use crate::credits::{Credits, HoldId};
use crate::db::Tx;
use crate::error::{FieldErrors, Result};
use crate::http::Principal;
use crate::ids::UserId;
use attempt::Attempt;
use foreground::UnderWay;

/// What is asked of a service.
pub(super) struct Submission {
    /// The same key is the same run.
    pub key: String,
    pub input: Map<String, Value>,
    pub patience: Patience,
    /// Whether whoever asks wants it done in the background, though the service may not ask for that.
    pub is_for_later: bool,
}

/// How long whoever asks waits for the end of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    UntilDone,
    /// For the end, at most this long.
    AtMost(Duration),
    /// For the end or for the first that the run says, at most this long.
    UntilFirstWord(Duration),
}

/// What became of a submission.
pub(super) enum Submitted {
    /// It runs or ran: now, or when its key was first used.
    Run {
        run: Box<Run>,
        /// What the account has available, where that was seen on the way.
        available: Option<Credits>,
    },
    /// The input does not fit. Nothing was run or charged.
    Invalid(FieldErrors),
    /// The key was used before, with another input. Nothing was run or charged.
    KeyReused,
    /// The staff has switched the service off. Nothing was run or charged.
    SwitchedOff,
}

/// After a run should have ended it is given this long to be settled before it counts as left behind.
const GRACE: Duration = Duration::from_secs(30);

/// Runs a service and settles what it cost. The run goes on when whoever asked does not wait for it.
///
/// # Errors
/// 402 `insufficient_credits`, 403 `email_unconfirmed` for what costs something; nothing was run then.
pub(super) async fn run(
    core: &Core,
    principal: &Principal,
    offered: Offered,
    submission: Submission,
) -> Result<Submitted> {
    let user = &principal.id;
    let digest = rules::digest(offered.name, &submission.input)?;
    let same = (submission.key.as_str(), digest.as_str());
    if !offered.is_on {
        let before = asked_before(core, user, same).await?;
        return Ok(before.unwrap_or(Submitted::SwitchedOff));
    }
    let service = &offered.service;
    let kept = Value::Object(service.input().without_files(&submission.input)).to_string();
    let is_background = service.background() || submission.is_for_later;
    let whole = is_background.then(|| Value::Object(submission.input.clone()).to_string());
    let work = match service.clone().prepare(submission.input) {
        Ok(work) => work,
        Err(errors) => return Ok(Submitted::Invalid(errors)),
    };
    if !offered.price.amount.is_zero() {
        auth::actions::require_verified(core, principal)?;
    }
    let attempt = first_attempt(core, user, &offered)?;
    let id = attempt.id.clone();
    let asked = Asked {
        offered: &offered,
        key: &submission.key,
        digest: &digest,
        input: &kept,
    };
    let begun = match whole {
        Some(input) => background::enqueue(core, &attempt, &asked, &input).await,
        None => foreground::begin(core, attempt, &asked, work).await,
    };
    let (ended, available) = match begun {
        Ok(Begun::Waiting) => (None, None),
        Ok(Begun::UnderWay(under_way)) => {
            (under_way.carry_on(core, submission.patience).await?, None)
        }
        Ok(Begun::Ended(Ended { run, available })) => (Some(run), available),
        Err(failure) => return asked_before(core, user, same).await?.ok_or(failure),
    };
    let run = match ended {
        Some(run) => run,
        None => find_run(core, user, &id).await?,
    };
    let run = Box::new(run);
    Ok(Submitted::Run { run, available })
}

fn first_attempt(core: &Core, user: &UserId, offered: &Offered) -> Result<Attempt> {
    let started_at = core.now();
    let cost = offered.price.amount;
    Ok(Attempt {
        id: RunId::new(started_at),
        user: user.clone(),
        number: 0,
        cost,
        price: Some(offered.price.version.clone()),
        title: offered.service.title().to_owned(),
        hold: (!cost.is_zero()).then(|| HoldId::new(started_at)),
        started_at,
        limit: core.state::<Registry>()?.limit_of(&*offered.service),
    })
}

/// What became of what was asked for under this key before, if anything was.
async fn asked_before(
    core: &Core,
    user: &UserId,
    (key, digest): (&str, &str),
) -> Result<Option<Submitted>> {
    let Some((id, known)) = store::find_by_key(core.db(), user, key).await? else {
        return Ok(None);
    };
    Ok(Some(match known == digest {
        true => Submitted::Run {
            run: Box::new(find_run(core, user, &id).await?),
            available: None,
        },
        false => Submitted::KeyReused,
    }))
}

/// What was asked for, as it is kept.
struct Asked<'a> {
    offered: &'a Offered,
    key: &'a str,
    digest: &'a str,
    input: &'a str,
}

/// A run that has begun.
enum Begun {
    /// It waits for somebody who works in the background.
    Waiting,
    UnderWay(UnderWay),
    /// It was over at once.
    Ended(Ended),
}

/// A run that has ended.
struct Ended {
    run: Run,
    /// What its user's account has available since, where it had a price.
    available: Option<Credits>,
}

/// Writes a run down that lasts as long as `lasts` at most. First the run, then the account, as where a run ends: two that
/// meet in between would wait for each other.
async fn write_down(
    tx: &mut Tx,
    attempt: &Attempt,
    asked: &Asked<'_>,
    (status, lasts): (RunStatus, Duration),
) -> Result<()> {
    let run = NewRun {
        id: &attempt.id,
        user: &attempt.user,
        service: asked.offered.name,
        key: asked.key,
        digest: asked.digest,
        price: &asked.offered.price,
        hold: attempt.hold.as_ref(),
        status,
        input: asked.input,
        started_at: attempt.started_at,
        ends_by: attempt.started_at.plus(lasts),
    };
    store::insert(tx, &run).await
}

//! Running services. Order of a run: validate, price, hold, run with a time limit, then capture; or release on an
//! error, a panic, when time is up or the user asks for it. Nothing is charged without a result.

mod attempt;
mod background;
mod ending;
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

use super::context::Report;
use super::entity::{RunId, RunStatus};
use super::live::{Live, Ongoing};
use super::offers::Offered;
use super::registry::Registry;
use super::rules;
use super::service::Work;
use super::store::{self, NewRun};
use crate::app::Core;
use crate::auth;
use crate::credits::{HoldId, HoldTerms, Ledger, Owner, Price};
use crate::db::Tx;
use crate::error::{Error, FieldErrors, Result};
use crate::http::Principal;
use crate::ids::UserId;
use crate::in_transaction;
use attempt::Attempt;

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
    Run(RunId),
    /// The input does not fit. Nothing was run or charged.
    Invalid(FieldErrors),
    /// The key was used before, with another input. Nothing was run or charged.
    KeyReused,
    /// The staff has switched the service off. Nothing was run or charged.
    SwitchedOff,
}

/// After a run should have ended it is given this long to be settled before it counts as left behind.
const GRACE: Duration = Duration::from_secs(30);
/// How long a run in the background may wait before it counts as left behind.
const QUEUE: Duration = Duration::from_secs(24 * 60 * 60);

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
    let mut attempt = first_attempt(core, user, &offered)?;
    let asked = Asked {
        service: offered.name,
        key: &submission.key,
        digest: &digest,
        input: &kept,
        price: &offered.price,
        later: whole.as_deref(),
    };
    match start(core, &attempt, &asked).await {
        Ok(hold) => {
            attempt.hold = hold;
            let id = attempt.id.clone();
            if is_background {
                return Ok(Submitted::Run(id));
            }
            carry_on(core, attempt, work, submission.patience).await?;
            Ok(Submitted::Run(id))
        }
        Err(failure) => asked_before(core, user, same).await?.ok_or(failure),
    }
}

fn first_attempt(core: &Core, user: &UserId, offered: &Offered) -> Result<Attempt> {
    let started_at = core.now();
    Ok(Attempt {
        id: RunId::new(started_at),
        user: user.clone(),
        number: 0,
        cost: offered.price.amount,
        price: Some(offered.price.version.clone()),
        title: offered.service.title().to_owned(),
        hold: None,
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
    let known = store::find_by_key(core.db(), user, key).await?;
    Ok(known.map(|(id, known)| match known == digest {
        true => Submitted::Run(id),
        false => Submitted::KeyReused,
    }))
}

/// What was asked for, as it is kept.
struct Asked<'a> {
    service: &'static str,
    key: &'a str,
    digest: &'a str,
    input: &'a str,
    price: &'a Price,
    /// All of it, where the work is done in the background.
    later: Option<&'a str>,
}

/// Sets the price aside and writes the run down, both or neither. This commit need not wait for the disk: nobody is
/// told of the run before a later commit has waited, the one that ends it or the one in [`carry_on`], which keeps this
/// one, too (the log is written in order). In a crash before that the run is lost together with its hold: nothing was
/// charged, and the same key runs it again.
async fn start(core: &Core, attempt: &Attempt, asked: &Asked<'_>) -> Result<Option<HoldId>> {
    let owner = Owner::User(attempt.user.clone());
    let lasts = match asked.later {
        Some(_) => QUEUE + attempt.limit + GRACE,
        None => attempt.limit + GRACE,
    };
    let terms = HoldTerms {
        key: attempt.reference(),
        lasts,
    };
    let hold = (!attempt.cost.is_zero()).then(|| HoldId::new(attempt.started_at));
    let run = NewRun {
        id: &attempt.id,
        user: &attempt.user,
        service: asked.service,
        key: asked.key,
        digest: asked.digest,
        price: asked.price,
        hold: hold.as_ref(),
        status: match asked.later {
            Some(_) => RunStatus::Queued,
            None => RunStatus::Running,
        },
        input: asked.input,
        started_at: attempt.started_at,
        ends_by: attempt.started_at.plus(lasts),
    };
    // First the run, then the account, as where a run ends: two that meet in between would wait for each other.
    let set_aside = async |tx: &mut Tx| {
        store::insert(tx, &run).await?;
        if let Some(hold) = &hold {
            let mut ledger = Ledger::new(core, tx, attempt.started_at);
            ledger
                .hold_as(hold.clone(), &owner, attempt.cost, &terms)
                .await?;
        }
        Ok(())
    };
    match asked.later {
        None => in_transaction!(core.db().unhurried(), tx => set_aside(tx).await)?,
        // Whoever asked is answered now: this commit waits.
        Some(input) => in_transaction!(core.db(), tx => {
            set_aside(tx).await?;
            store::insert_input(tx, &attempt.id, input).await?;
            let job = WorkOn { run: attempt.id.clone() };
            core.enqueue(tx, &job).await
        })?,
    }
    Ok(hold)
}

/// Has the work done, and waits for it as long as `patience` says. Whoever leaves before the end can look at the run
/// later: then it is first made sure that its beginning is kept.
async fn carry_on(core: &Core, attempt: Attempt, work: Work, patience: Patience) -> Result<()> {
    let id = attempt.id.clone();
    let ongoing = Ongoing::new(Report::new(1));
    let first_word = ongoing.next_word();
    let live = core.state::<Live>()?;
    let presence = live.enter(&id, ongoing.clone());
    let open = core.shutdown().open();
    let own = core.clone();
    let mut running = tokio::spawn(async move {
        let settled = attempt.carry_out(&own, &ongoing, work).await;
        drop((presence, open));
        settled
    });
    let waited = match patience {
        Patience::UntilDone => Some((&mut running).await),
        Patience::AtMost(time) => tokio::time::timeout(time, &mut running).await.ok(),
        Patience::UntilFirstWord(time) => tokio::select! {
            biased;
            done = &mut running => Some(done),
            () = first_word => None,
            () = tokio::time::sleep(time) => None,
        },
    };
    if let Some(done) = waited {
        return done.map_err(Error::internal)?;
    }
    let now = core.now();
    in_transaction!(core.db(), tx => store::tell(tx, &id, now).await)
}

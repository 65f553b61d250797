//! Requests that carry an `Idempotency-Key` (IETF draft-ietf-httpapi-idempotency-key-header): whoever sends one again
//! gets the first answer, also while it is being made, also from another process. When the process that was making it
//! has died, the next one goes on; what an action does under the request's key, it does once.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::entity::{Kept, KeptRequest};
use super::rules;
use super::store::requests::{self as store, RequestKey};
use crate::app::Core;
use crate::crypto::random_token;
use crate::error::{Error, Result};
use crate::in_transaction;

/// What came of the work: an answer to keep, or a failure after which the request may be sent again.
pub(super) type Outcome = Result<Kept>;

/// How long answers are kept.
const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// Whoever answers a request has it for this long, and asks for as much again while he is at it.
const LEASE: Duration = Duration::from_secs(15);
const RENEWAL: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// How many old requests one transaction clears away.
const SWEEP: i64 = 1000;

/// Forgets the requests whose time is over.
pub(super) async fn sweep(core: &Core) -> Result<()> {
    loop {
        let now = core.now();
        let gone = in_transaction!(core.db(), tx => store::sweep(tx, now, SWEEP).await)?;
        if gone < SWEEP.unsigned_abs() {
            return Ok(());
        }
    }
}

/// The answer to a request, and whether it was given before. Who asks while somebody else is making it waits for half as
/// long as a request may take. The work goes on when whoever asked does not wait.
///
/// # Errors
/// 422 when the key was used for another request, 409 when the first answer takes too long; else what `work` gives.
pub(super) async fn once<F>(
    core: &Core,
    request: RequestKey,
    digest: &str,
    work: impl FnOnce() -> F,
) -> Result<(Kept, bool)>
where
    F: Future<Output = Outcome> + Send + 'static,
{
    let begun = Instant::now();
    let patience = core.request_limit() / 2;
    let mut pause = FIRST_PAUSE;
    loop {
        let attempt = random_token();
        if begin(core, &request, digest, &attempt).await? {
            return carry_out(core, request, attempt, work()).await;
        }
        let Some(known) = store::find(core.db(), &request).await? else {
            continue;
        };
        if known.digest != digest {
            return Err(rules::error(&rules::KEY_REUSED));
        }
        if let Some(kept) = known.answer {
            return Ok((kept, true));
        }
        if known.leased_until <= core.now() {
            if take_over(core, &request, &known.attempt, &attempt).await? {
                return carry_out(core, request, attempt, work()).await;
            }
            continue;
        }
        if begun.elapsed() >= patience {
            return Err(rules::in_progress());
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn begin(core: &Core, request: &RequestKey, digest: &str, attempt: &str) -> Result<bool> {
    let now = core.now();
    let new = KeptRequest {
        digest: digest.to_owned(),
        attempt: attempt.to_owned(),
        leased_until: now.plus(LEASE),
        answer: None,
    };
    // Most keys that come again are known already: looking costs less than writing.
    if store::find(core.db(), request).await?.is_some() {
        return Ok(false);
    }
    in_transaction!(core.db(), tx => {
        store::begin(tx, request, &new, now.plus(KEPT_FOR)).await
    })
}

async fn take_over(core: &Core, request: &RequestKey, old: &str, new: &str) -> Result<bool> {
    let end = core.now().plus(LEASE);
    in_transaction!(core.db(), tx => store::take_over(tx, request, (old, new), end).await)
}

/// Does the work in a task of its own, which nobody stops by hanging up.
async fn carry_out<F>(
    core: &Core,
    request: RequestKey,
    attempt: String,
    work: F,
) -> Result<(Kept, bool)>
where
    F: Future<Output = Outcome> + Send + 'static,
{
    let core = core.clone();
    let task = tokio::spawn(async move {
        let worker = tokio::spawn(work);
        let outcome = hold_on(&core, &request, &attempt, worker).await;
        match &outcome {
            Ok(kept) => keep(&core, &request, &attempt, kept).await?,
            Err(_) => {
                in_transaction!(core.db(), tx => store::forget(tx, &request, &attempt).await)?;
            }
        }
        outcome
    });
    Ok((task.await.map_err(Error::internal)??, false))
}

/// Waits for the work, and renews the lease meanwhile.
async fn hold_on(
    core: &Core,
    request: &RequestKey,
    attempt: &str,
    mut worker: tokio::task::JoinHandle<Outcome>,
) -> Outcome {
    let mut clock = interval(RENEWAL);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    clock.tick().await;
    loop {
        tokio::select! {
            done = &mut worker => return done.map_err(Error::internal)?,
            _ = clock.tick() => {
                let renewed = take_over(core, request, attempt, attempt).await;
                if let Err(error) = renewed {
                    tracing::warn!(%error, "a request's lease cannot be renewed");
                }
            }
        }
    }
}

async fn keep(core: &Core, request: &RequestKey, attempt: &str, kept: &Kept) -> Result<()> {
    in_transaction!(core.db(), tx => store::finish(tx, request, attempt, kept).await)
}

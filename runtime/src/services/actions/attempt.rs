//! One attempt at a run: the work in a task of its own, beside it somebody who writes down what it says and listens
//! whether it is to end.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::anyhow;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use super::super::context::{ServiceContext, Surroundings};
use super::super::entity::{Run, RunId, RunStatus};
use super::super::live::Ongoing;
use super::super::rules;
use super::super::service::{ServiceError, Work};
use super::super::store::{self, Ending};
use super::Ended;
use crate::app::Core;
use crate::clock::Timestamp;
use crate::credits::{Credits, HoldId, HoldTerms, Ledger, Note, Owner, PriceVersion, Reserved};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::in_transaction;

/// A run that is about to be started or under way.
#[derive(Clone)]
pub(super) struct Attempt {
    pub id: RunId,
    pub user: UserId,
    /// 0 for a run that is done once and at once; in the background they count from 1.
    pub number: i64,
    pub cost: Credits,
    /// Which version of the price that is.
    pub price: Option<PriceVersion>,
    pub title: String,
    /// What is set aside for it, or is to be.
    pub hold: Option<HoldId>,
    pub started_at: Timestamp,
    pub limit: Duration,
}

/// How the work ended.
pub(super) enum End {
    /// With this output, as JSON.
    Result(String),
    /// Without one, for this reason.
    Failed(String),
    Cancelled,
    /// Not at all: another process is to begin anew.
    HandedBack,
}

/// What is said at about the same time is written down together.
const SPACING: Duration = Duration::from_millis(100);
/// How often a run looks whether its user asked another process for its end, or somebody else has ended it.
const LISTENING: Duration = Duration::from_secs(1);
/// How long a service that is told to end has for it.
const CANCEL_GRACE: Duration = Duration::from_secs(5);

impl Attempt {
    /// What the ledger calls this run.
    pub fn reference(&self) -> String {
        format!("run:{}", self.id)
    }

    fn owner(&self) -> Owner {
        Owner::User(self.user.clone())
    }

    /// Makes sure that its price is there, if it has one; nobody else takes that before the transaction ends.
    ///
    /// # Errors
    /// 402 `insufficient_credits`.
    pub async fn reserve(&self, core: &Core, tx: &mut Tx) -> Result<Option<Reserved>> {
        if self.cost.is_zero() {
            return Ok(None);
        }
        let mut ledger = Ledger::new(core, tx, self.started_at);
        ledger.reserve(&self.owner(), self.cost).await.map(Some)
    }

    /// Makes what was reserved available again.
    pub async fn put_back(
        &self,
        core: &Core,
        tx: &mut Tx,
        reserved: Option<Reserved>,
    ) -> Result<()> {
        if let Some(reserved) = reserved {
            let mut ledger = Ledger::new(core, tx, self.started_at);
            ledger.put_back(reserved).await?;
        }
        Ok(())
    }

    /// Sets the price aside for `lasts`, if it has one.
    ///
    /// # Errors
    /// 402 `insufficient_credits`.
    pub async fn set_aside(&self, core: &Core, tx: &mut Tx, lasts: Duration) -> Result<()> {
        let Some(hold) = &self.hold else {
            return Ok(());
        };
        let terms = HoldTerms {
            key: self.reference(),
            lasts,
        };
        let owner = self.owner();
        let mut ledger = Ledger::new(core, tx, self.started_at);
        let held = ledger.hold_as(hold.clone(), &owner, self.cost, &terms);
        held.await.map(drop)
    }

    /// Waits for the `end` of the work and settles what it cost. Gives the run as it ended; none when somebody else ended it.
    pub async fn carry_out(
        &self,
        core: &Core,
        ongoing: &Ongoing,
        end: impl Future<Output = End>,
    ) -> Result<Option<Run>> {
        let end = tokio::select! {
            end = end => end,
            never = self.accompany(core, ongoing) => match never {},
        };
        if matches!(end, End::HandedBack) {
            self.hand_back(core).await?;
            return Err(Error::internal(anyhow!(
                "the process ended before the run did"
            )));
        }
        let settled =
            in_transaction!(core.db(), tx => self.settle(core, tx, (ongoing, &end)).await);
        match settled {
            // The credits were not there any more to be captured: then there is no result either.
            Err(error) if error.code() == "hold_closed" => {
                let end = End::Failed(rules::TOOK_TOO_LONG.to_owned());
                in_transaction!(core.db(), tx => self.settle(core, tx, (ongoing, &end)).await)
            }
            settled => settled,
        }
    }

    /// Has the work done.
    pub async fn end(&self, core: &Core, ongoing: &Ongoing, work: Work) -> End {
        let context = ServiceContext {
            run: self.id.clone(),
            user: self.user.clone(),
            started_at: self.started_at,
            price: self.cost,
            surroundings: Surroundings(core.shared_config()),
            report: ongoing.report.clone(),
        };
        let is_over = {
            let context = context.clone();
            async move {
                context.cancelled().await;
                sleep(CANCEL_GRACE).await;
            }
        };
        // A task of its own: work that panics or blocks takes nobody along.
        let mut task = Stopped(tokio::spawn(work(context.clone())));
        tokio::select! {
            biased;
            done = &mut task.0 => match self.result(done) {
                Err(_) if context.is_cancelled() => End::Cancelled,
                Ok(output) => End::Result(output),
                Err(why) => End::Failed(why),
            },
            () = sleep(self.limit) => {
                tracing::error!(run = %self.id, "a service took too long");
                End::Failed(rules::TOOK_TOO_LONG.to_owned())
            }
            () = is_over => End::Cancelled,
            () = core.shutdown().leaving_off(), if self.number > 0 => End::HandedBack,
            () = core.shutdown().leaving_off(), if self.number == 0 => {
                tracing::warn!(run = %self.id, "a run is broken off: the process ends");
                End::Failed(rules::LEFT_BEHIND.to_owned())
            }
        }
    }

    /// The output as JSON, or why there is none.
    fn result(
        &self,
        done: Result<Result<serde_json::Value, ServiceError>, JoinError>,
    ) -> Result<String, String> {
        match done {
            Ok(Ok(output)) => Ok(output.to_string()),
            Ok(Err(ServiceError::Unusable(sentence))) => Err(sentence),
            Ok(Err(ServiceError::Failed(cause))) => {
                tracing::error!(run = %self.id, cause = format!("{cause:#}"), "a service failed");
                Err(rules::FAILED.to_owned())
            }
            Err(fault) => {
                tracing::error!(run = %self.id, %fault, "a service crashed");
                Err(rules::FAILED.to_owned())
            }
        }
    }

    /// Writes down what the run says, and listens whether it is to end.
    async fn accompany(&self, core: &Core, ongoing: &Ongoing) -> Infallible {
        let mut clock = interval_at(Instant::now() + LISTENING, LISTENING);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = ongoing.report.rings() => {
                    sleep(SPACING).await;
                    if let Err(error) = self.write_down(core, ongoing).await {
                        tracing::warn!(run = %self.id, %error, "what a run says cannot be written down");
                    }
                }
                _ = clock.tick() => match store::standing(core.db(), &self.id).await {
                    Ok(Some((status, is_asked))) if is_asked || status.is_over() => ongoing.report.cancel(),
                    Ok(_) => {}
                    Err(error) => tracing::warn!(run = %self.id, %error, "a run cannot be looked after"),
                },
            }
        }
    }

    async fn write_down(&self, core: &Core, ongoing: &Ongoing) -> Result<()> {
        let events = ongoing.report.pending();
        in_transaction!(core.db(), tx => {
            store::events::insert(tx, (&self.id, self.number), &events).await
        })?;
        ongoing.report.forget(&events);
        ongoing.wake();
        Ok(())
    }

    /// Lets another process begin the run anew; this attempt does not count.
    async fn hand_back(&self, core: &Core) -> Result<()> {
        tracing::info!(run = %self.id, "a run is handed back: the process ends");
        in_transaction!(core.db(), tx => store::hand_back(tx, &self.id, self.number).await)
    }

    /// Ends the run, unless somebody else did. With a result its cost is spent, of what was set aside if anything was; the
    /// rest comes back.
    pub async fn settle(
        &self,
        core: &Core,
        tx: &mut Tx,
        (ongoing, end): (&Ongoing, &End),
    ) -> Result<Option<Run>> {
        let now = core.now();
        let Some((run, cost)) = self.finish(tx, (ongoing, end), now).await? else {
            return Ok(None);
        };
        if let Some(hold) = &self.hold {
            let owner = self.owner();
            let mut ledger = Ledger::new(core, tx, now);
            match cost {
                Some(cost) => drop(ledger.capture(&owner, hold, cost, &self.note()).await?),
                None => super::ending::release(&mut ledger, &owner, hold).await?,
            }
        }
        Ok(Some(run))
    }

    /// As [`Attempt::settle`], where the run began and its price was reserved in this transaction, so that nobody else
    /// knows of it. Tells what the account has available then, where there is a price.
    pub async fn settle_reserved(
        &self,
        core: &Core,
        tx: &mut Tx,
        (ongoing, end): (&Ongoing, &End),
        reserved: Option<Reserved>,
    ) -> Result<Ended> {
        let finished = self.finish(tx, (ongoing, end), core.now()).await?;
        let elsewhere = || Error::internal(anyhow!("a run that began here ended elsewhere"));
        let (run, cost) = finished.ok_or_else(elsewhere)?;
        let mut ledger = Ledger::new(core, tx, self.started_at);
        let available = match (reserved, cost) {
            (Some(reserved), Some(cost)) => {
                let note = self.note();
                Some(ledger.spend_reserved(reserved, cost, &note).await?)
            }
            (Some(reserved), None) => Some(ledger.put_back(reserved).await?),
            (None, _) => None,
        };
        Ok(Ended { run, available })
    }

    /// Ends the run, unless somebody else did, and writes down the last that it said. Gives it with what it costs, if it
    /// costs anything.
    async fn finish(
        &self,
        tx: &mut Tx,
        (ongoing, end): (&Ongoing, &End),
        now: Timestamp,
    ) -> Result<Option<(Run, Option<Credits>)>> {
        let events = ongoing.report.pending();
        let (status, output, error) = match end {
            End::Result(output) => (RunStatus::Succeeded, Some(output.clone()), None),
            End::Failed(why) => (RunStatus::Failed, None, Some(why.as_str())),
            End::Cancelled => (RunStatus::Cancelled, None, Some(rules::CANCELLED)),
            End::HandedBack => return Ok(None),
        };
        let cost = match status {
            RunStatus::Succeeded => Some(ongoing.report.cost(self.cost)),
            _ => None,
        };
        let ending = Ending {
            status,
            output,
            error,
            attempt: Some(self.number),
            cost,
            at: now,
        };
        store::events::insert(tx, (&self.id, self.number), &events).await?;
        if self.number > 0 {
            store::forget_input(tx, &self.id).await?;
        }
        let ended = store::finish(tx, &self.id, &ending).await?;
        Ok(ended.map(|run| (run, cost.filter(|cost| !cost.is_zero()))))
    }

    /// What the ledger writes to what the run costs.
    fn note(&self) -> Note {
        Note {
            reference: Some(self.reference()),
            price: self.price.clone(),
            ..Note::system(self.reference(), &self.title)
        }
    }
}

/// A task that ends when nobody waits for it any more.
struct Stopped<T>(JoinHandle<T>);

impl<T> Drop for Stopped<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

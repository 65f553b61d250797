//! Runs that whoever asked waits for, at least for a while.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep, timeout};

use super::super::context::Report;
use super::super::entity::{Run, RunStatus};
use super::super::live::{Live, Ongoing};
use super::super::pace::AT_ONCE;
use super::super::service::Work;
use super::super::store;
use super::attempt::{Attempt, End};
use super::{Asked, Begun, GRACE, Patience, write_down};
use crate::app::Core;
use crate::error::{Error, Result};
use crate::in_transaction;

/// A run whose work has not ended.
pub(super) struct UnderWay {
    attempt: Attempt,
    ongoing: Ongoing,
    /// The work, which goes on while this is waited for.
    end: BoxFuture<'static, End>,
}

/// Writes the run down and has the work begin; where that is expected to be over at once, the run may have ended by then.
pub(super) async fn begin(
    core: &Core,
    attempt: Attempt,
    asked: &Asked<'_>,
    work: Work,
) -> Result<Begun> {
    let ongoing = Ongoing::new(Report::new(1));
    let end = {
        let (core, attempt, ongoing) = (core.clone(), attempt.clone(), ongoing.clone());
        let service = asked.offered.service.clone();
        async move {
            let begun = Instant::now();
            let end = attempt.end(&core, &ongoing, work).await;
            service.pace().note(begun.elapsed());
            end
        }
        .boxed()
    };
    let under_way = UnderWay {
        attempt,
        ongoing,
        end,
    };
    match asked.offered.service.pace().is_quick() {
        true => under_way.begin_and_end(core, asked).await,
        false => under_way.begin(core, asked).await,
    }
}

impl UnderWay {
    /// How long it lasts at most.
    fn lasts(&self) -> Duration {
        self.attempt.limit + GRACE
    }

    /// Begins it in a transaction of its own, whose commit need not wait for the disk: nobody is told of the run before a
    /// later commit has waited, the one that ends it or the one in [`UnderWay::carry_on`], which keeps this one, too (the
    /// log is written in order). In a crash before that the run is lost together with its hold: nothing was charged, and
    /// the same key runs it again.
    async fn begin(self, core: &Core, asked: &Asked<'_>) -> Result<Begun> {
        let lasts = self.lasts();
        in_transaction!(core.db().unhurried(), tx => {
            write_down(tx, &self.attempt, asked, (RunStatus::Running, lasts)).await?;
            self.attempt.set_aside(core, tx, lasts).await
        })?;
        Ok(Begun::UnderWay(self))
    }

    /// Begins it, and ends it in the same transaction if the work is over within a moment. Until then nobody else takes from
    /// the account, so that nothing needs to be set aside.
    async fn begin_and_end(mut self, core: &Core, asked: &Asked<'_>) -> Result<Begun> {
        let lasts = self.lasts();
        let without_hold = Attempt {
            hold: None,
            ..self.attempt.clone()
        };
        // Another try of the transaction does no work again.
        let mut over = None;
        let ended = in_transaction!(core.db(), tx => {
            write_down(tx, &without_hold, asked, (RunStatus::Running, lasts)).await?;
            let reserved = without_hold.reserve(core, tx).await?;
            if over.is_none() {
                over = timeout(AT_ONCE, &mut self.end).await.ok();
            }
            if let Some(end) = &over {
                let how = (&self.ongoing, end);
                let ended = without_hold.settle_reserved(core, tx, how, reserved).await?;
                return Ok(Some(ended));
            }
            asked.offered.service.pace().note(AT_ONCE);
            without_hold.put_back(core, tx, reserved).await?;
            if let Some(hold) = &self.attempt.hold {
                store::note_hold(tx, &self.attempt.id, hold).await?;
            }
            self.attempt.set_aside(core, tx, lasts).await?;
            Ok(None)
        })?;
        Ok(match ended {
            Some(ended) => Begun::Ended(ended),
            None => Begun::UnderWay(self),
        })
    }

    /// Has the work done, and waits for it as long as `patience` says; gives the run if it ended meanwhile. Whoever leaves
    /// before the end can look at the run later: then it is first made sure that its beginning is kept.
    pub async fn carry_on(self, core: &Core, patience: Patience) -> Result<Option<Run>> {
        let Self {
            attempt,
            ongoing,
            end,
        } = self;
        let id = attempt.id.clone();
        let first_word = ongoing.next_word();
        let live = core.state::<Live>()?;
        let presence = live.enter(&id, ongoing.clone());
        let open = core.shutdown().open();
        let own = core.clone();
        let mut running = tokio::spawn(async move {
            let settled = attempt.carry_out(&own, &ongoing, end).await;
            drop((presence, open));
            settled
        });
        let waited = match patience {
            Patience::UntilDone => Some((&mut running).await),
            Patience::AtMost(time) => timeout(time, &mut running).await.ok(),
            Patience::UntilFirstWord(time) => tokio::select! {
                biased;
                done = &mut running => Some(done),
                () = first_word => None,
                () = sleep(time) => None,
            },
        };
        if let Some(done) = waited {
            return done.map_err(Error::internal)?;
        }
        let now = core.now();
        in_transaction!(core.db(), tx => store::tell(tx, &id, now).await)?;
        Ok(None)
    }
}

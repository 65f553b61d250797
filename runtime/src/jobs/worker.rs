//! Does the work: claims what is due, runs it beside other work, notes how it ended. Any number of workers share
//! one database; each job is with one of them at a time, as long as that one renews its lease.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::entity::{ClaimedJob, NewJob};
use super::kinds::Kind;
use super::pace::Pace;
use super::rules::{is_given_up, next_stroke, pause};
use super::store::{self, Claim, Fate};
use crate::app::Core;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::in_transaction;

/// How often work is looked for that another process enqueued. Own work rings the bell.
const LOOK_AROUND: Duration = Duration::from_secs(2);
/// After a fault of the database.
const RECOVERY: Duration = Duration::from_secs(5);
/// How long work under way may take once the process was told to stop.
const GRACE: Duration = Duration::from_secs(20);
/// What is kept of an error.
const ERROR_LENGTH: usize = 2000;

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Worked {
    pub done: usize,
    pub failed: usize,
}

/// One worker. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Worker {
    core: Core,
    id: Arc<str>,
    pace: Pace,
    /// How many long jobs are under way.
    long: Arc<AtomicUsize>,
}

struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Works until `stop` closes, then lets what is under way end, or gives it back.
pub(crate) async fn work(core: Core, mut stop: watch::Receiver<()>) {
    let worker = Worker::new(core);
    let bell = worker.core.jobs().bell();
    let mut strokes = BTreeMap::new();
    let mut running = JoinSet::new();
    loop {
        let wait = match worker.fill(&mut strokes, &mut running).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::error!(%error, "work cannot be looked for");
                RECOVERY
            }
        };
        tokio::select! {
            _ = stop.changed() => break,
            () = bell.notified(), if running.len() < worker.pace.at_once => {}
            Some(_) = running.join_next(), if !running.is_empty() => {}
            () = tokio::time::sleep(wait), if running.len() < worker.pace.at_once => {}
        }
    }
    worker.wind_up(running).await;
}

impl Worker {
    pub fn new(core: Core) -> Self {
        let id = crate::crypto::random_token().into();
        let pace = core.jobs().pace();
        let long = Arc::default();
        Self {
            core,
            id,
            pace,
            long,
        }
    }

    fn claim_now(&self) -> Claim<'_> {
        let now = self.core.now();
        Claim {
            worker: &self.id,
            now,
            until: now.plus(self.pace.lease),
        }
    }

    fn names(&self) -> Vec<&'static str> {
        // One place is for what takes no time, unless there is only one.
        let places = self.pace.at_once.saturating_sub(1).max(1);
        let has_room = self.long.load(Ordering::Relaxed) < places;
        self.core.jobs().names(has_room).collect()
    }

    /// Starts what is due while there is room; says how long nothing else will be.
    async fn fill(
        &self,
        strokes: &mut BTreeMap<&'static str, Timestamp>,
        running: &mut JoinSet<bool>,
    ) -> Result<Duration> {
        let now = self.core.now();
        self.strike(strokes).await?;
        while running.len() < self.pace.at_once {
            let Some(job) = self.claim().await? else {
                break;
            };
            let worker = self.clone();
            let place = self.place_of(&job);
            running.spawn(async move {
                let done = worker.run(&job).await;
                drop(place);
                done
            });
        }
        let next_job = store::next_due(self.core.db(), &self.names()).await?;
        let next = next_job.into_iter().chain(strokes.values().copied()).min();
        let wait = next.map_or(LOOK_AROUND, |next| next.since(now));
        Ok(wait.clamp(Duration::from_millis(10), LOOK_AROUND))
    }

    /// Counts a long job as under way until what comes back is dropped.
    fn place_of(&self, job: &ClaimedJob) -> Option<Place> {
        let kind = self.core.jobs().kind(&job.name)?;
        kind.is_long.then(|| {
            self.long.fetch_add(1, Ordering::Relaxed);
            Place(self.long.clone())
        })
    }

    /// Enqueues work on the clock whose time has come. `strokes` holds when that is next.
    async fn strike(&self, strokes: &mut BTreeMap<&'static str, Timestamp>) -> Result<()> {
        let (core, now) = (&self.core, self.core.now());
        for schedule in core.jobs().schedules() {
            if strokes.get(schedule.name).is_some_and(|next| *next > now) {
                continue;
            }
            let next = next_stroke(now, schedule.period);
            let new = NewJob {
                name: schedule.name,
                key: None,
                payload: String::new(),
                due_at: now,
            };
            in_transaction!(core.db(), tx => {
                // What is still under way is not done twice at the same time.
                if store::strike(tx, new.name, now, next).await? && !store::is_open(tx, new.name).await? {
                    store::insert(tx, now, &new).await?;
                }
                Ok(())
            })?;
            strokes.insert(schedule.name, next);
        }
        Ok(())
    }

    /// Looks before it writes, so that idling costs no transaction.
    async fn claim(&self) -> Result<Option<ClaimedJob>> {
        let (db, names) = (self.core.db(), self.names());
        let next = store::next_due(db, &names).await?;
        if next.is_none_or(|next| next > self.core.now()) {
            return Ok(None);
        }
        in_transaction!(db, tx => store::claim(tx, &self.claim_now(), &names).await)
    }

    /// Does a job, and whether that succeeded.
    async fn run(&self, job: &ClaimedJob) -> bool {
        let Some(kind) = self.core.jobs().kind(&job.name) else {
            return false;
        };
        let outcome = if kind.attempts.is_some_and(|most| job.attempt > most) {
            let text = "each worker that had it died before it was done";
            Err(super::give_up(anyhow::anyhow!(text)))
        } else {
            tokio::select! {
                outcome = attempt(&self.core, kind, job) => outcome,
                () = self.keep(job) => return false,
            }
        };
        if let Err(error) = self.note(kind, job, &outcome).await {
            tracing::error!(job = job.name, id = job.id, %error, "how a job ended cannot be noted");
        }
        outcome.is_ok()
    }

    /// Renews the lease as long as the job is this worker's. Ends when it is not.
    async fn keep(&self, job: &ClaimedJob) {
        loop {
            tokio::time::sleep(self.pace.renewal()).await;
            let renewed = async {
                in_transaction!(self.core.db(), tx => {
                    store::renew(tx, &self.claim_now(), job).await
                })
            };
            match renewed.await {
                Ok(true) => {}
                Ok(false) => {
                    tracing::warn!(job = job.name, id = job.id, "another worker has taken over");
                    return;
                }
                Err(error) => tracing::warn!(job = job.name, %error, "a lease cannot be renewed"),
            }
        }
    }

    async fn note(&self, kind: &Kind, job: &ClaimedJob, outcome: &Result<()>) -> Result<()> {
        let (core, name, id) = (&self.core, &*job.name, &*job.id);
        let Err(error) = outcome else {
            tracing::debug!(job = name, id, "done");
            return in_transaction!(core.db(), tx => {
                store::finish(tx, &self.claim_now(), job).await
            });
        };
        let last = kind.attempts.is_some_and(|most| job.attempt >= most);
        let fate = if last || is_given_up(error) {
            tracing::error!(job = name, id, attempt = job.attempt, %error, "given up: a dead letter");
            Fate::Dead
        } else {
            tracing::warn!(job = name, id, attempt = job.attempt, %error, "failed, and tried again later");
            let pause = pause(job.attempt, rand::random::<f64>());
            Fate::TryAgain(core.now().plus(pause))
        };
        let text: String = error.to_string().chars().take(ERROR_LENGTH).collect();
        // PostgreSQL takes no NUL in a text.
        let text = text.replace('\0', "");
        in_transaction!(core.db(), tx => {
            store::fail(tx, &self.claim_now(), job, (&fate, &text)).await
        })
    }

    async fn wind_up(&self, mut running: JoinSet<bool>) {
        let all = async { while running.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, all).await.is_err() {
            running.shutdown().await;
        }
        let given_back = async {
            in_transaction!(self.core.db(), tx => {
                store::release(tx, &self.id, self.core.now()).await
            })
        };
        match given_back.await {
            Ok(0) => {}
            Ok(jobs) => tracing::warn!(jobs, "some work did not end in time and was given back"),
            Err(error) => {
                tracing::error!(%error, "work cannot be given back; its leases end by themselves")
            }
        }
    }

    /// Does everything that is due, one after the other.
    pub async fn work_off(&self) -> Result<Worked> {
        let mut worked = Worked::default();
        self.strike(&mut BTreeMap::new()).await?;
        while let Some(job) = self.claim().await? {
            if self.run(&job).await {
                worked.done += 1;
            } else {
                worked.failed += 1;
            }
        }
        Ok(worked)
    }
}

async fn attempt(core: &Core, kind: &Kind, job: &ClaimedJob) -> Result<()> {
    let run = AssertUnwindSafe((kind.run)(core, &job.payload)).catch_unwind();
    match tokio::time::timeout(kind.time_limit, run).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => {
            let text = crate::error::panic_text(&*panic);
            Err(Error::internal(anyhow::anyhow!("panic: {text}")))
        }
        Err(_) => Err(Error::internal(anyhow::anyhow!("took too long"))),
    }
}

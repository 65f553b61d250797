//! Keepers: each keeps one worker running, gives it runs one after the other, and replaces it when it is lost.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::anyhow;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use super::worker::{Answer, Launch, Lost, Worker};
use crate::services::{ServiceContext, ServiceError};

/// How long after a first loss a worker is replaced; each further one in a row doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest that a pause becomes.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How often a run is given to another worker because the first was gone before it began.
const TRIES: usize = 3;

/// The keepers of one program.
#[derive(Debug, Default)]
pub struct Keepers {
    shared: OnceLock<(mpsc::UnboundedSender<Order>, Arc<Shared>)>,
}

#[derive(Debug)]
struct Shared {
    launch: Arc<Launch>,
    orders: tokio::sync::Mutex<mpsc::UnboundedReceiver<Order>>,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    keepers: usize,
    /// Those that have a run.
    busy: usize,
    /// Runs that no keeper has taken yet.
    waiting: usize,
}

/// A run that is wanted. Whoever wants it drops the receiver to give it up.
#[derive(Debug)]
struct Order {
    request: String,
    context: ServiceContext,
    answer: oneshot::Sender<Answer>,
}

impl Keepers {
    /// Has one of the workers run `request`, as soon as one is free. `launch` says how workers are started, and is asked
    /// once.
    ///
    /// # Errors
    /// What the program says, or why it said nothing.
    pub async fn run(
        &self,
        launch: impl FnOnce() -> Arc<Launch>,
        request: String,
        context: &ServiceContext,
    ) -> Result<Value, ServiceError> {
        let (orders, shared) = self.shared.get_or_init(|| Shared::new(launch()));
        let (answer, answered) = oneshot::channel();
        let order = Order {
            request,
            context: context.clone(),
            answer,
        };
        let gone = || anyhow!("the workers of this program are gone");
        shared.counts().waiting += 1;
        orders.send(order).map_err(|_| gone())?;
        if shared.wants_keeper() {
            tokio::spawn(keep(shared.clone()));
        }
        tokio::select! {
            answered = answered => answered.map_err(|_| gone())?,
            () = context.cancelled() => Err(anyhow!("the run was stopped").into()),
        }
    }
}

impl Shared {
    fn new(launch: Arc<Launch>) -> (mpsc::UnboundedSender<Order>, Arc<Self>) {
        let (sender, orders) = mpsc::unbounded_channel();
        let shared = Self {
            launch,
            orders: tokio::sync::Mutex::new(orders),
            counts: Mutex::default(),
        };
        (sender, Arc::new(shared))
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Nobody panics who holds it.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether more runs wait than keepers are free for, and another keeper is allowed; then it counts as there.
    fn wants_keeper(&self) -> bool {
        let mut counts = self.counts();
        let free = counts.keepers - counts.busy;
        let wants = counts.waiting > free && counts.keepers < self.launch.workers;
        counts.keepers += usize::from(wants);
        wants
    }

    /// The next run that somebody still waits for; none when the program is gone. May be dropped and called again.
    async fn next(&self) -> Option<Order> {
        loop {
            let order = self.orders.lock().await.recv().await?;
            let mut counts = self.counts();
            counts.waiting -= 1;
            if !order.answer.is_closed() {
                counts.busy += 1;
                return Some(order);
            }
        }
    }

    /// The keeper that had a run has none any more.
    fn is_free(&self) {
        self.counts().busy -= 1;
    }
}

/// What is to be done after a worker.
enum After {
    /// The program is gone, and nobody will want a worker.
    End,
    /// It was killed because its run was given up.
    Replace,
    /// It failed.
    Pause(anyhow::Error),
}

/// Keeps a worker running as long as the program is there.
async fn keep(shared: Arc<Shared>) {
    let mut failures = 0;
    loop {
        let after = match Worker::start(&shared.launch).await {
            Ok(worker) => attend(&shared, worker, &mut failures).await,
            Err(fault) => {
                failures += 1;
                refuse(&shared, fault, pause(failures)).await
            }
        };
        match after {
            After::End => return,
            After::Replace => {}
            After::Pause(fault) => {
                failures += 1;
                let pause = pause(failures);
                let service = &shared.launch.name;
                tracing::error!(
                    service,
                    cause = format!("{fault:#}"),
                    ?pause,
                    "a worker is replaced"
                );
                tokio::time::sleep(pause).await;
            }
        }
    }
}

/// How long to wait after so many failures in a row.
fn pause(failures: u32) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(20));
    doubled.min(LONGEST_PAUSE)
}

/// Gives a worker runs until it is lost.
async fn attend(shared: &Shared, mut worker: Worker, failures: &mut u32) -> After {
    loop {
        let order = tokio::select! {
            order = shared.next() => order,
            why = worker.death() => {
                return After::Pause(anyhow!("a worker died without a run: {why}"));
            }
        };
        let Some(order) = order else {
            return After::End;
        };
        let after = serve(shared, worker, order).await;
        shared.is_free();
        match after {
            Ok(kept) => {
                worker = kept;
                *failures = 0;
            }
            Err(after) => return after,
        }
    }
}

/// Has `worker` work on a run, and gives it back if it goes on.
async fn serve(shared: &Shared, mut worker: Worker, order: Order) -> Result<Worker, After> {
    let Order {
        request,
        context,
        mut answer,
    } = order;
    for _ in 0..TRIES {
        let done = tokio::select! {
            done = worker.work(&request, &context) => done,
            () = answer.closed() => {
                tracing::warn!(service = shared.launch.name, run = %context.run, "a worker is killed, because its run was given up");
                return Err(After::Replace);
            }
        };
        match done {
            Ok(done) => {
                // Nobody may wait any more; the worker goes on all the same.
                let _ = answer.send(done);
                return Ok(worker);
            }
            Err(Lost::Broken(fault)) => {
                let why = format!("{fault:#}");
                let _ = answer.send(Err(ServiceError::Failed(fault)));
                return Err(After::Pause(anyhow!(why)));
            }
            Err(Lost::Untouched) => match Worker::start(&shared.launch).await {
                Ok(other) => worker = other,
                Err(fault) => {
                    let why = format!("{fault:#}");
                    let _ = answer.send(Err(ServiceError::Failed(fault)));
                    return Err(After::Pause(anyhow!(why)));
                }
            },
        }
    }
    let fault = || anyhow!("{TRIES} workers died before they took the run");
    let _ = answer.send(Err(ServiceError::Failed(fault())));
    Err(After::Pause(fault()))
}

/// While no worker can be started, the runs that wait, and those that come before the next try, fail with the reason.
async fn refuse(shared: &Shared, fault: anyhow::Error, pause: Duration) -> After {
    let service = &shared.launch.name;
    let why = format!("{fault:#}");
    tracing::error!(service, cause = why, ?pause, "no worker can be started");
    let over = tokio::time::sleep(pause);
    tokio::pin!(over);
    loop {
        tokio::select! {
            order = shared.next() => {
                let Some(order) = order else {
                    return After::End;
                };
                shared.is_free();
                let _ = order.answer.send(Err(ServiceError::Failed(anyhow!("{why}"))));
            }
            () = &mut over => return After::Replace,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound() {
        let all = [1, 2, 3, 6, 7, 1000].map(pause);
        let expected = [100, 200, 400, 3_200, 5_000, 5_000].map(Duration::from_millis);
        assert_eq!(all, expected);
    }
}

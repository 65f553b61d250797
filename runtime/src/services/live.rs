//! Runs that this process works on, and those who watch runs: of this process at once, of others within half a second.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::context::Report;
use super::entity::{Event, RunId};
use super::store;
use crate::app::Core;
use crate::error::{Error, Result};
use crate::ids::UserId;

/// How often somebody who watches looks for what another process wrote down.
const LOOK_AROUND: Duration = Duration::from_millis(500);
/// How many events are read at once.
const BATCH: i64 = 100;
/// How many runs one user may watch at the same time in one process.
const MOST_WATCHED: usize = 20;

/// The runs under way in this process, and how many runs each user watches.
#[derive(Debug, Clone, Default)]
pub(super) struct Live(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    under_way: HashMap<RunId, Ongoing>,
    watchers: HashMap<UserId, usize>,
}

/// A run under way in this process.
#[derive(Debug, Clone)]
pub(super) struct Ongoing {
    pub report: Report,
    /// Changes when something was written down.
    written: watch::Sender<()>,
}

impl Ongoing {
    pub fn new(report: Report) -> Self {
        Self {
            report,
            written: watch::Sender::new(()),
        }
    }

    /// Wakes those who watch.
    pub fn wake(&self) {
        self.written.send_replace(());
    }

    /// Returns when something was written down from now on.
    pub fn next_word(&self) -> impl Future<Output = ()> + use<> {
        let mut written = self.written.subscribe();
        async move {
            // Closed: the run has ended.
            let _ = written.changed().await;
        }
    }
}

impl Live {
    /// Has a run among those under way until what comes back is dropped.
    pub fn enter(&self, id: &RunId, ongoing: Ongoing) -> Presence {
        self.lock().under_way.insert(id.clone(), ongoing);
        Presence {
            live: self.clone(),
            id: id.clone(),
        }
    }

    /// The run, if it is under way in this process.
    pub fn find(&self, id: &RunId) -> Option<Ongoing> {
        self.lock().under_way.get(id).cloned()
    }

    /// # Errors
    /// 429 when the user watches as many runs as one may.
    fn watch(&self, user: &UserId) -> Result<Watcher> {
        let mut inner = self.lock();
        let count = inner.watchers.entry(user.clone()).or_default();
        if *count >= MOST_WATCHED {
            return Err(Error::too_many_requests(Duration::from_secs(5)));
        }
        *count += 1;
        Ok(Watcher {
            live: self.clone(),
            user: user.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nobody panics who holds it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Dropped, the run is not under way any more.
pub(super) struct Presence {
    live: Live,
    id: RunId,
}

impl Drop for Presence {
    fn drop(&mut self) {
        let gone = self.live.lock().under_way.remove(&self.id);
        if let Some(ongoing) = gone {
            ongoing.wake();
        }
    }
}

struct Watcher {
    live: Live,
    user: UserId,
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut inner = self.live.lock();
        if let Some(count) = inner.watchers.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                inner.watchers.remove(&self.user);
            }
        }
    }
}

/// What happens to a run, from one event on.
pub(super) struct Feed {
    core: Core,
    live: Live,
    run: RunId,
    after: i64,
    _watcher: Watcher,
}

/// What a feed gives.
#[derive(Debug)]
pub(super) enum News {
    Events(Vec<Event>),
    /// Nothing more comes: the run has ended.
    Over,
    /// Nothing more comes from this process: it was told to stop. Another one goes on from here.
    Stopping,
}

impl Feed {
    /// What happens to the user's run `run` after event number `after`.
    ///
    /// # Errors
    /// 429 when the user watches as many runs as one may.
    pub fn open(core: &Core, user: &UserId, run: &RunId, after: i64) -> Result<Self> {
        let live = Live::clone(core.state::<Live>()?.as_ref());
        Ok(Self {
            core: core.clone(),
            _watcher: live.watch(user)?,
            live,
            run: run.clone(),
            after,
        })
    }

    /// Waits for what comes next.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn next(&mut self) -> Result<News> {
        loop {
            // Asked for before the look, so that nothing slips through between the two.
            let word = self.live.find(&self.run).map(|ongoing| ongoing.next_word());
            let standing = store::standing(self.core.db(), &self.run).await?;
            let events = self.read().await?;
            if !events.is_empty() {
                return Ok(News::Events(events));
            }
            if standing.is_none_or(|(status, _)| status.is_over()) {
                return Ok(News::Over);
            }
            let word = async {
                match word {
                    Some(word) => word.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = word => {}
                () = tokio::time::sleep(LOOK_AROUND) => {}
                () = self.core.stopping() => return Ok(News::Stopping),
            }
        }
    }

    /// What there is now.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn read(&mut self) -> Result<Vec<Event>> {
        let events = store::events::list(self.core.db(), &self.run, self.after, BATCH).await?;
        if let Some(last) = events.last() {
            self.after = last.seq;
        }
        Ok(events)
    }
}

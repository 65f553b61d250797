//! What a service may know of the run that it works for, and what it may say meanwhile: what the run costs, how far
//! it is, what there is of the result. Saying something costs no time: somebody else writes it down.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use super::entity::{Event, Happening, RunId};
use super::rules;
use crate::clock::Timestamp;
use crate::config::Config;
use crate::credits::Credits;
use crate::ids::UserId;

/// What a service may know of the run that it works for.
#[derive(Debug, Clone)]
pub struct ServiceContext {
    pub run: RunId,
    pub user: UserId,
    pub started_at: Timestamp,
    /// What is set aside for the run: the most that it can cost.
    pub price: Credits,
    pub(super) report: Report,
    pub(super) surroundings: Surroundings,
}

impl ServiceContext {
    /// The application's folder, which paths of its files start from.
    pub fn root(&self) -> &Path {
        &self.surroundings.0.root
    }

    /// A setting of the application: an environment variable, in development also a line of `.env`. One that is empty
    /// counts as not set.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let value = self.surroundings.0.vars.get(name)?.trim();
        (!value.is_empty()).then_some(value)
    }

    /// Says what the run really costs, at most its price; what was said last counts. Without a word it costs its price.
    pub fn costs(&self, cost: Credits) {
        self.report.lock().cost = Some(cost);
    }

    /// Says how far the run is, from 0 to 1, and what it is doing. Whoever looks at the run sees what was said last.
    pub fn progress(&self, fraction: f64, message: &str) {
        self.report.add(Happening::Progress {
            permille: rules::permille(fraction),
            message: rules::clipped(message),
        });
    }

    /// Adds `text` to what there is of the result. Whoever looks at the run sees it grow; of more than 1 MiB the rest is
    /// not shown. The result itself is what [`Service::run`](super::Service::run) gives.
    pub fn emit(&self, text: &str) {
        if !text.is_empty() {
            self.report.add(Happening::Output(text.replace('\0', "")));
        }
    }

    /// Whether the user asked for an end of the run.
    pub fn is_cancelled(&self) -> bool {
        *self.report.0.cancelled.borrow()
    }

    /// Returns when the user asks for an end of the run. A service that then gives what it has within five seconds ends
    /// like every other, with a result and its cost ([`ServiceContext::costs`]); one that does not is stopped, and costs
    /// nothing.
    pub async fn cancelled(&self) {
        let mut asked = self.report.0.cancelled.subscribe();
        // The sender lives as long as `self` does.
        let _ = asked.wait_for(|asked| *asked).await;
    }
}

/// Where a service runs. Says nothing to logs: secrets are among the settings.
#[derive(Clone)]
pub(super) struct Surroundings(pub Arc<Config>);

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").finish_non_exhaustive()
    }
}

/// What a run said, until it is written down. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Report(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    said: Mutex<Said>,
    /// Rings when something was said.
    bell: Notify,
    cancelled: watch::Sender<bool>,
}

#[derive(Debug)]
struct Said {
    cost: Option<Credits>,
    events: Vec<Event>,
    next: i64,
    /// How many of the events are being written down, and so stay as they are.
    settled: usize,
    /// Bytes of partial output so far.
    shown: usize,
}

/// The most partial output that is kept of a run.
const MOST_OUTPUT: usize = 1024 * 1024;

impl Report {
    /// A report whose first event is number `first`.
    pub fn new(first: i64) -> Self {
        Self(Arc::new(Inner {
            said: Mutex::new(Said {
                cost: None,
                events: Vec::new(),
                next: first,
                settled: 0,
                shown: 0,
            }),
            bell: Notify::new(),
            cancelled: watch::Sender::new(false),
        }))
    }

    /// What is charged: what the service said, and never more than `price`.
    pub fn cost(&self, price: Credits) -> Credits {
        self.lock().cost.map_or(price, |cost| cost.min(price))
    }

    pub fn cancel(&self) {
        self.0.cancelled.send_replace(true);
    }

    /// Returns when something was said since this was last asked.
    pub async fn rings(&self) {
        self.0.bell.notified().await;
    }

    /// What is to be written down. It stays until [`Report::forget`] is told that it was.
    pub fn pending(&self) -> Vec<Event> {
        let mut said = self.lock();
        said.settled = said.events.len();
        said.events.clone()
    }

    /// Forgets what was written down.
    pub fn forget(&self, written: &[Event]) {
        let Some(last) = written.last() else {
            return;
        };
        let mut said = self.lock();
        let before = said.events.len();
        said.events.retain(|event| event.seq > last.seq);
        let gone = before - said.events.len();
        said.settled = said.settled.saturating_sub(gone);
    }

    fn add(&self, what: Happening) {
        let mut said = self.lock();
        if let Happening::Output(text) = &what {
            said.shown = said.shown.saturating_add(text.len());
            if said.shown > MOST_OUTPUT {
                return;
            }
        }
        said.add(what);
        drop(said);
        self.0.bell.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Said> {
        // Nobody panics who holds it.
        self.0.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Said {
    /// Adds to the last event where it can, so that few rows say much.
    fn add(&mut self, what: Happening) {
        let open = self.events.len() > self.settled;
        match (self.events.last_mut().filter(|_| open), what) {
            (
                Some(Event {
                    what: Happening::Output(text),
                    ..
                }),
                Happening::Output(more),
            ) => text.push_str(&more),
            (Some(last), what @ Happening::Progress { .. })
                if matches!(last.what, Happening::Progress { .. }) =>
            {
                last.what = what;
            }
            (_, what) => {
                let seq = self.next;
                self.next += 1;
                self.events.push(Event { seq, what });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        let vars = [
            ("APP_ENV", "test"),
            ("APP_SECRET_KEY", "a-key-for-tests-0123456789abcdef"),
            ("DATABASE_URL", "sqlite://app.db"),
        ];
        let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Config::from_vars(vars.into(), Path::new(".")).unwrap()
    }

    fn context() -> ServiceContext {
        let at = Timestamp::from_micros(0);
        ServiceContext {
            run: RunId::new(at),
            user: UserId::new(at),
            started_at: at,
            price: Credits::whole(1),
            report: Report::new(1),
            surroundings: Surroundings(Arc::new(config())),
        }
    }

    fn output(seq: i64, text: &str) -> Event {
        Event {
            seq,
            what: Happening::Output(text.into()),
        }
    }

    fn progress(seq: i64, permille: i64, message: &str) -> Event {
        let message = message.into();
        let what = Happening::Progress { permille, message };
        Event { seq, what }
    }

    #[test]
    fn what_is_said_in_one_go_is_one_event_of_each_kind() {
        let context = context();
        context.progress(0.1, "reading");
        context.progress(0.25, "thinking");
        context.emit("Hel");
        context.emit("lo\0");
        context.emit("");
        context.progress(f64::NAN, "lost");
        assert_eq!(
            context.report.pending(),
            [
                progress(1, 250, "thinking"),
                output(2, "Hello"),
                progress(3, 0, "lost")
            ]
        );
    }

    #[test]
    fn what_is_being_written_down_stays_as_it_is() {
        let context = context();
        context.emit("a");
        let first = context.report.pending();
        context.emit("b");
        assert_eq!(context.report.pending(), [output(1, "a"), output(2, "b")]);
        context.report.forget(&first);
        context.emit("c");
        assert_eq!(context.report.pending(), [output(2, "b"), output(3, "c")]);
    }

    #[test]
    fn endless_output_is_not_kept() {
        let context = context();
        for _ in 0..3000 {
            context.emit(&"x".repeat(1024));
        }
        let kept: usize = context
            .report
            .pending()
            .iter()
            .map(|event| match &event.what {
                Happening::Output(text) => text.len(),
                Happening::Progress { .. } | Happening::Restarted => 0,
            })
            .sum();
        assert_eq!(kept, MOST_OUTPUT);
    }

    #[tokio::test]
    async fn a_service_is_told_of_the_wish_for_an_end() {
        let context = context();
        assert!(!context.is_cancelled());
        let waiting = tokio::spawn({
            let context = context.clone();
            async move { context.cancelled().await }
        });
        context.report.cancel();
        waiting.await.unwrap();
        context.cancelled().await;
        assert!(context.is_cancelled());
    }
}

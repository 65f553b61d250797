//! Threads that do nothing but hash: few, so that hashing neither takes every core nor the memory of every thread, and
//! of a lower priority than those that answer pages.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use tokio::sync::{mpsc, oneshot};

type Work<M> = Box<dyn FnOnce(&mut M) + Send>;

/// More of them hash no faster where there are no more cores, and each keeps the memory of one hash.
const MOST: usize = 4;

/// How much nicer than the rest of the process: they get about a tenth of a core that somebody else wants, and all of
/// one that nobody does.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// A queue with threads behind it, which end when it is dropped. Each keeps an `M` from one piece of work to the next, and
/// does something to it when nothing more waits.
pub(super) struct Threads<M> {
    queue: mpsc::Sender<Work<M>>,
}

impl<M: Default + 'static> Threads<M> {
    pub fn start(at_rest: fn(&mut M)) -> anyhow::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        // What waits does so in its request, which ends when its browser goes away.
        let (queue, waiting) = mpsc::channel::<Work<M>>(1);
        let waiting = Arc::new(Mutex::new(waiting));
        for number in 1..=cores.min(MOST) {
            let waiting = waiting.clone();
            std::thread::Builder::new()
                .name(format!("passwords-{number}"))
                .spawn(move || work_off(&waiting, at_rest))
                .context("a thread for passwords cannot be started")?;
        }
        Ok(Self { queue })
    }

    /// Runs `work` on one of the threads. A caller who has gone by then is not worked for.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut M) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let (answer, answered) = oneshot::channel();
        let work: Work<M> = Box::new(move |kept| {
            if !answer.is_closed() {
                // Nobody to tell: the request was given up meanwhile.
                let _ = answer.send(work(kept));
            }
        });
        self.queue
            .send(work)
            .await
            .ok()
            .context("the threads for passwords have ended")?;
        answered.await.context("a thread for passwords failed")?
    }
}

fn work_off<M: Default>(waiting: &Mutex<mpsc::Receiver<Work<M>>>, at_rest: fn(&mut M)) {
    give_way();
    let mut kept = M::default();
    loop {
        // Held while it waits: the next one takes over when this one has got its work.
        let next = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .blocking_recv();
        let Some(work) = next else { return };
        // A panic ends this piece of work and not the thread; who waits for it sees that the answer never came.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(&mut kept)));
        // Whoever holds it waits himself.
        if waiting.try_lock().map_or(true, |next| next.is_empty()) {
            at_rest(&mut kept);
        }
    }
}

/// Lowers the priority of the calling thread, which on Linux has one of its own.
fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(fault) = rustix::process::nice(NICENESS) {
        tracing::debug!(%fault, "passwords are hashed with the priority of everything else");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn no_more_run_at_once_than_there_are_cores() {
        let threads = Threads::<()>::start(|()| ()).unwrap();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let one = || {
            let (now, most) = (now.clone(), most.clone());
            threads.run(move |()| {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(5));
                now.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            })
        };
        let all: anyhow::Result<Vec<()>> = futures_util::future::join_all((0..40).map(|_| one()))
            .await
            .into_iter()
            .collect();
        all.unwrap();
        assert_eq!(most.load(Ordering::SeqCst), cores.min(MOST));
    }

    #[tokio::test]
    async fn a_panic_is_told_and_the_next_piece_of_work_is_done() {
        let threads = Threads::<()>::start(|()| ()).unwrap();
        for _ in 0..2 * MOST {
            let told = threads.run::<()>(|()| panic!("as a test")).await;
            assert!(told.unwrap_err().to_string().contains("failed"));
        }
        assert_eq!(threads.run(|()| Ok(7)).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_thread_that_nobody_needs_is_at_rest() {
        static RESTS: AtomicUsize = AtomicUsize::new(0);
        fn rest(kept: &mut Vec<u8>) {
            assert_eq!(std::mem::take(kept), [1]);
            RESTS.fetch_add(1, Ordering::SeqCst);
        }
        let threads = Threads::start(rest).unwrap();
        for turn in 1..=2 * MOST {
            let found = threads.run(|kept| Ok(std::mem::replace(kept, vec![1])));
            assert!(found.await.unwrap().is_empty());
            // The answer comes a little before that.
            let rested = async {
                while RESTS.load(Ordering::SeqCst) < turn {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            let rested = tokio::time::timeout(Duration::from_secs(60), rested).await;
            assert!(rested.is_ok(), "it is not at rest after turn {turn}");
        }
    }
}

//! How a process ends: told to stop, it lets what is under way go on for a while, then asks it to leave off.

use std::time::Duration;

use tokio::sync::watch;

/// How long work under way may go on once the process was told to stop. It is shorter than requests and workers get, so
/// that what leaves off can still be settled and answered.
const GRACE: Duration = Duration::from_secs(15);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Phase {
    Running,
    Stopping,
    LeavingOff,
}

/// Where a process stands, and how much is under way in it that must be settled.
#[derive(Debug)]
pub(crate) struct Shutdown {
    phase: watch::Sender<Phase>,
    open: watch::Sender<usize>,
}

/// Something under way that must be settled before the process ends; settled when dropped. Only services have such work.
#[cfg_attr(
    not(any(feature = "services", test)),
    expect(dead_code, reason = "nobody asks")
)]
#[derive(Debug)]
pub(crate) struct Open(watch::Sender<usize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self {
            phase: watch::Sender::new(Phase::Running),
            open: watch::Sender::new(0),
        }
    }
}

impl Shutdown {
    /// Tells everybody who asks that the process stops, and a while later that it is time to leave off.
    pub fn begin(&self) {
        self.begin_with(GRACE);
    }

    fn begin_with(&self, grace: Duration) {
        self.reach(Phase::Stopping);
        let phase = self.phase.clone();
        tokio::spawn(async move {
            tokio::time::sleep(grace).await;
            phase.send_replace(Phase::LeavingOff);
        });
    }

    /// Tells everybody at once that it is time to leave off.
    pub fn hurry(&self) {
        self.reach(Phase::LeavingOff);
    }

    fn reach(&self, phase: Phase) {
        self.phase
            .send_if_modified(|now| *now < phase && std::mem::replace(now, phase) != phase);
    }

    /// Returns when the process was told to stop.
    pub async fn stopping(&self) {
        self.wait_for(Phase::Stopping).await;
    }

    /// Returns when what is still under way has to leave off.
    #[cfg(any(feature = "services", test))]
    pub async fn leaving_off(&self) {
        self.wait_for(Phase::LeavingOff).await;
    }

    async fn wait_for(&self, phase: Phase) {
        // The sender lives as long as `self` does.
        let _ = self.phase.subscribe().wait_for(|now| *now >= phase).await;
    }

    #[cfg(any(feature = "services", test))]
    pub fn open(&self) -> Open {
        self.open.send_modify(|open| *open += 1);
        Open(self.open.clone())
    }

    /// Returns when everything is settled.
    pub async fn settled(&self) {
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_under_way_has_a_while_before_it_leaves_off() {
        let shutdown = Shutdown::default();
        let open = shutdown.open();
        let grace = Duration::from_millis(50);
        let begun = tokio::time::Instant::now();
        shutdown.begin_with(grace);
        shutdown.stopping().await;
        shutdown.leaving_off().await;
        assert!(begun.elapsed() >= grace);
        drop(open);
        shutdown.settled().await;
    }

    #[tokio::test]
    async fn haste_is_not_undone_by_the_usual_way() {
        let shutdown = Shutdown::default();
        shutdown.hurry();
        shutdown.begin();
        shutdown.leaving_off().await;
        shutdown.settled().await;
    }
}

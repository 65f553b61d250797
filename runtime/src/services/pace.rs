//! How quick a service was the last time in this process.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long the work takes at most that is over at once.
pub(super) const AT_ONCE: Duration = Duration::from_millis(2);

/// Whether the work of a service is expected to be over at once. Until it was, it is not.
#[derive(Debug, Default)]
pub(super) struct Pace(AtomicBool);

impl Pace {
    pub fn is_quick(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Notes how long the work took, or has taken until now.
    pub fn note(&self, took: Duration) {
        self.0.store(took < AT_ONCE, Ordering::Relaxed);
    }
}

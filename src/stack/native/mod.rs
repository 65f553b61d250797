//! The app as a process of this machine: start it, find it again, stop it.
//!
//! `.quickscale/run/app.json` says what was started last; whether that still lives is asked of the system each time.
//! Whoever starts or stops holds the lock of [`RunDir`](super::record::RunDir), so that there is one of them.

mod fresh;
mod launch;
mod start;

use std::time::{Duration, Instant};

use anyhow::Result;

use super::platform::Identity;
use super::record::{Native, Record, RunDir};
use super::{health, port};
use crate::error::Fault;

pub use fresh::outdated;
pub use launch::become_app;
pub use start::{Order, attend, start};

/// How long an app has to end by itself: longer than it takes for requests under way, which is at most 20 seconds.
pub const GRACE: Duration = Duration::from_secs(25);

/// How long the system has to end a process that was killed.
const DEATH: Duration = Duration::from_secs(10);

/// What became of the app on record.
#[derive(Debug)]
pub enum State {
    /// Nothing was started, or it was stopped.
    Stopped,
    /// It lives, and says that it is ready.
    Ready(Native, Identity),
    /// It lives, and is not ready; why.
    Unready(Native, Identity, String),
    /// It ended without `quickscale down`: by itself, by somebody's kill, or with the machine.
    Ended(Native),
}

/// Looks at a record and at the system.
pub fn state_of(native: Native) -> State {
    let Some(process) = native.process.clone() else {
        return State::Stopped;
    };
    if !process.is_alive() {
        return State::Ended(native);
    }
    match health::ask(&native.address) {
        health::Readiness::Ready if port::may_belong_to(native.port, process.pid) => {
            State::Ready(native, process)
        }
        health::Readiness::Ready => {
            let why = format!("another process answers on port {}", native.port);
            State::Unready(native, process, why)
        }
        health::Readiness::NotReady(why) => State::Unready(native, process, why),
    }
}

/// How a process was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    Gracefully,
    /// It did not end in time and was killed.
    Killed,
}

/// Asks the process to end, and kills it when it has not after `grace`. Returns when it is gone.
pub fn stop(process: &Identity, grace: Duration) -> Result<Stopped> {
    process.terminate()?;
    if is_gone_within(process, grace) {
        return Ok(Stopped::Gracefully);
    }
    process.kill()?;
    if is_gone_within(process, DEATH) {
        return Ok(Stopped::Killed);
    }
    Err(Fault::new(format!(
        "process {} does not end, although it was killed",
        process.pid
    ))
    .hint("it waits for the kernel, mostly for a disk: look at it with your system's tools")
    .into())
}

fn is_gone_within(process: &Identity, limit: Duration) -> bool {
    let began = Instant::now();
    while process.is_alive() {
        if began.elapsed() >= limit {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

/// Takes the record away, unless it is of another process by now.
pub(super) fn forget(run: &RunDir, process: &Identity) -> Result<()> {
    match run.read()? {
        Some(Record::Native(native)) if native.process.as_ref() == Some(process) => run.forget(),
        _ => Ok(()),
    }
}

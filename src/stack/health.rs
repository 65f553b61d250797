//! Whether the app is ready: what `/health/ready` answers, and waiting for it while the process lives.

use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::platform::Identity;
use super::port;

const ONE_ANSWER: Duration = Duration::from_secs(2);
const BETWEEN: Duration = Duration::from_millis(25);

/// What the app says about itself.
#[derive(Debug, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    /// It does not answer, or with something else than 200; in words.
    NotReady(String),
}

/// Asks `http://ADDRESS/health/ready` once.
pub fn ask(address: &str) -> Readiness {
    match request(address) {
        Ok(200) => Readiness::Ready,
        Ok(status) => Readiness::NotReady(format!("/health/ready answers {status}")),
        Err(error) => Readiness::NotReady(format!("/health/ready does not answer ({error})")),
    }
}

fn request(address: &str) -> Result<u16, ureq::Error> {
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(ONE_ANSWER))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .build()
        .new_agent();
    Ok(agent
        .get(format!("http://{address}/health/ready"))
        .call()?
        .status()
        .as_u16())
}

/// How waiting ended.
#[derive(Debug)]
pub enum Outcome {
    Ready,
    Died(ExitStatus),
    /// The time is up; what it answered last.
    TimedOut(String),
    /// Ctrl-C.
    Interrupted,
}

/// A process that is to become ready.
pub struct Candidate<'a> {
    pub address: &'a str,
    pub port: u16,
    pub process: Identity,
    pub child: &'a mut Child,
}

/// Waits until the candidate is ready, dies, or `limit` is over. An answer counts only when it does not come from
/// somebody else who took the port meanwhile.
pub fn wait(candidate: Candidate<'_>, limit: Duration, stop: impl Fn() -> bool) -> Result<Outcome> {
    let began = Instant::now();
    loop {
        if let Some(status) = candidate.child.try_wait()? {
            return Ok(Outcome::Died(status));
        }
        let last = match ask(candidate.address) {
            Readiness::Ready if port::may_belong_to(candidate.port, candidate.process.pid) => {
                return Ok(Outcome::Ready);
            }
            Readiness::Ready => format!("another process answers on port {}", candidate.port),
            Readiness::NotReady(why) => why,
        };
        if stop() {
            return Ok(Outcome::Interrupted);
        }
        if began.elapsed() >= limit {
            return Ok(Outcome::TimedOut(last));
        }
        std::thread::sleep(BETWEEN);
    }
}

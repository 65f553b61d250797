//! What runs, as `quickscale ps` tells it.

use anyhow::Result;
use indicatif::HumanBytes;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::Site;
use super::docker::{self, Container};
use super::health::{self, Readiness};
use super::native::{self, State};
use super::platform::Identity;
use super::record::{Native, Record};
use super::up::ended;

/// What the app does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Doing {
    /// It answers that it is ready.
    Running,
    /// Its process lives, but it is not ready.
    Unready,
    /// It ended without `quickscale down`.
    Ended,
    Stopped,
}

/// One answer of `quickscale ps --json`; what does not apply is null.
#[derive(Debug, Serialize)]
pub struct Status {
    pub state: Doing,
    /// `native` or `docker`.
    pub mode: Option<&'static str>,
    pub pid: Option<u32>,
    pub port: Option<u16>,
    pub url: Option<String>,
    pub started_at: Option<Timestamp>,
    pub uptime_seconds: Option<u64>,
    pub memory_bytes: Option<u64>,
    pub profile: Option<super::record::Profile>,
    pub foreground: Option<bool>,
    /// Why a restart would run something else; null when it would not.
    pub outdated: Option<String>,
    /// Why it is not ready, or how it ended.
    pub reason: Option<String>,
    /// What docker runs for it.
    pub containers: Vec<Container>,
}

impl Status {
    fn stopped() -> Self {
        Self {
            state: Doing::Stopped,
            mode: None,
            pid: None,
            port: None,
            url: None,
            started_at: None,
            uptime_seconds: None,
            memory_bytes: None,
            profile: None,
            foreground: None,
            outdated: None,
            reason: None,
            containers: Vec::new(),
        }
    }
}

/// Looks at what runs.
pub fn status(site: &Site<'_>) -> Result<Status> {
    Ok(match site.run.read()? {
        None => Status::stopped(),
        Some(Record::Docker(noted)) => in_containers(site, noted)?,
        Some(Record::Native(native)) => match native::state_of(native) {
            State::Stopped => Status::stopped(),
            State::Ready(native, process) => alive(site, native, &process, None),
            State::Unready(native, process, why) => alive(site, native, &process, Some(why)),
            State::Ended(native) => Status {
                state: Doing::Ended,
                mode: Some("native"),
                started_at: Some(native.started_at),
                reason: Some(ended(&native)),
                ..Status::stopped()
            },
        },
    })
}

fn in_containers(site: &Site<'_>, noted: docker::Noted) -> Result<Status> {
    let containers = docker::list(site)?;
    let app = containers.iter().find(|one| one.service == noted.service);
    let started_at = app.and_then(|app| app.started_at);
    let (state, reason) = match app {
        None => (Doing::Ended, Some("the app's container is gone".to_owned())),
        Some(app) if !app.is_running() => (
            Doing::Ended,
            Some(format!("the app's container is {}", app.state)),
        ),
        Some(_) => match health::ask(&format!("127.0.0.1:{}", noted.port)) {
            Readiness::Ready => (Doing::Running, None),
            Readiness::NotReady(why) => (Doing::Unready, Some(why)),
        },
    };
    Ok(Status {
        state,
        mode: Some("docker"),
        port: Some(noted.port),
        uptime_seconds: match state {
            Doing::Running | Doing::Unready => started_at.and_then(seconds_since),
            Doing::Ended | Doing::Stopped => None,
        },
        started_at,
        url: Some(noted.url),
        reason,
        containers,
        ..Status::stopped()
    })
}

fn seconds_since(moment: Timestamp) -> Option<u64> {
    u64::try_from(Timestamp::now().duration_since(moment).as_secs()).ok()
}

fn alive(site: &Site<'_>, native: Native, process: &Identity, why: Option<String>) -> Status {
    Status {
        state: if why.is_none() {
            Doing::Running
        } else {
            Doing::Unready
        },
        mode: Some("native"),
        pid: Some(process.pid),
        port: Some(native.port),
        started_at: Some(native.started_at),
        uptime_seconds: seconds_since(native.started_at),
        memory_bytes: process.memory(),
        profile: Some(native.profile),
        foreground: Some(native.foreground),
        outdated: native::outdated(site.root, &native),
        reason: why,
        url: Some(native.url),
        containers: Vec::new(),
    }
}

/// The same as lines for a reader.
pub fn describe(status: &Status) -> String {
    let mut lines = Vec::new();
    let mut line = |name: &str, value: String| lines.push(format!("{name:<9}{value}\n"));
    let state = match status.state {
        Doing::Running => "running",
        Doing::Unready => "not ready",
        Doing::Ended => "ended",
        Doing::Stopped => "stopped",
    };
    let reason = status.reason.iter().map(|why| format!(": {why}"));
    line("state", format!("{state}{}", reason.collect::<String>()));
    if let Some(pid) = status.pid {
        let place = if status.foreground == Some(true) {
            ", in the foreground of a terminal"
        } else {
            ""
        };
        line("process", format!("{pid}{place}"));
    }
    if let Some(url) = &status.url {
        line("url", url.clone());
    }
    if let Some(seconds) = status.uptime_seconds {
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        line("uptime", in_words(SignedDuration::from_secs(seconds)));
    }
    if let Some(bytes) = status.memory_bytes {
        line("memory", HumanBytes(bytes).to_string());
    }
    if let Some(why) = &status.outdated {
        line(
            "outdated",
            format!("{why}; `quickscale restart` runs what the project is now"),
        );
    }
    for one in &status.containers {
        let health = one.health.iter().map(|health| format!(", {health}"));
        line(
            "container",
            format!(
                " {} ({}): {}{}",
                one.name,
                one.service,
                one.state,
                health.collect::<String>()
            ),
        );
    }
    lines.concat()
}

/// A duration in its two largest units, such as `2h 5m`.
pub fn in_words(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, _, _) => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_durations_in_two_units() {
        let table = [
            (5, "5s"),
            (65, "1m 5s"),
            (3_700, "1h 1m"),
            (90_000, "1d 1h"),
            (-3, "0s"),
        ];
        for (seconds, words) in table {
            assert_eq!(in_words(SignedDuration::from_secs(seconds)), words);
        }
    }
}

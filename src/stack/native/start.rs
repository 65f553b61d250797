//! Starting the app: build, port, launch, wait until it is ready.

use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result};
use jiff::Timestamp;

use super::launch::{launch, reachable};
use super::{GRACE, forget, stop};
use crate::error::Fault;
use crate::interrupt;
use crate::stack::health::{self, Candidate, Outcome};
use crate::stack::platform::Identity;
use crate::stack::port::{self, Wish};
use crate::stack::record::{Fingerprint, Hold, Native, Profile};
use crate::stack::{Site, logs};

/// How many lines of the log tell why a start failed.
const LAST_LINES: usize = 25;
/// How often another port is tried when somebody takes the chosen one just before the app does.
const TRIES: usize = 5;

/// What is to be started.
pub struct Order {
    pub program: PathBuf,
    pub profile: Profile,
    /// When the build of the program began.
    pub built_at: Timestamp,
    pub wish: Wish,
    pub foreground: bool,
    /// How long the app has to become ready.
    pub limit: Duration,
}

/// An app that is ready, and our child.
pub struct Running {
    pub native: Native,
    pub process: Identity,
    child: Child,
}

enum Attempt {
    Ready(Running),
    /// The app ended, and its port belongs to somebody else.
    PortLost(u16),
}

/// Starts the app and waits until it is ready. Whatever fails, no process is left behind.
pub fn start(site: &Site<'_>, order: &Order, hold: &Hold) -> Result<Running> {
    for _ in 1..TRIES {
        match attempt(site, order, hold)? {
            Attempt::Ready(running) => return Ok(running),
            Attempt::PortLost(port) => {
                site.ui.warn(&format!(
                    "port {port} was taken just before the app took it"
                ));
            }
        }
    }
    match attempt(site, order, hold)? {
        Attempt::Ready(running) => Ok(running),
        Attempt::PortLost(port) => Err(Fault::new(format!(
            "port {port} was taken by another program, {TRIES} times"
        ))
        .hint("choose a port that nothing else uses with --port N")
        .into()),
    }
}

fn attempt(site: &Site<'_>, order: &Order, hold: &Hold) -> Result<Attempt> {
    let host = site.settings.host()?;
    let choice = port::choose(host, order.wish)?;
    if let Some(taken) = choice.taken {
        let by = port::occupant(taken)
            .map(|who| format!(" by {who}"))
            .unwrap_or_default();
        site.ui
            .info(&format!("port {taken} is taken{by}; using {}", choice.port));
    }
    let log_start = logs::open_for_start(&site.run.log())?.1;
    let native = Native {
        process: None,
        port: choice.port,
        url: site.settings.local_url(choice.port),
        address: reachable(host, choice.port).to_string(),
        profile: order.profile,
        program: order.program.clone(),
        foreground: order.foreground,
        binary: Fingerprint::of(&order.program)?,
        built_at: order.built_at,
        started_at: Timestamp::now(),
        log_start,
    };
    let deferred = interrupt::defer();
    let (mut child, process) = launch(site, &native, hold)?;
    let candidate = Candidate {
        address: &native.address,
        port: native.port,
        process: process.clone(),
        child: Some(&mut child),
    };
    let outcome = health::wait(candidate, order.limit, || deferred.requested());
    if let Ok(Outcome::Ready) = outcome {
        let native = Native {
            process: Some(process.clone()),
            ..native
        };
        return Ok(Attempt::Ready(Running {
            native,
            process,
            child,
        }));
    }
    let tidied = clear_away(site, &process, &mut child);
    let failed = failure(site, &native, outcome?)?;
    tidied?;
    match failed {
        Some(fault) => Err(fault.into()),
        None if matches!(order.wish, Wish::From(_)) => Ok(Attempt::PortLost(native.port)),
        None => Err(port::choose(host, order.wish).err().unwrap_or_else(|| {
            Fault::new(format!("port {} was taken for a moment", native.port))
                .hint("try again")
                .into()
        })),
    }
}

/// Ends what was started, if it lives, and takes it off the record.
fn clear_away(site: &Site<'_>, process: &Identity, child: &mut Child) -> Result<()> {
    stop(process, GRACE)?;
    child.wait().context("cannot wait for the app")?;
    forget(&site.run, process)
}

/// Why there is no app; none when it lost its port to somebody else.
fn failure(site: &Site<'_>, native: &Native, outcome: Outcome) -> Result<Option<Fault>> {
    let fault = match outcome {
        Outcome::Ready => return Ok(None),
        Outcome::Interrupted => Fault::interrupted("interrupted; the app was stopped"),
        Outcome::Died(_) if port::answers(native.port) => return Ok(None),
        Outcome::Died(status) => told(
            site,
            native,
            &format!("the app ended at its start{}", in_words(status)),
        )?,
        Outcome::TimedOut(why) => told(
            site,
            native,
            &format!("the app did not become ready: {why}"),
        )?
        .hint("it was stopped; a slow start is given more time with --timeout SECONDS"),
    };
    Ok(Some(fault))
}

fn in_words(status: Option<ExitStatus>) -> String {
    status
        .map(|status| format!(" ({status})"))
        .unwrap_or_default()
}

/// A message with the last lines of the app's log.
fn told(site: &Site<'_>, native: &Native, message: &str) -> Result<Fault> {
    if native.foreground {
        return Ok(Fault::new(message).hint("the reason stands above"));
    }
    let lines = logs::last_of_run(&site.run.log(), native.log_start, LAST_LINES)?;
    let lines = lines.trim_end();
    if lines.is_empty() {
        return Ok(Fault::new(format!("{message}, without a word in its log"))
            .hint("run it attached to see more: quickscale up --foreground"));
    }
    Ok(Fault::new(format!("{message}; the end of its log:\n\n{lines}\n"))
        .hint("mend what the log says, then run `quickscale up` again; `quickscale check` looks at the usual causes"))
}

/// Stays with an app in the foreground until it ends or Ctrl-C asks for that; a second Ctrl-C kills it.
pub fn attend(site: &Site<'_>, mut running: Running) -> Result<()> {
    let deferred = interrupt::defer();
    let status = loop {
        if let Some(status) = running.child.try_wait()? {
            break status;
        }
        if deferred.requested() {
            site.ui.status("Stopping", "the app");
            stop(&running.process, GRACE)?;
            running.child.wait()?;
            return forget(&site.run, &running.process);
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    forget(&site.run, &running.process)?;
    if status.success() {
        return Ok(());
    }
    Err(Fault::new(format!("the app ended ({status})"))
        .hint("the reason stands above")
        .into())
}

//! Starting the app: build, port, launch, wait until it is ready.

use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use jiff::Timestamp;

use super::launch::{launch, reachable};
use super::{GRACE, forget, stop};
use crate::error::{Exit, Fault, exit_of};
use crate::interrupt;
use crate::project::lock::Lock;
use crate::stack::health::{self, Candidate, Outcome};
use crate::stack::platform::Identity;
use crate::stack::port::{self, Wish};
use crate::stack::record::{Fingerprint, Native, Profile, Record};
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

/// Starts the app and waits until it is ready. Whatever fails, no process is left behind.
pub fn start(site: &Site<'_>, order: &Order, hold: &Lock) -> Result<Running> {
    for _ in 0..TRIES {
        if let Some(running) = attempt(site, order, hold)? {
            return Ok(running);
        }
        site.ui
            .warn("the port was taken just before the app took it");
    }
    Err(Fault::new(format!(
        "{TRIES} ports in a row were taken by other programs"
    ))
    .hint("choose a port that nothing else uses with --port N")
    .into())
}

/// None when somebody else was faster to take the port.
fn attempt(site: &Site<'_>, order: &Order, hold: &Lock) -> Result<Option<Running>> {
    let (log, log_start) = logs::open_for_start(&site.run.log())?;
    let native = prepare(site, order, log_start)?;
    let deferred = interrupt::defer();
    let (mut child, process) = launch(site, &native, log, hold)?;
    let outcome = match &process {
        None => Ok(Outcome::Died(child.wait()?)),
        Some(process) => {
            let candidate = Candidate {
                address: &native.address,
                port: native.port,
                process: process.clone(),
                child: &mut child,
            };
            health::wait(candidate, order.limit, || deferred.requested())
        }
    };
    if let (Ok(Outcome::Ready), Some(process)) = (&outcome, &process) {
        return Ok(Some(Running {
            native,
            process: process.clone(),
            child,
        }));
    }
    if let Some(process) = &process {
        stop(process, GRACE)?;
    }
    child.wait().context("cannot wait for the app")?;
    site.run.forget()?;
    match failure(site, &native, outcome?)? {
        Some(fault) => Err(fault.into()),
        None => Ok(None),
    }
}

/// Chooses the port and writes down what is about to be started.
fn prepare(site: &Site<'_>, order: &Order, log_start: u64) -> Result<Native> {
    let host = site.settings.host()?;
    let choice = port::choose(host, order.wish)?;
    if let Some(taken) = choice.taken {
        let by = port::occupant(taken)
            .map(|who| format!(" by {who}"))
            .unwrap_or_default();
        site.ui.info(&format!(
            "port {taken} is taken{by}; using port {}",
            choice.port
        ));
    }
    Ok(Native {
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
    })
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
            &format!("the app ended at its start ({status})"),
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
    if status.success() || was_stopped(site, &running.process)? {
        return forget(&site.run, &running.process);
    }
    forget(&site.run, &running.process)?;
    Err(Fault::new(format!("the app ended ({status})"))
        .hint("the reason stands above")
        .into())
}

/// Whether another quickscale has stopped the process: then it is off the record, as soon as the other one is done.
fn was_stopped(site: &Site<'_>, process: &Identity) -> Result<bool> {
    let began = Instant::now();
    let hold = loop {
        match site.run.hold("up") {
            Err(error) if exit_of(&error) == Exit::Stale && began.elapsed() < GRACE => {}
            other => break other?,
        }
    };
    let record = site.run.read()?;
    drop(hold);
    Ok(!matches!(record, Some(Record::Native(native)) if native.process.as_ref() == Some(process)))
}

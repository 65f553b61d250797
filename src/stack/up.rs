//! Bringing the app up and restarting it, whatever it runs on; what is said about it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Result;
use jiff::Timestamp;

use super::down::stop_native;
use super::native::{self, GRACE, Order, State};
use super::platform::{self, Identity};
use super::port::Wish;
use super::record::{Native, Profile, Record};
use super::status::in_words;
use super::{Site, docker, python};
use crate::error::Fault;
use crate::project::lock::Lock;

/// What `up` is asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// In containers instead of as a process.
    pub docker: bool,
    pub profile: Profile,
    /// Stay with the app instead of leaving it in the background.
    pub foreground: bool,
    /// This port and no other.
    pub port: Option<u16>,
    /// Show the app in a browser.
    pub open: bool,
    /// How long the app has to become ready.
    pub limit: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            docker: false,
            profile: Profile::Dev,
            foreground: false,
            port: None,
            open: false,
            limit: Duration::from_secs(60),
        }
    }
}

/// Builds and starts the app and returns once it is ready, or says that it runs already.
pub fn up(site: &Site<'_>, options: &Options) -> Result<()> {
    let hold = site.run.hold("up")?;
    match site.run.read()? {
        None => {}
        Some(Record::Docker(noted)) if !options.docker => no_containers(site, &noted)?,
        Some(Record::Docker(_)) => {}
        Some(Record::Native(native)) => {
            if let Some((native, process)) = alive(site, native, options)? {
                return already(site, options, &native, &process);
            }
        }
    }
    if options.docker {
        return docker::up(site, options, hold);
    }
    let wish = match options.port {
        Some(port) => Wish::Exactly(port),
        None => Wish::From(site.settings.port()?),
    };
    let built = build(site, options.profile)?;
    start(site, options, wish, (built, hold))
}

/// The process on record, once it is ready; none when it is gone.
fn alive(site: &Site<'_>, native: Native, options: &Options) -> Result<Option<(Native, Identity)>> {
    let (native, process) = match native::state_of(native) {
        State::Stopped => return Ok(None),
        State::Ended(native) => {
            site.ui.info(&ended(&native));
            return Ok(None);
        }
        State::Ready(native, process) => (native, process),
        State::Unready(native, process, _) => {
            await_ready(site, &native, options.limit)?;
            (native, process)
        }
    };
    if options.docker {
        return Err(
            Fault::new(format!("the app runs already, as process {}", process.pid))
                .hint("to run it in containers: quickscale down, then quickscale up --docker")
                .into(),
        );
    }
    Ok(Some((native, process)))
}

/// An app that runs in containers is not started beside them.
fn no_containers(site: &Site<'_>, noted: &docker::Noted) -> Result<()> {
    match docker::list(site) {
        Ok(all) if all.iter().any(docker::Container::is_running) => {
            Err(Fault::new(format!("the app runs already, in containers, at {}", noted.url))
                .hint("`quickscale up --docker` keeps it there; to run it as a process: quickscale down, then quickscale up")
                .into())
        }
        Ok(_) => Ok(()),
        Err(error) => {
            site.ui.warn(&format!("the app was started in containers, which cannot be looked at: {error:#}"));
            Ok(())
        }
    }
}

/// Stops the app, if it runs, and starts what the project is now, on the same port. Where the system lets a running
/// binary be replaced, a failing build leaves the running app alone.
pub fn restart(site: &Site<'_>, limit: Duration) -> Result<()> {
    let hold = site.run.hold("restart")?;
    let before = match site.run.read()? {
        Some(Record::Native(native)) => native,
        Some(Record::Docker(noted)) => return docker::restart(site, &noted, limit),
        None => {
            site.ui.info("the app did not run");
            let wish = Wish::From(site.settings.port()?);
            let options = Options {
                limit,
                ..Options::default()
            };
            let built = build(site, options.profile)?;
            return start(site, &options, wish, (built, hold));
        }
    };
    let wish = Wish::From(before.port);
    let options = Options {
        profile: before.profile,
        limit,
        ..Options::default()
    };
    let built = if platform::REPLACES_RUNNING_BINARY {
        let built = build(site, options.profile)?;
        stop_native(site, &before, GRACE)?;
        built
    } else {
        stop_native(site, &before, GRACE)?;
        build(site, options.profile)?
    };
    start(site, &options, wish, (built, hold))
}

/// A program, and when its build began.
type Built = (PathBuf, Timestamp);

fn build(site: &Site<'_>, profile: Profile) -> Result<Built> {
    let built_at = Timestamp::now();
    python::prepare(site)?;
    Ok((site.build(profile)?, built_at))
}

fn start(
    site: &Site<'_>,
    options: &Options,
    wish: Wish,
    (built, hold): (Built, Lock),
) -> Result<()> {
    let (program, built_at) = built;
    let order = Order {
        program,
        profile: options.profile,
        built_at,
        wish,
        foreground: options.foreground,
        limit: options.limit,
    };
    let running = native::start(site, &order, &hold)?;
    drop(hold);
    if options.foreground {
        site.ui
            .status("Running", &format!("{} until Ctrl-C", running.native.url));
    } else {
        let pid = running.process.pid;
        site.ui.status(
            "Running",
            &format!("in the background as process {pid}; stop it with `quickscale down`"),
        );
        site.ui.data(&format!("{}\n", running.native.url))?;
    }
    if options.open {
        open(site, &running.native.url);
    }
    if options.foreground {
        native::attend(site, running)
    } else {
        Ok(())
    }
}

/// It runs: says so, and whether it is what the project is now.
fn already(site: &Site<'_>, options: &Options, native: &Native, process: &Identity) -> Result<()> {
    if let Some(port) = options.port.filter(|&port| port != native.port) {
        return Err(
            Fault::new(format!("the app runs already, on port {}", native.port))
                .hint(format!(
                    "to move it: quickscale down, then quickscale up --port {port}"
                ))
                .into(),
        );
    }
    if options.profile == Profile::Release && native.profile == Profile::Dev {
        return Err(
            Fault::new("the app runs already, built without optimisations")
                .hint("to replace it: quickscale down, then quickscale up --release")
                .into(),
        );
    }
    if options.foreground {
        return Err(
            Fault::new(format!("the app runs already, as process {}", process.pid))
                .hint("watch it with `quickscale logs -f`, or stop it first with `quickscale down`")
                .into(),
        );
    }
    let since = in_words(Timestamp::now().duration_since(native.started_at));
    site.ui.status(
        "Running",
        &format!("already, as process {}, for {since}", process.pid),
    );
    if let Some(why) = native::outdated(site.root, native) {
        site.ui
            .warn(&format!("what runs is older than the project: {why}"));
        site.ui.hint("quickscale restart");
    }
    site.ui.data(&format!("{}\n", native.url))?;
    if options.open {
        open(site, &native.url);
    }
    Ok(())
}

/// An earlier `up` was ended before the app was ready, or the app is busy.
fn await_ready(site: &Site<'_>, native: &Native, limit: Duration) -> Result<()> {
    let began = Instant::now();
    loop {
        let why = match native::state_of(native.clone()) {
            State::Ready(..) => return Ok(()),
            State::Unready(_, _, why) => why,
            State::Ended(_) | State::Stopped => "it has just ended".to_owned(),
        };
        if began.elapsed() >= limit {
            return Err(Fault::new(format!("the app runs but is not ready: {why}"))
                .hint("look at `quickscale logs`, then `quickscale restart`")
                .into());
        }
        site.ui.detail(&why);
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// What to say of an app that is gone without `quickscale down`.
pub(super) fn ended(native: &Native) -> String {
    match &native.process {
        Some(process) if process.is_from_another_boot() => {
            "the app ended when the machine was restarted".to_owned()
        }
        _ => "the app had ended by itself; `quickscale logs` may say why".to_owned(),
    }
}

/// A browser is a convenience: without one, the URL is on the screen.
pub(super) fn open(site: &Site<'_>, url: &str) {
    if let Err(error) = platform::open_in_browser(url) {
        site.ui.warn(&format!("cannot open a browser: {error:#}"));
    }
}

//! From `quickscale` to the app: the process that is started writes down who it is, then becomes the app.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use fs_err::File;

use crate::error::Fault;
use crate::project::lock::Lock;
use crate::stack::Site;
use crate::stack::platform::{self, Identity};
use crate::stack::record::{Native, Record, RunDir};
use crate::stack::settings::clean_app_environment;

/// The hidden verb that becomes the app.
pub const VERB: &str = "__launch";

/// Starts what `native` describes and puts it on record, with its output going to `log` unless it is in the foreground.
/// The process is none when it ended at once.
pub fn launch(
    site: &Site<'_>,
    native: &Native,
    log: File,
    hold: &Lock,
) -> Result<(Child, Option<Identity>)> {
    site.run.write(&Record::Native(native.clone()))?;
    let mut command = if platform::LAUNCHES_THROUGH_SELF {
        let mut command = Command::new(platform::own_program()?);
        command.arg("--project").arg(site.root).arg(VERB);
        command.stdin(platform::hand_over(hold.file())?);
        command
    } else {
        let mut command = app(native);
        command.stdin(Stdio::null());
        command
    };
    environment(site, native, &mut command);
    command.current_dir(site.root);
    if !native.foreground {
        let log = log.into_file();
        command.stdout(log.try_clone()?).stderr(log);
    }
    platform::detach(&mut command);
    let child = command
        .spawn()
        .with_context(|| format!("cannot start {}", native.program.display()))?;
    let process = Identity::of(child.id());
    if process.is_some() && !platform::LAUNCHES_THROUGH_SELF {
        let native = Native {
            process: process.clone(),
            ..native.clone()
        };
        site.run.write(&Record::Native(native))?;
    }
    Ok((child, process))
}

/// What the app sees: the environment of whoever called, without cargo's and quickscale's own variables, with the port
/// that was chosen, the address that goes with it and, as its output goes to a file, no colours. It reads `.env` itself.
fn environment(site: &Site<'_>, native: &Native, command: &mut Command) {
    clean_app_environment(command);
    command.env("PORT", native.port.to_string());
    command.env("APP_URL", site.settings.app_url(native.port));
    if !native.foreground {
        command.env("NO_COLOR", "1");
    }
}

fn app(native: &Native) -> Command {
    let mut command = Command::new(&native.program);
    command.arg("serve");
    command
}

/// Turns this process into the app that the record describes, after putting this process on the record. The lock that
/// came on standard input is held until then. Returns only on failure.
pub fn become_app(run: &RunDir) -> Result<()> {
    let Some(Record::Native(mut native)) = run.read()? else {
        return Err(Fault::new("no app is being started")
            .hint("this verb is called by `quickscale up` only")
            .into());
    };
    if native.process.is_some() {
        bail!("the app on record was started already");
    }
    native.process = Identity::current();
    run.write(&Record::Native(native.clone()))?;
    let error = platform::become_process(&mut app(&native));
    Err(error).with_context(|| format!("cannot start {}", native.program.display()))
}

/// Where an app that listens on `host` is asked on this machine.
pub fn reachable(host: IpAddr, port: u16) -> SocketAddr {
    let address = match host {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        other => other,
    };
    SocketAddr::new(address, port)
}

//! Running a command of the app itself: `migrate`, `create-admin`, `seed`, ….

use std::ffi::OsString;
use std::process::Command;

use anyhow::{Context, Result};

use super::record::{Profile, Record};
use super::settings::clean_app_environment;
use super::{Site, docker, platform};
use crate::error::Exit;
use crate::interrupt;

/// Builds the app if needed and runs it with `args` in the project's folder, or in its container when it runs in one.
pub fn manage(site: &Site<'_>, args: &[OsString]) -> Result<Exit> {
    let running = match site.run.read()? {
        Some(Record::Docker(noted)) => return docker::manage(site, &noted, args),
        Some(Record::Native(native)) => Some(native),
        None => None,
    };
    let profile = running
        .as_ref()
        .map_or(Profile::Dev, |native| native.profile);
    let program = site.build(profile)?;
    let mut command = Command::new(&program);
    command.args(args).current_dir(site.root);
    clean_app_environment(&mut command);
    if let Some(native) = running {
        // What it prints or mails should lead to the app that runs.
        command.env("APP_URL", site.settings.app_url(native.port));
    }
    // Ctrl-C reaches the child too; what it makes of it decides.
    let _deferred = interrupt::defer();
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", program.display()))?;
    Ok(Exit::Passed(platform::code_of(status)))
}

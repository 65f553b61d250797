//! Running a command of the app itself: `migrate`, `create-admin`, `seed`, ….

use std::ffi::OsString;
use std::process::{Command, ExitStatus};

use anyhow::{Context, Result};

use super::Site;
use super::record::{Profile, Record};
use super::settings::clean_app_environment;
use crate::error::Exit;
use crate::interrupt;

/// Builds the app if needed and runs it with `args`, as its own program in the project's folder.
pub fn manage(site: &Site<'_>, args: &[OsString]) -> Result<Exit> {
    let running = site.run.read()?.map(|Record::Native(native)| native);
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
    Ok(Exit::Passed(code_of(status)))
}

/// The exit code, or 128 and the signal as shells report it.
pub(super) fn code_of(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .unwrap_or_else(|| 128 + super::platform::signal_of(status));
    u8::try_from(code).unwrap_or(1)
}

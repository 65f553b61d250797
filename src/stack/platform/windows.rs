//! Windows: process groups without a console, no `exec`, no file modes.

use std::fs::File;
use std::io;
use std::os::windows::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result};

/// There is no `exec`: the app is started directly and put on record right after.
pub const LAUNCHES_THROUGH_SELF: bool = false;

/// A binary that runs cannot be replaced: a build comes after the stop.
pub const REPLACES_RUNNING_BINARY: bool = false;

const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
const CREATE_NO_WINDOW: u32 = 0x0800_0000;

pub fn detach(command: &mut Command) {
    own_group(command);
}

/// Keeps from `command` what a console sends to all that it runs, such as Ctrl-C.
pub fn own_group(command: &mut Command) {
    command.creation_flags(CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW);
}

/// A lock belongs to the process that took it here; a child cannot hold it.
pub fn hand_over(_file: &File) -> Result<Stdio> {
    Ok(Stdio::null())
}

/// The program of this process.
pub fn own_program() -> Result<PathBuf> {
    std::env::current_exe().context("cannot tell where quickscale stands")
}

pub fn become_process(_command: &mut Command) -> io::Error {
    io::Error::from(io::ErrorKind::Unsupported)
}

/// There are no signals.
pub fn signal_of(_status: ExitStatus) -> i32 {
    0
}

pub fn mode_of(path: &Path) -> Result<Option<u32>> {
    fs_err::metadata(path)?;
    Ok(None)
}

/// rustc finds the linker of Visual Studio by itself, and says so when there is none.
pub fn c_compiler() -> Option<(&'static str, &'static str)> {
    None
}

pub fn open_in_browser(url: &str) -> Result<()> {
    let mut command = Command::new("rundll32");
    command.args(["url.dll,FileProtocolHandler", url]);
    command.spawn().context("cannot start rundll32")?;
    Ok(())
}

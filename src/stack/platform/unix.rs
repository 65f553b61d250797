//! Linux, macOS and the other Unixes: sessions, `exec`, file modes.

use std::fs::File;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result};

/// The app is started through `quickscale` itself, which opens a session, writes down who it is and then becomes the
/// app. So no instant exists in which an app runs that nobody has on record.
pub const LAUNCHES_THROUGH_SELF: bool = true;

/// A binary may be replaced while it runs, so that a build can come before the stop.
pub const REPLACES_RUNNING_BINARY: bool = true;

/// Nothing to prepare: what is launched opens a session itself, in [`become_process`].
pub fn detach(_command: &mut Command) {}

/// Keeps from `command` what a terminal sends to all that it runs, such as Ctrl-C.
pub fn own_group(command: &mut Command) {
    command.process_group(0);
}

/// Lets a child hold the lock of `file` on its standard input until it closes that.
pub fn hand_over(file: &File) -> Result<Stdio> {
    Ok(file
        .try_clone()
        .context("cannot hand the lock over")?
        .into())
}

/// The program of this process. On Linux by a name that stays right when the file is replaced meanwhile.
pub fn own_program() -> Result<PathBuf> {
    if cfg!(target_os = "linux") {
        return Ok(PathBuf::from("/proc/self/exe"));
    }
    std::env::current_exe().context("cannot tell where quickscale stands")
}

/// Turns this process into `command`, in a session of its own and with an empty standard input. Returns only on failure.
pub fn become_process(command: &mut Command) -> io::Error {
    if let Err(error) = rustix::process::setsid() {
        return error.into();
    }
    command.stdin(Stdio::null()).exec()
}

/// The signal that ended a process; 0 when none did.
pub fn signal_of(status: ExitStatus) -> i32 {
    status.signal().unwrap_or(0)
}

/// The permission bits of a file, such as `0o600`.
pub fn mode_of(path: &Path) -> Result<Option<u32>> {
    Ok(Some(fs_err::metadata(path)?.permissions().mode() & 0o777))
}

/// The C compiler and linker that rustc calls, with what installs it.
pub fn c_compiler() -> Option<(&'static str, &'static str)> {
    if cfg!(target_os = "macos") {
        Some(("cc", "xcode-select --install"))
    } else {
        Some((
            "cc",
            "install a C compiler, for example: sudo apt-get install build-essential",
        ))
    }
}

pub fn open_in_browser(url: &str) -> Result<()> {
    let opener = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let program = std::env::var_os("BROWSER").unwrap_or_else(|| opener.into());
    let mut command = Command::new(&program);
    command
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    own_group(&mut command);
    command
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    Ok(())
}

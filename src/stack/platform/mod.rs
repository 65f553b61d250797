//! All that differs between Linux, macOS and Windows when an app is run: what a process is, how it is started
//! detached, how it is stopped, how a browser is opened. Nothing else in the CLI asks for the operating system.

use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod process;
#[cfg(not(target_os = "linux"))]
#[path = "portable.rs"]
mod process;

#[cfg(unix)]
#[path = "unix.rs"]
mod host;
#[cfg(windows)]
#[path = "windows.rs"]
mod host;

pub use host::{
    LAUNCHES_THROUGH_SELF, REPLACES_RUNNING_BINARY, become_process, c_compiler, detach, hand_over,
    mode_of, open_in_browser, own_group, own_program,
};

/// One process, and no other that gets its number later.
///
/// A pid alone is reused after a crash or a reboot. The stamp is what the system recorded when the process began:
/// on Linux the boot's random id and the start in clock ticks since that boot, elsewhere the start as wall-clock
/// seconds that the kernel wrote down once. Both survive `exec`, need no cooperation from the app and no open file,
/// and two processes with one pid never share them. (A lock that the app inherits would do on Unix; on Windows a lock
/// belongs to the process that took it and ends with `quickscale up`.)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub pid: u32,
    pub stamp: String,
}

impl Identity {
    /// The process that has `pid` now; none when it is gone or waits only to be reaped.
    pub fn of(pid: u32) -> Option<Self> {
        Some(Self {
            pid,
            stamp: process::stamp(pid)?,
        })
    }

    pub fn current() -> Option<Self> {
        Self::of(std::process::id())
    }

    pub fn is_alive(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }

    /// Whether the process was started before the machine's last boot. Only Linux can tell.
    pub fn is_from_another_boot(&self) -> bool {
        process::is_from_another_boot(&self.stamp)
    }

    /// Asks the process to end. Does nothing when it is gone already.
    pub fn terminate(&self) -> Result<()> {
        process::terminate(self).with_context(|| format!("cannot stop process {}", self.pid))
    }

    /// Ends the process and the group that it leads, without asking. Does nothing when it is gone already.
    pub fn kill(&self) -> Result<()> {
        process::kill(self).with_context(|| format!("cannot kill process {}", self.pid))
    }

    /// Resident memory in bytes.
    pub fn memory(&self) -> Option<u64> {
        self.is_alive().then(|| process::memory(self.pid)).flatten()
    }
}

/// How a program ended as one number: its exit code, or 128 and the signal as shells report it.
pub fn code_of(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .unwrap_or_else(|| 128 + host::signal_of(status));
    u8::try_from(code).unwrap_or(1)
}

/// Whether a program of this name is on the PATH and answers `--version`.
pub fn has_program(name: &str) -> bool {
    Command::new(name)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

//! Processes on macOS, Windows and the rest, as the `sysinfo` crate shows them.

use std::io;

use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System};

use super::Identity;

/// The start in seconds since the epoch, as the kernel recorded it.
pub fn stamp(pid: u32) -> Option<String> {
    with(pid, |process| match process.status() {
        ProcessStatus::Zombie | ProcessStatus::Dead => None,
        _ => Some(process.start_time().to_string()),
    })
    .flatten()
}

pub fn is_from_another_boot(_stamp: &str) -> bool {
    false
}

/// SIGTERM where there are signals. Windows has no such request for a process without a window: there it is ended.
pub fn terminate(identity: &Identity) -> io::Result<()> {
    if !identity.is_alive() {
        return Ok(());
    }
    #[cfg(unix)]
    return signal(identity, rustix::process::Signal::TERM);
    #[cfg(not(unix))]
    kill(identity)
}

pub fn kill(identity: &Identity) -> io::Result<()> {
    if !identity.is_alive() {
        return Ok(());
    }
    #[cfg(unix)]
    if let Some(group) = rustix::process::Pid::from_raw(identity.pid.cast_signed()) {
        // The app leads its group; a process that leads none has no such group, and that is no fault.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    match with(identity.pid, Process::kill) {
        Some(false) if identity.is_alive() => Err(io::Error::from(io::ErrorKind::PermissionDenied)),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn signal(identity: &Identity, signal: rustix::process::Signal) -> io::Result<()> {
    let Some(pid) = rustix::process::Pid::from_raw(identity.pid.cast_signed()) else {
        return Ok(());
    };
    match rustix::process::kill_process(pid, signal) {
        Err(rustix::io::Errno::SRCH) => Ok(()),
        other => other.map_err(io::Error::from),
    }
}

pub fn memory(pid: u32) -> Option<u64> {
    with(pid, Process::memory)
}

fn with<T>(pid: u32, read: impl FnOnce(&Process) -> T) -> Option<T> {
    let pid = Pid::from_u32(pid);
    let mut system = System::new().ok()?;
    let kind = ProcessRefreshKind::nothing().with_memory();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, kind);
    system.process(pid).map(read)
}

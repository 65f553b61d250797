//! Processes as `/proc` shows them. Signals go through a pidfd: between looking and sending, a pid cannot change hands.

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, pidfd_send_signal};

use super::Identity;

/// `<boot id>:<start in clock ticks since boot>`.
pub fn stamp(pid: u32) -> Option<String> {
    let stat = fs_err::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(format!("{}:{}", boot_id()?, start_ticks(&stat)?))
}

/// Field 22 of `/proc/PID/stat` (proc_pid_stat(5)); the second field, the name, may hold spaces and brackets.
/// None for a process that has ended and waits to be reaped.
fn start_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X" | "x") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

fn boot_id() -> Option<String> {
    let id = fs_err::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}

pub fn is_from_another_boot(stamp: &str) -> bool {
    match (stamp.split_once(':'), boot_id()) {
        (Some((then, _)), Some(now)) => then != now,
        _ => false,
    }
}

pub fn terminate(identity: &Identity) -> rustix::io::Result<()> {
    signal(identity, Signal::TERM)
}

pub fn kill(identity: &Identity) -> rustix::io::Result<()> {
    if let Some(group) = Pid::from_raw(identity.pid.cast_signed()).filter(|_| identity.is_alive()) {
        // The app leads its group; a process that leads none has no such group, and that is no fault.
        let _ = kill_process_group(group, Signal::KILL);
    }
    signal(identity, Signal::KILL)
}

fn signal(identity: &Identity, signal: Signal) -> rustix::io::Result<()> {
    let Some(pid) = Pid::from_raw(identity.pid.cast_signed()) else {
        return Ok(());
    };
    let handle = match pidfd_open(pid, PidfdFlags::empty()) {
        Err(Errno::SRCH) => return Ok(()),
        other => other?,
    };
    if !identity.is_alive() {
        return Ok(());
    }
    match pidfd_send_signal(handle, signal) {
        Err(Errno::SRCH) => Ok(()),
        other => other,
    }
}

pub fn memory(pid: u32) -> Option<u64> {
    let status = fs_err::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_start_behind_a_name_with_brackets() {
        let stat =
            "42 (a) b) c) S 1 42 42 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 4 0 987654 1000 10 0";
        assert_eq!(start_ticks(stat), Some(987_654));
    }

    #[test]
    fn takes_a_zombie_for_gone() {
        let stat = "42 (app) Z 1 42 42 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 4 0 987654 1000 10 0";
        assert_eq!(start_ticks(stat), None);
    }

    #[test]
    fn knows_another_boot() {
        let own = stamp(std::process::id()).expect("this process runs");
        assert!(!is_from_another_boot(&own));
        assert!(is_from_another_boot(
            "00000000-0000-0000-0000-000000000000:1"
        ));
    }
}

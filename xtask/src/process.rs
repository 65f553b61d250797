//! Running other programs: shown before they start, their output passed on, their cost measured.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, kill};
use nix::sys::time::{TimeVal, TimeValLike as _};
use nix::unistd::Pid;
use wait4::Wait4 as _;

use crate::interrupt;

/// What a program cost, with all that it waited for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    pub wall: Duration,
    pub cpu: Duration,
    /// The most memory that one process of it had at a time, in bytes.
    pub max_rss: u64,
}

/// Runs `command` to its end. A failure names the command.
pub fn run(command: &mut Command) -> Result<Usage> {
    eprintln!("$ {}", show(command));
    finish(start(command)?, command)
}

/// As [`run`], silently.
pub fn run_quietly(command: &mut Command) -> Result<Usage> {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    finish(start(command)?, command)
}

/// As [`run`]; each line of standard output is printed and also passed to `see`.
pub fn run_watched(command: &mut Command, mut see: impl FnMut(&str)) -> Result<Usage> {
    eprintln!("$ {}", show(command));
    let mut child = start(command.stdout(Stdio::piped()))?;
    let output = child.1.stdout.take().context("the output is piped")?;
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{line}");
        see(&line);
    }
    finish(child, command)
}

/// Runs `command` and returns what it wrote to standard output, trimmed.
pub fn read(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", show(command)))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        bail!(
            "`{}` failed ({})\n{}",
            show(command),
            output.status,
            reason.trim_end()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn start(command: &mut Command) -> Result<(Instant, Child)> {
    interrupt::check()?;
    let child = command.stdin(Stdio::null()).spawn();
    Ok((
        Instant::now(),
        child.with_context(|| format!("cannot run {}", show(command)))?,
    ))
}

fn finish((begun, child): (Instant, Child), command: &Command) -> Result<Usage> {
    let done = child.wait4()?;
    interrupt::check()?;
    if !done.status.success() {
        bail!("`{}` failed ({})", show(command), done.status);
    }
    Ok(Usage {
        wall: begun.elapsed(),
        cpu: done.rusage.utime + done.rusage.stime,
        max_rss: done.rusage.maxrss,
    })
}

/// The CPU time of all programs that we waited for so far.
pub fn cpu_of_children() -> Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let of = |time: TimeVal| Duration::from_micros(time.num_microseconds().unsigned_abs());
    Ok(of(usage.user_time()) + of(usage.system_time()))
}

/// The command as one would type it; paths of this repository are shown from its root.
pub fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// A program in the background that ends with us: asked to by `signal` when this is dropped, and told to by the kernel
/// when we are killed.
pub struct Background {
    child: Child,
    signal: Signal,
}

impl Background {
    /// Starts `command`, which is to be stopped by `signal`. On Linux the program has to be started by `setpriv`'s
    /// `--pdeathsig` to end when we are killed; see [`tied`].
    pub fn start(command: &mut Command, signal: Signal) -> Result<Self> {
        let (_, child) = start(command)?;
        Ok(Self { child, signal })
    }

    /// The process, to read its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Whether the program ended by itself.
    pub fn is_gone(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let Ok(pid) = i32::try_from(self.child.id()) else {
            return;
        };
        // The child is not waited for yet, so the number is still its own.
        if matches!(self.child.try_wait(), Ok(None))
            && kill(Pid::from_raw(pid), self.signal).is_ok()
        {
            let patience = Instant::now() + Duration::from_secs(10);
            while Instant::now() < patience && matches!(self.child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `program`, told by `signal` when we die, as `user` if one is given.
pub fn tied(program: &std::path::Path, signal: Signal, user: Option<&str>) -> Command {
    if cfg!(not(target_os = "linux")) {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", signal.as_str().trim_start_matches("SIG")]);
    if let Some(user) = user {
        command.args(["--reuid", user, "--regid", user, "--init-groups"]);
    }
    command.arg("--").arg(program);
    command
}

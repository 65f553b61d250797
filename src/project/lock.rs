//! The lock on a folder of quickscale's: one command at a time, and whoever waits is told who holds it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use fs_err::File;
use serde::{Deserialize, Serialize};

use crate::error::{Exit, Fault};
use crate::stack::platform::Identity;

/// How long one waits: for a command that is just about to let go.
const PATIENCE: Duration = Duration::from_millis(500);

/// The lock, held as long as this lives. The system drops it with the process, however that ends.
#[derive(Debug)]
pub struct Lock {
    file: File,
    holder: PathBuf,
}

/// Who holds a lock. Beside the lock, not in it: Windows lets nobody read a locked file.
#[derive(Serialize, Deserialize)]
struct Holder {
    command: String,
    process: Option<Identity>,
}

impl Lock {
    /// Takes the lock `lock` in `folder` for the verb `command`.
    ///
    /// # Errors
    /// When somebody else holds it ([`Exit::Stale`]); `busy` says what they are doing.
    pub fn take(folder: &Path, command: &str, busy: &str) -> Result<Self> {
        fs_err::create_dir_all(folder)?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join("lock"))?;
        let holder = folder.join("lock.holder");
        let began = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(std::fs::TryLockError::WouldBlock) if began.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(std::fs::TryLockError::WouldBlock) => return Err(held(&holder, busy).into()),
                Err(std::fs::TryLockError::Error(error)) => {
                    return Err(error).context("cannot lock the project");
                }
            }
        }
        let own = Holder {
            command: command.to_owned(),
            process: Identity::current(),
        };
        // The lock decides: on a full disk it has no name. What stood there may be a link that a clone brought.
        drop(fs_err::remove_file(&holder));
        let named = File::options().write(true).create_new(true).open(&holder);
        drop(named.and_then(|mut file| file.write_all(&serde_json::to_vec(&own)?)));
        Ok(Self { file, holder })
    }

    /// The locked file, to be handed over to the process that goes on with the work.
    pub fn file(&self) -> &std::fs::File {
        self.file.file()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A holder's name left behind is harmless: the lock decides, and the name is checked.
        let _ = fs_err::remove_file(&self.holder);
    }
}

fn held(holder: &Path, busy: &str) -> Fault {
    let holder: Option<Holder> = fs_err::read(holder)
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok());
    let who = match holder {
        Some(Holder {
            command,
            process: Some(process),
        }) if process.is_alive() => {
            format!("`quickscale {command}` (process {})", process.pid)
        }
        _ => "another quickscale".to_owned(),
    };
    Fault::new(format!("{who} {busy}"))
        .hint("wait until it is done")
        .exit(Exit::Stale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::exit_of;

    #[test]
    fn one_holds_and_the_other_is_told_who() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = Lock::take(folder.path(), "up", "is busy").expect("free");
        let error = Lock::take(folder.path(), "down", "is busy").expect_err("held");
        assert_eq!(exit_of(&error), Exit::Stale);
        let who = format!("`quickscale up` (process {}) is busy", std::process::id());
        assert_eq!(error.to_string(), who);
        drop(first);
        Lock::take(folder.path(), "down", "is busy").expect("free again");
    }
}

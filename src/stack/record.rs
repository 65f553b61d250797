//! What is known about a project's running app, in `.quickscale/run/`: the record, the log, and the lock that keeps two
//! commands from starting or stopping it at once.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::platform::Identity;
use crate::error::Fault;
use crate::project::Project;
use crate::project::lock::Lock;

/// How the app was built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    Dev,
    Release,
}

/// What was started last and not stopped since. It may have ended by itself: ask [`Identity::is_alive`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "mode")]
pub enum Record {
    Native(Native),
    Docker(Docker),
}

/// An app that runs as a process of this machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Native {
    /// None while the process is being started: an `up` that was killed then has started nothing.
    pub process: Option<Identity>,
    pub port: u16,
    /// Where a browser finds it on this machine.
    pub url: String,
    /// Where `/health/ready` is asked, by address.
    pub address: String,
    pub profile: Profile,
    pub program: PathBuf,
    /// Attached to a terminal, which has its output.
    pub foreground: bool,
    /// What the program's file looked like at the start.
    pub binary: Fingerprint,
    /// When the build before the start began: a source that changed later is not in the program.
    pub built_at: Timestamp,
    pub started_at: Timestamp,
    /// How long the log was at the start.
    pub log_start: u64,
}

/// An app that runs in containers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Docker {
    /// The exact name of the compose project.
    pub project: String,
    /// The service of it that is the app.
    pub service: String,
    pub url: String,
    pub port: u16,
}

/// Tells one build of a binary from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    pub bytes: u64,
    pub modified: Timestamp,
}

impl Fingerprint {
    pub fn of(path: &Path) -> Result<Self> {
        let metadata = fs_err::metadata(path)?;
        Ok(Self {
            bytes: metadata.len(),
            modified: metadata.modified()?.try_into()?,
        })
    }
}

/// The folder `.quickscale/run/` of a project.
#[derive(Clone, Debug)]
pub struct RunDir {
    path: PathBuf,
}

impl RunDir {
    pub fn of(project: &Project) -> Self {
        Self {
            path: project.run_dir(),
        }
    }

    /// The output of the app in the background.
    pub fn log(&self) -> PathBuf {
        self.path.join("app.log")
    }

    /// The output of the last build.
    pub fn build_log(&self) -> PathBuf {
        self.path.join("build.log")
    }

    /// What the test of the services' contract found.
    pub fn contract_report(&self) -> PathBuf {
        self.path.join("contract.json")
    }

    fn record(&self) -> PathBuf {
        self.path.join("app.json")
    }

    pub fn create(&self) -> Result<()> {
        Ok(fs_err::create_dir_all(&self.path)?)
    }

    pub fn read(&self) -> Result<Option<Record>> {
        let path = self.record();
        if !path.exists() {
            return Ok(None);
        }
        let text = fs_err::read(&path)?;
        let record = serde_json::from_slice(&text).with_context(|| {
            Fault::new(format!(
                "{} is not a record of this quickscale",
                path.display()
            ))
            .hint("stop the app by hand if it runs, then remove that file")
        })?;
        Ok(Some(record))
    }

    /// Replaces the record in one step: a reader sees the old one or the new one.
    pub fn write(&self, record: &Record) -> Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.path)
            .context("cannot write the record of the app")?;
        serde_json::to_writer_pretty(&mut file, record)?;
        file.flush()?;
        file.persist(self.record())
            .context("cannot write the record of the app")?;
        Ok(())
    }

    pub fn forget(&self) -> Result<()> {
        let path = self.record();
        if path.exists() {
            fs_err::remove_file(path)?;
        }
        Ok(())
    }

    /// Keeps other commands from starting or stopping the app; `command` is the verb that does it.
    pub fn hold(&self, command: &str) -> Result<Lock> {
        Lock::take(&self.path, command, "is starting or stopping this app")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_dir() -> (tempfile::TempDir, RunDir) {
        let folder = tempfile::tempdir().expect("a folder");
        let run = RunDir {
            path: folder.path().join("run"),
        };
        (folder, run)
    }

    #[test]
    fn a_record_survives_the_disk() {
        let (_folder, run) = run_dir();
        run.create().expect("created");
        assert_eq!(run.read().expect("read"), None);
        let moment = Timestamp::from_second(1_800_000_000).expect("a time");
        let record = Record::Native(Native {
            process: Identity::current(),
            port: 8000,
            url: "http://127.0.0.1:8000".into(),
            address: "127.0.0.1:8000".into(),
            profile: Profile::Dev,
            program: "target/debug/my-saas".into(),
            foreground: false,
            binary: Fingerprint {
                bytes: 1,
                modified: moment,
            },
            built_at: moment,
            started_at: moment,
            log_start: 0,
        });
        run.write(&record).expect("written");
        assert_eq!(run.read().expect("read"), Some(record));
        run.forget().expect("forgotten");
        assert_eq!(run.read().expect("read"), None);
    }
}

//! Taking the app down, and its data when that is asked for.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use super::native::{GRACE, Stopped, stop};
use super::record::{Native, Record};
use super::settings::Database;
use super::up::ended;
use super::{Site, docker};
use crate::error::Fault;

/// What `down` is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Delete the database too, after a question.
    pub volumes: bool,
    /// How long the app has to end by itself before it is killed.
    pub grace: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            volumes: false,
            grace: GRACE,
        }
    }
}

/// Stops the app, if it runs.
pub fn down(site: &Site<'_>, options: Options) -> Result<()> {
    let hold = site.run.hold("down")?;
    let record = site.run.read()?;
    if let Some(Record::Docker(noted)) = &record {
        if options.volumes {
            agreed(
                site,
                &format!(
                    "Delete the data of the containers of {}, the database with all that is in it?",
                    noted.project
                ),
            )?;
        }
        return docker::down(site, options.volumes, options.grace);
    }
    let doomed = if options.volumes {
        database_files(site)?
    } else {
        Vec::new()
    };
    match record {
        Some(Record::Native(native)) => stop_native(site, &native, options.grace)?,
        Some(Record::Docker(_)) | None => site
            .ui
            .status("Stopped", "already: no app of this project runs"),
    }
    for path in doomed {
        fs_err::remove_file(&path)?;
        site.ui.status("Removed", &shown(site, &path));
    }
    drop(hold);
    Ok(())
}

fn agreed(site: &Site<'_>, question: &str) -> Result<()> {
    if site.ui.agree(question)? {
        Ok(())
    } else {
        Err(Fault::new("nothing was stopped or removed")
            .hint("`quickscale down` without --volumes stops the app and keeps its data")
            .into())
    }
}

/// Stops the process on record, and no other, and takes it off the record.
pub(super) fn stop_native(site: &Site<'_>, native: &Native, grace: Duration) -> Result<()> {
    match &native.process {
        Some(process) if process.is_alive() => match stop(process, grace)? {
            Stopped::Gracefully => site
                .ui
                .status("Stopped", &format!("process {}", process.pid)),
            Stopped::Killed => {
                site.ui.warn(&format!(
                    "process {} did not end in {} s and was killed",
                    process.pid,
                    grace.as_secs()
                ));
            }
        },
        Some(_) => site
            .ui
            .status("Stopped", &format!("already: {}", ended(native))),
        None => site.ui.status(
            "Stopped",
            "already: the last start was cut off before the app ran",
        ),
    }
    site.run.forget()
}

/// The files of the embedded database, once the user agreed to lose them.
fn database_files(site: &Site<'_>) -> Result<Vec<PathBuf>> {
    let path = match site.settings.database(site.root)? {
        Database::Sqlite(path) => path,
        Database::Memory => return Ok(Vec::new()),
        Database::Postgres(_) => {
            return Err(Fault::new("the database stands on a server, which is not this project's to clear")
                .hint("remove it with the tools of that server, or run `quickscale down` without --volumes")
                .into());
        }
    };
    let files: Vec<PathBuf> = ["", "-wal", "-shm", "-journal"]
        .iter()
        .map(|suffix| {
            let mut name = path.clone().into_os_string();
            name.push(suffix);
            PathBuf::from(name)
        })
        .filter(|path| path.exists())
        .collect();
    if !files.is_empty() {
        let question = format!(
            "Delete the database {} with all that is in it?",
            shown(site, &path)
        );
        agreed(site, &question)?;
    }
    Ok(files)
}

fn shown(site: &Site<'_>, path: &std::path::Path) -> String {
    path.strip_prefix(site.root)
        .unwrap_or(path)
        .display()
        .to_string()
}

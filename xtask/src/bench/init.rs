//! How long `quickscale init` takes, how much memory, and whether twice the files take twice as long.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use tempfile::TempDir;

use super::table::{Table, megabytes, milliseconds, percentile};
use crate::process;

const RUNS: usize = 20;

pub fn measure(quickscale: &Path, table: &mut Table) -> Result<()> {
    let full = create(quickscale, &[])?;
    table.add(
        format!("init, full project ({} files), p50 of {RUNS}", full.files),
        milliseconds(percentile(&full.times, 0.5)),
        "100 ms",
    );
    table.add(
        "init, slowest",
        milliseconds(percentile(&full.times, 1.0)),
        "",
    );
    table.add(
        "init, memory of the largest process",
        megabytes(full.memory),
        "60 MB",
    );
    let bare = create(quickscale, &["--no-git"])?;
    table.add(
        "init --no-git, p50",
        milliseconds(percentile(&bare.times, 0.5)),
        "",
    );
    let small = create(quickscale, &["--no-git", "--module", "none"])?;
    let each = |runs: &Runs| percentile(&runs.times, 0.5).as_secs_f64() * 1e6 / runs.files as f64;
    table.add(
        format!(
            "init --no-git, a file of {} and of {}",
            small.files, bare.files
        ),
        format!("{:.0} µs, {:.0} µs", each(&small), each(&bare)),
        "the same or less",
    );
    table.made_by("`quickscale init my-saas-app` (release build; wall clock and ru_maxrss of the whole process)");
    Ok(())
}

struct Runs {
    times: Vec<Duration>,
    memory: u64,
    files: usize,
}

fn create(quickscale: &Path, arguments: &[&str]) -> Result<Runs> {
    let mut runs = Runs {
        times: Vec::new(),
        memory: 0,
        files: 0,
    };
    for _ in 0..RUNS {
        let scratch = TempDir::new()?;
        let mut init = Command::new(quickscale);
        init.current_dir(scratch.path())
            .arg("init")
            .arg(super::NAME)
            .args(arguments);
        let usage = process::run_quietly(&mut init)?;
        runs.times.push(usage.wall);
        runs.memory = runs.memory.max(usage.max_rss);
        runs.files = count_files(&scratch.path().join(super::NAME))?;
    }
    Ok(runs)
}

/// Files below `folder`, without git's own.
fn count_files(folder: &Path) -> Result<usize> {
    let mut count = 0;
    for entry in fs_err::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            if entry.file_name() != ".git" {
                count += count_files(&entry.path())?;
            }
        } else {
            count += 1;
        }
    }
    Ok(count)
}

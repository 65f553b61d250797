//! The optimised binary of a generated application: how large it is, how soon it answers, what it holds in memory.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::Project;
use super::server::{Setting, sqlite};
use super::table::{Table, megabytes, milliseconds, percentile};

const STARTS: usize = 10;

pub fn measure(project: &Project, binary: &Path, table: &mut Table) -> Result<()> {
    table.add(
        "release binary",
        megabytes(fs_err::metadata(binary)?.len()),
        "40 MB",
    );
    let setting = Setting {
        folder: project.folder(),
        binary: binary.to_owned(),
        database_url: sqlite(&project.scratch().join("start.db")),
    };
    setting.migrate()?;
    let mut times = Vec::new();
    for _ in 0..STARTS {
        times.push(setting.serve()?.ready_after);
    }
    let what = format!("start to ready on a migrated SQLite file, p50 of {STARTS}");
    table.add(what, milliseconds(percentile(&times, 0.5)), "60 ms");
    let mut server = setting.serve()?;
    std::thread::sleep(Duration::from_secs(2));
    table.add("memory at rest", megabytes(server.memory()?), "30 MB");
    table.made_by("`cargo build --release --locked --features production` in a new project");
    table.made_by("`APP_ENV=production my-saas-app serve`, asked for /health/ready every 0.5 ms; VmRSS of /proc/PID/status");
    Ok(())
}

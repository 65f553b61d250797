//! What a newcomer waits for: the first build of a generated project, and its rebuild after a change.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;
use tempfile::TempDir;

use super::Project;
use super::table::{Table, percentile, seconds};
use crate::{process, repo};

const REBUILDS: usize = 5;
const SHOWN: usize = 10;

pub fn measure(project: &Project, table: &mut Table) -> Result<()> {
    // What is downloaded is not what is measured.
    process::run(repo::cargo_in(&project.folder()).args(["fetch", "--locked"]))?;
    let target = TempDir::new()?;
    let mut build = repo::cargo_in(&project.folder());
    build
        .args(["build", "--locked", "--offline", "--timings"])
        .env("CARGO_TARGET_DIR", target.path());
    let usage = process::run(&mut build)?;
    let units = units(target.path())?;
    table.add("first build, CPU", seconds(usage.cpu), "130 s, rather 100");
    table.add("first build, wall clock", seconds(usage.wall), "");
    table.add("first build, crates", count_crates(&units).to_string(), "");
    for (place, (name, time)) in costliest(&units).into_iter().take(SHOWN).enumerate() {
        table.add(
            format!("  costliest crate {}", place + 1),
            format!("{name} {}", seconds(time)),
            "",
        );
    }
    rebuild(project, target.path(), table)?;
    table.made_by("`cargo build --locked --timings` in a new project with an empty target folder (user + system time)");
    table.made_by("`touch src/services/demo.rs; cargo build`");
    Ok(())
}

fn rebuild(project: &Project, target: &Path, table: &mut Table) -> Result<()> {
    let service = project.folder().join("src/services/demo.rs");
    let mut times = Vec::new();
    for _ in 0..REBUILDS {
        let text = fs_err::read(&service)?;
        fs_err::write(&service, [text.as_slice(), b"\n// changed\n"].concat())?;
        let mut build = repo::cargo_in(&project.folder());
        build
            .args(["build", "--locked", "--offline"])
            .env("CARGO_TARGET_DIR", target);
        times.push(process::run_quietly(&mut build)?.wall);
    }
    let what = format!("rebuild after a change of one service, p50 of {REBUILDS}");
    table.add(what, seconds(percentile(&times, 0.5)), "3 s");
    Ok(())
}

/// One thing that cargo did: compiling a library, compiling or running a build script, linking.
struct Unit {
    name: String,
    version: String,
    time: Duration,
}

/// What cargo's report of its timings lists. The report is a page whose script holds the list as JSON.
fn units(target: &Path) -> Result<Vec<Unit>> {
    let page = fs_err::read_to_string(target.join("cargo-timings/cargo-timing.html"))?;
    let (_, list) = page
        .split_once("const UNIT_DATA = ")
        .context("cargo's report has no list of units")?;
    let (list, _) = list
        .split_once(";\n")
        .context("the list of units has no end")?;
    let list: Vec<Value> = serde_json::from_str(list).context("the list of units is no JSON")?;
    let text = |unit: &Value, field: &str| unit[field].as_str().map(str::to_owned);
    let unit = |unit: &Value| {
        Some(Unit {
            name: text(unit, "name")?,
            version: text(unit, "version")?,
            time: Duration::from_secs_f64(unit["duration"].as_f64()?),
        })
    };
    list.iter()
        .map(unit)
        .collect::<Option<_>>()
        .context("a unit lacks its name, version or duration")
}

fn count_crates(units: &[Unit]) -> usize {
    let mut crates: Vec<_> = units
        .iter()
        .map(|unit| (&unit.name, &unit.version))
        .collect();
    crates.sort();
    crates.dedup();
    crates.len()
}

/// Crates with the time of all their units, the costliest first. While a unit is compiled, another may be too.
fn costliest(units: &[Unit]) -> Vec<(String, Duration)> {
    let mut costs = std::collections::BTreeMap::<&str, Duration>::new();
    for unit in units {
        *costs.entry(&unit.name).or_default() += unit.time;
    }
    let mut costs: Vec<_> = costs
        .into_iter()
        .map(|(name, time)| (name.to_owned(), time))
        .collect();
    costs.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
    costs
}

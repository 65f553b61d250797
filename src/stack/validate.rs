//! Holding a project's services to their contract: cargo runs their own tests and the one that tries the contract out,
//! which leaves a report.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::settings::clean_cargo_environment;
use super::{Site, cargo, python};
use crate::error::Fault;
use crate::interrupt;
use crate::project::names::ServiceName;

/// The project's test that tries the contract out.
const TEST: &str = "every_service_keeps_its_contract";
/// Where that test stands.
const TEST_FILE: &str = "tests/services.rs";

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub findings: Vec<Finding>,
    /// The services' own tests that failed.
    #[serde(default)]
    pub failed_tests: Vec<String>,
}

/// One promise of the contract, of one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub service: String,
    pub promise: String,
    /// How much was tried.
    pub tried: usize,
    /// What went wrong, a sentence each.
    pub faults: Vec<String>,
}

impl Report {
    pub fn is_good(&self) -> bool {
        self.failed_tests.is_empty() && self.findings.iter().all(|one| one.faults.is_empty())
    }
}

/// Compiles the project's tests and runs those of its services, or of one.
///
/// # Errors
/// When the project does not compile, or has no test of the contract.
pub fn validate(site: &Site<'_>, name: Option<&ServiceName>) -> Result<Report> {
    if !site.root.join(TEST_FILE).is_file() {
        return Err(Fault::new(format!("{TEST_FILE} is gone, which tries the contract out"))
            .hint("take it back from git, or delete it from .quickscale/state.yml and run `quickscale apply`")
            .into());
    }
    site.run.create()?;
    python::prepare(site)?;
    let report = site.run.contract_report();
    if report.exists() {
        fs_err::remove_file(&report)?;
    }
    let mut command = Command::new("cargo");
    clean_cargo_environment(&mut command);
    let own_tests = name.map_or("services::".to_owned(), |name| {
        format!("services::{name}::")
    });
    command
        .current_dir(site.root)
        .args([
            "test",
            "--no-fail-fast",
            "--lib",
            "--test",
            "services",
            "--",
        ])
        .args([own_tests.as_str(), TEST])
        .env("CONTRACT_REPORT", &report)
        .env("CARGO_TERM_COLOR", "never")
        .stdin(Stdio::null());
    if let Some(name) = name {
        command.env("CONTRACT_SERVICE", name.as_str());
    }
    // Ctrl-C reaches cargo too.
    let deferred = interrupt::defer();
    let output = command
        .output()
        .context(Fault::new("cannot run cargo").hint("install Rust: https://rustup.rs"))?;
    deferred.check_after(output.status, "interrupted")?;
    let [from_cargo, from_tests] = [output.stderr, output.stdout].map(lines);
    let all = [from_cargo.as_slice(), &from_tests].concat();
    let log = site.run.build_log();
    fs_err::write(&log, all.join("\n"))?;
    if !report.is_file() {
        return Err(cargo::failed(&all, &log));
    }
    let text = fs_err::read_to_string(&report)?;
    let report: Report =
        serde_json::from_str(&text).context("the report of the contract's test")?;
    let report = Report {
        failed_tests: failed_tests(&from_tests),
        ..report
    };
    if report.is_good() && !output.status.success() {
        return Err(broke_off(&from_cargo, &log));
    }
    Ok(report)
}

fn lines(bytes: Vec<u8>) -> Vec<String> {
    let text = String::from_utf8_lossy(&bytes);
    text.lines().map(str::to_owned).collect()
}

/// A program of tests that ended before its tests had: aborted, killed, or out of its stack. It names no test.
fn broke_off(from_cargo: &[String], log: &Path) -> anyhow::Error {
    let message = format!(
        "no test failed, and still the tests did not come to their end\n\n{}",
        cargo::reason(from_cargo).join("\n")
    );
    let hint = format!(
        "a service that aborts or overflows the stack ends its tests with it; the whole output is in {}",
        log.display()
    );
    Fault::new(message).hint(hint).into()
}

/// The names of the tests that failed, without the one that the report tells about.
fn failed_tests(lines: &[String]) -> Vec<String> {
    let name = |line: &String| {
        let name = line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?;
        (name != TEST).then(|| name.to_owned())
    };
    lines.iter().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_tests_are_found_by_their_names() {
        let lines = [
            "test modules::services::a::tests::works ... ok",
            "test modules::services::a::tests::counts ... FAILED",
            "test every_service_keeps_its_contract ... FAILED",
        ];
        let lines = lines.map(str::to_owned);
        assert_eq!(
            failed_tests(&lines),
            ["modules::services::a::tests::counts"]
        );
    }
}

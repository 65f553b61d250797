//! What must be installed, and room for it.

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use indicatif::HumanBytes;
use serde::Deserialize;

use super::Finding;
use crate::error::Fault;
use crate::stack::settings::clean_cargo_environment;
use crate::stack::{docker, platform};

/// A first build takes 0.6 GB, measured on the project with every module.
const NEEDED: u64 = 1024 * 1024 * 1024;
/// Less than this, and a second profile or a test build may not fit.
const COMFORTABLE: u64 = 3 * NEEDED;

const INSTALL: &str = "install Rust: https://rustup.rs";

/// rustc and cargo, against what the project's packages ask for.
pub fn rust(root: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    for tool in ["rustc", "cargo"] {
        findings.push(match version_of(tool, root) {
            Ok(found) => newer_than_needed(tool, &found, root),
            Err(error) => Finding::fault(tool, &error),
        });
    }
    findings
}

/// The version that a tool gives itself, such as `1.95.0`.
fn version_of(tool: &'static str, root: &Path) -> Result<String> {
    let mut command = Command::new(tool);
    clean_cargo_environment(&mut command);
    let output = command
        .arg("--version")
        .current_dir(root)
        .stdin(Stdio::null())
        .output();
    let output = output.map_err(|error| unusable(tool, &error))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text
        .split_whitespace()
        .nth(1)
        .filter(|_| output.status.success());
    version.map(str::to_owned).with_context(|| {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().next().unwrap_or("it says nothing");
        Fault::new(format!("{tool} does not run: {said}")).hint("rustup update stable")
    })
}

fn unusable(tool: &str, error: &std::io::Error) -> Fault {
    match error.kind() {
        ErrorKind::NotFound => Fault::new(format!("{tool} is not installed")),
        _ => Fault::new(format!("{tool} cannot be run: {error}")),
    }
    .hint(INSTALL)
}

fn newer_than_needed(tool: &'static str, found: &str, root: &Path) -> Finding {
    let needed = match needed(root) {
        Ok(needed) => needed,
        Err(error) => return Finding::fault(tool, &error),
    };
    match needed {
        Some(needed) if numbers(found) < numbers(&needed) => {
            let message = format!("{tool} is {found}, and the project needs {needed}");
            Finding::error(tool, message, "rustup update stable")
        }
        Some(needed) => Finding::ok(tool, format!("{found}, and {needed} is needed")),
        None => Finding::ok(tool, found),
    }
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    rust_version: Option<String>,
}

/// The newest `rust-version` of the packages in the project.
fn needed(root: &Path) -> Result<Option<String>> {
    let mut command = Command::new("cargo");
    clean_cargo_environment(&mut command);
    command.args([
        "metadata",
        "--no-deps",
        "--format-version",
        "1",
        "--offline",
    ]);
    let output = command.current_dir(root).stdin(Stdio::null()).output();
    let output = output.map_err(|error| unusable("cargo", &error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(
            Fault::new(format!("cargo does not take the project: {}", said.trim()))
                .hint("mend Cargo.toml")
                .into(),
        );
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout)
        .context("cargo describes the project otherwise than expected")?;
    let versions = metadata
        .packages
        .into_iter()
        .filter_map(|package| package.rust_version);
    Ok(versions.max_by_key(|version| numbers(version)))
}

/// `1.95.0-nightly` as numbers to compare; what is missing is zero.
fn numbers(version: &str) -> [u64; 3] {
    let mut parts = version
        .split(['.', '-', '+'])
        .map(|part| part.parse().unwrap_or(0));
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}

/// What rustc links with, and what C code in dependencies is compiled with.
pub fn c_compiler() -> Option<Finding> {
    let (name, remedy) = platform::c_compiler()?;
    Some(if platform::has_program(name) {
        Finding::ok("c-compiler", format!("{name} is there"))
    } else {
        Finding::error(
            "c-compiler",
            format!("{name} is not there; rustc links with it"),
            remedy,
        )
    })
}

pub fn disk(root: &Path) -> Finding {
    match fs4::available_space(root) {
        Ok(free) => room(free),
        Err(error) => Finding::warning(
            "disk",
            format!("cannot tell how much is free: {error}"),
            "look at it yourself",
        ),
    }
}

fn room(free: u64) -> Finding {
    let message = format!("{} free", HumanBytes(free));
    match free {
        free if free < NEEDED => Finding::error(
            "disk",
            message,
            "make room: a first build needs about a gigabyte",
        ),
        free if free < COMFORTABLE => Finding::warning(
            "disk",
            message,
            "make room, or run `cargo clean` now and then",
        ),
        _ => Finding::ok("disk", message),
    }
}

/// Nobody needs docker but `up --docker`.
pub fn docker() -> Finding {
    match docker::availability() {
        Ok(()) => Finding::ok("docker", "docker and compose answer"),
        Err(error) => Finding::ok("docker", format!("only for `up --docker`: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Severity;
    use super::*;

    #[test]
    fn compares_versions_as_numbers() {
        assert!(numbers("1.100") > numbers("1.95.0"));
        assert!(numbers("1.95.1") > numbers("1.95"));
        assert_eq!(numbers("1.95.0-nightly"), numbers("1.95"));
    }

    #[test]
    fn little_room_is_told_and_too_little_is_an_error() {
        let table = [
            (NEEDED - 1, Severity::Error),
            (NEEDED, Severity::Warning),
            (COMFORTABLE, Severity::Ok),
        ];
        for (free, status) in table {
            assert_eq!(room(free).status, status, "{free}");
        }
    }
}

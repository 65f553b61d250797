//! What the project's Python programs need; says nothing where there are none.

use std::path::Path;

use super::Finding;
use crate::stack::python::{self, Environment};

/// Python itself, then the environment of each program.
pub fn programs(root: &Path) -> Vec<Finding> {
    let programs = match python::programs(root) {
        Ok(programs) if programs.is_empty() => return Vec::new(),
        Ok(programs) => programs,
        Err(error) => return vec![Finding::fault("python", &error)],
    };
    let mut findings = vec![match python::available() {
        Ok(version) => Finding::ok("python", format!("{version}, with venv")),
        Err(error) => Finding::fault("python", &error),
    }];
    findings.extend(programs.iter().map(|program| {
        let name = &program.name;
        match program.environment() {
            Environment::Ready => {
                Finding::ok("python", format!("the environment of {name} is there"))
            }
            Environment::Missing => Finding::error(
                "python",
                format!("the service {name} has no Python environment"),
                "`quickscale up` makes it",
            ),
            Environment::Stale(why) => Finding::warning(
                "python",
                format!("the Python environment of {name} is old: {why}"),
                "`quickscale up` makes it anew",
            ),
        }
    }));
    findings
}

//! Servers that tests and benchmarks need beside the application, each on a port of its own, gone when dropped.

mod chromedriver;
mod docker;
mod postgres;

use std::path::Path;

pub use chromedriver::Chromedriver;
pub use docker::{Docker, is_possible as docker_is_possible};
pub use postgres::{Durability, Postgres};

/// Why `server` did not start, by the end of its log.
fn said(server: &str, log: &Path) -> String {
    let log = fs_err::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = log.lines().collect();
    let last = lines[lines.len().saturating_sub(20)..].join("\n");
    format!("{server} did not start; it said:\n{last}")
}

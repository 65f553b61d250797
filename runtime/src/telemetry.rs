//! The log: one line an event, as text for people or as JSON for collectors.

use std::io::IsTerminal as _;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use crate::config::{Config, LogFormat};

/// Starts the log. A filter that does not parse gives way to `info`, and the log says so.
pub fn start(config: &Config) {
    let parsed = config.log_filter.parse::<Targets>();
    let fallback = Targets::new().with_default(tracing::Level::INFO);
    let filter = parsed.as_ref().ok().cloned().unwrap_or(fallback);
    let lines = tracing_subscriber::fmt::layer().with_target(false);
    let registry = tracing_subscriber::registry().with(filter);
    let started = match config.log_format {
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
        LogFormat::Text => registry
            .with(lines.with_ansi(std::io::stdout().is_terminal()))
            .try_init(),
    };
    if started.is_ok() && parsed.is_err() {
        tracing::warn!(
            filter = config.log_filter,
            "RUST_LOG does not parse; using info"
        );
    }
}

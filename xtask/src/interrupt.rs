//! Ctrl-C: the process that runs now hears it from the terminal; we only note it, stop what we started, and leave.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result, ensure};

static HAPPENED: AtomicBool = AtomicBool::new(false);

/// Notes Ctrl-C from now on instead of dying of it.
pub fn install() -> Result<()> {
    ctrlc::set_handler(|| HAPPENED.store(true, Ordering::Relaxed))
        .context("cannot watch for Ctrl-C")
}

/// Whether Ctrl-C was pressed.
pub fn happened() -> bool {
    HAPPENED.load(Ordering::Relaxed)
}

/// Fails once Ctrl-C was pressed.
pub fn check() -> Result<()> {
    ensure!(!happened(), "interrupted");
    Ok(())
}

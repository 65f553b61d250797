//! Running the app, from outside: the real binary on tiny projects.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod check;
mod crashes;
mod docker;
mod logs;
mod native;
#[cfg(unix)]
mod python;
#[cfg(unix)]
mod services;
mod shell;
mod support;
#[cfg(unix)]
mod terminal;

//! Ctrl-C and termination signals. Most commands simply end; one that must clean up holds a [`Deferred`] meanwhile and
//! asks it between two pieces of work.

use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::error::{Exit, Fault};
use crate::stack::platform;

static HELD: AtomicUsize = AtomicUsize::new(0);
static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Takes over SIGINT, SIGTERM and SIGHUP (Ctrl-C and closing on Windows); called once, by `cli::main`.
pub fn install() {
    let installed = ctrlc::set_handler(|| {
        REQUESTED.store(true, Ordering::SeqCst);
        if HELD.load(Ordering::SeqCst) == 0 {
            // A menu hides the cursor and cannot bring it back once the process is gone.
            if let Err(error) = console::Term::stderr().show_cursor() {
                drop(error);
            }
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
    });
    // A second installation in one process (tests that call the library) changes nothing.
    drop(installed);
}

/// Holds an interruption back until the work asks for it.
#[must_use = "an interruption is held back only while this lives"]
pub struct Deferred(());

/// From here on an interruption waits for [`Deferred::check`].
pub fn defer() -> Deferred {
    HELD.fetch_add(1, Ordering::SeqCst);
    Deferred(())
}

impl Deferred {
    /// True once an interruption was asked for.
    pub fn requested(&self) -> bool {
        REQUESTED.load(Ordering::SeqCst)
    }

    /// Fails with [`Exit::Interrupted`] and `message` once an interruption was asked for.
    pub fn check(&self, message: &str) -> anyhow::Result<()> {
        if self.requested() {
            Err(Fault::interrupted(message).into())
        } else {
            Ok(())
        }
    }

    /// Whether an interruption ended a program that ran beside. A terminal tells both, and the program's end may be seen
    /// before the interruption is heard of here.
    pub fn ended(&self, status: ExitStatus) -> bool {
        self.requested() || platform::code_of(status) == Exit::Interrupted.code()
    }

    /// As [`Deferred::check`], after a program that ran beside.
    pub fn check_after(&self, status: ExitStatus, message: &str) -> anyhow::Result<()> {
        if self.ended(status) {
            Err(Fault::interrupted(message).into())
        } else {
            Ok(())
        }
    }
}

impl Drop for Deferred {
    fn drop(&mut self) {
        HELD.fetch_sub(1, Ordering::SeqCst);
    }
}

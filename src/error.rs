//! Faults that a user can mend: what is wrong, what to run or change, and the exit code that says which kind it is.
//! Everything else is a plain `anyhow` error with its context.

use std::fmt;

/// What the process tells its caller; the numbers are a promise to scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Done,
    /// A fault the user can mend.
    Fault,
    /// Wrong usage of the command line.
    Usage,
    /// Conflicts need an answer; nothing was written.
    Conflicts,
    /// A stale plan, or another quickscale holds the project.
    Stale,
    /// Files are in place, a step after them failed and is pending.
    Pending,
    /// With `--exit-code`: changes are pending.
    ChangesPending,
    /// With `--exit-code`: nothing is pending, but files have drifted.
    Drift,
    /// A bug in quickscale.
    Bug,
    /// Ctrl-C or a request to terminate, as shells report it.
    Interrupted,
    /// What a program that was run on the user's behalf exited with.
    Passed(u8),
}

impl Exit {
    /// The number that the process exits with.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Fault => 1,
            Self::Usage => 2,
            Self::Conflicts => 3,
            Self::Stale => 4,
            Self::Pending => 5,
            Self::ChangesPending => 10,
            Self::Drift => 11,
            Self::Bug => 70,
            Self::Interrupted => 130,
            Self::Passed(code) => code,
        }
    }
}

/// A message for the user, with a hint and an exit code. Made at the place that knows what to do about it, alone
/// (`bail!(Fault::new(..))`) or around a cause (`.context(Fault::new(..))`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    message: String,
    hint: Option<String>,
    exit: Exit,
}

impl Fault {
    /// A fault the user can mend; exits with 1 unless told otherwise.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            exit: Exit::Fault,
        }
    }

    /// Ctrl-C or a termination signal; `message` says what that left behind and may be empty.
    pub fn interrupted(message: impl Into<String>) -> Self {
        Self::new(message).exit(Exit::Interrupted)
    }

    /// What the user should run or change, as a sentence without a full stop.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Tells the message of `other` behind its own.
    pub fn and(mut self, other: &Self) -> Self {
        self.message.push_str(&format!("\n{}\n", other.message));
        self
    }

    /// Exits with another code than 1.
    pub fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

/// The code to exit with: that of the outermost [`Fault`], else 1.
pub fn exit_of(error: &anyhow::Error) -> Exit {
    outermost(error).map_or(Exit::Fault, |fault| fault.exit)
}

/// The hint of the outermost [`Fault`] that is found, if it has one.
pub fn hint_of(error: &anyhow::Error) -> Option<&str> {
    outermost(error)?.hint.as_deref()
}

fn outermost(error: &anyhow::Error) -> Option<&Fault> {
    error.downcast_ref::<Fault>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn finds_the_fault_under_more_context() {
        let error = Err::<(), _>(std::io::Error::other("disk on fire"))
            .context(
                Fault::new("cannot write")
                    .hint("call the fire brigade")
                    .exit(Exit::Stale),
            )
            .context("while creating the project")
            .unwrap_err();
        assert_eq!(exit_of(&error), Exit::Stale);
        assert_eq!(hint_of(&error), Some("call the fire brigade"));
    }

    #[test]
    fn a_plain_error_is_a_fault_without_a_hint() {
        let error = anyhow::anyhow!("no");
        assert_eq!((exit_of(&error), hint_of(&error)), (Exit::Fault, None));
    }
}

//! [`Step`]: what is run once an apply has put files in place.

use serde::{Deserialize, Serialize};

use super::names::{RelPath, Word};

/// A program that is run in the project's folder after its files have changed. It may run more than once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What people call it.
    pub name: Word,
    /// The program and its arguments, with blanks between them; no shell reads it.
    pub command: String,
    /// It is run only where this path exists.
    #[serde(default, skip_serializing)]
    pub given: Option<RelPath>,
}

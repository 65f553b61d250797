//! The tables of this domain as types.

use serde::Serialize;

use crate::clock::Timestamp;

/// A job about to be enqueued.
#[derive(Debug)]
pub(super) struct NewJob {
    pub name: &'static str,
    pub key: Option<String>,
    pub payload: String,
    pub due_at: Timestamp,
}

/// A job that a worker has. `attempt` tells this lease from those before and after it.
#[derive(Debug, Clone)]
pub(super) struct ClaimedJob {
    pub id: String,
    pub name: String,
    pub payload: String,
    pub attempt: u32,
}

/// A job that failed as often as it may.
#[derive(Debug, Clone, Serialize)]
pub struct DeadJob {
    pub id: String,
    pub name: String,
    pub attempts: i64,
    pub last_error: String,
    pub created_at: Timestamp,
    pub died_at: Timestamp,
}

/// How much work there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct JobCounts {
    /// To be done now or later.
    pub open: i64,
    /// Among the open ones, those that failed at least once.
    pub failing: i64,
    pub dead: i64,
}

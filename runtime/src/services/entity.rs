//! Runs as types.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::credits::{Credits, HoldId};
use crate::id_type;
use crate::ids::UserId;

id_type! {
    /// A run of a service.
    RunId
}

/// What became of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// It waits until somebody works on it.
    Queued,
    Running,
    Succeeded,
    Failed,
    /// It was stopped because its user asked for it.
    Cancelled,
}

impl RunStatus {
    pub const ALL: [Self; 5] = [
        Self::Queued,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    /// Whether nothing more happens to it.
    pub fn is_over(self) -> bool {
        match self {
            Self::Queued | Self::Running => false,
            Self::Succeeded | Self::Failed | Self::Cancelled => true,
        }
    }
}

/// One run of a service.
#[derive(Debug, Clone)]
pub struct Run {
    pub id: RunId,
    pub user: UserId,
    /// The service's name. The service itself may be gone.
    pub service: String,
    pub status: RunStatus,
    /// What it cost, or would have.
    pub cost: Credits,
    /// Which version of the service's price that is; unknown of runs from before prices had versions.
    pub price_version: Option<i64>,
    pub(super) hold: Option<HoldId>,
    /// As it was asked for, files without their content.
    pub input: Value,
    pub output: Option<Value>,
    /// Why it failed, in a sentence.
    pub error: Option<String>,
    pub started_at: Timestamp,
    /// A run that has not finished by then was left behind by a process that is gone.
    pub(super) ends_by: Timestamp,
    pub finished_at: Option<Timestamp>,
    /// Its user wants it to end.
    pub is_cancelling: bool,
    /// When its result was removed because its time was up.
    pub forgotten_at: Option<Timestamp>,
}

impl Run {
    /// The run as a list shows it.
    pub(super) fn summary(&self) -> RunSummary {
        RunSummary {
            id: self.id.clone(),
            user: self.user.clone(),
            service: self.service.clone(),
            status: self.status,
            cost: self.cost,
            started_at: self.started_at,
            finished_at: self.finished_at,
        }
    }

    /// Whether it should have finished before `now`.
    pub(super) fn is_overdue(&self, now: Timestamp) -> bool {
        !self.status.is_over() && self.ends_by <= now
    }
}

/// What a list shows of a run: no input, no output.
#[derive(Debug, Clone)]
pub struct RunSummary {
    pub id: RunId,
    pub user: UserId,
    pub service: String,
    pub status: RunStatus,
    pub cost: Credits,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

/// Which runs are asked for. None narrows nothing down.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    pub service: Option<String>,
    pub status: Option<RunStatus>,
    pub from: Option<Timestamp>,
    /// The first instant that is not asked for any more.
    pub until: Option<Timestamp>,
    /// The run after which the list goes on, to older ones.
    pub before: Option<RunId>,
}

/// Something that happened while a run was under way. Numbers grow within a run, not always by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    pub seq: i64,
    pub what: Happening,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Happening {
    Progress {
        permille: i64,
        message: String,
    },
    /// More of the partial output.
    Output(String),
    /// The work began anew: what it had said before does not count any more.
    Restarted,
}

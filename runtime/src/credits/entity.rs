//! The ledger's tables as types.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::amount::{Change, Credits};
use crate::clock::Timestamp;
use crate::id_type;
use crate::ids::UserId;

id_type! {
    /// An account of credits.
    AccountId
}
id_type! {
    /// A lot of credits.
    LotId
}
id_type! {
    /// A hold on credits.
    HoldId
}

/// Whose credits they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Owner {
    User(UserId),
}

impl Owner {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
        }
    }

    pub(super) fn id(&self) -> &str {
        match self {
            Self::User(id) => id.as_str(),
        }
    }

    /// Under which kind of thing and identifier acts on this owner are recorded.
    pub(super) fn as_audit_target(&self) -> (&'static str, &str) {
        (self.kind(), self.id())
    }
}

/// Who made an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// The application by itself.
    System,
    User(UserId),
}

impl Actor {
    pub(super) fn as_column(&self) -> String {
        match self {
            Self::System => "system".into(),
            Self::User(id) => format!("user:{id}"),
        }
    }

    pub(super) fn from_column(text: &str) -> Self {
        text.strip_prefix("user:")
            .map_or(Self::System, |id| Self::User(id.to_owned().into()))
    }
}

/// One account with its cached sums.
#[derive(Debug, Clone)]
pub struct Account {
    pub id: AccountId,
    pub available: Credits,
    pub held: Credits,
    pub(super) last_seq: i64,
    pub(super) due_at: Timestamp,
}

/// What an account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Balance {
    /// What can be spent now.
    pub available: Credits,
    /// What is set aside for work under way.
    pub held: Credits,
}

/// Where credits come from, which decides when they are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LotKind {
    Subscription,
    Promotion,
    Adjustment,
    Purchase,
}

impl LotKind {
    pub const ALL: [Self; 4] = [
        Self::Subscription,
        Self::Promotion,
        Self::Adjustment,
        Self::Purchase,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Subscription => "subscription",
            Self::Promotion => "promotion",
            Self::Adjustment => "adjustment",
            Self::Purchase => "purchase",
        }
    }

    /// As pages call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Subscription => "Subscription",
            Self::Promotion => "Promotion",
            Self::Adjustment => "Adjustment",
            Self::Purchase => "Bought",
        }
    }

    /// Lots with a lower number are used first.
    pub fn priority(self) -> i64 {
        match self {
            Self::Subscription => 10,
            Self::Promotion | Self::Adjustment => 20,
            Self::Purchase => 50,
        }
    }
}

/// Credits that were put in at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lot {
    pub id: LotId,
    pub kind: LotKind,
    pub priority: i64,
    pub expires_at: Option<Timestamp>,
    pub amount: Credits,
    /// What can still be used of it.
    pub remaining: Credits,
}

/// What is to be put into an account.
#[derive(Debug, Clone, Copy)]
pub struct Grant {
    pub kind: LotKind,
    pub amount: Credits,
    pub expires_at: Option<Timestamp>,
}

/// So much of one lot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub lot: LotId,
    pub amount: Credits,
}

/// What an entry records beside its amount.
#[derive(Debug, Clone)]
pub struct Note {
    /// Whoever asks twice with one key gets the first answer twice. Unique within the account.
    pub key: String,
    pub actor: Actor,
    /// For people.
    pub reason: String,
    /// What it was for: `run:0190…`.
    pub reference: Option<String>,
}

impl Note {
    /// A note of the application's own.
    pub fn system(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            actor: Actor::System,
            reason: reason.into(),
            reference: None,
        }
    }
}

/// What happened to a balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    Grant,
    Spend,
    Adjustment,
    Expiry,
}

impl EntryKind {
    pub const ALL: [Self; 4] = [Self::Grant, Self::Spend, Self::Adjustment, Self::Expiry];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Spend => "spend",
            Self::Adjustment => "adjustment",
            Self::Expiry => "expiry",
        }
    }

    /// As pages call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Grant => "Added",
            Self::Spend => "Used",
            Self::Adjustment => "Adjusted",
            Self::Expiry => "Expired",
        }
    }
}

/// One row of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// 1, 2, 3, … within its account.
    pub seq: i64,
    pub kind: EntryKind,
    pub change: Change,
    /// What the account owned after it, held credits included.
    pub balance_after: Credits,
    pub actor: Actor,
    pub reason: String,
    pub reference: Option<String>,
    pub created_at: Timestamp,
}

/// Credits set aside. They are captured, released, or come back when time is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    pub id: HoldId,
    pub amount: Credits,
    pub state: HoldState,
    pub expires_at: Timestamp,
}

/// How credits are set aside.
#[derive(Debug, Clone)]
pub struct HoldTerms {
    /// As [`Note::key`]: the same key gives the same hold.
    pub key: String,
    /// After this long without a word the credits come back by themselves.
    pub lasts: Duration,
}

/// What became of a hold. Only an open one can still be closed, and only once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldState {
    Open,
    Captured,
    Released,
}

impl HoldState {
    pub const ALL: [Self; 3] = [Self::Open, Self::Captured, Self::Released];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Captured => "captured",
            Self::Released => "released",
        }
    }
}

//! The ledger's tables as types.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::amount::{Change, Credits, Net};
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

    pub(super) fn from_columns(kind: &str, id: String) -> Option<Self> {
        (kind == "user").then(|| Self::User(id.into()))
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
    pub debt: Credits,
    /// Thousandths that were ever spent, less what was given back.
    pub(super) used: i64,
    /// What the account came to when credits were last put in.
    pub(super) full: Credits,
    pub(super) last_seq: i64,
    pub(super) due_at: Timestamp,
    /// What its owner was told of since credits were last put in.
    pub(super) told: FillLevel,
    /// The hash of the newest entry, once it is known.
    pub(super) last_hash: Option<String>,
}

impl Account {
    /// What the entries add up to. `available` and `held` together never exceed [`Credits::MAX`].
    pub(super) fn net(&self) -> Net {
        let owned = self.available.checked_add(self.held);
        Net::of(owned.unwrap_or(Credits::MAX), self.debt)
    }

    pub(super) fn balance(&self) -> Balance {
        Balance {
            available: self.available,
            held: self.held,
            debt: self.debt,
        }
    }
}

/// What an account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Balance {
    /// What can be spent now.
    pub available: Credits,
    /// What is set aside for work under way.
    pub held: Credits,
    /// What was taken back after it had been spent. Whatever is put in pays it first.
    pub debt: Credits,
}

/// What an account consists of at one instant.
#[derive(Debug, Clone, Default)]
pub struct Holdings {
    pub balance: Balance,
    /// What can be used, in the order of use.
    pub lots: Vec<Lot>,
    /// What the account came to when credits were last put in.
    pub full: Credits,
}

/// How full an account is. What is warned of stands higher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FillLevel {
    Enough,
    Low,
    Empty,
}

impl FillLevel {
    pub fn as_column(self) -> i64 {
        match self {
            Self::Enough => 0,
            Self::Low => 1,
            Self::Empty => 2,
        }
    }

    pub fn from_column(number: i64) -> Option<Self> {
        let all = [Self::Enough, Self::Low, Self::Empty];
        all.into_iter().find(|one| one.as_column() == number)
    }
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
            Self::Purchase => "Pay as you go",
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
    /// The entry that brought it.
    pub(super) seq: i64,
}

impl Lot {
    pub(super) fn has_run_out(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}

/// What is to be put into an account.
#[derive(Debug, Clone)]
pub struct Grant {
    pub kind: LotKind,
    pub amount: Credits,
    /// From that instant on they cannot be used. Those of a subscription always end, those that were bought never.
    pub expires_at: Option<Timestamp>,
    /// What they are put in for, such as a line of an invoice: it can be granted once, over all accounts.
    pub source: Option<String>,
}

impl Grant {
    /// Of a period that ends at `until`.
    pub fn subscription(amount: Credits, until: Timestamp) -> Self {
        Self::new(LotKind::Subscription, amount, Some(until))
    }

    /// Paid for once, without an end.
    pub fn purchase(amount: Credits) -> Self {
        Self::new(LotKind::Purchase, amount, None)
    }

    /// For nothing, with or without an end.
    pub fn promotion(amount: Credits, until: Option<Timestamp>) -> Self {
        Self::new(LotKind::Promotion, amount, until)
    }

    fn new(kind: LotKind, amount: Credits, expires_at: Option<Timestamp>) -> Self {
        Self {
            kind,
            amount,
            expires_at,
            source: None,
        }
    }

    /// The same, put in for `source`.
    #[must_use]
    pub fn from_source(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }
}

/// Which lot is meant: by its identifier, or by what it was put in for.
#[derive(Debug, Clone, Copy)]
pub enum LotRef<'a> {
    Id(&'a LotId),
    Source(&'a str),
}

/// What something costs, in one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    pub version: PriceVersion,
    pub amount: Credits,
}

/// One version of the price of `item`, such as `service:demo`. They count from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceVersion {
    pub item: String,
    pub number: i64,
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
    /// The price that was in force.
    pub price: Option<PriceVersion>,
}

impl Note {
    /// A note of the application's own.
    pub fn system(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            actor: Actor::System,
            reason: reason.into(),
            reference: None,
            price: None,
        }
    }
}

/// What happened to a balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// Credits were put in.
    Grant,
    /// Credits were used.
    Spend,
    /// What had been used was given back.
    Refund,
    /// The staff corrected the balance.
    Adjustment,
    /// Credits ran out.
    Expiry,
    /// Credits were taken back, spent or not.
    Revocation,
    /// Credits went into a debt. The balance stays.
    Settlement,
}

impl EntryKind {
    pub const ALL: [Self; 7] = [
        Self::Grant,
        Self::Spend,
        Self::Refund,
        Self::Adjustment,
        Self::Expiry,
        Self::Revocation,
        Self::Settlement,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Spend => "spend",
            Self::Refund => "refund",
            Self::Adjustment => "adjustment",
            Self::Expiry => "expiry",
            Self::Revocation => "revocation",
            Self::Settlement => "settlement",
        }
    }

    /// The kind that [`EntryKind::as_str`] writes as `text`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// As pages call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Grant => "Added",
            Self::Spend => "Used",
            Self::Refund => "Given back",
            Self::Adjustment => "Adjusted",
            Self::Expiry => "Expired",
            Self::Revocation => "Taken back",
            Self::Settlement => "Debt settled",
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
    /// What the account came to after it, held credits included and the debt taken off.
    pub balance_after: Net,
    pub debt_after: Credits,
    pub actor: Actor,
    pub reason: String,
    pub reference: Option<String>,
    /// The entry that this one takes back, or whose lot it takes back.
    pub refers_to: Option<i64>,
    pub price: Option<PriceVersion>,
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

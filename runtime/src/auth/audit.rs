//! Who did what to whom: one row for each act of the staff, written in the act's own transaction.
//! The database refuses to change or delete rows.

use serde_json::Value;

use super::store;
use crate::app::Core;
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::Result;
use crate::http::Visit;
use crate::ids::UserId;

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Somebody who has signed in, from a network address.
    Person { user: UserId, address: String },
    /// Whoever runs the application's binary.
    CommandLine,
}

impl Actor {
    /// Whoever makes this request.
    ///
    /// # Errors
    /// 401 for a visitor.
    pub fn of(visit: &Visit) -> Result<Self> {
        Ok(Self::Person {
            user: visit.require_principal()?.id.clone(),
            address: visit.client_address(),
        })
    }

    /// The acting person's identifier; none for the command line.
    pub fn user(&self) -> Option<&UserId> {
        match self {
            Self::Person { user, .. } => Some(user),
            Self::CommandLine => None,
        }
    }
}

/// One act, about to be recorded.
#[derive(Debug)]
pub struct AuditEntry<'a> {
    pub actor: &'a Actor,
    /// What was done, for programs: `user.deactivated`, `credits.adjusted`.
    pub action: &'static str,
    /// The kind of thing it was done to, such as `user`, and its identifier.
    pub target: (&'static str, &'a str),
    /// What else must be known later, as an object: reason, before, after. No secrets.
    pub details: Value,
}

/// One act, as it was recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedEntry {
    pub at: Timestamp,
    /// The acting person's address today; none for the command line or for somebody who is gone.
    pub actor_email: Option<String>,
    pub action: String,
    pub details: Value,
}

/// Records an act in the transaction in which it happens.
///
/// # Errors
/// When the database does not take it; the act must then not happen either.
pub async fn record(tx: &mut Tx, at: Timestamp, entry: &AuditEntry<'_>) -> Result<()> {
    store::insert_audit_entry(tx, at, entry).await
}

/// The newest acts on one target, newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn entries_about(
    core: &Core,
    target: (&str, &str),
    limit: i64,
) -> Result<Vec<RecordedEntry>> {
    store::audit_entries(core.db(), target, limit).await
}

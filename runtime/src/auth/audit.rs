//! Who did what to whom: one row for each act of the staff and each change of how somebody signs in, written in the act's
//! own transaction, and one for each that was refused. The database refuses to change or delete rows.

use serde_json::{Value, json};

use super::store;
use crate::app::Core;
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::Result;
use crate::http::Visit;
use crate::ids::UserId;
use crate::in_transaction;

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Somebody who has signed in, from a network address.
    Person { user: UserId, address: String },
    /// Whoever runs the application's binary.
    CommandLine,
}

impl Actor {
    /// Whoever makes this request: of the staff who act as a user, whoever it is.
    ///
    /// # Errors
    /// 401 for a visitor.
    pub fn of(visit: &Visit) -> Result<Self> {
        let principal = visit.require_principal()?;
        let acting = principal.acted_by.as_ref().map(|staff| &staff.id);
        Ok(Self::Person {
            user: acting.unwrap_or(&principal.id).clone(),
            address: visit.client_address(),
        })
    }

    /// Somebody who acts on his own account from `address`.
    pub(super) fn owner(user: &UserId, address: &str) -> Self {
        Self::Person {
            user: user.clone(),
            address: address.to_owned(),
        }
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
    pub(super) actor: &'a Actor,
    pub(super) action: &'static str,
    pub(super) target: (&'a str, &'a str),
    pub(super) before: Option<Value>,
    pub(super) after: Option<Value>,
    pub(super) details: Value,
}

impl<'a> AuditEntry<'a> {
    /// `action` is for programs: `user.deactivated`, `credits.adjusted`; `target` the kind of thing it was done to, such
    /// as `user`, and its identifier.
    pub fn new(actor: &'a Actor, action: &'static str, target: (&'a str, &'a str)) -> Self {
        Self {
            actor,
            action,
            target,
            before: None,
            after: None,
            details: json!({}),
        }
    }

    /// What was so before and is so now, as objects with the same members. No secrets.
    #[must_use]
    pub fn change(self, before: Value, after: Value) -> Self {
        Self {
            before: Some(before),
            after: Some(after),
            ..self
        }
    }

    /// Who acts.
    pub fn actor(&self) -> &'a Actor {
        self.actor
    }

    /// What else must be known later, as an object, such as the reason. No secrets.
    #[must_use]
    pub fn details(self, details: Value) -> Self {
        Self { details, ..self }
    }

    /// Records what its owner did to an account.
    ///
    /// # Errors
    /// As [`AuditEntry::record`].
    pub(super) async fn record_own(
        tx: &mut Tx,
        at: Timestamp,
        action: &'static str,
        (user, address): (&UserId, &str),
    ) -> Result<()> {
        let owner = Actor::owner(user, address);
        let entry = AuditEntry::new(&owner, action, ("user", user.as_str()));
        entry.record(tx, at).await
    }

    /// Records the act in the transaction in which it happens.
    ///
    /// # Errors
    /// When the database does not take it; the act must then not happen either.
    pub async fn record(&self, tx: &mut Tx, at: Timestamp) -> Result<()> {
        store::insert_audit_entry(tx, at, self).await
    }
}

/// Records that `actor` was refused what `act` names, in a transaction of its own.
///
/// # Errors
/// When the database does not take it.
pub async fn record_refusal(
    core: &Core,
    actor: &Actor,
    act: &str,
    target: (&str, &str),
) -> Result<()> {
    let entry = AuditEntry::new(actor, "access.refused", target).details(json!({ "act": act }));
    in_transaction!(core.db(), tx => entry.record(tx, core.now()).await)
}

/// One act, as it was recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedEntry {
    pub id: String,
    pub at: Timestamp,
    /// None for the command line.
    pub actor: Option<UserId>,
    /// The acting person's address today; none for the command line or for somebody who is gone.
    pub actor_email: Option<String>,
    /// The network address that the act came from.
    pub address: String,
    pub action: String,
    pub target_kind: String,
    pub target_id: String,
    /// The address today of the person whom it was done to.
    pub target_email: Option<String>,
    pub before: Option<Value>,
    pub after: Option<Value>,
    pub details: Value,
}

/// Which acts a list shows.
#[derive(Debug, Clone, Default)]
pub struct RecordQuery {
    pub actor: Option<UserId>,
    /// The kind of thing and its identifier.
    pub target: Option<(String, String)>,
    /// The last act of the page before.
    pub before: Option<String>,
    pub limit: i64,
}

/// Acts, newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn entries(core: &Core, query: &RecordQuery) -> Result<Vec<RecordedEntry>> {
    store::audit_entries(core.db(), query).await
}

/// The newest acts on one target, newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn entries_about(
    core: &Core,
    (kind, id): (&str, &str),
    limit: i64,
) -> Result<Vec<RecordedEntry>> {
    let query = RecordQuery {
        target: Some((kind.to_owned(), id.to_owned())),
        limit,
        ..RecordQuery::default()
    };
    entries(core, &query).await
}

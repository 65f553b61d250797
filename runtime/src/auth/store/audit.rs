//! Every query about the record of the staff's acts.

use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use crate::auth::audit::{Actor, AuditEntry, RecordQuery, RecordedEntry};
use crate::clock::Timestamp;
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::ids::{AFTER_ALL, new_id};

pub(in crate::auth) async fn insert_audit_entry(
    tx: &mut Tx,
    at: Timestamp,
    entry: &AuditEntry<'_>,
) -> Result<()> {
    let (actor, address) = match entry.actor {
        Actor::Person { user, address } => (Some(user.as_str()), address.as_str()),
        Actor::CommandLine => (None, ""),
    };
    let (kind, id) = entry.target;
    sqlx::query(
        "INSERT INTO audit_entries (id, created_at, actor_id, address, action, target_kind, target_id,
             details, before_state, after_state)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(new_id(at))
    .bind(at.as_micros())
    .bind(actor)
    .bind(address)
    .bind(entry.action)
    .bind(kind)
    .bind(id)
    .bind(entry.details.to_string())
    .bind(entry.before.as_ref().map(Value::to_string))
    .bind(entry.after.as_ref().map(Value::to_string))
    .execute(tx.conn())
    .await?;
    Ok(())
}

const ENTRY: &str =
    "a.id, a.created_at, a.actor_id, who.email, a.address, a.action, a.target_kind, a.target_id,
    whom.email, a.details, a.before_state, a.after_state
    FROM audit_entries a LEFT JOIN users who ON who.id = a.actor_id
    LEFT JOIN users whom ON whom.id = a.target_id AND a.target_kind = 'user'";

fn read_entry(row: &AnyRow) -> Result<RecordedEntry> {
    let json = |text: &str| serde_json::from_str(text).map_err(Error::internal);
    let state = |at: usize| -> Result<Option<Value>> {
        let text = row.try_get::<Option<String>, _>(at)?;
        text.as_deref().map(json).transpose()
    };
    let actor = row.try_get::<Option<String>, _>(2)?;
    Ok(RecordedEntry {
        id: row.try_get(0)?,
        at: Timestamp::from_micros(row.try_get(1)?),
        actor: actor.map(Into::into),
        actor_email: row.try_get(3)?,
        address: row.try_get(4)?,
        action: row.try_get(5)?,
        target_kind: row.try_get(6)?,
        target_id: row.try_get(7)?,
        target_email: row.try_get(8)?,
        details: json(&row.try_get::<String, _>(9)?)?,
        before: state(10)?,
        after: state(11)?,
    })
}

/// Newest first.
pub(in crate::auth) async fn audit_entries(
    db: &Db,
    query: &RecordQuery,
) -> Result<Vec<RecordedEntry>> {
    let mut conditions = vec!["a.id < $1"];
    if query.actor.is_some() {
        conditions.push("a.actor_id = $3");
    }
    if query.target.is_some() {
        conditions.push(match query.actor {
            Some(_) => "a.target_kind = $4 AND a.target_id = $5",
            None => "a.target_kind = $3 AND a.target_id = $4",
        });
    }
    let conditions = conditions.join(" AND ");
    let sql = format!("SELECT {ENTRY} WHERE {conditions} ORDER BY a.id DESC LIMIT $2");
    let before = query.before.as_deref().unwrap_or(AFTER_ALL);
    let mut statement = sqlx::query(AssertSqlSafe(sql))
        .bind(before)
        .bind(query.limit);
    if let Some(actor) = &query.actor {
        statement = statement.bind(actor.as_str());
    }
    if let Some((kind, id)) = &query.target {
        statement = statement.bind(kind).bind(id);
    }
    let rows = statement.fetch_all(db.reader()).await?;
    rows.iter().map(read_entry).collect()
}

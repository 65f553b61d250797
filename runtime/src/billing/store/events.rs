//! What the provider said.

use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

use super::super::entity::{EventState, StoredEvent};
use super::super::objects::Event;
use super::{parsed, time};
use crate::clock::Timestamp;
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::ids::new_id;

const EVENT: &str =
    "SELECT id, event, kind, object, body, state, error, attempts, happened_at, received_at
     FROM billing_events";

fn read(row: &AnyRow) -> Result<StoredEvent> {
    Ok(StoredEvent {
        id: row.try_get(0)?,
        event: row.try_get(1)?,
        kind: row.try_get(2)?,
        object: row.try_get(3)?,
        body: row.try_get(4)?,
        state: parsed(row, 5, EventState::parse)?,
        error: row.try_get(6)?,
        attempts: row.try_get(7)?,
        happened_at: time(row, 8)?,
        received_at: time(row, 9)?,
    })
}

/// Stores an event; its new identifier, or none when it was stored before.
pub async fn insert_event(
    tx: &mut Tx,
    provider: &str,
    (event, body): (&Event, &str),
    at: Timestamp,
) -> Result<Option<String>> {
    let id = new_id(at);
    let done = sqlx::query(
        "INSERT INTO billing_events (id, provider, event, kind, object, body, state, error, attempts,
             happened_at, received_at, changed_at, customer)
         VALUES ($1, $2, $3, $4, $5, $6, 'new', '', 0, $7, $8, $8, $9) ON CONFLICT (provider, event) DO NOTHING",
    )
    .bind(&id)
    .bind(provider)
    .bind(&event.id)
    .bind(&event.kind)
    .bind(&event.object)
    .bind(body)
    .bind(event.happened_at.as_micros())
    .bind(at.as_micros())
    .bind(&event.customer)
    .execute(tx.conn())
    .await?;
    Ok((done.rows_affected() == 1).then_some(id))
}

pub async fn event(db: &Db, id: &str) -> Result<Option<StoredEvent>> {
    let sql = sqlx::AssertSqlSafe(format!("{EVENT} WHERE id = $1"));
    let row = sqlx::query(sql)
        .bind(id)
        .fetch_optional(db.reader())
        .await?;
    row.as_ref().map(read).transpose()
}

/// The event that the provider calls so.
pub async fn event_named(db: &Db, name: &str) -> Result<Option<StoredEvent>> {
    let sql = sqlx::AssertSqlSafe(format!("{EVENT} WHERE event = $1"));
    let row = sqlx::query(sql)
        .bind(name)
        .fetch_optional(db.reader())
        .await?;
    row.as_ref().map(read).transpose()
}

/// An object as the newest of the provider's events about it said.
pub async fn last_told(db: &Db, provider: &str, object: &str) -> Result<Option<Value>> {
    let row = sqlx::query(
        "SELECT body FROM billing_events WHERE provider = $1 AND object = $2 ORDER BY happened_at DESC, id DESC LIMIT 1",
    )
    .bind(provider)
    .bind(object)
    .fetch_optional(db.reader())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let body: String = row.try_get(0)?;
    let value: Value = serde_json::from_str(&body).map_err(Error::internal)?;
    Ok(value.pointer("/data/object").cloned())
}

/// Whether the event is still to be worked off. Whoever asks has its row until the transaction ends.
pub async fn lock_event(connection: &mut AnyConnection, id: &str) -> Result<bool> {
    let row =
        sqlx::query("UPDATE billing_events SET attempts = attempts WHERE id = $1 RETURNING state")
            .bind(id)
            .fetch_one(connection)
            .await?;
    let state = parsed(&row, 0, EventState::parse)?;
    Ok(matches!(state, EventState::New | EventState::Failed))
}

pub async fn close_event(tx: &mut Tx, id: &str, state: EventState, at: Timestamp) -> Result<()> {
    sqlx::query(
        "UPDATE billing_events SET state = $2, error = '', attempts = attempts + 1, changed_at = $3 WHERE id = $1",
    )
    .bind(id)
    .bind(state.as_str())
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Notes that working an event off failed, and why.
pub async fn fail_event(tx: &mut Tx, id: &str, error: &str, at: Timestamp) -> Result<()> {
    sqlx::query(
        "UPDATE billing_events SET state = 'failed', error = $2, attempts = attempts + 1, changed_at = $3
         WHERE id = $1 AND state IN ('new', 'failed')",
    )
    .bind(id)
    .bind(error)
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Has a failed event worked off anew; no when there is no such event.
pub async fn reopen_event(tx: &mut Tx, id: &str, at: Timestamp) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE billing_events SET state = 'new', changed_at = $2 WHERE id = $1 AND state IN ('failed', 'new')",
    )
    .bind(id)
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Events, the newest first, from the one before `before`; those in one state only, where one is given.
pub async fn events(
    db: &Db,
    state: Option<EventState>,
    (before, limit): (&str, i64),
) -> Result<Vec<StoredEvent>> {
    let narrowed = match state {
        Some(_) => "state = $3 AND",
        None => "$3 = '' AND",
    };
    let sql = sqlx::AssertSqlSafe(format!(
        "{EVENT} WHERE {narrowed} id < $1 ORDER BY id DESC LIMIT $2"
    ));
    let query = sqlx::query(sql).bind(before).bind(limit);
    let rows = query
        .bind(state.map_or("", EventState::as_str))
        .fetch_all(db.reader())
        .await?;
    rows.iter().map(read).collect()
}

/// How many events are in a state.
pub async fn count_events(db: &Db, state: EventState) -> Result<i64> {
    let row = sqlx::query("SELECT COUNT(*) FROM billing_events WHERE state = $1")
        .bind(state.as_str())
        .fetch_one(db.reader())
        .await?;
    Ok(row.try_get(0)?)
}

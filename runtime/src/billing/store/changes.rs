//! Changes of subscriptions that somebody asked for.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

use super::super::entity::{ChangeRow, ChangeVerb, RefundState};
use super::{parsed, time};
use crate::clock::Timestamp;
use crate::db::{Db, Tx};
use crate::error::Result;

const CHANGE: &str =
    "SELECT id, subscription, verb, element, price, quantity, reason, state, error, asked_by,
     created_at FROM billing_changes";

fn read(row: &AnyRow) -> Result<ChangeRow> {
    let id: String = row.try_get(0)?;
    Ok(ChangeRow {
        id: id.into(),
        subscription: row.try_get(1)?,
        verb: parsed(row, 2, ChangeVerb::parse)?,
        element: row.try_get(3)?,
        price: row.try_get(4)?,
        quantity: row.try_get(5)?,
        reason: row.try_get(6)?,
        state: parsed(row, 7, RefundState::parse)?,
        error: row.try_get(8)?,
        asked_by: row.try_get(9)?,
        created_at: time(row, 10)?,
    })
}

async fn one(
    connection: &mut AnyConnection,
    condition: &'static str,
    binds: &[&str],
) -> Result<Option<ChangeRow>> {
    let sql = sqlx::AssertSqlSafe(format!("{CHANGE} WHERE {condition}"));
    let query = binds.iter().fold(sqlx::query(sql), |query, bind| {
        query.bind((*bind).to_owned())
    });
    let row = query.fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

pub async fn change(connection: &mut AnyConnection, id: &str) -> Result<Option<ChangeRow>> {
    one(connection, "id = $1", &[id]).await
}

/// What was asked for with this form.
pub async fn change_by_key(
    connection: &mut AnyConnection,
    subscription: &str,
    key: &str,
) -> Result<Option<ChangeRow>> {
    let condition = "subscription = $1 AND request_key = $2";
    one(connection, condition, &[subscription, key]).await
}

/// The change that is under way; there is one at most.
pub async fn change_under_way(
    connection: &mut AnyConnection,
    subscription: &str,
) -> Result<Option<ChangeRow>> {
    one(
        connection,
        "subscription = $1 AND state = 'asked'",
        &[subscription],
    )
    .await
}

/// A subscription's changes, the newest first.
pub async fn changes_of(db: &Db, subscription: &str, limit: i64) -> Result<Vec<ChangeRow>> {
    let sql = sqlx::AssertSqlSafe(format!(
        "{CHANGE} WHERE subscription = $1 ORDER BY id DESC LIMIT $2"
    ));
    let query = sqlx::query(sql).bind(subscription).bind(limit);
    let rows = query.fetch_all(db.reader()).await?;
    rows.iter().map(read).collect()
}

pub async fn insert_change(tx: &mut Tx, new: &ChangeRow, key: &str) -> Result<()> {
    sqlx::query(
        "INSERT INTO billing_changes (id, subscription, verb, element, price, quantity, reason, state, error,
             asked_by, request_key, created_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', $9, $10, $11, $11)",
    )
    .bind(new.id.as_str())
    .bind(&new.subscription)
    .bind(new.verb.as_str())
    .bind(&new.element)
    .bind(&new.price)
    .bind(new.quantity)
    .bind(&new.reason)
    .bind(new.state.as_str())
    .bind(&new.asked_by)
    .bind(key)
    .bind(new.created_at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Notes how a change ended. One that ended stays as it is.
pub async fn close_change(
    tx: &mut Tx,
    id: &str,
    (state, error): (RefundState, &str),
    at: Timestamp,
) -> Result<()> {
    sqlx::query(
        "UPDATE billing_changes SET state = $2, error = $3, changed_at = $4 WHERE id = $1 AND state = 'asked'",
    )
    .bind(id)
    .bind(state.as_str())
    .bind(error)
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

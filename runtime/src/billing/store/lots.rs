//! What payments brought to the ledger, and which version of an object was taken in.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

use super::super::entity::{PaidLot, PaymentId};
use super::{credits, flag, maybe_time};
use crate::clock::Timestamp;
use crate::credits::Credits;
use crate::db::{Db, Tx};
use crate::error::Result;

const LOT: &str = "SELECT source, payment_id, subscription, restores, credits, taken, revoked, period_start, period_end,
     is_over FROM billing_lots";

fn read(row: &AnyRow) -> Result<PaidLot> {
    let payment: String = row.try_get(1)?;
    Ok(PaidLot {
        source: row.try_get(0)?,
        payment: payment.into(),
        subscription: row.try_get(2)?,
        restores: row.try_get(3)?,
        credits: credits(row, 4)?,
        taken: credits(row, 5)?,
        revoked: credits(row, 6)?,
        period: maybe_time(row, 7)?.zip(maybe_time(row, 8)?),
        is_over: flag(row, 9)?,
    })
}

/// What a payment brought, each lot before those that restore it.
pub async fn lots_of(connection: &mut AnyConnection, payment: &PaymentId) -> Result<Vec<PaidLot>> {
    let sql = sqlx::AssertSqlSafe(format!(
        "{LOT} WHERE payment_id = $1 ORDER BY created_at, source"
    ));
    let rows = sqlx::query(sql)
        .bind(payment.as_str())
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

/// What the periods of a subscription brought.
pub async fn lots_of_subscription(
    connection: &mut AnyConnection,
    subscription: &str,
) -> Result<Vec<PaidLot>> {
    let sql = sqlx::AssertSqlSafe(format!(
        "{LOT} WHERE subscription = $1 ORDER BY period_start, source"
    ));
    let rows = sqlx::query(sql)
        .bind(subscription)
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

/// Adds a lot; no when its source is known.
pub async fn insert_paid_lot(tx: &mut Tx, lot: &PaidLot, at: Timestamp) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO billing_lots (source, payment_id, subscription, restores, credits, taken, revoked,
             period_start, period_end, is_over, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (source) DO NOTHING",
    )
    .bind(&lot.source)
    .bind(lot.payment.as_str())
    .bind(lot.subscription.as_deref())
    .bind(lot.restores.as_deref())
    .bind(lot.credits.as_milli())
    .bind(lot.taken.as_milli())
    .bind(lot.revoked.as_milli())
    .bind(lot.period.map(|(start, _)| start.as_micros()))
    .bind(lot.period.map(|(_, end)| end.as_micros()))
    .bind(i64::from(lot.is_over))
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes what was taken back of a lot, and how much of that was there.
pub async fn take_of_lot(
    tx: &mut Tx,
    source: &str,
    taken: Credits,
    revoked: Credits,
) -> Result<()> {
    sqlx::query(
        "UPDATE billing_lots SET taken = taken + $2, revoked = revoked + $3 WHERE source = $1",
    )
    .bind(source)
    .bind(taken.as_milli())
    .bind(revoked.as_milli())
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn mark_lot_over(tx: &mut Tx, source: &str) -> Result<()> {
    sqlx::query("UPDATE billing_lots SET is_over = 1 WHERE source = $1")
        .bind(source)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// How often an object was taken in.
pub async fn version_of(db: &Db, object: &str) -> Result<i64> {
    let row = sqlx::query("SELECT version FROM billing_versions WHERE object = $1")
        .bind(object)
        .fetch_optional(db.reader())
        .await?;
    row.map_or(Ok(0), |row| Ok(row.try_get(0)?))
}

/// Takes an object in as of the version that it was read at; no when somebody else took it in since.
pub async fn advance_version(tx: &mut Tx, object: &str, from: i64) -> Result<bool> {
    sqlx::query("INSERT INTO billing_versions (object, version) VALUES ($1, 0) ON CONFLICT (object) DO NOTHING")
        .bind(object)
        .execute(tx.conn())
        .await?;
    let done = sqlx::query(
        "UPDATE billing_versions SET version = version + 1 WHERE object = $1 AND version = $2",
    )
    .bind(object)
    .bind(from)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

//! Refunds that staff asked for.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

use super::super::entity::{PaymentId, RefundRow, RefundState};
use super::{money, parsed, time};
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::Result;

const REFUND: &str =
    "SELECT id, payment_id, currency, amount, reason, state, refund, asked_by, error, created_at, intent
     FROM billing_refunds";

fn read(row: &AnyRow) -> Result<RefundRow> {
    let (id, payment): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    Ok(RefundRow {
        id: id.into(),
        payment: payment.into(),
        money: money(row, 2)?,
        reason: row.try_get(4)?,
        state: parsed(row, 5, RefundState::parse)?,
        refund: row.try_get(6)?,
        asked_by: row.try_get(7)?,
        error: row.try_get(8)?,
        created_at: time(row, 9)?,
        intent: row.try_get(10)?,
    })
}

/// The refunds that were asked for of a payment, the newest first.
pub async fn refunds_of(
    connection: &mut AnyConnection,
    payment: &PaymentId,
) -> Result<Vec<RefundRow>> {
    let sql = sqlx::AssertSqlSafe(format!("{REFUND} WHERE payment_id = $1 ORDER BY id DESC"));
    let rows = sqlx::query(sql)
        .bind(payment.as_str())
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

pub async fn refund(connection: &mut AnyConnection, id: &str) -> Result<Option<RefundRow>> {
    let sql = sqlx::AssertSqlSafe(format!("{REFUND} WHERE id = $1"));
    let row = sqlx::query(sql).bind(id).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

/// Writes a refund down; no when this request was written down before.
pub async fn insert_refund(tx: &mut Tx, new: &RefundRow, key: &str) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO billing_refunds (id, payment_id, currency, amount, reason, state, refund,
             request_key, asked_by, error, created_at, changed_at, intent)
         VALUES ($1, $2, $3, $4, $5, $6, NULL, $7, $8, '', $9, $9, $10)
         ON CONFLICT (payment_id, request_key) DO NOTHING",
    )
    .bind(new.id.as_str())
    .bind(new.payment.as_str())
    .bind(new.money.currency.code())
    .bind(new.money.minor)
    .bind(&new.reason)
    .bind(new.state.as_str())
    .bind(key)
    .bind(&new.asked_by)
    .bind(new.created_at.as_micros())
    .bind(new.intent.as_deref())
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes how a refund ended, and what the provider calls it.
pub async fn close_refund(
    tx: &mut Tx,
    id: &str,
    (state, refund, error): (RefundState, Option<&str>, &str),
    at: Timestamp,
) -> Result<()> {
    sqlx::query(
        "UPDATE billing_refunds SET state = $2, refund = COALESCE($3, refund), error = $4, changed_at = $5
         WHERE id = $1",
    )
    .bind(id)
    .bind(state.as_str())
    .bind(refund)
    .bind(error)
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// How much of one movement of a payment is asked back that the provider does not know of yet: what it knows of counts in its charge,
/// though the money is still on its way.
pub async fn refunds_under_way(
    connection: &mut AnyConnection,
    payment: &PaymentId,
    intent: &str,
) -> Result<i64> {
    let row = sqlx::query(
        "SELECT CAST(COALESCE(SUM(r.amount), 0) AS BIGINT) FROM billing_refunds r
         JOIN billing_payments p ON p.id = r.payment_id
         WHERE r.payment_id = $1 AND COALESCE(r.intent, p.intent) = $2 AND r.state = 'asked' AND r.refund IS NULL",
    )
    .bind(payment.as_str())
    .bind(intent)
    .fetch_one(connection)
    .await?;
    Ok(row.try_get(0)?)
}

/// Whether this request was written down before.
pub async fn is_asked(
    connection: &mut AnyConnection,
    payment: &PaymentId,
    key: &str,
) -> Result<bool> {
    let row =
        sqlx::query("SELECT id FROM billing_refunds WHERE payment_id = $1 AND request_key = $2")
            .bind(payment.as_str())
            .bind(key)
            .fetch_optional(connection)
            .await?;
    Ok(row.is_some())
}

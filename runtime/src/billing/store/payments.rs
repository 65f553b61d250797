//! Payments, and the money of them that went back.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

use super::super::entity::{CustomerId, Payment, PaymentKind, PaymentState};
use super::super::objects::{Charge, Dispute, is_written_off};
use super::{broken, maybe_time, money, parsed, time};
use crate::clock::Timestamp;
use crate::db::{Db, Tx};
use crate::error::Result;

pub(super) const PAYMENT: &str =
    "SELECT id, object, customer_id, kind, subscription, item, description, currency, amount,
     refunded, disputed, state, intent, number, body, created_at, paid_at FROM billing_payments";

pub(super) fn read(row: &AnyRow) -> Result<Payment> {
    let (id, customer): (String, String) = (row.try_get(0)?, row.try_get(2)?);
    let body: String = row.try_get(14)?;
    Ok(Payment {
        id: id.into(),
        object: row.try_get(1)?,
        customer: customer.into(),
        kind: parsed(row, 3, PaymentKind::parse)?,
        subscription: row.try_get(4)?,
        item: row.try_get(5)?,
        description: row.try_get(6)?,
        money: money(row, 7)?,
        refunded: row.try_get(9)?,
        disputed: row.try_get(10)?,
        state: parsed(row, 11, PaymentState::parse)?,
        intent: row.try_get(12)?,
        number: row.try_get(13)?,
        body: serde_json::from_str(&body).map_err(broken)?,
        created_at: time(row, 15)?,
        paid_at: maybe_time(row, 16)?,
    })
}

async fn some(
    connection: &mut AnyConnection,
    condition: &'static str,
    bind: &str,
) -> Result<Vec<Payment>> {
    let sql = sqlx::AssertSqlSafe(format!("{PAYMENT} WHERE {condition}"));
    let rows = sqlx::query(sql).bind(bind).fetch_all(connection).await?;
    rows.iter().map(read).collect()
}

pub async fn payment_of(connection: &mut AnyConnection, object: &str) -> Result<Option<Payment>> {
    Ok(some(connection, "object = $1", object).await?.pop())
}

pub async fn payment(connection: &mut AnyConnection, id: &str) -> Result<Option<Payment>> {
    Ok(some(connection, "id = $1", id).await?.pop())
}

/// What was paid with one movement of money.
pub async fn payments_by_intent(
    connection: &mut AnyConnection,
    intent: &str,
) -> Result<Vec<Payment>> {
    let parts = "(intent = $1 OR id IN (SELECT payment_id FROM billing_payment_parts WHERE intent = $1)) ORDER BY id";
    some(connection, parts, intent).await
}

/// A customer's payments, the newest first, from the one before `before`.
pub async fn payments_of(
    db: &Db,
    customer: &CustomerId,
    (before, limit): (&str, i64),
) -> Result<Vec<Payment>> {
    let sql = sqlx::AssertSqlSafe(format!(
        "{PAYMENT} WHERE customer_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
    ));
    let query = sqlx::query(sql)
        .bind(customer.as_str())
        .bind(before)
        .bind(limit);
    let rows = query.fetch_all(db.reader()).await?;
    rows.iter().map(read).collect()
}

/// What was paid for a subscription, the newest first.
pub async fn payments_for(db: &Db, subscription: &str, limit: i64) -> Result<Vec<Payment>> {
    let sql = sqlx::AssertSqlSafe(format!(
        "{PAYMENT} WHERE subscription = $1 ORDER BY id DESC LIMIT $2"
    ));
    let query = sqlx::query(sql).bind(subscription).bind(limit);
    let rows = query.fetch_all(db.reader()).await?;
    rows.iter().map(read).collect()
}

/// Adds a payment or moves it on. One that was made stays made, whatever is told later.
pub async fn keep_payment(tx: &mut Tx, payment: &Payment, at: Timestamp) -> Result<()> {
    sqlx::query(
        "INSERT INTO billing_payments (id, object, customer_id, kind, subscription, item, description,
             currency, amount, refunded, disputed, state, intent, number, body, created_at, paid_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, $10, $11, $12, $13, $14, $15, $16)
         ON CONFLICT (object) DO UPDATE SET state = excluded.state, amount = excluded.amount,
             description = excluded.description, item = excluded.item,
             intent = COALESCE(excluded.intent, billing_payments.intent), number = excluded.number,
             body = excluded.body, paid_at = excluded.paid_at, changed_at = excluded.changed_at
         WHERE billing_payments.state IN ('pending', 'failed')",
    )
    .bind(payment.id.as_str())
    .bind(&payment.object)
    .bind(payment.customer.as_str())
    .bind(payment.kind.as_str())
    .bind(payment.subscription.as_deref())
    .bind(&payment.item)
    .bind(&payment.description)
    .bind(payment.money.currency.code())
    .bind(payment.money.minor)
    .bind(payment.state.as_str())
    .bind(payment.intent.as_deref())
    .bind(&payment.number)
    .bind(payment.body.to_string())
    .bind(payment.created_at.as_micros())
    .bind(payment.paid_at.map(Timestamp::as_micros))
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Notes what a subscription is to from a payment on.
pub async fn note_terms(
    tx: &mut Tx,
    payment: &Payment,
    (price, quantity): (&str, i64),
) -> Result<()> {
    sqlx::query("UPDATE billing_payments SET price = $2, quantity = $3 WHERE id = $1")
        .bind(payment.id.as_str())
        .bind(price)
        .bind(quantity)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Notes what of a payment went back.
pub async fn keep_loss(
    tx: &mut Tx,
    payment: &Payment,
    state: PaymentState,
    (refunded, disputed): (i64, i64),
    at: Timestamp,
) -> Result<()> {
    sqlx::query(
        "UPDATE billing_payments SET state = $2, refunded = $3, disputed = $4, changed_at = $5 WHERE id = $1",
    )
    .bind(payment.id.as_str())
    .bind(state.as_str())
    .bind(refunded)
    .bind(disputed)
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Keeps a charge. What was refunded of it only grows.
pub async fn keep_charge(tx: &mut Tx, charge: &Charge, at: Timestamp) -> Result<()> {
    sqlx::query(
        "INSERT INTO billing_charges (charge, intent, currency, amount, refunded, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (charge) DO UPDATE SET refunded = excluded.refunded, changed_at = excluded.changed_at
             WHERE excluded.refunded <> billing_charges.refunded",
    )
    .bind(&charge.id)
    .bind(charge.intent.as_deref())
    .bind(charge.currency.code())
    .bind(charge.amount)
    .bind(charge.refunded)
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn keep_dispute(tx: &mut Tx, dispute: &Dispute, at: Timestamp) -> Result<()> {
    sqlx::query(
        "INSERT INTO billing_disputes (dispute, charge, intent, currency, amount, status, reason, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (dispute) DO UPDATE SET status = excluded.status, amount = excluded.amount,
             changed_at = excluded.changed_at",
    )
    .bind(&dispute.id)
    .bind(&dispute.charge)
    .bind(dispute.intent.as_deref())
    .bind(dispute.currency.code())
    .bind(dispute.amount)
    .bind(&dispute.status)
    .bind(&dispute.reason)
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What was refunded of one movement of money, over all its charges.
pub async fn refunded_by_intent(connection: &mut AnyConnection, intent: &str) -> Result<i64> {
    let row = sqlx::query(
        "SELECT CAST(COALESCE(SUM(refunded), 0) AS BIGINT) FROM billing_charges WHERE intent = $1",
    )
    .bind(intent)
    .fetch_one(connection)
    .await?;
    Ok(row.try_get(0)?)
}

/// The disputes about one movement of money: status and amount of each.
pub async fn disputes_by_intent(
    connection: &mut AnyConnection,
    intent: &str,
) -> Result<Vec<(String, i64)>> {
    let rows = sqlx::query(
        "SELECT status, amount FROM billing_disputes WHERE intent = $1 ORDER BY dispute",
    )
    .bind(intent)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect()
}

/// Since when a subscription's payments fail that come after the last one that was made. An invoice whose money nobody
/// waits for any more does not fail.
pub async fn failing_since(
    connection: &mut AnyConnection,
    subscription: &str,
) -> Result<Option<Timestamp>> {
    let rows = sqlx::query(
        "SELECT created_at, body FROM billing_payments
         WHERE subscription = $1 AND state = 'failed' AND created_at > COALESCE((
             SELECT MAX(created_at) FROM billing_payments
             WHERE subscription = $1 AND state NOT IN ('pending', 'failed')), 0)
         ORDER BY created_at",
    )
    .bind(subscription)
    .fetch_all(connection)
    .await?;
    for row in &rows {
        let body: String = row.try_get(1)?;
        if !is_written_off(&serde_json::from_str(&body).map_err(broken)?) {
            return time(row, 0).map(Some);
        }
    }
    Ok(None)
}

/// All payments, by identifier, from the one after `after`.
pub async fn all_payments(db: &Db, after: &str, limit: i64) -> Result<Vec<Payment>> {
    let sql = sqlx::AssertSqlSafe(format!("{PAYMENT} WHERE id > $1 ORDER BY id LIMIT $2"));
    let rows = sqlx::query(sql)
        .bind(after)
        .bind(limit)
        .fetch_all(db.reader())
        .await?;
    rows.iter().map(read).collect()
}

/// The sessions and invoices that count as paid here, of one provider's customers.
pub async fn paid_objects(db: &Db, provider: &str) -> Result<Vec<String>> {
    let rows = sqlx::query(
        "SELECT p.object FROM billing_payments p JOIN billing_customers c ON c.id = p.customer_id
         WHERE c.provider = $1 AND p.state NOT IN ('pending', 'failed') ORDER BY p.object",
    )
    .bind(provider)
    .fetch_all(db.reader())
    .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Every dispute with its status.
pub async fn all_disputes(db: &Db) -> Result<Vec<(String, String)>> {
    let rows = sqlx::query("SELECT dispute, status FROM billing_disputes ORDER BY dispute")
        .fetch_all(db.reader())
        .await?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect()
}

//! Subscriptions as they were last taken in.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

use super::super::entity::{CustomerId, SubscriptionRow};
use super::{flag, maybe_time, time};
use crate::clock::Timestamp;
use crate::db::{Db, Tx};
use crate::error::Result;

pub(super) const SUBSCRIPTION: &str = "SELECT subscription, customer_id, status, price, element, quantity, period_start,
     period_end, trial_end, cancels_at_end, is_paused, ended_at, paid_until, failing_since, is_alert, started_at,
     schedule, next_price, next_quantity FROM billing_subscriptions";

pub(super) fn read(row: &AnyRow) -> Result<SubscriptionRow> {
    let customer: String = row.try_get(1)?;
    Ok(SubscriptionRow {
        subscription: row.try_get(0)?,
        customer: customer.into(),
        status: row.try_get(2)?,
        price: row.try_get(3)?,
        element: row.try_get(4)?,
        quantity: row.try_get(5)?,
        period: (time(row, 6)?, time(row, 7)?),
        trial_end: maybe_time(row, 8)?,
        cancels_at_end: flag(row, 9)?,
        is_paused: flag(row, 10)?,
        ended_at: maybe_time(row, 11)?,
        paid_until: maybe_time(row, 12)?,
        failing_since: maybe_time(row, 13)?,
        is_alert: flag(row, 14)?,
        started_at: time(row, 15)?,
        schedule: row.try_get(16)?,
        next: row
            .try_get::<Option<String>, _>(17)?
            .zip(row.try_get::<Option<i64>, _>(18)?),
    })
}

/// A customer's subscriptions, the newest first.
pub async fn subscriptions_of(db: &Db, customer: &CustomerId) -> Result<Vec<SubscriptionRow>> {
    let mut snapshot = db.snapshot().await?;
    subscriptions_seen(snapshot.conn(), customer).await
}

/// The same, inside a transaction.
pub async fn subscriptions_seen(
    connection: &mut AnyConnection,
    customer: &CustomerId,
) -> Result<Vec<SubscriptionRow>> {
    let order = "WHERE customer_id = $1 ORDER BY started_at DESC, subscription DESC";
    let sql = sqlx::AssertSqlSafe(format!("{SUBSCRIPTION} {order}"));
    let rows = sqlx::query(sql)
        .bind(customer.as_str())
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

pub async fn subscription(
    connection: &mut AnyConnection,
    id: &str,
) -> Result<Option<SubscriptionRow>> {
    let sql = sqlx::AssertSqlSafe(format!("{SUBSCRIPTION} WHERE subscription = $1"));
    let row = sqlx::query(sql).bind(id).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

/// Keeps what the provider says of it. What payments say (`paid_until`, `failing_since`) stays.
pub async fn keep_subscription(tx: &mut Tx, row: &SubscriptionRow, at: Timestamp) -> Result<()> {
    sqlx::query(
        "INSERT INTO billing_subscriptions (subscription, customer_id, status, price, element, quantity,
             period_start, period_end, trial_end, cancels_at_end, is_paused, ended_at, is_alert, started_at, changed_at,
             schedule, next_price, next_quantity)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
         ON CONFLICT (subscription) DO UPDATE SET status = excluded.status, price = excluded.price,
             element = excluded.element, quantity = excluded.quantity, period_start = excluded.period_start,
             period_end = excluded.period_end, trial_end = excluded.trial_end,
             cancels_at_end = excluded.cancels_at_end, is_paused = excluded.is_paused,
             ended_at = excluded.ended_at, is_alert = excluded.is_alert, changed_at = excluded.changed_at,
             schedule = excluded.schedule, next_price = excluded.next_price,
             next_quantity = excluded.next_quantity",
    )
    .bind(&row.subscription)
    .bind(row.customer.as_str())
    .bind(&row.status)
    .bind(&row.price)
    .bind(&row.element)
    .bind(row.quantity)
    .bind(row.period.0.as_micros())
    .bind(row.period.1.as_micros())
    .bind(row.trial_end.map(Timestamp::as_micros))
    .bind(i64::from(row.cancels_at_end))
    .bind(i64::from(row.is_paused))
    .bind(row.ended_at.map(Timestamp::as_micros))
    .bind(i64::from(row.is_alert))
    .bind(row.started_at.as_micros())
    .bind(at.as_micros())
    .bind(row.schedule.as_deref())
    .bind(row.next.as_ref().map(|(price, _)| price.as_str()))
    .bind(row.next.as_ref().map(|(_, quantity)| *quantity))
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What its payments say: until when it is paid for at most, and since when its renewal fails.
pub async fn keep_standing(
    tx: &mut Tx,
    id: &str,
    paid_until: Option<Timestamp>,
    failing_since: Option<Timestamp>,
) -> Result<()> {
    sqlx::query("UPDATE billing_subscriptions SET paid_until = $2, failing_since = $3 WHERE subscription = $1")
        .bind(id)
        .bind(paid_until.map(Timestamp::as_micros))
        .bind(failing_since.map(Timestamp::as_micros))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// From when on what a subscription brought is over, where it ended before its period did.
pub async fn credits_end(connection: &mut AnyConnection, id: &str) -> Result<Option<Timestamp>> {
    let row = sqlx::query("SELECT credits_end FROM billing_subscriptions WHERE subscription = $1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    row.map_or(Ok(None), |row| maybe_time(&row, 0))
}

/// Notes from when on what a subscription brought is over.
pub async fn end_credits(tx: &mut Tx, id: &str, at: Timestamp) -> Result<()> {
    sqlx::query("UPDATE billing_subscriptions SET credits_end = $2 WHERE subscription = $1 AND credits_end IS NULL")
        .bind(id)
        .bind(at.as_micros())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Every subscription, by name, from the one after `after`.
pub async fn all_subscriptions(db: &Db, after: &str, limit: i64) -> Result<Vec<SubscriptionRow>> {
    let sql = sqlx::AssertSqlSafe(format!(
        "{SUBSCRIPTION} WHERE subscription > $1 ORDER BY subscription LIMIT $2"
    ));
    let rows = sqlx::query(sql)
        .bind(after)
        .bind(limit)
        .fetch_all(db.reader())
        .await?;
    rows.iter().map(read).collect()
}

/// The subscriptions that are not over, of one provider's customers.
pub async fn live_subscriptions(db: &Db, provider: &str) -> Result<Vec<String>> {
    let rows = sqlx::query(
        "SELECT s.subscription FROM billing_subscriptions s JOIN billing_customers c ON c.id = s.customer_id
         WHERE c.provider = $1 AND s.status NOT IN ('canceled', 'incomplete_expired') ORDER BY s.subscription",
    )
    .bind(provider)
    .fetch_all(db.reader())
    .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

//! What was begun here and whose end the provider has to tell.

use sqlx::Row as _;

use super::super::objects::is_written_off;
use super::broken;
use crate::clock::Timestamp;
use crate::db::{Db, Tx};
use crate::error::Result;

/// The payment pages of orders that are not settled, the newest first.
pub async fn open_pages(db: &Db, provider: &str, limit: i64) -> Result<Vec<String>> {
    let rows = sqlx::query(
        "SELECT o.session FROM billing_orders o JOIN billing_customers c ON c.id = o.customer_id
         WHERE c.provider = $1 AND o.state IN ('open', 'pending') AND o.session IS NOT NULL
         ORDER BY o.id DESC LIMIT $2",
    )
    .bind(provider)
    .bind(limit)
    .fetch_all(db.reader())
    .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Closes the orders that were placed before `until` and whose page nobody was ever sent to.
pub async fn expire_orders(
    tx: &mut Tx,
    provider: &str,
    (until, at): (Timestamp, Timestamp),
) -> Result<()> {
    sqlx::query(
        "UPDATE billing_orders SET state = 'expired', changed_at = $3
         WHERE state = 'open' AND session IS NULL AND created_at < $2
             AND customer_id IN (SELECT id FROM billing_customers WHERE provider = $1)",
    )
    .bind(provider)
    .bind(until.as_micros())
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Closes the order of a payment page that there is no more.
pub async fn expire_page(tx: &mut Tx, session: &str, at: Timestamp) -> Result<()> {
    sqlx::query(
        "UPDATE billing_orders SET state = 'expired', changed_at = $2
         WHERE session = $1 AND state IN ('open', 'pending')",
    )
    .bind(session)
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The invoices that could not be paid and whose money somebody still waits for, the newest first.
pub async fn owed_invoices(db: &Db, provider: &str, limit: i64) -> Result<Vec<String>> {
    let rows = sqlx::query(
        "SELECT p.object, p.body FROM billing_payments p JOIN billing_customers c ON c.id = p.customer_id
         WHERE c.provider = $1 AND p.state = 'failed' AND p.subscription IS NOT NULL ORDER BY p.id DESC LIMIT $2",
    )
    .bind(provider)
    .bind(limit)
    .fetch_all(db.reader())
    .await?;
    let mut owed = Vec::new();
    for row in &rows {
        let body: String = row.try_get(1)?;
        if !is_written_off(&serde_json::from_str(&body).map_err(broken)?) {
            owed.push(row.try_get(0)?);
        }
    }
    Ok(owed)
}

/// The refunds that the provider knows of and that have not ended, the newest first.
pub async fn refunds_on_their_way(db: &Db, provider: &str, limit: i64) -> Result<Vec<String>> {
    let rows = sqlx::query(
        "SELECT r.refund FROM billing_refunds r
         JOIN billing_payments p ON p.id = r.payment_id
         JOIN billing_customers c ON c.id = p.customer_id
         WHERE c.provider = $1 AND r.state = 'asked' AND r.refund IS NOT NULL ORDER BY r.id DESC LIMIT $2",
    )
    .bind(provider)
    .bind(limit)
    .fetch_all(db.reader())
    .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

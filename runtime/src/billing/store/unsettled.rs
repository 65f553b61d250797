//! What was begun here and whose end the provider has to tell.

use sqlx::Row as _;

use super::super::objects::is_written_off;
use super::broken;
use crate::clock::Timestamp;
use crate::db::{Db, Tx};
use crate::error::Result;

/// What is not settled here until the provider tells how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsettled {
    /// The payment pages of orders.
    Pages,
    /// The invoices that could not be paid and whose money somebody still waits for.
    Invoices,
    /// The refunds that the provider knows of.
    Refunds,
}

impl Unsettled {
    pub const ALL: [Self; 3] = [Self::Pages, Self::Invoices, Self::Refunds];

    /// Gives the row, the provider's object, and the object as it was last told of.
    fn sql(self) -> &'static str {
        match self {
            Self::Pages => {
                "SELECT o.id, o.session, '{}' FROM billing_orders o JOIN billing_customers c ON c.id = o.customer_id
                 WHERE c.provider = $1 AND o.state IN ('open', 'pending') AND o.session IS NOT NULL
                     AND o.id < $2 ORDER BY o.id DESC LIMIT $3"
            }
            Self::Invoices => {
                "SELECT p.id, p.object, p.body FROM billing_payments p JOIN billing_customers c ON c.id = p.customer_id
                 WHERE c.provider = $1 AND p.state = 'failed' AND p.subscription IS NOT NULL
                     AND p.id < $2 ORDER BY p.id DESC LIMIT $3"
            }
            Self::Refunds => {
                "SELECT r.id, r.refund, '{}' FROM billing_refunds r
                 JOIN billing_payments p ON p.id = r.payment_id
                 JOIN billing_customers c ON c.id = p.customer_id
                 WHERE c.provider = $1 AND r.state = 'asked' AND r.refund IS NOT NULL
                     AND r.id < $2 ORDER BY r.id DESC LIMIT $3"
            }
        }
    }
}

/// A part of what is not settled.
#[derive(Debug, Clone, Default)]
pub struct UnsettledPart {
    pub objects: Vec<String>,
    /// Its last row, before which the next part begins; none where there is nothing more.
    pub last: Option<String>,
}

/// What is not settled here, the newest first, from the row before `before` on and out of at most so many rows.
pub async fn unsettled(
    db: &Db,
    provider: &str,
    what: Unsettled,
    (before, limit): (&str, i64),
) -> Result<UnsettledPart> {
    let rows = sqlx::query(what.sql())
        .bind(provider)
        .bind(before)
        .bind(limit)
        .fetch_all(db.reader())
        .await?;
    let mut part = UnsettledPart::default();
    for row in &rows {
        let body: String = row.try_get(2)?;
        if !is_written_off(&serde_json::from_str(&body).map_err(broken)?) {
            part.objects.push(row.try_get(1)?);
        }
        part.last = Some(row.try_get(0)?);
    }
    Ok(part)
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

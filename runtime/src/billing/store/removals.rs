//! Forgetting who paid.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::db::Tx;
use crate::error::Result;
use crate::ids::UserId;

/// The part of a customer that other rows name.
pub struct Forgotten {
    id: String,
    pub provider: String,
    /// What the provider calls him.
    pub customer: Option<String>,
}

/// Takes the address out of somebody's customers, of every provider.
pub async fn forget_customers(tx: &mut Tx, owner: &UserId) -> Result<Vec<Forgotten>> {
    let rows = sqlx::query(
        "UPDATE billing_customers SET email = '', version = version + 1 WHERE owner_id = $1
         RETURNING id, provider, customer",
    )
    .bind(owner.as_str())
    .fetch_all(tx.conn())
    .await?;
    let read = |row: &AnyRow| {
        Ok(Forgotten {
            id: row.try_get(0)?,
            provider: row.try_get(1)?,
            customer: row.try_get(2)?,
        })
    };
    rows.iter().map(read).collect()
}

fn pairs(rows: &[AnyRow]) -> Result<Vec<(String, String)>> {
    let read = |row: &AnyRow| Ok((row.try_get(0)?, row.try_get(1)?));
    rows.iter().map(read).collect()
}

/// What the provider said of somebody's payments.
pub async fn bodies_of(tx: &mut Tx, who: &Forgotten) -> Result<Vec<(String, String)>> {
    let rows = sqlx::query("SELECT id, body FROM billing_payments WHERE customer_id = $1")
        .bind(&who.id)
        .fetch_all(tx.conn())
        .await?;
    pairs(&rows)
}

pub async fn replace_body(tx: &mut Tx, payment: &str, body: &str) -> Result<()> {
    sqlx::query("UPDATE billing_payments SET body = $2 WHERE id = $1")
        .bind(payment)
        .bind(body)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The events that are about somebody.
pub async fn event_bodies_of(tx: &mut Tx, who: &Forgotten) -> Result<Vec<(String, String)>> {
    let rows =
        sqlx::query("SELECT id, body FROM billing_events WHERE customer = $1 AND provider = $2")
            .bind(&who.customer)
            .bind(&who.provider)
            .fetch_all(tx.conn())
            .await?;
    pairs(&rows)
}

pub async fn replace_event_body(tx: &mut Tx, event: &str, body: &str) -> Result<()> {
    sqlx::query("UPDATE billing_events SET body = $2 WHERE id = $1")
        .bind(event)
        .bind(body)
        .execute(tx.conn())
        .await?;
    Ok(())
}

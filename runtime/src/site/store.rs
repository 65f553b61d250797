//! Every query of the public pages.

use sqlx::Row as _;

use super::actions::ContactMessage;
use crate::clock::Timestamp;
use crate::db::{Db, Tx};
use crate::error::Result;

pub(super) async fn insert(tx: &mut Tx, message: &ContactMessage) -> Result<()> {
    sqlx::query(
        "INSERT INTO contact_messages (id, name, email, message, created_at)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(&message.id)
    .bind(&message.name)
    .bind(&message.email)
    .bind(&message.message)
    .bind(message.created_at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Up to `limit` messages that came before the one with the identifier `before`, newest first.
pub(super) async fn newest(db: &Db, before: &str, limit: i64) -> Result<Vec<ContactMessage>> {
    let rows = sqlx::query(
        "SELECT id, name, email, message, created_at FROM contact_messages
         WHERE id < $1 ORDER BY id DESC LIMIT $2",
    )
    .bind(before)
    .bind(limit)
    .fetch_all(db.reader())
    .await?;
    rows.iter()
        .map(|row| {
            Ok(ContactMessage {
                id: row.try_get(0)?,
                name: row.try_get(1)?,
                email: row.try_get(2)?,
                message: row.try_get(3)?,
                created_at: Timestamp::from_micros(row.try_get(4)?),
            })
        })
        .collect()
}

pub(super) async fn delete_from(tx: &mut Tx, email: &str) -> Result<()> {
    sqlx::query("DELETE FROM contact_messages WHERE LOWER(email) = $1")
        .bind(email.to_lowercase())
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn count_since(db: &Db, since: Timestamp) -> Result<i64> {
    let row = sqlx::query("SELECT COUNT(*) FROM contact_messages WHERE created_at >= $1")
        .bind(since.as_micros())
        .fetch_one(db.reader())
        .await?;
    Ok(row.try_get(0)?)
}

//! Every query about pictures.

use sqlx::Row as _;

use crate::clock::Timestamp;
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::ids::UserId;

/// Puts a picture in the place of the one before.
pub(super) async fn put(
    tx: &mut Tx,
    user: &UserId,
    (digest, jpeg): (&str, &[u8]),
    at: Timestamp,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO pictures (user_id, digest, jpeg, changed_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (user_id) DO UPDATE
         SET digest = excluded.digest, jpeg = excluded.jpeg, changed_at = excluded.changed_at",
    )
    .bind(user.as_str())
    .bind(digest)
    .bind(jpeg.to_vec())
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The digest of somebody's picture.
pub(super) async fn digest(db: &Db, user: &UserId) -> Result<Option<String>> {
    let row = sqlx::query("SELECT digest FROM pictures WHERE user_id = $1")
        .bind(user.as_str())
        .fetch_optional(db.reader())
        .await?;
    row.map(|row| Ok(row.try_get(0)?)).transpose()
}

/// Somebody's picture, if its digest is this.
pub(super) async fn find(db: &Db, user: &UserId, digest: &str) -> Result<Option<Vec<u8>>> {
    let row = sqlx::query("SELECT jpeg FROM pictures WHERE user_id = $1 AND digest = $2")
        .bind(user.as_str())
        .bind(digest)
        .fetch_optional(db.reader())
        .await?;
    row.map(|row| Ok(row.try_get(0)?)).transpose()
}

/// Somebody's picture, to take along.
pub(super) async fn of(db: &Db, user: &UserId) -> Result<Option<Vec<u8>>> {
    let row = sqlx::query("SELECT jpeg FROM pictures WHERE user_id = $1")
        .bind(user.as_str())
        .fetch_optional(db.reader())
        .await?;
    row.map(|row| Ok(row.try_get(0)?)).transpose()
}

/// Takes somebody's picture away. Twice is no error.
pub(super) async fn delete(tx: &mut Tx, user: &UserId) -> Result<()> {
    sqlx::query("DELETE FROM pictures WHERE user_id = $1")
        .bind(user.as_str())
        .execute(tx.conn())
        .await?;
    Ok(())
}

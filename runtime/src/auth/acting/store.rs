//! Queries about the staff acting as users.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::clock::Timestamp;
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::ids::UserId;

/// What is about to begin.
pub(super) struct New<'a> {
    pub id: &'a str,
    pub staff: &'a UserId,
    pub user: &'a UserId,
    pub session: &'a str,
    pub ends_by: Timestamp,
}

/// What has not ended.
pub(super) struct Open {
    pub id: String,
    pub staff: UserId,
    pub user: UserId,
    pub started_at: Timestamp,
}

pub(super) async fn insert(tx: &mut Tx, new: &New<'_>, at: Timestamp) -> Result<()> {
    sqlx::query(
        "INSERT INTO impersonations (id, staff_id, user_id, session_id, started_at, ends_by)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(new.id)
    .bind(new.staff.as_str())
    .bind(new.user.as_str())
    .bind(new.session)
    .bind(at.as_micros())
    .bind(new.ends_by.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

fn read(row: &AnyRow) -> Result<Open> {
    Ok(Open {
        id: row.try_get(0)?,
        staff: row.try_get::<String, _>(1)?.into(),
        user: row.try_get::<String, _>(2)?.into(),
        started_at: Timestamp::from_micros(row.try_get(3)?),
    })
}

pub(super) async fn open_in(db: &Db, session: &str) -> Result<Vec<Open>> {
    let rows = sqlx::query(
        "SELECT id, staff_id, user_id, started_at FROM impersonations
         WHERE session_id = $1 AND ended_at IS NULL",
    )
    .bind(session)
    .fetch_all(db.reader())
    .await?;
    rows.iter().map(read).collect()
}

pub(super) async fn overdue(db: &Db, now: Timestamp) -> Result<Vec<Open>> {
    let rows = sqlx::query(
        "SELECT i.id, i.staff_id, i.user_id, i.started_at
         FROM impersonations i LEFT JOIN sessions s ON s.id = i.session_id
         WHERE i.ended_at IS NULL AND (i.ends_by <= $1 OR s.id IS NULL OR s.expires_at <= $1)",
    )
    .bind(now.as_micros())
    .fetch_all(db.reader())
    .await?;
    rows.iter().map(read).collect()
}

/// Whether it had not ended before.
pub(super) async fn end(tx: &mut Tx, id: &str, at: Timestamp) -> Result<bool> {
    let done =
        sqlx::query("UPDATE impersonations SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL")
            .bind(id)
            .bind(at.as_micros())
            .execute(tx.conn())
            .await?;
    Ok(done.rows_affected() == 1)
}

//! Queries about people who leave.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::clock::Timestamp;
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::ids::UserId;

pub(super) async fn schedule(tx: &mut Tx, user: &UserId, due: Timestamp) -> Result<()> {
    sqlx::query("UPDATE users SET removal_due_at = $2 WHERE id = $1 AND removed_at IS NULL")
        .bind(user.as_str())
        .bind(due.as_micros())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The address of somebody who wanted to leave and does not any more; none where he did not want to.
pub(super) async fn unschedule(tx: &mut Tx, user: &UserId) -> Result<Option<String>> {
    let row = sqlx::query(
        "UPDATE users SET removal_due_at = NULL
         WHERE id = $1 AND removal_due_at IS NOT NULL AND removed_at IS NULL RETURNING email",
    )
    .bind(user.as_str())
    .fetch_optional(tx.conn())
    .await?;
    row.map(|row| Ok(row.try_get(0)?)).transpose()
}

/// Somebody who is to be forgotten, and since when.
pub(super) struct Due {
    pub user: UserId,
    since: i64,
}

/// Whoever is to be forgotten by now, up to `limit` people after the one who was looked up last.
pub(super) async fn due(
    db: &Db,
    now: Timestamp,
    (after, limit): (Option<&Due>, i64),
) -> Result<Vec<Due>> {
    let rows = sqlx::query(
        "SELECT id, removal_due_at FROM users
         WHERE removal_due_at <= $1 AND (removal_due_at > $2 OR (removal_due_at = $2 AND id > $3))
         ORDER BY removal_due_at, id LIMIT $4",
    )
    .bind(now.as_micros())
    .bind(after.map_or(i64::MIN, |last| last.since))
    .bind(after.map_or("", |last| last.user.as_str()))
    .bind(limit)
    .fetch_all(db.reader())
    .await?;
    let read = |row: &AnyRow| {
        Ok(Due {
            user: row.try_get::<String, _>(0)?.into(),
            since: row.try_get(1)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Somebody about to be forgotten.
pub(super) struct Leaving {
    pub email: String,
    pub is_verified: bool,
}

/// Locks the row of somebody who is still to be forgotten: who signs in at the same time stays, or comes too late.
pub(super) async fn lock_due(
    tx: &mut Tx,
    user: &UserId,
    now: Timestamp,
) -> Result<Option<Leaving>> {
    let row = sqlx::query(
        "UPDATE users SET removed_at = $2 WHERE id = $1 AND removal_due_at <= $2
         RETURNING email, email_verified_at",
    )
    .bind(user.as_str())
    .bind(now.as_micros())
    .fetch_optional(tx.conn())
    .await?;
    row.map(|row| {
        Ok(Leaving {
            email: row.try_get(0)?,
            is_verified: row.try_get::<Option<i64>, _>(1)?.is_some(),
        })
    })
    .transpose()
}

/// Takes the person out of the account. It is found under no address any more, and has no password.
pub(super) async fn forget(tx: &mut Tx, user: &UserId, now: Timestamp) -> Result<()> {
    sqlx::query(
        "UPDATE users SET email = 'removed-' || id || '@removed.invalid',
             email_key = 'removed-' || id, name = '', time_zone = '', locale = '', unwanted_mails = '',
             password_hash = '', is_active = 0,
             email_verified_at = NULL, last_signed_in_at = NULL, removal_due_at = NULL, removed_at = $2
         WHERE id = $1",
    )
    .bind(user.as_str())
    .bind(now.as_micros())
    .execute(tx.conn())
    .await?;
    for sql in [
        "DELETE FROM sessions WHERE user_id = $1",
        "DELETE FROM sign_in_challenges WHERE user_id = $1",
        "DELETE FROM mailed_tokens WHERE user_id = $1",
        "DELETE FROM second_factors WHERE user_id = $1",
        "DELETE FROM recovery_codes WHERE user_id = $1",
        "DELETE FROM other_factors WHERE user_id = $1",
        "DELETE FROM magic_links WHERE user_id = $1",
    ] {
        sqlx::query(sql)
            .bind(user.as_str())
            .execute(tx.conn())
            .await?;
    }
    Ok(())
}

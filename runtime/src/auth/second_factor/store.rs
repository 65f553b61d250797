//! Every query about second factors, recovery codes and sign-ins that wait for one of them.

use sqlx::Row as _;

use crate::clock::Timestamp;
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::ids::UserId;

/// What codes are checked against.
pub(super) struct Factor {
    /// Encrypted.
    pub secret: String,
    /// The last step whose code was used.
    pub used: i64,
}

pub(super) async fn find(tx: &mut Tx, user: &UserId) -> Result<Option<Factor>> {
    let row = sqlx::query("SELECT secret, used_step FROM second_factors WHERE user_id = $1")
        .bind(user.as_str())
        .fetch_optional(tx.conn())
        .await?;
    row.map(|row| {
        Ok(Factor {
            secret: row.try_get(0)?,
            used: row.try_get(1)?,
        })
    })
    .transpose()
}

/// Whether there is one, and how many recovery codes are left.
pub(super) async fn status(db: &Db, user: &UserId) -> Result<(bool, i64)> {
    let row = sqlx::query(
        "SELECT (SELECT COUNT(*) FROM second_factors WHERE user_id = $1),
             (SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1)",
    )
    .bind(user.as_str())
    .fetch_one(db.reader())
    .await?;
    Ok((row.try_get::<i64, _>(0)? == 1, row.try_get(1)?))
}

/// Whether there was none before.
pub(super) async fn insert(
    tx: &mut Tx,
    user: &UserId,
    factor: &Factor,
    at: Timestamp,
) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO second_factors (user_id, secret, used_step, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (user_id) DO NOTHING",
    )
    .bind(user.as_str())
    .bind(&factor.secret)
    .bind(factor.used)
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether there was one.
pub(super) async fn delete(tx: &mut Tx, user: &UserId) -> Result<bool> {
    let done = sqlx::query("DELETE FROM second_factors WHERE user_id = $1")
        .bind(user.as_str())
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that the code of `step` was used; no when it, or a later one, was before.
pub(super) async fn use_step(tx: &mut Tx, user: &UserId, step: i64) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE second_factors SET used_step = $1 WHERE user_id = $2 AND used_step < $1",
    )
    .bind(step)
    .bind(user.as_str())
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The kinds of second factors that somebody has beside codes of an app.
pub(super) async fn others(db: &Db, user: &UserId) -> Result<Vec<String>> {
    let rows = sqlx::query(OTHERS)
        .bind(user.as_str())
        .fetch_all(db.reader())
        .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// As [`others`], as the transaction sees it.
pub(super) async fn others_in(tx: &mut Tx, user: &UserId) -> Result<Vec<String>> {
    let rows = sqlx::query(OTHERS)
        .bind(user.as_str())
        .fetch_all(tx.conn())
        .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

const OTHERS: &str = "SELECT kind FROM other_factors WHERE user_id = $1";

pub(super) async fn add_other(tx: &mut Tx, user: &UserId, kind: &str) -> Result<()> {
    sqlx::query("INSERT INTO other_factors (user_id, kind) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(user.as_str())
        .bind(kind)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn drop_other(tx: &mut Tx, user: &UserId, kind: &str) -> Result<()> {
    sqlx::query("DELETE FROM other_factors WHERE user_id = $1 AND kind = $2")
        .bind(user.as_str())
        .bind(kind)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Whether somebody has recovery codes.
pub(super) async fn has_codes(tx: &mut Tx, user: &UserId) -> Result<bool> {
    let row = sqlx::query("SELECT 1 FROM recovery_codes WHERE user_id = $1 LIMIT 1")
        .bind(user.as_str())
        .fetch_optional(tx.conn())
        .await?;
    Ok(row.is_some())
}

/// Replaces all recovery codes.
pub(super) async fn set_codes(tx: &mut Tx, user: &UserId, digests: &[String]) -> Result<()> {
    sqlx::query("DELETE FROM recovery_codes WHERE user_id = $1")
        .bind(user.as_str())
        .execute(tx.conn())
        .await?;
    for digest in digests {
        sqlx::query("INSERT INTO recovery_codes (user_id, digest) VALUES ($1, $2)")
            .bind(user.as_str())
            .bind(digest)
            .execute(tx.conn())
            .await?;
    }
    Ok(())
}

/// Whether it was there; it is not any more.
pub(super) async fn use_code(tx: &mut Tx, user: &UserId, digest: &str) -> Result<bool> {
    let done = sqlx::query("DELETE FROM recovery_codes WHERE user_id = $1 AND digest = $2")
        .bind(user.as_str())
        .bind(digest)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn insert_challenge(
    tx: &mut Tx,
    digest: &str,
    user: &UserId,
    expires_at: Timestamp,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO sign_in_challenges (digest, user_id, tries, expires_at) VALUES ($1, $2, 0, $3)",
    )
    .bind(digest)
    .bind(user.as_str())
    .bind(expires_at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Counts one more try at a challenge that is not dead; says whose it is.
pub(super) async fn count_try(
    tx: &mut Tx,
    digest: &str,
    at: Timestamp,
    most: i64,
) -> Result<Option<UserId>> {
    let row = sqlx::query(
        "UPDATE sign_in_challenges SET tries = tries + 1
         WHERE digest = $1 AND expires_at > $2 AND tries < $3 RETURNING user_id",
    )
    .bind(digest)
    .bind(at.as_micros())
    .bind(most)
    .fetch_optional(tx.conn())
    .await?;
    row.map(|row| Ok(row.try_get::<String, _>(0)?.into()))
        .transpose()
}

/// Whose a challenge is, if it is not dead.
pub(super) async fn challenged(
    db: &Db,
    digest: &str,
    at: Timestamp,
    most: i64,
) -> Result<Option<UserId>> {
    let row = sqlx::query(
        "SELECT user_id FROM sign_in_challenges
         WHERE digest = $1 AND expires_at > $2 AND tries < $3",
    )
    .bind(digest)
    .bind(at.as_micros())
    .bind(most)
    .fetch_optional(db.reader())
    .await?;
    row.map(|row| Ok(row.try_get::<String, _>(0)?.into()))
        .transpose()
}

/// Whether it was still there.
pub(super) async fn delete_challenge(tx: &mut Tx, digest: &str) -> Result<bool> {
    let done = sqlx::query("DELETE FROM sign_in_challenges WHERE digest = $1")
        .bind(digest)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets challenges that nobody can answer any more.
pub(super) async fn sweep(tx: &mut Tx, at: Timestamp) -> Result<()> {
    sqlx::query("DELETE FROM sign_in_challenges WHERE expires_at <= $1")
        .bind(at.as_micros())
        .execute(tx.conn())
        .await?;
    Ok(())
}

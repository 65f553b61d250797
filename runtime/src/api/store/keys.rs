//! Queries of keys.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::api::entity::{ApiKey, KeyId, NewKey};
use crate::api::key::Fingerprint;
use crate::clock::Timestamp;
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::ids::UserId;

/// The columns of an [`ApiKey`], in the order in which [`key`] reads them.
macro_rules! columns {
    () => {
        "id, user_id, handle, name, scopes, created_at, expires_at, last_used_at, revoked_at, \
         replaced_by"
    };
}

/// Whether a form has made a key before.
pub async fn was_made(tx: &mut Tx, user: &UserId, form_key: &str) -> Result<bool> {
    let row = sqlx::query("SELECT 1 FROM api_keys WHERE user_id = $1 AND form_key = $2")
        .bind(user.as_str())
        .bind(form_key)
        .fetch_optional(tx.conn())
        .await?;
    Ok(row.is_some())
}

pub async fn insert(
    tx: &mut Tx,
    (user, id, at): (&UserId, &KeyId, Timestamp),
    new: &NewKey,
    fingerprint: &Fingerprint,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO api_keys
             (id, user_id, handle, digest, name, scopes, form_key, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(id.as_str())
    .bind(user.as_str())
    .bind(&fingerprint.handle)
    .bind(&fingerprint.digest)
    .bind(&new.name)
    .bind(new.scopes.join(" "))
    .bind(&new.form_key)
    .bind(at.as_micros())
    .bind(new.expires_at.map(Timestamp::as_micros))
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The key with this handle, and its digest.
pub async fn find(db: &Db, handle: &str) -> Result<Option<(ApiKey, String)>> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        ", digest FROM api_keys WHERE handle = $1"
    );
    let row = sqlx::query(sql)
        .bind(handle)
        .fetch_optional(db.reader())
        .await?;
    row.map(|row| Ok((key(&row)?, row.try_get(10)?)))
        .transpose()
}

/// The user's keys, the newest first.
pub async fn list(db: &Db, user: &UserId, limit: i64) -> Result<Vec<ApiKey>> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM api_keys WHERE user_id = $1 ORDER BY id DESC LIMIT $2"
    );
    let rows = sqlx::query(sql)
        .bind(user.as_str())
        .bind(limit)
        .fetch_all(db.reader())
        .await?;
    rows.iter().map(key).collect()
}

/// One of the user's keys, which nobody else changes until the transaction ends.
pub async fn lock(tx: &mut Tx, user: &UserId, id: &KeyId) -> Result<Option<ApiKey>> {
    let sql = concat!(
        "UPDATE api_keys SET handle = handle WHERE user_id = $1 AND id = $2 RETURNING ",
        columns!()
    );
    let row = sqlx::query(sql)
        .bind(user.as_str())
        .bind(id.as_str())
        .fetch_optional(tx.conn())
        .await?;
    row.as_ref().map(key).transpose()
}

/// How many of the user's keys open the door, but for one.
pub async fn count_live(
    tx: &mut Tx,
    (user, but): (&UserId, Option<&KeyId>),
    now: Timestamp,
) -> Result<i64> {
    let row = sqlx::query(
        "SELECT COUNT(*) FROM api_keys
         WHERE user_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2) AND id <> $3",
    )
    .bind(user.as_str())
    .bind(now.as_micros())
    .bind(but.map_or("", KeyId::as_str))
    .fetch_one(tx.conn())
    .await?;
    Ok(row.try_get(0)?)
}

pub async fn revoke(tx: &mut Tx, id: &KeyId, now: Timestamp) -> Result<()> {
    sqlx::query("UPDATE api_keys SET revoked_at = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(now.as_micros())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Makes every key of somebody useless.
pub async fn revoke_all(tx: &mut Tx, user: &UserId, now: Timestamp) -> Result<()> {
    sqlx::query("UPDATE api_keys SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL")
        .bind(user.as_str())
        .bind(now.as_micros())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Says that `new` takes the place of `old`, which ends at `end`.
pub async fn replace(tx: &mut Tx, old: &KeyId, new: &KeyId, end: Timestamp) -> Result<()> {
    sqlx::query("UPDATE api_keys SET replaced_by = $2, expires_at = $3 WHERE id = $1")
        .bind(old.as_str())
        .bind(new.as_str())
        .bind(end.as_micros())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Notes that a key was used, if that was not noted since `before`.
pub async fn touch(tx: &mut Tx, id: &KeyId, now: Timestamp, before: Timestamp) -> Result<()> {
    sqlx::query(
        "UPDATE api_keys SET last_used_at = $2
         WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)",
    )
    .bind(id.as_str())
    .bind(now.as_micros())
    .bind(before.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Deletes a user's keys and the answers that were kept for them.
pub async fn forget(tx: &mut Tx, user: &UserId) -> Result<()> {
    for sql in [
        "DELETE FROM api_keys WHERE user_id = $1",
        "DELETE FROM api_requests WHERE user_id = $1",
    ] {
        sqlx::query(sql)
            .bind(user.as_str())
            .execute(tx.conn())
            .await?;
    }
    Ok(())
}

fn key(row: &AnyRow) -> Result<ApiKey> {
    let time = |micros: Option<i64>| micros.map(Timestamp::from_micros);
    let scopes: String = row.try_get(4)?;
    Ok(ApiKey {
        id: row.try_get::<String, _>(0)?.into(),
        user: row.try_get::<String, _>(1)?.into(),
        handle: row.try_get(2)?,
        name: row.try_get(3)?,
        scopes: scopes.split_whitespace().map(str::to_owned).collect(),
        created_at: Timestamp::from_micros(row.try_get(5)?),
        expires_at: time(row.try_get(6)?),
        last_used_at: time(row.try_get(7)?),
        revoked_at: time(row.try_get(8)?),
        replaced_by: row.try_get::<Option<String>, _>(9)?.map(KeyId::from),
    })
}

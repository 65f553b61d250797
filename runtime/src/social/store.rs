//! Every query about identities at providers.

use sqlx::Row as _;

use super::rules::Identity;
use crate::clock::Timestamp;
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::ids::UserId;

/// An identity as its owner sees it.
#[derive(Debug)]
pub(super) struct Linked {
    pub issuer: String,
    pub subject: String,
    pub label: String,
    pub used_at: Timestamp,
}

/// Whose an identity is.
pub(super) async fn owner(db: &Db, identity: &Identity) -> Result<Option<UserId>> {
    let sql = "SELECT user_id FROM social_identities WHERE issuer = $1 AND subject = $2";
    let row = sqlx::query(sql)
        .bind(&identity.issuer)
        .bind(&identity.subject)
        .fetch_optional(db.reader())
        .await?;
    row.map(|row| Ok(row.try_get::<String, _>(0)?.into()))
        .transpose()
}

/// Gives an identity to somebody; no when it is somebody's already.
pub(super) async fn insert(
    tx: &mut Tx,
    identity: &Identity,
    user: &UserId,
    at: Timestamp,
) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO social_identities (issuer, subject, user_id, label, created_at, used_at)
         VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (issuer, subject) DO NOTHING",
    )
    .bind(&identity.issuer)
    .bind(&identity.subject)
    .bind(user.as_str())
    .bind(identity.label())
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that somebody signed in with his identity; no when it is not his any more.
pub(super) async fn touch(
    tx: &mut Tx,
    identity: &Identity,
    user: &UserId,
    at: Timestamp,
) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE social_identities SET used_at = $1, label = $2
         WHERE issuer = $3 AND subject = $4 AND user_id = $5",
    )
    .bind(at.as_micros())
    .bind(identity.label())
    .bind(&identity.issuer)
    .bind(&identity.subject)
    .bind(user.as_str())
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Somebody's identities, the oldest first.
pub(super) async fn of(db: &Db, user: &UserId) -> Result<Vec<Linked>> {
    let rows = sqlx::query(
        "SELECT issuer, subject, label, used_at FROM social_identities WHERE user_id = $1
         ORDER BY created_at, issuer, subject",
    )
    .bind(user.as_str())
    .fetch_all(db.reader())
    .await?;
    let read = |row: &sqlx::any::AnyRow| {
        Ok(Linked {
            issuer: row.try_get(0)?,
            subject: row.try_get(1)?,
            label: row.try_get(2)?,
            used_at: Timestamp::from_micros(row.try_get(3)?),
        })
    };
    rows.iter().map(read).collect()
}

/// Takes an identity from its owner; no when it was not his.
pub(super) async fn delete(
    tx: &mut Tx,
    (issuer, subject): (&str, &str),
    user: &UserId,
) -> Result<bool> {
    let done = sqlx::query(
        "DELETE FROM social_identities WHERE issuer = $1 AND subject = $2 AND user_id = $3",
    )
    .bind(issuer)
    .bind(subject)
    .bind(user.as_str())
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The issuers at which somebody has identities, one for each.
pub(super) async fn issuers(tx: &mut Tx, user: &UserId) -> Result<Vec<String>> {
    let rows = sqlx::query("SELECT issuer FROM social_identities WHERE user_id = $1")
        .bind(user.as_str())
        .fetch_all(tx.conn())
        .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Takes all identities from somebody.
pub(super) async fn forget(tx: &mut Tx, user: &UserId) -> Result<()> {
    sqlx::query("DELETE FROM social_identities WHERE user_id = $1")
        .bind(user.as_str())
        .execute(tx.conn())
        .await?;
    Ok(())
}

//! Every query about invitations.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{Invitation, InvitationId};
use crate::auth::rules::EmailAddress;
use crate::clock::Timestamp;
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::ids::UserId;

/// An invitation about to be made.
pub(super) struct New<'a> {
    pub id: &'a InvitationId,
    pub email: &'a EmailAddress,
    pub digest: &'a str,
    pub invited_by: &'a UserId,
    pub expires_at: Timestamp,
}

pub(super) async fn insert(tx: &mut Tx, new: &New<'_>, at: Timestamp) -> Result<()> {
    sqlx::query(
        "INSERT INTO invitations (id, email, email_key, digest, invited_by, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(new.id.as_str())
    .bind(new.email.as_str())
    .bind(new.email.key())
    .bind(new.digest)
    .bind(new.invited_by.as_str())
    .bind(at.as_micros())
    .bind(new.expires_at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Makes every link to an address useless.
pub(super) async fn revoke_open(tx: &mut Tx, email_key: &str, at: Timestamp) -> Result<()> {
    sqlx::query(
        "UPDATE invitations SET revoked_at = $2
         WHERE email_key = $1 AND used_at IS NULL AND revoked_at IS NULL",
    )
    .bind(email_key)
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn exists(tx: &mut Tx, id: &InvitationId) -> Result<bool> {
    let row = sqlx::query("SELECT 1 FROM invitations WHERE id = $1")
        .bind(id.as_str())
        .fetch_optional(tx.conn())
        .await?;
    Ok(row.is_some())
}

/// Takes an address out of the invitations that were sent to it; none of them opens anything any more.
pub(super) async fn forget(tx: &mut Tx, email_key: &str, at: Timestamp) -> Result<()> {
    revoke_open(tx, email_key, at).await?;
    sqlx::query(
        "UPDATE invitations SET email = 'removed-' || id || '@removed.invalid', email_key = 'removed-' || id
         WHERE email_key = $1",
    )
    .bind(email_key)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether it was open before.
pub(super) async fn revoke(tx: &mut Tx, id: &InvitationId, at: Timestamp) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE invitations SET revoked_at = $2
         WHERE id = $1 AND used_at IS NULL AND revoked_at IS NULL",
    )
    .bind(id.as_str())
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The address that a link is for, without using it.
pub(super) async fn find(db: &Db, digest: &str, at: Timestamp) -> Result<Option<String>> {
    let row = sqlx::query(
        "SELECT email FROM invitations
         WHERE digest = $1 AND used_at IS NULL AND revoked_at IS NULL AND expires_at > $2",
    )
    .bind(digest)
    .bind(at.as_micros())
    .fetch_optional(db.reader())
    .await?;
    row.map(|row| Ok(row.try_get(0)?)).transpose()
}

/// Whether there is one to this address that can be used.
pub(super) async fn is_open(db: &Db, email_key: &str, at: Timestamp) -> Result<bool> {
    let row = sqlx::query(
        "SELECT 1 FROM invitations
         WHERE email_key = $1 AND used_at IS NULL AND revoked_at IS NULL AND expires_at > $2",
    )
    .bind(email_key)
    .bind(at.as_micros())
    .fetch_optional(db.reader())
    .await?;
    Ok(row.is_some())
}

/// Uses up the one to this address.
pub(super) async fn take_of(tx: &mut Tx, email_key: &str, at: Timestamp) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE invitations SET used_at = $2
         WHERE email_key = $1 AND used_at IS NULL AND revoked_at IS NULL AND expires_at > $2",
    )
    .bind(email_key)
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Uses a link up: of those who come at the same time, one gets it.
pub(super) async fn take(
    tx: &mut Tx,
    (digest, email_key): (&str, &str),
    at: Timestamp,
) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE invitations SET used_at = $3
         WHERE digest = $1 AND email_key = $2 AND used_at IS NULL AND revoked_at IS NULL AND expires_at > $3",
    )
    .bind(digest)
    .bind(email_key)
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Up to `limit` invitations that were sent before the one with the identifier `before`, newest first.
pub(super) async fn newest(db: &Db, before: &str, limit: i64) -> Result<Vec<Invitation>> {
    let rows = sqlx::query(
        "SELECT i.id, i.email, u.email, i.created_at, i.expires_at, i.revoked_at, i.used_at
         FROM invitations i JOIN users u ON u.id = i.invited_by
         WHERE i.id < $1 ORDER BY i.id DESC LIMIT $2",
    )
    .bind(before)
    .bind(limit)
    .fetch_all(db.reader())
    .await?;
    let time = |row: &AnyRow, at: usize| -> Result<Option<Timestamp>> {
        Ok(row
            .try_get::<Option<i64>, _>(at)?
            .map(Timestamp::from_micros))
    };
    let read = |row: &AnyRow| {
        Ok(Invitation {
            id: row.try_get::<String, _>(0)?.into(),
            email: row.try_get(1)?,
            invited_by: row.try_get(2)?,
            created_at: Timestamp::from_micros(row.try_get(3)?),
            expires_at: Timestamp::from_micros(row.try_get(4)?),
            revoked_at: time(row, 5)?,
            used_at: time(row, 6)?,
        })
    };
    rows.iter().map(read).collect()
}

//! Every query about mailed links and about which addresses are confirmed.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::auth::entity::{MailedToken, Purpose};
use crate::clock::Timestamp;
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::ids::UserId;

pub(in crate::auth) async fn insert(
    tx: &mut Tx,
    digest: &str,
    token: &MailedToken,
    expires_at: Timestamp,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO mailed_tokens (digest, purpose, user_id, email, expires_at)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(digest)
    .bind(token.purpose.as_str())
    .bind(token.user.as_str())
    .bind(&token.email)
    .bind(expires_at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

fn read(purpose: Purpose, row: &AnyRow) -> Result<MailedToken> {
    Ok(MailedToken {
        purpose,
        user: row.try_get::<String, _>(0)?.into(),
        email: row.try_get(1)?,
    })
}

/// What a link is for, without using it.
pub(in crate::auth) async fn find(
    db: &Db,
    (digest, purpose): (&str, Purpose),
    at: Timestamp,
) -> Result<Option<MailedToken>> {
    let row = sqlx::query(
        "SELECT user_id, email FROM mailed_tokens
         WHERE digest = $1 AND purpose = $2 AND expires_at > $3",
    )
    .bind(digest)
    .bind(purpose.as_str())
    .bind(at.as_micros())
    .fetch_optional(db.reader())
    .await?;
    row.map(|row| read(purpose, &row)).transpose()
}

/// Uses a link up: of those who come at the same time, one gets it.
pub(in crate::auth) async fn take(
    tx: &mut Tx,
    (digest, purpose): (&str, Purpose),
    at: Timestamp,
) -> Result<Option<MailedToken>> {
    let row = sqlx::query(
        "DELETE FROM mailed_tokens WHERE digest = $1 AND purpose = $2 AND expires_at > $3
         RETURNING user_id, email",
    )
    .bind(digest)
    .bind(purpose.as_str())
    .bind(at.as_micros())
    .fetch_optional(tx.conn())
    .await?;
    row.map(|row| read(purpose, &row)).transpose()
}

/// Makes every link of this kind useless that was mailed for an account.
pub(in crate::auth) async fn delete_of(tx: &mut Tx, user: &UserId, purpose: Purpose) -> Result<()> {
    sqlx::query("DELETE FROM mailed_tokens WHERE user_id = $1 AND purpose = $2")
        .bind(user.as_str())
        .bind(purpose.as_str())
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(in crate::auth) async fn sweep(tx: &mut Tx, at: Timestamp) -> Result<()> {
    sqlx::query("DELETE FROM mailed_tokens WHERE expires_at <= $1")
        .bind(at.as_micros())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Notes that an address is its owner's, if it is still the account's.
pub(in crate::auth) async fn mark_verified(
    tx: &mut Tx,
    user: &UserId,
    email_key: &str,
    at: Timestamp,
) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE users SET email_verified_at = COALESCE(email_verified_at, $1)
         WHERE id = $2 AND email_key = $3",
    )
    .bind(at.as_micros())
    .bind(user.as_str())
    .bind(email_key)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives an account a confirmed address, unless it is another account's. Says the old one.
pub(in crate::auth) async fn change_email(
    tx: &mut Tx,
    user: &UserId,
    (email, email_key): (&str, &str),
    at: Timestamp,
) -> Result<Option<String>> {
    let old = sqlx::query("SELECT email FROM users WHERE id = $1")
        .bind(user.as_str())
        .fetch_optional(tx.conn())
        .await?;
    let Some(old) = old else { return Ok(None) };
    let done = sqlx::query(
        "UPDATE users SET email = $1, email_key = $2, email_verified_at = $3
         WHERE id = $4 AND NOT EXISTS (SELECT 1 FROM users WHERE email_key = $2 AND id <> $4)",
    )
    .bind(email)
    .bind(email_key)
    .bind(at.as_micros())
    .bind(user.as_str())
    .execute(tx.conn())
    .await?;
    let changed = done.rows_affected() == 1;
    changed.then(|| Ok(old.try_get(0)?)).transpose()
}

//! Every query about passkeys and the questions put to them.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::rules::Name;
use crate::clock::Timestamp;
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::ids::UserId;

crate::id_type! {
    /// One passkey.
    PasskeyId
}

/// A passkey as it is stored.
#[derive(Debug, Clone)]
pub(super) struct Passkey {
    pub id: PasskeyId,
    pub user: UserId,
    /// What the device calls it, as base64url.
    pub credential_id: String,
    pub name: String,
    /// As JSON.
    pub credential: String,
    pub created_at: Timestamp,
    pub used_at: Option<Timestamp>,
}

/// What [`read`] reads, in its order.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, user_id, credential_id, name, credential, created_at, used_at FROM passkeys ",
            $rest
        )
    };
}

fn read(row: &AnyRow) -> Result<Passkey> {
    Ok(Passkey {
        id: row.try_get::<String, _>(0)?.into(),
        user: row.try_get::<String, _>(1)?.into(),
        credential_id: row.try_get(2)?,
        name: row.try_get(3)?,
        credential: row.try_get(4)?,
        created_at: Timestamp::from_micros(row.try_get(5)?),
        used_at: row
            .try_get::<Option<i64>, _>(6)?
            .map(Timestamp::from_micros),
    })
}

/// Somebody's passkeys, the oldest first.
pub(super) async fn of(db: &Db, user: &UserId) -> Result<Vec<Passkey>> {
    let rows = sqlx::query(select!("WHERE user_id = $1 ORDER BY created_at, id"))
        .bind(user.as_str())
        .fetch_all(db.reader())
        .await?;
    rows.iter().map(read).collect()
}

/// One of somebody's passkeys.
pub(super) async fn find(db: &Db, user: &UserId, id: &PasskeyId) -> Result<Option<Passkey>> {
    let row = sqlx::query(select!("WHERE user_id = $1 AND id = $2"))
        .bind(user.as_str())
        .bind(id.as_str())
        .fetch_optional(db.reader())
        .await?;
    row.as_ref().map(read).transpose()
}

/// The passkey that a device calls so, whoever's it is.
pub(super) async fn by_credential(db: &Db, credential_id: &str) -> Result<Option<Passkey>> {
    let row = sqlx::query(select!("WHERE credential_id = $1"))
        .bind(credential_id)
        .fetch_optional(db.reader())
        .await?;
    row.as_ref().map(read).transpose()
}

/// How many somebody has.
pub(super) async fn count(tx: &mut Tx, user: &UserId) -> Result<i64> {
    let row = sqlx::query("SELECT COUNT(*) FROM passkeys WHERE user_id = $1")
        .bind(user.as_str())
        .fetch_one(tx.conn())
        .await?;
    Ok(row.try_get(0)?)
}

/// No when it is somebody's already.
pub(super) async fn insert(tx: &mut Tx, new: &Passkey) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO passkeys (id, user_id, credential_id, name, credential, created_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (credential_id) DO NOTHING",
    )
    .bind(new.id.as_str())
    .bind(new.user.as_str())
    .bind(&new.credential_id)
    .bind(&new.name)
    .bind(&new.credential)
    .bind(new.created_at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that a passkey was used and what is known of it since; no when somebody else was faster, or it is gone.
pub(super) async fn touch(
    tx: &mut Tx,
    known: &Passkey,
    credential: &str,
    at: Timestamp,
) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE passkeys SET credential = $1, used_at = $2 WHERE id = $3 AND credential = $4",
    )
    .bind(credential)
    .bind(at.as_micros())
    .bind(known.id.as_str())
    .bind(&known.credential)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// No when he has none such.
pub(super) async fn rename(
    tx: &mut Tx,
    (user, id): (&UserId, &PasskeyId),
    name: &Name,
) -> Result<bool> {
    let done = sqlx::query("UPDATE passkeys SET name = $1 WHERE user_id = $2 AND id = $3")
        .bind(name.as_str())
        .bind(user.as_str())
        .bind(id.as_str())
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// No when he has none such.
pub(super) async fn delete(tx: &mut Tx, user: &UserId, id: &PasskeyId) -> Result<bool> {
    let done = sqlx::query("DELETE FROM passkeys WHERE user_id = $1 AND id = $2")
        .bind(user.as_str())
        .bind(id.as_str())
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes all that somebody has.
pub(super) async fn forget(tx: &mut Tx, user: &UserId) -> Result<()> {
    for sql in [
        "DELETE FROM passkeys WHERE user_id = $1",
        "DELETE FROM passkey_questions WHERE user_id = $1",
    ] {
        sqlx::query(sql)
            .bind(user.as_str())
            .execute(tx.conn())
            .await?;
    }
    Ok(())
}

/// A question as it is kept.
pub(super) struct Question<'a> {
    pub digest: &'a str,
    pub purpose: &'static str,
    pub user: Option<&'a UserId>,
}

pub(super) async fn ask(
    tx: &mut Tx,
    question: &Question<'_>,
    state: &str,
    expires_at: Timestamp,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO passkey_questions (digest, purpose, user_id, state, expires_at)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(question.digest)
    .bind(question.purpose)
    .bind(question.user.map(UserId::as_str))
    .bind(state)
    .bind(expires_at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes a question away, whatever comes of its answer: of those who come at the same time, one gets it.
pub(super) async fn take(
    tx: &mut Tx,
    question: &Question<'_>,
    at: Timestamp,
) -> Result<Option<String>> {
    let row = sqlx::query(
        "DELETE FROM passkey_questions
         WHERE digest = $1 AND purpose = $2 AND COALESCE(user_id, '') = $3 AND expires_at > $4
         RETURNING state",
    )
    .bind(question.digest)
    .bind(question.purpose)
    .bind(question.user.map_or("", UserId::as_str))
    .bind(at.as_micros())
    .fetch_optional(tx.conn())
    .await?;
    row.map(|row| Ok(row.try_get(0)?)).transpose()
}

/// Forgets questions that nobody can answer any more.
pub(super) async fn sweep(tx: &mut Tx, at: Timestamp) -> Result<()> {
    sqlx::query("DELETE FROM passkey_questions WHERE expires_at <= $1")
        .bind(at.as_micros())
        .execute(tx.conn())
        .await?;
    Ok(())
}

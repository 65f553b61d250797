//! Every query about sign-ins by mail.

use sqlx::{AssertSqlSafe, Row as _};

use crate::clock::Timestamp;
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::ids::UserId;

/// What a browser asked for.
pub(super) struct Asked {
    pub browser_digest: String,
    pub email_key: String,
    pub next: String,
}

/// Digests of what was mailed.
pub(super) struct Secrets {
    pub link: String,
    pub code: String,
}

/// What a code is compared with; without a digest no code is right.
pub(super) struct Tried {
    pub email_key: String,
    pub code_digest: Option<String>,
}

/// By what a mail is found again.
#[derive(Clone, Copy)]
pub(super) enum By<'a> {
    /// The digest of what the browser holds.
    Browser(&'a str),
    /// The digest of the link.
    Link(&'a str),
}

impl<'a> By<'a> {
    fn parts(self) -> (&'static str, &'a str) {
        match self {
            Self::Browser(digest) => ("browser_digest", digest),
            Self::Link(digest) => ("link_digest", digest),
        }
    }
}

pub(super) async fn insert(tx: &mut Tx, asked: &Asked, expires_at: Timestamp) -> Result<()> {
    sqlx::query(
        "INSERT INTO magic_links (browser_digest, email_key, next, tries, expires_at)
         VALUES ($1, $2, $3, 0, $4)",
    )
    .bind(&asked.browser_digest)
    .bind(&asked.email_key)
    .bind(&asked.next)
    .bind(expires_at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The address that a browser asked for.
pub(super) async fn address(db: &Db, browser_digest: &str) -> Result<Option<String>> {
    let row = sqlx::query("SELECT email_key FROM magic_links WHERE browser_digest = $1")
        .bind(browser_digest)
        .fetch_optional(db.reader())
        .await?;
    row.map(|row| Ok(row.try_get(0)?)).transpose()
}

/// Notes what is mailed to whom; no when something was already.
pub(super) async fn fill(
    tx: &mut Tx,
    browser_digest: &str,
    user: &UserId,
    secrets: &Secrets,
) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE magic_links SET user_id = $1, link_digest = $2, code_digest = $3
         WHERE browser_digest = $4 AND link_digest IS NULL",
    )
    .bind(user.as_str())
    .bind(&secrets.link)
    .bind(&secrets.code)
    .bind(browser_digest)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Counts one more code that a browser tries, unless it is late or tried too many.
pub(super) async fn count_try(
    tx: &mut Tx,
    browser_digest: &str,
    at: Timestamp,
    most: i64,
) -> Result<Option<Tried>> {
    let row = sqlx::query(
        "UPDATE magic_links SET tries = tries + 1
         WHERE browser_digest = $1 AND expires_at > $2 AND tries < $3
         RETURNING email_key, code_digest",
    )
    .bind(browser_digest)
    .bind(at.as_micros())
    .bind(most)
    .fetch_optional(tx.conn())
    .await?;
    row.map(|row| {
        Ok(Tried {
            email_key: row.try_get(0)?,
            code_digest: row.try_get(1)?,
        })
    })
    .transpose()
}

/// The address of the account that a link opens.
pub(super) async fn find(db: &Db, link_digest: &str, at: Timestamp) -> Result<Option<String>> {
    let row = sqlx::query(
        "SELECT u.email FROM magic_links m JOIN users u ON u.id = m.user_id
         WHERE m.link_digest = $1 AND m.expires_at > $2",
    )
    .bind(link_digest)
    .bind(at.as_micros())
    .fetch_optional(db.reader())
    .await?;
    row.map(|row| Ok(row.try_get(0)?)).transpose()
}

/// Whose account it opens.
pub(super) async fn owner(db: &Db, by: By<'_>, at: Timestamp) -> Result<Option<UserId>> {
    let (column, digest) = by.parts();
    let sql = format!(
        "SELECT user_id FROM magic_links
         WHERE {column} = $1 AND expires_at > $2 AND user_id IS NOT NULL"
    );
    let row = sqlx::query(AssertSqlSafe(sql))
        .bind(digest)
        .bind(at.as_micros())
        .fetch_optional(db.reader())
        .await?;
    row.map(|row| Ok(row.try_get::<String, _>(0)?.into()))
        .transpose()
}

/// Uses it up, with all else that was mailed to the same account: of those who come at the same time, one gets it.
pub(super) async fn take(tx: &mut Tx, by: By<'_>, at: Timestamp) -> Result<Option<Asked>> {
    let (column, digest) = by.parts();
    let sql = format!(
        "DELETE FROM magic_links WHERE {column} = $1 AND expires_at > $2 AND user_id IS NOT NULL
         RETURNING browser_digest, email_key, next, user_id"
    );
    let row = sqlx::query(AssertSqlSafe(sql))
        .bind(digest)
        .bind(at.as_micros())
        .fetch_optional(tx.conn())
        .await?;
    let Some(row) = row else { return Ok(None) };
    sqlx::query("DELETE FROM magic_links WHERE user_id = $1")
        .bind(row.try_get::<String, _>(3)?)
        .execute(tx.conn())
        .await?;
    Ok(Some(Asked {
        browser_digest: row.try_get(0)?,
        email_key: row.try_get(1)?,
        next: row.try_get(2)?,
    }))
}

pub(super) async fn sweep(tx: &mut Tx, at: Timestamp) -> Result<()> {
    sqlx::query("DELETE FROM magic_links WHERE expires_at <= $1")
        .bind(at.as_micros())
        .execute(tx.conn())
        .await?;
    Ok(())
}

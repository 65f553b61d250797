//! Queries of requests that may come again.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::api::entity::{Kept, KeptRequest};
use crate::clock::Timestamp;
use crate::db::{Db, Dialect, Tx};
use crate::error::{Error, Result};
use crate::ids::UserId;

/// Whose request, under which key.
#[derive(Debug, Clone)]
pub struct RequestKey {
    pub user: UserId,
    pub key: String,
}

/// Begins a request that nobody has begun before. Says whether that is so.
pub async fn begin(
    tx: &mut Tx,
    request: &RequestKey,
    new: &KeptRequest,
    expires_at: Timestamp,
) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO api_requests
             (user_id, idempotency_key, digest, attempt, leased_until, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (user_id, idempotency_key) DO NOTHING",
    )
    .bind(request.user.as_str())
    .bind(&request.key)
    .bind(&new.digest)
    .bind(&new.attempt)
    .bind(new.leased_until.as_micros())
    .bind(expires_at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn find(db: &Db, request: &RequestKey) -> Result<Option<KeptRequest>> {
    let row = sqlx::query(
        "SELECT digest, attempt, leased_until, status, body, headers FROM api_requests
         WHERE user_id = $1 AND idempotency_key = $2",
    )
    .bind(request.user.as_str())
    .bind(&request.key)
    .fetch_optional(db.reader())
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(KeptRequest {
        digest: row.try_get(0)?,
        attempt: row.try_get(1)?,
        leased_until: Timestamp::from_micros(row.try_get(2)?),
        answer: answer(&row)?,
    }))
}

fn answer(row: &AnyRow) -> Result<Option<Kept>> {
    let (status, body): (Option<i64>, Option<String>) = (row.try_get(3)?, row.try_get(4)?);
    let Some((status, body)) = status.zip(body) else {
        return Ok(None);
    };
    // Answers from before there were any have none.
    let headers: Option<String> = row.try_get(5)?;
    let headers = headers.map(|json| serde_json::from_str(&json)).transpose();
    Ok(Some(Kept {
        status: u16::try_from(status).map_err(Error::internal)?,
        headers: headers.map_err(Error::internal)?.unwrap_or_default(),
        body,
    }))
}

/// Goes on with a request whose last attempt has come to nothing. Says whether nobody else did.
pub async fn take_over(
    tx: &mut Tx,
    request: &RequestKey,
    (old, new): (&str, &str),
    leased_until: Timestamp,
) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE api_requests SET attempt = $4, leased_until = $5
         WHERE user_id = $1 AND idempotency_key = $2 AND attempt = $3 AND status IS NULL",
    )
    .bind(request.user.as_str())
    .bind(&request.key)
    .bind(old)
    .bind(new)
    .bind(leased_until.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Keeps an answer, unless somebody else has taken the request over.
pub async fn finish(tx: &mut Tx, request: &RequestKey, attempt: &str, kept: &Kept) -> Result<()> {
    let headers = serde_json::to_string(&kept.headers).map_err(Error::internal)?;
    sqlx::query(
        "UPDATE api_requests SET status = $4, body = $5, headers = $6
         WHERE user_id = $1 AND idempotency_key = $2 AND attempt = $3",
    )
    .bind(request.user.as_str())
    .bind(&request.key)
    .bind(attempt)
    .bind(i64::from(kept.status))
    .bind(&kept.body)
    .bind(headers)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Forgets a request that came to nothing, so that it can be sent again.
pub async fn forget(tx: &mut Tx, request: &RequestKey, attempt: &str) -> Result<()> {
    sqlx::query(
        "DELETE FROM api_requests WHERE user_id = $1 AND idempotency_key = $2 AND attempt = $3",
    )
    .bind(request.user.as_str())
    .bind(&request.key)
    .bind(attempt)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Forgets up to `limit` requests whose time is over, and says how many. Those that somebody is about to change are
/// left to him.
pub async fn sweep(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<u64> {
    let sql = match tx.dialect() {
        Dialect::Sqlite => {
            "DELETE FROM api_requests WHERE (user_id, idempotency_key) IN
                 (SELECT user_id, idempotency_key FROM api_requests WHERE expires_at <= $1
                  ORDER BY expires_at LIMIT $2)"
        }
        Dialect::Postgres => {
            "DELETE FROM api_requests WHERE (user_id, idempotency_key) IN
                 (SELECT user_id, idempotency_key FROM api_requests WHERE expires_at <= $1
                  ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)"
        }
    };
    let done = sqlx::query(sql)
        .bind(now.as_micros())
        .bind(limit)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected())
}

//! Every query of limits.

use std::time::Duration;

use sqlx::Row as _;

use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::Result;

/// A window after something was taken from it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    /// More than the limit where somebody asked for more.
    pub used: i64,
    pub ends_at: Timestamp,
}

/// Takes `wanted`, in a new window where the old one has ended, and clears a few old ones away.
pub(super) async fn take(
    tx: &mut Tx,
    (name, subject): (&str, &str),
    (wanted, window): (u32, Duration),
    now: Timestamp,
) -> Result<Taken> {
    let row = sqlx::query(
        "INSERT INTO request_limits (name, subject, used, ends_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name, subject) DO UPDATE SET
             used = CASE WHEN request_limits.ends_at <= $5 THEN $3 ELSE request_limits.used + $3 END,
             ends_at = CASE WHEN request_limits.ends_at <= $5 THEN $4 ELSE request_limits.ends_at END
         RETURNING used, ends_at",
    )
    .bind(name)
    .bind(subject)
    .bind(i64::from(wanted))
    .bind(now.plus(window).as_micros())
    .bind(now.as_micros())
    .fetch_one(tx.conn())
    .await?;
    let used: i64 = row.try_get(0)?;
    if used == i64::from(wanted) {
        sweep(tx, now).await?;
    }
    Ok(Taken {
        used,
        ends_at: Timestamp::from_micros(row.try_get(1)?),
    })
}

/// How many windows that have ended one new one clears away.
const SWEEP: i64 = 10;

/// Windows that others are about to open anew are left to them: whoever waits for a row here could wait in a circle.
async fn sweep(tx: &mut Tx, now: Timestamp) -> Result<()> {
    let sql = match tx.dialect() {
        crate::db::Dialect::Sqlite => {
            "DELETE FROM request_limits WHERE (name, subject) IN
                 (SELECT name, subject FROM request_limits WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2)"
        }
        crate::db::Dialect::Postgres => {
            "DELETE FROM request_limits WHERE (name, subject) IN
                 (SELECT name, subject FROM request_limits WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2
                  FOR UPDATE SKIP LOCKED)"
        }
    };
    sqlx::query(sql)
        .bind(now.as_micros())
        .bind(SWEEP)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn clear(tx: &mut Tx, name: &str, subject: &str) -> Result<()> {
    sqlx::query("DELETE FROM request_limits WHERE name = $1 AND subject = $2")
        .bind(name)
        .bind(subject)
        .execute(tx.conn())
        .await?;
    Ok(())
}

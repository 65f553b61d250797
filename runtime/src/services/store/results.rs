//! Queries that remove results whose time is up.

use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::Result;

/// Runs in the background that ended by an instant and still have their results.
macro_rules! due {
    () => {
        "SELECT id FROM service_runs WHERE attempt > 0 AND forgotten_at IS NULL AND finished_at <= $1
         ORDER BY finished_at, id LIMIT $2"
    };
}

/// Removes what runs in the background gave and said that ended by `until`, at most `limit` of them. Says of how many.
pub async fn remove(tx: &mut Tx, until: Timestamp, now: Timestamp, limit: i64) -> Result<u64> {
    let events = concat!(
        "DELETE FROM service_run_events WHERE run_id IN (",
        due!(),
        ")"
    );
    sqlx::query(events)
        .bind(until.as_micros())
        .bind(limit)
        .execute(tx.conn())
        .await?;
    let runs = concat!(
        "UPDATE service_runs SET output = NULL, forgotten_at = $3 WHERE id IN (",
        due!(),
        ")"
    );
    let done = sqlx::query(runs)
        .bind(until.as_micros())
        .bind(limit)
        .bind(now.as_micros())
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected())
}

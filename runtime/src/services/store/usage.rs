//! Queries of how much services are used.

use std::collections::HashMap;

use sqlx::Row as _;

use super::{credits, status};
use crate::clock::Timestamp;
use crate::credits::Credits;
use crate::db::Db;
use crate::error::Result;
use crate::ids::first_id;
use crate::services::entity::RunStatus;

/// How much one service was used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    pub runs: i64,
    pub succeeded: i64,
    pub failed: i64,
    pub cancelled: i64,
    pub users: i64,
    pub charged: Credits,
    /// How long the runs with a result took, in sum.
    pub worked_micros: i64,
}

/// How much each service was used since `since`, by its name.
pub async fn usage(db: &Db, since: Timestamp) -> Result<HashMap<String, Usage>> {
    let rows = sqlx::query(
        "SELECT service, status, COUNT(*), CAST(SUM(cost) AS BIGINT),
             CAST(COALESCE(SUM(finished_at - started_at), 0) AS BIGINT)
         FROM service_runs WHERE id >= $1 AND started_at >= $2 GROUP BY service, status",
    )
    // Identifiers sort by the time at which runs were started: this finds where to begin.
    .bind(first_id(since))
    .bind(since.as_micros())
    .fetch_all(db.reader())
    .await?;
    let mut all: HashMap<String, Usage> = HashMap::new();
    for row in &rows {
        let usage = all.entry(row.try_get(0)?).or_default();
        let count: i64 = row.try_get(2)?;
        usage.runs += count;
        match status(row, 1)? {
            RunStatus::Queued | RunStatus::Running => {}
            RunStatus::Failed => usage.failed = count,
            RunStatus::Cancelled => usage.cancelled = count,
            RunStatus::Succeeded => {
                usage.succeeded = count;
                usage.charged = credits(row, 3)?;
                usage.worked_micros = row.try_get(4)?;
            }
        }
    }
    let rows = sqlx::query(
        "SELECT service, COUNT(DISTINCT user_id) FROM service_runs
         WHERE id >= $1 AND started_at >= $2 GROUP BY service",
    )
    .bind(first_id(since))
    .bind(since.as_micros())
    .fetch_all(db.reader())
    .await?;
    for row in &rows {
        all.entry(row.try_get(0)?).or_default().users = row.try_get(1)?;
    }
    Ok(all)
}

//! Queries over the runs of all users, for the staff.

use std::collections::HashMap;

use sqlx::Row as _;

use super::{credits, run, status};
use crate::clock::Timestamp;
use crate::credits::Credits;
use crate::db::Db;
use crate::error::Result;
use crate::ids::{AFTER_ALL, UserId};
use crate::services::entity::{Run, RunId, RunStatus};

/// Which runs are asked for. None narrows nothing down.
#[derive(Debug, Clone, Default)]
pub struct RunQuery {
    pub service: Option<String>,
    pub status: Option<RunStatus>,
    pub user: Option<UserId>,
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub before: Option<RunId>,
    pub limit: i64,
}

/// Runs of everybody, the newest first.
pub async fn list(db: &Db, query: &RunQuery) -> Result<Vec<Run>> {
    let sql = concat!(
        "SELECT ",
        run_columns!(),
        " FROM service_runs
         WHERE id < $1 AND ($2 = '' OR service = $2) AND ($3 = '' OR status = $3)
             AND ($4 = '' OR user_id = $4) AND started_at >= $5 AND started_at < $6
         ORDER BY id DESC LIMIT $7"
    );
    let instant = |at: Option<Timestamp>, open| at.map_or(open, Timestamp::as_micros);
    let rows = sqlx::query(sql)
        .bind(query.before.as_ref().map_or(AFTER_ALL, RunId::as_str))
        .bind(query.service.as_deref().unwrap_or_default())
        .bind(query.status.map_or("", RunStatus::as_str))
        .bind(query.user.as_ref().map_or("", UserId::as_str))
        .bind(instant(query.from, i64::MIN))
        .bind(instant(query.until, i64::MAX))
        .bind(query.limit)
        .fetch_all(db.reader())
        .await?;
    rows.iter().map(run).collect()
}

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
         FROM service_runs WHERE started_at >= $1 GROUP BY service, status",
    )
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
        "SELECT service, COUNT(DISTINCT user_id) FROM service_runs WHERE started_at >= $1 GROUP BY service",
    )
    .bind(since.as_micros())
    .fetch_all(db.reader())
    .await?;
    for row in &rows {
        all.entry(row.try_get(0)?).or_default().users = row.try_get(1)?;
    }
    Ok(all)
}

//! Every query of runs.

use anyhow::Context as _;
use serde_json::Value;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::entity::{Run, RunFilter, RunId, RunStatus, RunSummary};
use crate::clock::Timestamp;
use crate::credits::{Credits, HoldId, Price};
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::ids::{AFTER_ALL, UserId};

/// The columns of a [`Run`], in the order in which [`run`] reads them.
macro_rules! run_columns {
    () => {
        "id, user_id, service, status, cost, hold_id, input, output, error, started_at, ends_by, \
         finished_at, cancel_asked_at, price_version, forgotten_at"
    };
}

pub mod events;
#[cfg(test)]
mod plans;
pub mod results;
pub mod switches;
pub mod usage;

/// A run that is about to start.
pub struct NewRun<'a> {
    pub id: &'a RunId,
    pub user: &'a UserId,
    pub service: &'a str,
    pub key: &'a str,
    pub digest: &'a str,
    pub price: &'a Price,
    pub hold: Option<&'a HoldId>,
    pub status: RunStatus,
    pub input: &'a str,
    pub started_at: Timestamp,
    pub ends_by: Timestamp,
}

/// How a run ended.
pub struct Ending<'a> {
    pub status: RunStatus,
    pub output: Option<String>,
    pub error: Option<&'a str>,
    /// In which attempt it ended; none when somebody else ends it.
    pub attempt: Option<i64>,
    /// What it really cost; none where the price stands.
    pub cost: Option<Credits>,
    pub at: Timestamp,
}

pub async fn insert(tx: &mut Tx, run: &NewRun<'_>) -> Result<()> {
    sqlx::query(
        "INSERT INTO service_runs
             (id, user_id, service, idempotency_key, digest, status, cost, hold_id, input,
              started_at, ends_by, price_version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(run.id.as_str())
    .bind(run.user.as_str())
    .bind(run.service)
    .bind(run.key)
    .bind(run.digest)
    .bind(run.status.as_str())
    .bind(run.price.amount.as_milli())
    .bind(run.hold.map(HoldId::as_str))
    .bind(run.input)
    .bind(run.started_at.as_micros())
    .bind(run.ends_by.as_micros())
    .bind(run.price.version.number)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Notes what was set aside for a run.
pub async fn note_hold(tx: &mut Tx, id: &RunId, hold: &HoldId) -> Result<()> {
    sqlx::query("UPDATE service_runs SET hold_id = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(hold.as_str())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Ends a run that has not ended. Gives it as it ended; none when somebody else ended it.
pub async fn finish(tx: &mut Tx, id: &RunId, ending: &Ending<'_>) -> Result<Option<Run>> {
    let row = sqlx::query(concat!(
        "UPDATE service_runs SET status = $2, output = $3, error = $4, finished_at = $5,
             cost = CASE WHEN $6 < 0 THEN cost ELSE $6 END
         WHERE id = $1 AND finished_at IS NULL AND ($7 < 0 OR attempt = $7) RETURNING ",
        run_columns!()
    ))
    .bind(id.as_str())
    .bind(ending.status.as_str())
    .bind(&ending.output)
    .bind(ending.error)
    .bind(ending.at.as_micros())
    .bind(ending.cost.map_or(-1, Credits::as_milli))
    .bind(ending.attempt.unwrap_or(-1))
    .fetch_optional(tx.conn())
    .await?;
    row.as_ref().map(run).transpose()
}

/// Notes that somebody is told of a run before it has ended. Everything that was written before is then kept, too.
pub async fn tell(tx: &mut Tx, id: &RunId, at: Timestamp) -> Result<()> {
    sqlx::query("UPDATE service_runs SET told_at = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(at.as_micros())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Notes that the user wants a run to end.
pub async fn ask_to_cancel(tx: &mut Tx, user: &UserId, id: &RunId, at: Timestamp) -> Result<()> {
    sqlx::query(
        "UPDATE service_runs SET cancel_asked_at = $3
         WHERE id = $1 AND user_id = $2 AND finished_at IS NULL AND cancel_asked_at IS NULL",
    )
    .bind(id.as_str())
    .bind(user.as_str())
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Keeps what a run in the background was asked for.
pub async fn insert_input(tx: &mut Tx, run: &RunId, body: &str) -> Result<()> {
    sqlx::query("INSERT INTO service_run_inputs (run_id, body) VALUES ($1, $2)")
        .bind(run.as_str())
        .bind(body)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Forgets it again.
pub async fn forget_input(tx: &mut Tx, run: &RunId) -> Result<()> {
    sqlx::query("DELETE FROM service_run_inputs WHERE run_id = $1")
        .bind(run.as_str())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// A run in the background whose next attempt has begun.
pub struct Begun {
    /// Its number.
    pub attempt: i64,
    pub input: String,
    /// The last that an attempt before said; 0 for nothing.
    pub last_event: i64,
}

/// Begins the next attempt at a run in the background that has not ended.
pub async fn begin_attempt(tx: &mut Tx, id: &RunId) -> Result<Option<Begun>> {
    let row = sqlx::query(
        "UPDATE service_runs SET status = $2, attempt = attempt + 1
         WHERE id = $1 AND finished_at IS NULL RETURNING attempt",
    )
    .bind(id.as_str())
    .bind(RunStatus::Running.as_str())
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let attempt = row.try_get(0)?;
    let row = sqlx::query(
        "SELECT body, (SELECT COALESCE(MAX(seq), 0) FROM service_run_events WHERE run_id = $1)
         FROM service_run_inputs WHERE run_id = $1",
    )
    .bind(id.as_str())
    .fetch_one(tx.conn())
    .await?;
    Ok(Some(Begun {
        attempt,
        input: row.try_get(0)?,
        last_event: row.try_get(1)?,
    }))
}

/// Takes back that attempt number `attempt` began.
pub async fn hand_back(tx: &mut Tx, id: &RunId, attempt: i64) -> Result<()> {
    sqlx::query(
        "UPDATE service_runs SET status = $3, attempt = attempt - 1
         WHERE id = $1 AND attempt = $2 AND finished_at IS NULL",
    )
    .bind(id.as_str())
    .bind(attempt)
    .bind(RunStatus::Queued.as_str())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The run, whosever it is.
///
/// # Errors
/// 404 when there is none of this identifier.
pub async fn find(db: &Db, id: &RunId) -> Result<Run> {
    let sql = concat!(
        "SELECT ",
        run_columns!(),
        " FROM service_runs WHERE id = $1"
    );
    let row = sqlx::query(sql)
        .bind(id.as_str())
        .fetch_one(db.reader())
        .await?;
    run(&row)
}

/// How a run stands: its status, and whether its user wants it to end. None when there is no such run.
pub async fn standing(db: &Db, id: &RunId) -> Result<Option<(RunStatus, bool)>> {
    let row = sqlx::query("SELECT status, cancel_asked_at FROM service_runs WHERE id = $1")
        .bind(id.as_str())
        .fetch_optional(db.reader())
        .await?;
    row.map(|row| {
        Ok((
            status(&row, 0)?,
            row.try_get::<Option<i64>, _>(1)?.is_some(),
        ))
    })
    .transpose()
}

pub async fn find_for_user(db: &Db, user: &UserId, id: &RunId) -> Result<Option<Run>> {
    let sql = concat!(
        "SELECT ",
        run_columns!(),
        " FROM service_runs WHERE user_id = $1 AND id = $2"
    );
    let row = sqlx::query(sql)
        .bind(user.as_str())
        .bind(id.as_str())
        .fetch_optional(db.reader())
        .await?;
    row.as_ref().map(run).transpose()
}

const FIND_BY_KEY: &str =
    "SELECT id, digest FROM service_runs WHERE user_id = $1 AND idempotency_key = $2";

/// The run that was started with `key`, and the digest of what was asked for.
pub async fn find_by_key(db: &Db, user: &UserId, key: &str) -> Result<Option<(RunId, String)>> {
    let row = sqlx::query(FIND_BY_KEY)
        .bind(user.as_str())
        .bind(key)
        .fetch_optional(db.reader())
        .await?;
    row.map(|row| Ok((row.try_get::<String, _>(0)?.into(), row.try_get(1)?)))
        .transpose()
}

/// What lists show of runs that `filter` asks for, where they are somebody's as the argument says.
macro_rules! list_of {
    ($whose:literal) => {
        concat!(
            "SELECT id, user_id, service, status, cost, started_at, finished_at FROM service_runs WHERE ",
            $whose,
            " AND id < $2 AND ($3 = '' OR service = $3) AND ($4 = '' OR status = $4)
             AND started_at >= $5 AND started_at < $6
             ORDER BY id DESC LIMIT $7"
        )
    };
}

// One statement for both would have the database pass over the index of a user's runs.
const LIST_OF_USER: &str = list_of!("user_id = $1");
const LIST_OF_ALL: &str = list_of!("$1 = ''");

/// Somebody's runs, or everybody's, that `filter` asks for, the newest first.
pub async fn list(
    db: &Db,
    whose: Option<&UserId>,
    filter: &RunFilter,
    limit: i64,
) -> Result<Vec<RunSummary>> {
    let instant = |at: Option<Timestamp>, open| at.map_or(open, Timestamp::as_micros);
    let sql = whose.map_or(LIST_OF_ALL, |_| LIST_OF_USER);
    let rows = sqlx::query(sql)
        .bind(whose.map_or("", UserId::as_str))
        .bind(filter.before.as_ref().map_or(AFTER_ALL, RunId::as_str))
        .bind(filter.service.as_deref().unwrap_or_default())
        .bind(filter.status.map_or("", RunStatus::as_str))
        .bind(instant(filter.from, i64::MIN))
        .bind(instant(filter.until, i64::MAX))
        .bind(limit)
        .fetch_all(db.reader())
        .await?;
    rows.iter().map(summary).collect()
}

fn summary(row: &AnyRow) -> Result<RunSummary> {
    let finished_at: Option<i64> = row.try_get(6)?;
    Ok(RunSummary {
        id: row.try_get::<String, _>(0)?.into(),
        user: row.try_get::<String, _>(1)?.into(),
        service: row.try_get(2)?,
        status: status(row, 3)?,
        cost: credits(row, 4)?,
        started_at: Timestamp::from_micros(row.try_get(5)?),
        finished_at: finished_at.map(Timestamp::from_micros),
    })
}

const RUNS_OF: &str = concat!(
    "SELECT ",
    run_columns!(),
    " FROM service_runs WHERE user_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
);

/// Runs before `before` with all that is kept of them, the newest first.
pub async fn runs_of(db: &Db, user: &UserId, before: &str, limit: i64) -> Result<Vec<Run>> {
    let rows = sqlx::query(RUNS_OF)
        .bind(user.as_str())
        .bind(before)
        .bind(limit)
        .fetch_all(db.reader())
        .await?;
    rows.iter().map(run).collect()
}

/// Ends all that a user's runs still do, without results. Gives what was set aside for them.
pub async fn end_all(tx: &mut Tx, user: &UserId, at: Timestamp) -> Result<Vec<HoldId>> {
    let rows = sqlx::query(
        "UPDATE service_runs SET status = $2, finished_at = $3
         WHERE user_id = $1 AND finished_at IS NULL RETURNING hold_id",
    )
    .bind(user.as_str())
    .bind(RunStatus::Cancelled.as_str())
    .bind(at.as_micros())
    .fetch_all(tx.conn())
    .await?;
    let holds = rows.iter().filter_map(|row| row.try_get(0).transpose());
    Ok(holds
        .map(|hold| hold.map(|hold: String| hold.into()))
        .collect::<std::result::Result<_, _>>()?)
}

/// Forgets what a user's runs were asked for, said and gave.
pub async fn forget_contents(tx: &mut Tx, user: &UserId) -> Result<()> {
    for sql in [
        "DELETE FROM service_run_events WHERE run_id IN (SELECT id FROM service_runs WHERE user_id = $1)",
        "DELETE FROM service_run_inputs WHERE run_id IN (SELECT id FROM service_runs WHERE user_id = $1)",
        "UPDATE service_runs SET input = '{}', output = NULL, error = NULL WHERE user_id = $1",
    ] {
        sqlx::query(sql)
            .bind(user.as_str())
            .execute(tx.conn())
            .await?;
    }
    Ok(())
}

/// Runs that should have finished before `now`; of one user, or of all.
pub async fn overdue(
    db: &Db,
    user: Option<&UserId>,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Run>> {
    let sql = concat!(
        "SELECT ",
        run_columns!(),
        " FROM service_runs WHERE finished_at IS NULL AND ends_by <= $1 AND ($3 = '' OR user_id = $3)
         ORDER BY ends_by LIMIT $2"
    );
    let rows = sqlx::query(sql)
        .bind(now.as_micros())
        .bind(limit)
        .bind(user.map_or("", UserId::as_str))
        .fetch_all(db.reader())
        .await?;
    rows.iter().map(run).collect()
}

fn run(row: &AnyRow) -> Result<Run> {
    let json = |text: String| -> Result<Value> {
        Ok(serde_json::from_str(&text).context("a run holds what is no JSON")?)
    };
    let time = |micros: Option<i64>| micros.map(Timestamp::from_micros);
    Ok(Run {
        id: row.try_get::<String, _>(0)?.into(),
        user: row.try_get::<String, _>(1)?.into(),
        service: row.try_get(2)?,
        status: status(row, 3)?,
        cost: credits(row, 4)?,
        hold: row.try_get::<Option<String>, _>(5)?.map(HoldId::from),
        input: json(row.try_get(6)?)?,
        output: row.try_get::<Option<String>, _>(7)?.map(json).transpose()?,
        error: row.try_get(8)?,
        started_at: Timestamp::from_micros(row.try_get(9)?),
        ends_by: Timestamp::from_micros(row.try_get(10)?),
        finished_at: time(row.try_get(11)?),
        is_cancelling: row.try_get::<Option<i64>, _>(12)?.is_some(),
        price_version: row.try_get(13)?,
        forgotten_at: time(row.try_get(14)?),
    })
}

fn status(row: &AnyRow, column: usize) -> Result<RunStatus> {
    let text: String = row.try_get(column)?;
    RunStatus::parse(&text)
        .ok_or_else(|| Error::internal(anyhow::anyhow!("a run that is {text:?}")))
}

fn credits(row: &AnyRow, column: usize) -> Result<Credits> {
    let milli: i64 = row.try_get(column)?;
    let milli = u64::try_from(milli).context("a run has a cost below zero")?;
    Ok(Credits::from_milli(milli))
}

//! Every query about jobs. A worker's word on a job counts only while it has it: each such statement names the
//! worker and the attempt.

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use super::entity::{ClaimedJob, DeadJob, JobCounts, NewJob};
use crate::clock::Timestamp;
use crate::db::{Db, Dialect, Tx};
use crate::error::Result;
use crate::ids::new_id;

pub(super) async fn insert(tx: &mut Tx, at: Timestamp, new: &NewJob) -> Result<()> {
    sqlx::query(
        "INSERT INTO jobs (id, name, unique_key, payload, state, due_at, attempts, created_at,
             changed_at, last_error)
         VALUES ($1, $2, $3, $4, 'open', $5, 0, $6, $6, '') ON CONFLICT (name, unique_key) DO NOTHING",
    )
    .bind(new_id(at))
    .bind(new.name)
    .bind(new.key.as_deref())
    .bind(&new.payload)
    .bind(new.due_at.as_micros())
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The names as a list of SQL. They are the program's own words, checked when they were declared.
fn name_list(names: &[&'static str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("'{name}'")).collect();
    quoted.join(", ")
}

/// When the next job of these names is due; none when there is none.
pub(super) async fn next_due(db: &Db, names: &[&'static str]) -> Result<Option<Timestamp>> {
    let names = name_list(names);
    let sql = format!(
        "SELECT due_at FROM jobs WHERE state = 'open' AND name IN ({names}) ORDER BY due_at LIMIT 1"
    );
    let row = sqlx::query(AssertSqlSafe(sql))
        .fetch_optional(db.reader())
        .await?;
    row.map(|row| Ok(Timestamp::from_micros(row.try_get(0)?)))
        .transpose()
}

/// Who claims, and until when.
pub(super) struct Claim<'a> {
    pub worker: &'a str,
    pub now: Timestamp,
    pub until: Timestamp,
}

/// Takes the job that has been due for longest, if nobody has it or whoever had it let its lease end.
pub(super) async fn claim(
    tx: &mut Tx,
    claim: &Claim<'_>,
    names: &[&'static str],
) -> Result<Option<ClaimedJob>> {
    let names = name_list(names);
    let lock = match tx.dialect() {
        // Workers that come at the same time take different jobs instead of waiting for one another.
        Dialect::Postgres => "FOR UPDATE SKIP LOCKED",
        Dialect::Sqlite => "",
    };
    let sql = format!(
        "UPDATE jobs SET worker = $1, due_at = $2, attempts = attempts + 1, changed_at = $3
         WHERE state = 'open' AND id = (
             SELECT id FROM jobs WHERE state = 'open' AND due_at <= $3 AND name IN ({names})
             ORDER BY due_at, id LIMIT 1 {lock})
         RETURNING id, name, payload, attempts"
    );
    let row = sqlx::query(AssertSqlSafe(sql))
        .bind(claim.worker)
        .bind(claim.until.as_micros())
        .bind(claim.now.as_micros())
        .fetch_optional(tx.conn())
        .await?;
    row.map(|row| {
        Ok(ClaimedJob {
            id: row.try_get(0)?,
            name: row.try_get(1)?,
            payload: row.try_get(2)?,
            attempt: u32::try_from(row.try_get::<i64, _>(3)?).unwrap_or(u32::MAX),
        })
    })
    .transpose()
}

/// Makes a lease longer; no when the worker has lost the job.
pub(super) async fn renew(tx: &mut Tx, claim: &Claim<'_>, job: &ClaimedJob) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE jobs SET due_at = $1
         WHERE id = $2 AND worker = $3 AND attempts = $4 AND state = 'open'",
    )
    .bind(claim.until.as_micros())
    .bind(&job.id)
    .bind(claim.worker)
    .bind(i64::from(job.attempt))
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that a job is done. One with a key stays, so that the key is not used again.
pub(super) async fn finish(tx: &mut Tx, claim: &Claim<'_>, job: &ClaimedJob) -> Result<()> {
    let deleted = sqlx::query(
        "DELETE FROM jobs WHERE id = $1 AND worker = $2 AND attempts = $3 AND state = 'open'
             AND unique_key IS NULL",
    )
    .bind(&job.id)
    .bind(claim.worker)
    .bind(i64::from(job.attempt))
    .execute(tx.conn())
    .await?;
    if deleted.rows_affected() == 1 {
        return Ok(());
    }
    sqlx::query(
        "UPDATE jobs SET state = 'done', payload = '', worker = NULL, changed_at = $4, last_error = ''
         WHERE id = $1 AND worker = $2 AND attempts = $3 AND state = 'open'",
    )
    .bind(&job.id)
    .bind(claim.worker)
    .bind(i64::from(job.attempt))
    .bind(claim.now.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What becomes of a job that failed.
pub(super) enum Fate {
    TryAgain(Timestamp),
    Dead,
}

pub(super) async fn fail(
    tx: &mut Tx,
    claim: &Claim<'_>,
    job: &ClaimedJob,
    (fate, error): (&Fate, &str),
) -> Result<()> {
    let (state, due_at) = match fate {
        Fate::TryAgain(at) => ("open", *at),
        Fate::Dead => ("dead", claim.now),
    };
    sqlx::query(
        "UPDATE jobs SET state = $1, due_at = $2, worker = NULL, changed_at = $3, last_error = $4
         WHERE id = $5 AND worker = $6 AND attempts = $7 AND state = 'open'",
    )
    .bind(state)
    .bind(due_at.as_micros())
    .bind(claim.now.as_micros())
    .bind(error)
    .bind(&job.id)
    .bind(claim.worker)
    .bind(i64::from(job.attempt))
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Gives back whatever a worker still has; the attempts that it broke off do not count.
pub(super) async fn release(tx: &mut Tx, worker: &str, at: Timestamp) -> Result<u64> {
    let done = sqlx::query(
        "UPDATE jobs SET worker = NULL, due_at = $1, attempts = attempts - 1
         WHERE worker = $2 AND state = 'open'",
    )
    .bind(at.as_micros())
    .bind(worker)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

/// Whether the clock has struck for a schedule: yes for one process only, which moves it on to `next`.
pub(super) async fn strike(
    tx: &mut Tx,
    name: &str,
    now: Timestamp,
    next: Timestamp,
) -> Result<bool> {
    // A period that became shorter counts from now on.
    sqlx::query(
        "INSERT INTO job_schedules (name, next_at) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET next_at = excluded.next_at
             WHERE job_schedules.next_at > excluded.next_at",
    )
    .bind(name)
    .bind(next.as_micros())
    .execute(tx.conn())
    .await?;
    let done =
        sqlx::query("UPDATE job_schedules SET next_at = $1 WHERE name = $2 AND next_at <= $3")
            .bind(next.as_micros())
            .bind(name)
            .bind(now.as_micros())
            .execute(tx.conn())
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether work of this name is still to be done.
pub(super) async fn is_open(tx: &mut Tx, name: &str) -> Result<bool> {
    let row = sqlx::query("SELECT id FROM jobs WHERE name = $1 AND state = 'open' LIMIT 1")
        .bind(name)
        .fetch_optional(tx.conn())
        .await?;
    Ok(row.is_some())
}

/// Newest first, from the one after `before`.
pub(super) async fn dead(db: &Db, before: &str, limit: i64) -> Result<Vec<DeadJob>> {
    let rows = sqlx::query(
        "SELECT id, name, attempts, last_error, created_at, changed_at FROM jobs
         WHERE state = 'dead' AND id < $1 ORDER BY id DESC LIMIT $2",
    )
    .bind(before)
    .bind(limit)
    .fetch_all(db.reader())
    .await?;
    rows.iter().map(read_dead).collect()
}

fn read_dead(row: &AnyRow) -> Result<DeadJob> {
    Ok(DeadJob {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        attempts: row.try_get(2)?,
        last_error: row.try_get(3)?,
        created_at: Timestamp::from_micros(row.try_get(4)?),
        died_at: Timestamp::from_micros(row.try_get(5)?),
    })
}

pub(super) async fn counts(db: &Db) -> Result<JobCounts> {
    let row = sqlx::query(
        "SELECT COUNT(CASE WHEN state = 'open' THEN 1 END),
             COUNT(CASE WHEN state = 'open' AND last_error <> '' THEN 1 END),
             COUNT(CASE WHEN state = 'dead' THEN 1 END)
         FROM jobs WHERE state <> 'done'",
    )
    .fetch_one(db.reader())
    .await?;
    Ok(JobCounts {
        open: row.try_get(0)?,
        failing: row.try_get(1)?,
        dead: row.try_get(2)?,
    })
}

/// Opens a dead job again and says its name; none when there is no such dead job.
pub(super) async fn revive(tx: &mut Tx, id: &str, at: Timestamp) -> Result<Option<String>> {
    let row = sqlx::query(
        "UPDATE jobs SET state = 'open', attempts = 0, due_at = $1, changed_at = $1
         WHERE id = $2 AND state = 'dead' RETURNING name",
    )
    .bind(at.as_micros())
    .bind(id)
    .fetch_optional(tx.conn())
    .await?;
    row.map(|row| Ok(row.try_get(0)?)).transpose()
}

pub(super) async fn delete_done(tx: &mut Tx, until: Timestamp) -> Result<()> {
    sqlx::query("DELETE FROM jobs WHERE state = 'done' AND changed_at <= $1")
        .bind(until.as_micros())
        .execute(tx.conn())
        .await?;
    Ok(())
}

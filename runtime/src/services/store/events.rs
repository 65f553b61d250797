//! Queries of what runs said while they were under way.

use anyhow::anyhow;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::super::entity::{Event, Happening, RunId};
use crate::db::{Db, Dialect, Tx};
use crate::error::{Error, Result};

/// Adds an event to a run whose attempt is under way, where the run's row is read as the argument says.
macro_rules! insert {
    ($lock:literal) => {
        concat!(
            "INSERT INTO service_run_events (run_id, seq, kind, permille, body)
             SELECT id, $2, $3, $4, $5 FROM service_runs
             WHERE id = $1 AND attempt = $6 AND finished_at IS NULL",
            $lock,
            " ON CONFLICT (run_id, seq) DO NOTHING"
        )
    };
}

/// Writes down what a run said in its attempt number `attempt`, as long as that is under way; whoever ends it meanwhile
/// waits, and finds what was written. An event that was written before stays.
pub async fn insert(tx: &mut Tx, (run, attempt): (&RunId, i64), events: &[Event]) -> Result<()> {
    let sql = match tx.dialect() {
        // One writes at a time.
        Dialect::Sqlite => insert!(" "),
        Dialect::Postgres => insert!(" FOR SHARE"),
    };
    for event in events {
        let (kind, permille, body) = columns(&event.what);
        sqlx::query(sql)
            .bind(run.as_str())
            .bind(event.seq)
            .bind(kind)
            .bind(permille)
            .bind(body)
            .bind(attempt)
            .execute(tx.conn())
            .await?;
    }
    Ok(())
}

/// What happened after event number `after`, in order; at most `limit`.
pub async fn list(db: &Db, run: &RunId, after: i64, limit: i64) -> Result<Vec<Event>> {
    let rows = sqlx::query(
        "SELECT seq, kind, permille, body FROM service_run_events
         WHERE run_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
    )
    .bind(run.as_str())
    .bind(after)
    .bind(limit)
    .fetch_all(db.reader())
    .await?;
    rows.iter().map(event).collect()
}

const PROGRESS: &str = "progress";
const OUTPUT: &str = "output";
const RESTARTED: &str = "restarted";

fn columns(what: &Happening) -> (&'static str, i64, &str) {
    match what {
        Happening::Progress { permille, message } => (PROGRESS, *permille, message),
        Happening::Output(text) => (OUTPUT, 0, text),
        Happening::Restarted => (RESTARTED, 0, ""),
    }
}

fn event(row: &AnyRow) -> Result<Event> {
    let (kind, body): (String, String) = (row.try_get(1)?, row.try_get(3)?);
    let what = match kind.as_str() {
        PROGRESS => Happening::Progress {
            permille: row.try_get(2)?,
            message: body,
        },
        OUTPUT => Happening::Output(body),
        RESTARTED => Happening::Restarted,
        other => return Err(Error::internal(anyhow!("an event of the kind {other:?}"))),
    };
    Ok(Event {
        seq: row.try_get(0)?,
        what,
    })
}

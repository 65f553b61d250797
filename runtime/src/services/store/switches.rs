//! Queries of which services are switched off.

use sqlx::Row as _;

use crate::clock::Timestamp;
use crate::db::{Db, Tx};
use crate::error::Result;

/// The names of the services that are switched off.
pub async fn off(db: &Db) -> Result<Vec<String>> {
    let rows = sqlx::query("SELECT service FROM service_switches WHERE is_on = 0")
        .fetch_all(db.reader())
        .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Switches a service on or off. Says whether that was a change.
pub async fn set(tx: &mut Tx, service: &str, is_on: bool, at: Timestamp) -> Result<bool> {
    // One that was never switched is on.
    sqlx::query(
        "INSERT INTO service_switches (service, is_on, changed_at) VALUES ($1, 1, $2)
         ON CONFLICT (service) DO NOTHING",
    )
    .bind(service)
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    let done = sqlx::query(
        "UPDATE service_switches SET is_on = $2, changed_at = $3 WHERE service = $1 AND is_on <> $2",
    )
    .bind(service)
    .bind(i64::from(is_on))
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

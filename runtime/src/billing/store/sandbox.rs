//! The objects of the provider that stands in for a real one.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::{AnyConnection, Row as _};

use super::broken;
use crate::db::Tx;
use crate::error::Result;

fn read_body(text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(broken)
}

/// One object with the customer whose it is.
pub async fn sandbox_object(
    connection: &mut AnyConnection,
    object: &str,
) -> Result<Option<(String, Value)>> {
    let row = sqlx::query("SELECT customer, body FROM billing_sandbox WHERE object = $1")
        .bind(object)
        .fetch_optional(connection)
        .await?;
    row.map(|row| {
        let body: String = row.try_get(1)?;
        Ok((row.try_get(0)?, read_body(&body)?))
    })
    .transpose()
}

/// Every object of one customer.
pub async fn sandbox_objects(
    connection: &mut AnyConnection,
    customer: &str,
) -> Result<BTreeMap<String, Value>> {
    let rows = sqlx::query("SELECT object, body FROM billing_sandbox WHERE customer = $1")
        .bind(customer)
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let body: String = row.try_get(1)?;
            Ok((row.try_get(0)?, read_body(&body)?))
        })
        .collect()
}

pub async fn keep_sandbox_object(
    tx: &mut Tx,
    customer: &str,
    (object, body): (&str, &Value),
) -> Result<()> {
    sqlx::query(
        "INSERT INTO billing_sandbox (object, customer, body) VALUES ($1, $2, $3)
         ON CONFLICT (object) DO UPDATE SET body = excluded.body",
    )
    .bind(object)
    .bind(customer)
    .bind(body.to_string())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Makes everybody else wait who takes the lock of this name.
pub async fn lock_name(tx: &mut Tx, name: &str) -> Result<()> {
    sqlx::query(
        "INSERT INTO billing_versions (object, version) VALUES ($1, 1)
         ON CONFLICT (object) DO UPDATE SET version = billing_versions.version + 1",
    )
    .bind(name)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// How many objects a list has at most.
pub const SANDBOX_LIST: usize = 100;

/// Objects of one kind, by name, from the one after `after`.
pub async fn sandbox_list(db: &crate::db::Db, prefix: &str, after: &str) -> Result<Vec<Value>> {
    let rows = sqlx::query(
        "SELECT body FROM billing_sandbox WHERE object > $1 AND substr(object, 1, CAST($2 AS INTEGER)) = $3 ORDER BY object LIMIT $4",
    )
    .bind(after)
    .bind(i64::try_from(prefix.len()).unwrap_or_default())
    .bind(prefix)
    .bind(i64::try_from(SANDBOX_LIST).unwrap_or(i64::MAX))
    .fetch_all(db.reader())
    .await?;
    rows.iter()
        .map(|row| {
            let body: String = row.try_get(0)?;
            read_body(&body)
        })
        .collect()
}

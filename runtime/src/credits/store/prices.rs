//! Queries of prices. Versions are only ever added; the database refuses anything else.

use sqlx::Row as _;
use sqlx::any::{AnyExecutor, AnyRow};

use super::super::amount::Credits;
use super::super::entity::{Actor, Price, PriceVersion};
use super::credits;
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::Result;

/// A version with whoever made it.
pub struct KnownPrice {
    pub price: Price,
    pub by: Actor,
    pub since: Timestamp,
}

/// Every version of an item's price, the newest first; at most `limit`.
pub async fn prices(on: impl AnyExecutor<'_>, item: &str, limit: i64) -> Result<Vec<KnownPrice>> {
    let rows = sqlx::query(
        "SELECT item, version, amount, actor, created_at FROM credit_prices
         WHERE item = $1 ORDER BY version DESC LIMIT $2",
    )
    .bind(item)
    .bind(limit)
    .fetch_all(on)
    .await?;
    rows.iter().map(known_price).collect()
}

/// What every item costs now whose name begins with `prefix`.
pub async fn newest_prices(on: impl AnyExecutor<'_>, prefix: &str) -> Result<Vec<KnownPrice>> {
    let rows = sqlx::query(
        "SELECT item, version, amount, actor, created_at FROM credit_prices p
         WHERE item LIKE $1 AND version = (SELECT MAX(version) FROM credit_prices WHERE item = p.item)",
    )
    .bind(format!("{prefix}%"))
    .fetch_all(on)
    .await?;
    rows.iter().map(known_price).collect()
}

/// The newest version of an item's price that nobody set by hand.
pub async fn declared_price(on: impl AnyExecutor<'_>, item: &str) -> Result<Option<KnownPrice>> {
    let row = sqlx::query(
        "SELECT item, version, amount, actor, created_at FROM credit_prices
         WHERE item = $1 AND actor = $2 ORDER BY version DESC LIMIT 1",
    )
    .bind(item)
    .bind(Actor::System.as_column())
    .fetch_optional(on)
    .await?;
    row.as_ref().map(known_price).transpose()
}

/// Adds a version. The number must be the next: two who want the same one meet in the primary key.
pub async fn insert_price(tx: &mut Tx, price: &Price, by: &Actor, now: Timestamp) -> Result<()> {
    sqlx::query("INSERT INTO credit_prices VALUES ($1, $2, $3, $4, $5)")
        .bind(&price.version.item)
        .bind(price.version.number)
        .bind(price.amount.as_milli())
        .bind(by.as_column())
        .bind(now.as_micros())
        .execute(tx.conn())
        .await?;
    Ok(())
}

fn known_price(row: &AnyRow) -> Result<KnownPrice> {
    let amount: Credits = credits(row, 2)?;
    Ok(KnownPrice {
        price: Price {
            version: PriceVersion {
                item: row.try_get(0)?,
                number: row.try_get(1)?,
            },
            amount,
        },
        by: Actor::from_column(&row.try_get::<String, _>(3)?),
        since: Timestamp::from_micros(row.try_get(4)?),
    })
}

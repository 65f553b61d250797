//! Queries of prices. Versions are only ever added; the database refuses anything else.

use sqlx::Row as _;
use sqlx::any::{AnyExecutor, AnyRow};

use super::super::amount::Credits;
use super::super::entity::{Actor, Price, PriceVersion};
use super::super::journal::PriceRow;
use super::credits;
use crate::clock::Timestamp;
use crate::db::{Snapshot, Tx};
use crate::error::Result;

/// The columns of a [`PriceRow`], in the order in which [`price_row`] reads them.
macro_rules! price_columns {
    () => {
        "item, version, amount, actor, created_at, hash"
    };
}

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

/// Whether an item had this price before, and nobody had set it by hand.
pub async fn was_declared(on: impl AnyExecutor<'_>, item: &str, amount: Credits) -> Result<bool> {
    let row = sqlx::query(
        "SELECT COUNT(*) FROM credit_prices WHERE item = $1 AND actor = $2 AND amount = $3",
    )
    .bind(item)
    .bind(Actor::System.as_column())
    .bind(amount.as_milli())
    .fetch_one(on)
    .await?;
    Ok(row.try_get::<i64, _>(0)? > 0)
}

/// Adds a version. The number must be the next: two who want the same one meet in the primary key.
pub async fn insert_price(tx: &mut Tx, price: &Price, by: &Actor, now: Timestamp) -> Result<()> {
    let PriceVersion { item, number } = &price.version;
    let row = PriceRow {
        item: item.clone(),
        version: *number,
        amount: price.amount.as_milli(),
        actor: by.as_column(),
        created_at: now.as_micros(),
        hash: None,
    };
    let before = sqlx::query(concat!(
        "SELECT ",
        price_columns!(),
        " FROM credit_prices WHERE item = $1 AND version = $2"
    ))
    .bind(item)
    .bind(number - 1)
    .fetch_optional(tx.conn())
    .await?;
    let before = before.as_ref().map(price_row).transpose()?;
    sqlx::query(concat!(
        "INSERT INTO credit_prices (",
        price_columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6)"
    ))
    .bind(&row.item)
    .bind(row.version)
    .bind(row.amount)
    .bind(&row.actor)
    .bind(row.created_at)
    .bind(row.hash(before.as_ref()))
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Every version of every price as it is kept, item by item, the oldest first.
pub async fn price_rows(from: &mut Snapshot) -> Result<Vec<PriceRow>> {
    let rows = sqlx::query(concat!(
        "SELECT ",
        price_columns!(),
        " FROM credit_prices ORDER BY item, version"
    ))
    .fetch_all(from.conn())
    .await?;
    rows.iter().map(price_row).collect()
}

fn price_row(row: &AnyRow) -> Result<PriceRow> {
    Ok(PriceRow {
        item: row.try_get(0)?,
        version: row.try_get(1)?,
        amount: row.try_get(2)?,
        actor: row.try_get(3)?,
        created_at: row.try_get(4)?,
        hash: row.try_get(5)?,
    })
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

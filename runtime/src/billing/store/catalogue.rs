//! What the provider sells, as it was last read.

use serde_json::Value;
use sqlx::{AnyConnection, Row as _};

use super::super::offers::Offer;
use super::{flag, keep_price};
use crate::clock::Timestamp;
use crate::db::{Db, Tx};
use crate::error::{Error, Result};

fn read_body(body: &str) -> Result<Value> {
    serde_json::from_str(body).map_err(Error::internal)
}

/// Keeps a product as it is now.
pub async fn keep_product(
    tx: &mut Tx,
    provider: &str,
    (product, body): (&str, &Value),
    at: Timestamp,
) -> Result<()> {
    let is_active = body.get("active").and_then(Value::as_bool) == Some(true);
    sqlx::query(
        "INSERT INTO billing_products (provider, product, body, is_active, changed_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (provider, product) DO UPDATE SET body = excluded.body, is_active = excluded.is_active,
             changed_at = excluded.changed_at",
    )
    .bind(provider)
    .bind(product)
    .bind(body.to_string())
    .bind(i64::from(is_active))
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A product that is gone sells nothing any more; what was sold of it is renewed.
pub async fn retire_product(
    tx: &mut Tx,
    provider: &str,
    product: &str,
    at: Timestamp,
) -> Result<()> {
    sqlx::query(
        "UPDATE billing_products SET is_active = 0, changed_at = $3 WHERE provider = $1 AND product = $2",
    )
    .bind(provider)
    .bind(product)
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A product's prices as the provider told of them.
pub async fn prices_of_product(
    connection: &mut AnyConnection,
    provider: &str,
    product: &str,
) -> Result<Vec<Value>> {
    let rows = sqlx::query(
        "SELECT body FROM billing_prices WHERE provider = $1 AND product = $2 AND body IS NOT NULL ORDER BY price",
    )
    .bind(provider)
    .bind(product)
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| read_body(row.try_get(0)?)).collect()
}

/// What a price was good for before.
struct Before {
    item: String,
    currency: String,
    is_current: bool,
}

async fn before(connection: &mut AnyConnection, price: &str) -> Result<Option<Before>> {
    let row = sqlx::query("SELECT item, currency, is_current FROM billing_prices WHERE price = $1")
        .bind(price)
        .fetch_optional(connection)
        .await?;
    row.map(|row| {
        Ok(Before {
            item: row.try_get(0)?,
            currency: row.try_get(1)?,
            is_current: flag(&row, 2)?,
        })
    })
    .transpose()
}

/// An offer with the price that it was read from.
pub struct Told<'a> {
    pub offer: &'a Offer,
    pub product: &'a str,
    pub body: &'a Value,
    pub made_at: Timestamp,
}

/// Keeps a price as it is now. Where the provider keeps the catalogue (`elects`), the newest price that it offers is
/// the current one of an item and a currency; else the one that was declared stays it while it is offered.
pub async fn keep_offer(tx: &mut Tx, provider: &str, told: Told<'_>, elects: bool) -> Result<()> {
    let Told {
        offer,
        product,
        body,
        made_at,
    } = told;
    let price = &offer.price;
    let before = before(tx.conn(), &price.price).await?;
    let currency = price.money.currency.code();
    sqlx::query(
        "INSERT INTO billing_prices (price, provider, item, currency, amount, period, credits, is_current, created_at,
             product, body, is_offered)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $10, $11)
         ON CONFLICT (price) DO UPDATE SET item = excluded.item, currency = excluded.currency,
             amount = excluded.amount, period = excluded.period, credits = excluded.credits, is_current = 0,
             created_at = excluded.created_at, product = excluded.product, body = excluded.body,
             is_offered = excluded.is_offered",
    )
    .bind(&price.price)
    .bind(provider)
    .bind(&price.item)
    .bind(&currency)
    .bind(price.money.minor)
    .bind(price.period.as_deref())
    .bind(price.credits.as_milli())
    .bind(made_at.as_micros())
    .bind(product)
    .bind(body.to_string())
    .bind(i64::from(offer.is_offered))
    .execute(tx.conn())
    .await?;
    if elects {
        if let Some(before) = &before {
            elect(tx, provider, (&before.item, &before.currency)).await?;
        }
        elect(tx, provider, (&price.item, &currency)).await?;
    } else if offer.is_offered && before.is_some_and(|before| before.is_current) {
        keep_price(tx, provider, price, made_at).await?;
    }
    Ok(())
}

/// A price under which nothing is sold any more. `body` is what the provider has now: what is gone there comes back with
/// no event of its product.
pub async fn retire_price(
    tx: &mut Tx,
    provider: &str,
    (price, body): (&str, Option<&Value>),
    elects: bool,
) -> Result<()> {
    let Some(before) = before(tx.conn(), price).await? else {
        return Ok(());
    };
    let sql =
        "UPDATE billing_prices SET is_offered = 0, is_current = 0, body = $2 WHERE price = $1";
    sqlx::query(sql)
        .bind(price)
        .bind(body.map(Value::to_string))
        .execute(tx.conn())
        .await?;
    if elects {
        elect(tx, provider, (&before.item, &before.currency)).await?;
    }
    Ok(())
}

async fn elect(tx: &mut Tx, provider: &str, (item, currency): (&str, &str)) -> Result<()> {
    for sql in [
        "UPDATE billing_prices SET is_current = 0
         WHERE provider = $1 AND item = $2 AND currency = $3 AND is_current = 1",
        "UPDATE billing_prices SET is_current = 1 WHERE price = (SELECT price FROM billing_prices
             WHERE provider = $1 AND item = $2 AND currency = $3 AND is_offered = 1
             ORDER BY created_at DESC, price DESC LIMIT 1)",
    ] {
        sqlx::query(sql)
            .bind(provider)
            .bind(item)
            .bind(currency)
            .execute(tx.conn())
            .await?;
    }
    Ok(())
}

/// The products and the prices under which something can be sold here.
pub async fn on_the_shelf(db: &Db, provider: &str) -> Result<(Vec<String>, Vec<String>)> {
    let named = async |sql: &'static str| -> Result<Vec<String>> {
        let query = sqlx::query(sql).bind(provider);
        let rows = query.fetch_all(db.reader()).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    };
    let products = "SELECT product FROM billing_products WHERE provider = $1 AND is_active = 1 ORDER BY product";
    let prices = "SELECT price FROM billing_prices WHERE provider = $1 AND (is_current = 1 OR is_offered = 1) ORDER BY price";
    Ok((named(products).await?, named(prices).await?))
}

/// What the provider sells: each current price with its product.
pub async fn offered(db: &Db, provider: &str) -> Result<Vec<(Value, Value)>> {
    let rows = sqlx::query(
        "SELECT p.body, d.body FROM billing_prices p
         JOIN billing_products d ON d.provider = p.provider AND d.product = p.product
         WHERE p.provider = $1 AND p.is_current = 1 AND p.body IS NOT NULL AND d.is_active = 1 ORDER BY p.price",
    )
    .bind(provider)
    .fetch_all(db.reader())
    .await?;
    rows.iter()
        .map(|row| Ok((read_body(row.try_get(0)?)?, read_body(row.try_get(1)?)?)))
        .collect()
}

//! Who buys, and what the provider's prices stand for.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

use super::super::entity::{Customer, CustomerId, Price};
use super::{credits, money};
use crate::clock::Timestamp;
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::ids::UserId;

const CUSTOMER: &str = "SELECT id, owner_id, email, customer, version FROM billing_customers";

fn read_customer(row: &AnyRow) -> Result<Customer> {
    let (id, owner): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    Ok(Customer {
        id: id.into(),
        owner: owner.into(),
        email: row.try_get(2)?,
        customer: row.try_get(3)?,
        version: row.try_get(4)?,
    })
}

async fn one_customer(
    connection: &mut AnyConnection,
    condition: &'static str,
    (provider, key): (&str, &str),
) -> Result<Option<Customer>> {
    let sql = sqlx::AssertSqlSafe(format!(
        "{CUSTOMER} WHERE provider = $1 AND {condition} = $2"
    ));
    let row = sqlx::query(sql)
        .bind(provider)
        .bind(key)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read_customer).transpose()
}

/// The customer that somebody is, if he ever set out to buy.
pub async fn customer_of(db: &Db, provider: &str, owner: &UserId) -> Result<Option<Customer>> {
    let mut snapshot = db.snapshot().await?;
    customer_seen(snapshot.conn(), provider, owner).await
}

/// The same, inside a transaction.
pub async fn customer_seen(
    connection: &mut AnyConnection,
    provider: &str,
    owner: &UserId,
) -> Result<Option<Customer>> {
    one_customer(connection, "owner_id", (provider, owner.as_str())).await
}

/// The customer whom the provider calls so, or called so before it deleted him.
pub async fn customer_named(
    connection: &mut AnyConnection,
    provider: &str,
    customer: &str,
) -> Result<Option<Customer>> {
    if let Some(found) = one_customer(&mut *connection, "customer", (provider, customer)).await? {
        return Ok(Some(found));
    }
    let sql = sqlx::AssertSqlSafe(format!(
        "{CUSTOMER} WHERE id = (SELECT customer_id FROM billing_former_names WHERE provider = $1 AND customer = $2)"
    ));
    let row = sqlx::query(sql)
        .bind(provider)
        .bind(customer)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read_customer).transpose()
}

pub async fn customer_by_id(db: &Db, id: &CustomerId) -> Result<Customer> {
    let sql = sqlx::AssertSqlSafe(format!("{CUSTOMER} WHERE id = $1"));
    let row = sqlx::query(sql)
        .bind(id.as_str())
        .fetch_one(db.reader())
        .await?;
    read_customer(&row)
}

/// Makes the customer, unless he is there.
pub async fn insert_customer(
    tx: &mut Tx,
    provider: &str,
    new: &Customer,
    at: Timestamp,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO billing_customers (id, provider, owner_id, email, customer, version, created_at)
         VALUES ($1, $2, $3, $4, NULL, 0, $5) ON CONFLICT (provider, owner_id) DO NOTHING",
    )
    .bind(new.id.as_str())
    .bind(provider)
    .bind(new.owner.as_str())
    .bind(&new.email)
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whoever has this row locked is the only one to change what this customer buys.
pub async fn lock_customer(tx: &mut Tx, id: &CustomerId) -> Result<Customer> {
    let row = sqlx::query(
        "UPDATE billing_customers SET version = version WHERE id = $1 RETURNING id, owner_id, email, customer, version",
    )
    .bind(id.as_str())
    .fetch_one(tx.conn())
    .await?;
    read_customer(&row)
}

/// Keeps the provider's name for a customer who has none yet. One that the provider deleted is none.
pub async fn name_customer(tx: &mut Tx, id: &CustomerId, customer: &str) -> Result<()> {
    sqlx::query(
        "UPDATE billing_customers SET customer = $2 WHERE id = $1 AND customer IS NULL
             AND NOT EXISTS (SELECT 1 FROM billing_former_names f
                 WHERE f.provider = billing_customers.provider AND f.customer = $2)",
    )
    .bind(id.as_str())
    .bind(customer)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Forgets the provider's name of a customer whom the provider deleted. He gets a new one when he buys again.
pub async fn detach_customer(tx: &mut Tx, provider: &str, customer: &str) -> Result<()> {
    sqlx::query(
        "INSERT INTO billing_former_names (provider, customer, customer_id)
         SELECT provider, customer, id FROM billing_customers WHERE provider = $1 AND customer = $2
         ON CONFLICT (provider, customer) DO NOTHING",
    )
    .bind(provider)
    .bind(customer)
    .execute(tx.conn())
    .await?;
    sqlx::query(
        "UPDATE billing_customers SET customer = NULL, version = version + 1 WHERE provider = $1 AND customer = $2",
    )
        .bind(provider)
        .bind(customer)
        .execute(tx.conn())
        .await?;
    Ok(())
}

const PRICE: &str = "SELECT price, item, currency, amount, period, credits FROM billing_prices";

fn read_price(row: &AnyRow) -> Result<Price> {
    Ok(Price {
        price: row.try_get(0)?,
        item: row.try_get(1)?,
        money: money(row, 2)?,
        period: row.try_get(4)?,
        credits: credits(row, 5)?,
    })
}

/// Every price that was ever sold under.
pub async fn prices(db: &Db, provider: &str) -> Result<Vec<Price>> {
    let sql = sqlx::AssertSqlSafe(format!("{PRICE} WHERE provider = $1 ORDER BY price"));
    let rows = sqlx::query(sql)
        .bind(provider)
        .fetch_all(db.reader())
        .await?;
    rows.iter().map(read_price).collect()
}

/// Makes `price` the one under which its item is sold for its currency from now on.
pub async fn keep_price(tx: &mut Tx, provider: &str, price: &Price, at: Timestamp) -> Result<()> {
    let Price {
        price: id,
        item,
        money,
        period,
        credits,
    } = price;
    let currency = money.currency.code();
    sqlx::query(
        "UPDATE billing_prices SET is_current = 0
         WHERE provider = $1 AND item = $2 AND currency = $3 AND price <> $4 AND is_current = 1",
    )
    .bind(provider)
    .bind(item)
    .bind(&currency)
    .bind(id)
    .execute(tx.conn())
    .await?;
    sqlx::query(
        "INSERT INTO billing_prices
             (price, provider, item, currency, amount, period, credits, is_current, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8)
         ON CONFLICT (price) DO UPDATE SET is_current = 1",
    )
    .bind(id)
    .bind(provider)
    .bind(item)
    .bind(&currency)
    .bind(money.minor)
    .bind(period.as_deref())
    .bind(credits.as_milli())
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The price under which an item is sold for a currency now.
pub async fn current_price(
    db: &Db,
    provider: &str,
    item: &str,
    currency: &str,
) -> Result<Option<Price>> {
    let sql = sqlx::AssertSqlSafe(format!(
        "{PRICE} WHERE provider = $1 AND item = $2 AND currency = $3 AND is_current = 1"
    ));
    let query = sqlx::query(sql).bind(provider).bind(item).bind(currency);
    let row = query.fetch_optional(db.reader()).await?;
    row.as_ref().map(read_price).transpose()
}

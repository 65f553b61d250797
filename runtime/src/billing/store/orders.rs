//! What people set out to buy.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

use super::super::entity::{CustomerId, Order, OrderId, OrderState};
use super::{credits, flag, money, parsed, time};
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::Result;

const ORDER: &str =
    "SELECT id, customer_id, CASE WHEN kind = 'plan' THEN 1 ELSE 0 END, item, price, quantity,
     currency, amount, credits, state, session, url, created_at FROM billing_orders";

fn read(row: &AnyRow) -> Result<Order> {
    let (id, customer): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    Ok(Order {
        id: id.into(),
        customer: customer.into(),
        is_plan: flag(row, 2)?,
        item: row.try_get(3)?,
        price: row.try_get(4)?,
        quantity: row.try_get(5)?,
        money: money(row, 6)?,
        credits: credits(row, 8)?,
        state: parsed(row, 9, OrderState::parse)?,
        session: row.try_get(10)?,
        url: row.try_get(11)?,
        created_at: time(row, 12)?,
    })
}

async fn one(
    connection: &mut AnyConnection,
    condition: &'static str,
    binds: &[&str],
) -> Result<Option<Order>> {
    let sql = sqlx::AssertSqlSafe(format!("{ORDER} WHERE {condition}"));
    let query = binds.iter().fold(sqlx::query(sql), |query, bind| {
        query.bind((*bind).to_owned())
    });
    let row = query.fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

pub async fn order_by_key(
    connection: &mut AnyConnection,
    customer: &CustomerId,
    key: &str,
) -> Result<Option<Order>> {
    one(
        connection,
        "customer_id = $1 AND request_key = $2",
        &[customer.as_str(), key],
    )
    .await
}

pub async fn order_by_id(connection: &mut AnyConnection, id: &str) -> Result<Option<Order>> {
    one(connection, "id = $1", &[id]).await
}

/// A customer's order, by the session of its payment page.
pub async fn order_of_session(
    connection: &mut AnyConnection,
    session: &str,
) -> Result<Option<Order>> {
    one(connection, "session = $1", &[session]).await
}

/// The order for a plan that is not settled yet; there is one at most.
pub async fn open_plan_order(
    connection: &mut AnyConnection,
    customer: &CustomerId,
) -> Result<Option<Order>> {
    let condition = "customer_id = $1 AND kind = 'plan' AND state IN ('open', 'pending')";
    one(connection, condition, &[customer.as_str()]).await
}

/// The subscription that a paid order began and that was not taken in yet.
pub async fn unseen_subscription(
    connection: &mut AnyConnection,
    customer: &CustomerId,
) -> Result<Option<String>> {
    let row = sqlx::query(
        "SELECT o.subscription FROM billing_orders o
         WHERE o.customer_id = $1 AND o.kind = 'plan' AND o.state = 'paid' AND o.subscription IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM billing_subscriptions s WHERE s.subscription = o.subscription)
         ORDER BY o.id DESC LIMIT 1",
    )
    .bind(customer.as_str())
    .fetch_optional(connection)
    .await?;
    row.map(|row| Ok(row.try_get(0)?)).transpose()
}

pub async fn insert_order(tx: &mut Tx, order: &Order, key: &str) -> Result<()> {
    sqlx::query(
        "INSERT INTO billing_orders (id, customer_id, kind, item, price, quantity, currency, amount,
             credits, state, request_key, created_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)",
    )
    .bind(order.id.as_str())
    .bind(order.customer.as_str())
    .bind(if order.is_plan { "plan" } else { "pack" })
    .bind(&order.item)
    .bind(&order.price)
    .bind(order.quantity)
    .bind(order.money.currency.code())
    .bind(order.money.minor)
    .bind(order.credits.as_milli())
    .bind(order.state.as_str())
    .bind(key)
    .bind(order.created_at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Keeps where an order is paid.
pub async fn open_order(
    tx: &mut Tx,
    id: &OrderId,
    (session, url): (&str, Option<&str>),
    at: Timestamp,
) -> Result<()> {
    sqlx::query("UPDATE billing_orders SET session = $2, url = $3, changed_at = $4 WHERE id = $1")
        .bind(id.as_str())
        .bind(session)
        .bind(url)
        .bind(at.as_micros())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Keeps which subscription an order began.
pub async fn link_order(tx: &mut Tx, id: &OrderId, subscription: &str) -> Result<()> {
    sqlx::query("UPDATE billing_orders SET subscription = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(subscription)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Forgets a subscription that is none.
pub async fn unlink_orders(tx: &mut Tx, subscription: &str) -> Result<()> {
    sqlx::query("UPDATE billing_orders SET subscription = NULL WHERE subscription = $1")
        .bind(subscription)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Moves an order on. One that is settled stays as it is.
pub async fn move_order(tx: &mut Tx, id: &OrderId, state: OrderState, at: Timestamp) -> Result<()> {
    sqlx::query(
        "UPDATE billing_orders SET state = $2, changed_at = $3
         WHERE id = $1 AND state <> $2 AND state IN ('open', 'pending')",
    )
    .bind(id.as_str())
    .bind(state.as_str())
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Marks an order paid, whatever it was: money wins over what was believed.
pub async fn mark_order_paid(tx: &mut Tx, id: &OrderId, at: Timestamp) -> Result<()> {
    sqlx::query("UPDATE billing_orders SET state = 'paid', changed_at = $2 WHERE id = $1 AND state <> 'paid'")
        .bind(id.as_str())
        .bind(at.as_micros())
        .execute(tx.conn())
        .await?;
    Ok(())
}

//! Finding payments, and adding them up by day.

use sqlx::Row as _;

use super::super::actions::Search;
use super::super::actions::SubscriptionSearch;
use super::super::entity::{CustomerId, Payment, PaymentKind, PaymentState, SubscriptionRow};
use super::super::money::{Currency, Money};
use super::payments::{PAYMENT, read};
use super::{currency, subscriptions};
use crate::clock::Timestamp;
use crate::db::Db;
use crate::error::Result;
use crate::listing;

/// By what minor units are multiplied to be thousandths of the unit.
fn thousandths() -> String {
    let listed = |decimals| {
        let codes = Currency::with_decimals(decimals);
        let quoted: Vec<_> = codes.iter().map(|code| format!("'{code}'")).collect();
        quoted.join(", ")
    };
    let (none, three) = (listed(0), listed(3));
    format!(
        "(CASE WHEN currency IN ({none}) THEN 1000 WHEN currency IN ({three}) THEN 1 ELSE 10 END)"
    )
}

/// The subscriptions that are asked for, the newest first.
pub async fn search_subscriptions(
    db: &Db,
    search: &SubscriptionSearch,
) -> Result<Vec<SubscriptionRow>> {
    let SubscriptionSearch {
        text,
        status,
        after,
        limit,
    } = search;
    let list = subscriptions::SUBSCRIPTION;
    // From the one called so on, in the order of their beginning.
    let sql = sqlx::AssertSqlSafe(format!(
        r"{list} WHERE ($1 = '' OR status = $1)
             AND ($2 = '' OR lower(subscription) LIKE $5 ESCAPE '\'
                 OR customer_id IN (SELECT id FROM billing_customers WHERE lower(email) LIKE $2 ESCAPE '\'
                     OR lower(COALESCE(customer, '')) LIKE $5 ESCAPE '\'))
             AND ($3 = '' OR EXISTS (SELECT 1 FROM billing_subscriptions AS last WHERE last.subscription = $3
                 AND (billing_subscriptions.started_at < last.started_at
                     OR (billing_subscriptions.started_at = last.started_at
                         AND billing_subscriptions.subscription < last.subscription))))
         ORDER BY started_at DESC, subscription DESC LIMIT $4"
    ));
    let rows = sqlx::query(sql)
        .bind(status)
        .bind(listing::holding(text))
        .bind(after)
        .bind(*limit)
        .bind(listing::beginning(text))
        .fetch_all(db.reader())
        .await?;
    rows.iter().map(subscriptions::read).collect()
}

/// The payments that are asked for, the newest first. What the provider made up (ids) is looked up by its
/// beginning: a few letters from the middle of it say nothing.
pub async fn search_payments(db: &Db, search: &Search) -> Result<Vec<Payment>> {
    let Search {
        text,
        kind,
        state,
        from,
        until,
        currency,
        least,
        most,
        customer,
        before,
        limit,
    } = search;
    let scale = thousandths();
    let sql = sqlx::AssertSqlSafe(format!(
        r"{PAYMENT} WHERE id < $1 AND ($2 = '' OR kind = $2) AND ($3 = '' OR state = $3)
             AND created_at >= $4 AND created_at < $5 AND amount * {scale} >= $6 AND amount * {scale} <= $7
             AND ($10 = '' OR currency = $10) AND ($11 = '' OR customer_id = $11)
             AND ($8 = '' OR lower(object) LIKE $12 ESCAPE '\' OR lower(description) LIKE $8 ESCAPE '\'
                 OR lower(COALESCE(intent, '')) LIKE $12 ESCAPE '\' OR lower(number) LIKE $8 ESCAPE '\'
                 OR lower(COALESCE(subscription, '')) LIKE $12 ESCAPE '\'
                 OR intent IN (SELECT intent FROM billing_charges WHERE lower(charge) LIKE $12 ESCAPE '\'
                     UNION SELECT intent FROM billing_disputes WHERE lower(dispute) LIKE $12 ESCAPE '\')
                 OR id IN (SELECT payment_id FROM billing_payment_parts WHERE lower(intent) LIKE $12 ESCAPE '\'
                     OR intent IN (SELECT intent FROM billing_charges WHERE lower(charge) LIKE $12 ESCAPE '\'
                         UNION SELECT intent FROM billing_disputes WHERE lower(dispute) LIKE $12 ESCAPE '\'))
                 OR id IN (SELECT payment_id FROM billing_refunds WHERE lower(COALESCE(refund, '')) LIKE $12 ESCAPE '\')
                 OR customer_id IN (SELECT id FROM billing_customers WHERE lower(email) LIKE $8 ESCAPE '\'
                     OR lower(COALESCE(customer, '')) LIKE $12 ESCAPE '\'))
         ORDER BY id DESC LIMIT $9"
    ));
    let rows = sqlx::query(sql)
        .bind(before.as_deref().unwrap_or(crate::ids::AFTER_ALL))
        .bind(kind.map_or("", PaymentKind::as_str))
        .bind(state.map_or("", PaymentState::as_str))
        .bind(from.map_or(i64::MIN, Timestamp::as_micros))
        .bind(until.map_or(i64::MAX, Timestamp::as_micros))
        .bind(least.unwrap_or(0))
        .bind(most.unwrap_or(i64::MAX))
        .bind(listing::holding(text))
        .bind(*limit)
        .bind(currency.map_or_else(String::new, Currency::code))
        .bind(customer.as_ref().map_or("", CustomerId::as_str))
        .bind(listing::beginning(text))
        .fetch_all(db.reader())
        .await?;
    rows.iter().map(read).collect()
}

/// What a subscription was to from an instant on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TermsPaid {
    pub subscription: String,
    pub price: String,
    pub quantity: i64,
    pub at: Timestamp,
    /// Until when it was paid for then, as far as that is known.
    pub until: Option<Timestamp>,
}

/// What every subscription was to, from its first payment to its last.
pub async fn terms_paid(db: &Db) -> Result<Vec<TermsPaid>> {
    let rows = sqlx::query(
        "SELECT p.subscription, p.price, p.quantity, COALESCE(MIN(l.period_start), p.paid_at) AS began, MAX(l.period_end)
         FROM billing_payments p LEFT JOIN billing_lots l ON l.payment_id = p.id
         WHERE p.subscription IS NOT NULL AND p.price IS NOT NULL AND p.paid_at IS NOT NULL
         GROUP BY p.id, p.subscription, p.price, p.quantity, p.paid_at ORDER BY began, p.id",
    )
    .fetch_all(db.reader())
    .await?;
    let read = |row: &sqlx::any::AnyRow| {
        Ok(TermsPaid {
            subscription: row.try_get(0)?,
            price: row.try_get(1)?,
            quantity: row.try_get(2)?,
            at: Timestamp::from_micros(row.try_get(3)?),
            until: row
                .try_get::<Option<i64>, _>(4)?
                .map(Timestamp::from_micros),
        })
    };
    rows.iter().map(read).collect()
}

/// What came in on one day (in UTC) and stayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayOfRevenue {
    pub day: Timestamp,
    pub paid: Money,
    /// What of it went back since.
    pub lost: Money,
}

const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// Each day on which something was paid, by currency.
pub async fn revenue(db: &Db) -> Result<Vec<DayOfRevenue>> {
    let rows = sqlx::query(
        "SELECT currency, paid_at / $1, CAST(SUM(amount) AS BIGINT), CAST(SUM(refunded + disputed) AS BIGINT)
         FROM billing_payments WHERE paid_at IS NOT NULL AND state NOT IN ('pending', 'failed')
         GROUP BY currency, paid_at / $1 ORDER BY 2, 1",
    )
    .bind(DAY)
    .fetch_all(db.reader())
    .await?;
    rows.iter()
        .map(|row| {
            let currency: Currency = currency(row, 0)?;
            let day: i64 = row.try_get(1)?;
            Ok(DayOfRevenue {
                day: Timestamp::from_micros(day * DAY),
                paid: Money::new(row.try_get(2)?, currency),
                lost: Money::new(row.try_get(3)?, currency),
            })
        })
        .collect()
}

//! Finding payments, and adding them up by day.

use sqlx::Row as _;

use super::super::actions::Search;
use super::super::entity::{Payment, PaymentKind, PaymentState};
use super::super::money::{Currency, Money};
use super::currency;
use super::payments::{PAYMENT, read};
use crate::clock::Timestamp;
use crate::db::Db;
use crate::error::Result;

/// `text` as a part of something, for LIKE with `\` as its escape.
fn part(text: &str) -> String {
    let text = text.trim().to_lowercase();
    if text.is_empty() {
        return String::new();
    }
    let escaped = text
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    format!("%{escaped}%")
}

/// The payments that are asked for, the newest first.
pub async fn search_payments(db: &Db, search: &Search) -> Result<Vec<Payment>> {
    let Search {
        text,
        kind,
        state,
        from,
        until,
        least,
        most,
        before,
        limit,
    } = search;
    let sql = sqlx::AssertSqlSafe(format!(
        r"{PAYMENT} WHERE id < $1 AND ($2 = '' OR kind = $2) AND ($3 = '' OR state = $3)
             AND created_at >= $4 AND created_at < $5 AND amount >= $6 AND amount <= $7
             AND ($8 = '' OR lower(object) LIKE $8 ESCAPE '\' OR lower(description) LIKE $8 ESCAPE '\'
                 OR lower(COALESCE(intent, '')) LIKE $8 ESCAPE '\' OR lower(number) LIKE $8 ESCAPE '\'
                 OR lower(COALESCE(subscription, '')) LIKE $8 ESCAPE '\'
                 OR customer_id IN (SELECT id FROM billing_customers WHERE lower(email) LIKE $8 ESCAPE '\'
                     OR lower(COALESCE(customer, '')) LIKE $8 ESCAPE '\'))
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
        .bind(part(text))
        .bind(*limit)
        .fetch_all(db.reader())
        .await?;
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

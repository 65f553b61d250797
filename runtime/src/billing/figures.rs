//! What the staff wants to know of money over time. Amounts of different currencies stand side by side and are never
//! added; what went back is taken off once, in the month in which it had been paid.

use std::collections::BTreeMap;

use super::entity::{Price, SubscriptionRow};
use super::money::{Currency, Money};
use super::setup::Billing;
use super::store::{self, DayOfRevenue};
use crate::app::Core;
use crate::clock::Timestamp;
use crate::error::Result;

/// One month's payments in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Month {
    /// `2026-11`
    pub month: String,
    pub paid: Money,
    /// What of it went back since.
    pub lost: Money,
}

impl Month {
    /// What stayed.
    pub fn net(&self) -> Money {
        Money::new(self.paid.minor - self.lost.minor, self.paid.currency)
    }
}

/// How many subscriptions there are, and how many ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    pub active: usize,
    pub trials: usize,
    pub failing: usize,
    /// By month: `2026-11`, how many there were when it began, how many of them ended in it.
    pub churn: Vec<(String, usize, usize)>,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    pub months: Vec<Month>,
    /// What subscriptions bring a month, by currency.
    pub recurring: Vec<Money>,
    pub subscriptions: Counts,
}

/// How many subscriptions are read together.
const AT_ONCE: i64 = 500;
/// How many months of churn are shown.
const MONTHS: usize = 12;

pub async fn figures(core: &Core) -> Result<Figures> {
    let days = store::revenue(core.db()).await?;
    let billing = core.state::<Billing>()?;
    let prices = match billing.provider() {
        Ok(provider) => store::prices(core.db(), provider.name()).await?,
        Err(_) => Vec::new(),
    };
    let mut rows = Vec::new();
    loop {
        let after = rows
            .last()
            .map_or("", |last: &SubscriptionRow| last.subscription.as_str())
            .to_owned();
        let batch = store::all_subscriptions(core.db(), &after, AT_ONCE).await?;
        if batch.is_empty() {
            break;
        }
        rows.extend(batch);
    }
    Ok(Figures {
        months: months(&days),
        recurring: recurring(&rows, &prices),
        subscriptions: counts(&rows, core.now()),
    })
}

/// `2026-11`
fn month_of(at: Timestamp) -> String {
    at.rfc3339().chars().take(7).collect()
}

fn months(days: &[DayOfRevenue]) -> Vec<Month> {
    let mut sums: BTreeMap<(String, Currency), (i64, i64)> = BTreeMap::new();
    for day in days {
        let sum = sums
            .entry((month_of(day.day), day.paid.currency))
            .or_default();
        sum.0 += day.paid.minor;
        sum.1 += day.lost.minor;
    }
    let month = |((month, currency), (paid, lost))| Month {
        month,
        paid: Money::new(paid, currency),
        lost: Money::new(lost, currency),
    };
    sums.into_iter().map(month).collect()
}

/// Subscriptions that are paid for now; what is paid by the year counts a twelfth.
fn recurring(rows: &[SubscriptionRow], prices: &[Price]) -> Vec<Money> {
    let mut sums: BTreeMap<Currency, i64> = BTreeMap::new();
    let paid = rows
        .iter()
        .filter(|row| matches!(row.status.as_str(), "active" | "past_due") && !row.is_paused);
    for row in paid {
        if let Some(price) = prices.iter().find(|price| price.price == row.price) {
            let months = if price.period.as_deref() == Some("year") {
                12
            } else {
                1
            };
            *sums.entry(price.money.currency).or_default() +=
                price.money.minor * row.quantity / months;
        }
    }
    sums.into_iter()
        .map(|(currency, minor)| Money::new(minor, currency))
        .collect()
}

fn counts(rows: &[SubscriptionRow], now: Timestamp) -> Counts {
    let with = |status: &str| rows.iter().filter(|row| row.status == status).count();
    let mut names = vec![month_of(now)];
    while names.len() < MONTHS {
        names.insert(0, previous(&names[0]));
    }
    let churn = names.into_iter().map(|name| {
        let began_before = |row: &&SubscriptionRow| month_of(row.started_at) < name;
        let ended = |row: &SubscriptionRow| row.ended_at.map(month_of);
        let there = rows
            .iter()
            .filter(began_before)
            .filter(|row| ended(row).is_none_or(|ended| ended >= name));
        let left = there
            .clone()
            .filter(|row| ended(row).is_some_and(|ended| ended == name))
            .count();
        (name.clone(), there.count(), left)
    });
    Counts {
        active: with("active"),
        trials: with("trialing"),
        failing: with("past_due"),
        churn: churn.collect(),
    }
}

/// The month before `2026-01` is `2025-12`.
fn previous(month: &str) -> String {
    let (year, number) = month.split_once('-').unwrap_or_default();
    let year: i32 = year.parse().unwrap_or_default();
    match number.parse::<u32>().unwrap_or_default() {
        0 | 1 => format!("{:04}-12", year - 1),
        number => format!("{year:04}-{:02}", number - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currencies_stand_side_by_side_and_refunds_count_once() {
        let day = |day: i64, minor: i64, lost: i64, currency: &str| {
            let currency = currency.parse().unwrap();
            DayOfRevenue {
                day: Timestamp::from_micros(day * 24 * 60 * 60 * 1_000_000),
                paid: Money::new(minor, currency),
                lost: Money::new(lost, currency),
            }
        };
        let months = months(&[
            day(0, 900, 450, "eur"),
            day(0, 500, 0, "jpy"),
            day(30, 900, 0, "eur"),
            day(31, 1, 1, "eur"),
        ]);
        let told: Vec<_> = months
            .iter()
            .map(|month| format!("{} {}", month.month, month.net()))
            .collect();
        assert_eq!(
            told,
            ["1970-01 13.50 EUR", "1970-01 500 JPY", "1970-02 0.00 EUR"]
        );
        assert_eq!(previous("2026-01"), "2025-12");
        assert_eq!(previous("2026-12"), "2026-11");
    }
}

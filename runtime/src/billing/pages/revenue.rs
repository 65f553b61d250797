//! Money over time, drawn and in tables.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::billing::figures::{Counts, Month};
use crate::billing::money::{Currency, Money};
use crate::pages::Page;

/// One month, as a bar and as a row.
#[derive(Debug, Serialize)]
pub struct MonthBar {
    pub month: String,
    pub paid: String,
    pub lost: String,
    pub net: String,
    pub x: usize,
    pub y: i64,
    pub height: i64,
}

/// One currency's months.
#[derive(Debug, Serialize)]
pub struct CurrencyChart {
    pub currency: String,
    pub total: String,
    pub width: usize,
    pub bars: Vec<MonthBar>,
}

/// One month of subscriptions, as a row.
#[derive(Debug, Serialize)]
pub struct ChurnRow {
    pub month: String,
    pub there: usize,
    pub left: usize,
    /// In per cent, with one place; none where there was nobody.
    pub share: Option<String>,
}

/// Revenue, what comes back every month, who left.
#[derive(Debug, Serialize)]
pub struct RevenuePage {
    pub charts: Vec<CurrencyChart>,
    pub recurring: Vec<String>,
    pub active: usize,
    pub trials: usize,
    pub failing: usize,
    pub churn: Vec<ChurnRow>,
}

const BAR: usize = 40;
const HEIGHT: i64 = 100;

impl RevenuePage {
    pub fn of(months: &[Month], recurring: &[Money], counts: &Counts) -> Self {
        let mut by_currency: BTreeMap<Currency, Vec<&Month>> = BTreeMap::new();
        for month in months {
            by_currency
                .entry(month.paid.currency)
                .or_default()
                .push(month);
        }
        let churn = counts.churn.iter().map(|(month, there, left)| ChurnRow {
            month: month.clone(),
            there: *there,
            left: *left,
            share: (left * 1000)
                .checked_div(*there)
                .map(|tenths| format!("{}.{} %", tenths / 10, tenths % 10)),
        });
        Self {
            charts: by_currency
                .into_iter()
                .map(|(currency, months)| chart(currency, &months))
                .collect(),
            recurring: recurring.iter().map(Money::to_string).collect(),
            active: counts.active,
            trials: counts.trials,
            failing: counts.failing,
            churn: churn.collect(),
        }
    }
}

fn chart(currency: Currency, months: &[&Month]) -> CurrencyChart {
    let most = months
        .iter()
        .map(|month| month.net().minor)
        .max()
        .unwrap_or_default()
        .max(1);
    let bar = |(at, month): (usize, &&Month)| {
        let height = i64::try_from(
            i128::from(month.net().minor.max(0)) * i128::from(HEIGHT) / i128::from(most),
        );
        let height = height.unwrap_or_default();
        MonthBar {
            month: month.month.clone(),
            paid: month.paid.to_string(),
            lost: month.lost.to_string(),
            net: month.net().to_string(),
            x: at * BAR,
            y: HEIGHT - height,
            height,
        }
    };
    let total = months.iter().map(|month| month.net().minor).sum();
    CurrencyChart {
        currency: currency.to_string(),
        total: Money::new(total, currency).to_string(),
        width: months.len() * BAR,
        bars: months.iter().enumerate().map(bar).collect(),
    }
}

impl Page for RevenuePage {
    const TEMPLATE: &'static str = "billing/staff/revenue.html";

    fn sample() -> Self {
        let bar = MonthBar {
            month: "2026-11".into(),
            paid: "9.00 EUR".into(),
            lost: "4.50 EUR".into(),
            net: "4.50 EUR".into(),
            x: 0,
            y: 0,
            height: 100,
        };
        Self {
            charts: vec![CurrencyChart {
                currency: "EUR".into(),
                total: "4.50 EUR".into(),
                width: 40,
                bars: vec![bar],
            }],
            recurring: vec!["9.00 EUR".into()],
            active: 1,
            trials: 2,
            failing: 3,
            churn: vec![ChurnRow {
                month: "2026-11".into(),
                there: 10,
                left: 1,
                share: Some("10.0 %".into()),
            }],
        }
    }
}

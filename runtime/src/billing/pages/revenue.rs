//! Money over time, drawn and in tables.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::billing::figures::{Counts, Course, Figures, Month};
use crate::billing::money::{Currency, Money};
use crate::pages::Page;

/// One bar of a chart.
#[derive(Debug, Serialize)]
pub struct Bar {
    /// What it stands for, for whoever points at it.
    pub title: String,
    pub x: usize,
    pub y: i64,
    pub height: i64,
}

/// A row of bars, as high as what they stand for.
#[derive(Debug, Default, Serialize)]
pub struct Chart {
    pub width: usize,
    pub bars: Vec<Bar>,
    /// What the highest bar stands for; empty where all are on the ground.
    pub most: String,
    /// What the first and the last bar are of.
    pub ends: (String, String),
}

/// One month of payments, as a row.
#[derive(Debug, Serialize)]
pub struct MonthRow {
    pub month: String,
    pub paid: String,
    pub lost: String,
    pub net: String,
}

/// What was paid in one currency.
#[derive(Debug, Serialize)]
pub struct CurrencyMonths {
    pub currency: String,
    pub total: String,
    pub chart: Chart,
    pub months: Vec<MonthRow>,
}

/// What subscriptions bring a month in one currency.
#[derive(Debug, Serialize)]
pub struct Recurring {
    pub currency: String,
    pub now: String,
    pub chart: Chart,
    /// Month and amount.
    pub months: Vec<(String, String)>,
}

/// One month of subscriptions, as a row.
#[derive(Debug, Serialize)]
pub struct CourseRow {
    pub month: String,
    pub active: usize,
    pub trials: usize,
    pub there: usize,
    pub left: usize,
    /// In per cent, with one place; none where there was nobody.
    pub share: Option<String>,
}

/// Revenue, what comes back every month, who left.
#[derive(Debug, Serialize)]
pub struct RevenuePage {
    pub active: usize,
    pub trials: usize,
    pub failing: usize,
    pub revenue: Vec<CurrencyMonths>,
    pub recurring: Vec<Recurring>,
    pub active_chart: Chart,
    pub trials_chart: Chart,
    pub churn_chart: Chart,
    pub course: Vec<CourseRow>,
}

const BAR: usize = 40;
const HEIGHT: i64 = 100;
/// Fewer bars leave room, so that one month is not as wide as the page.
const FEWEST: usize = 12;

/// A bar for each month and value; `written` is a value as people read it.
fn chart(written: impl Fn(i64) -> String, months: impl Iterator<Item = (String, i64)>) -> Chart {
    let months: Vec<_> = months.collect();
    let highest = months.iter().map(|(_, value)| *value).max();
    let highest = highest.unwrap_or_default().max(0);
    let most = i128::from(highest.max(1));
    let end = |one: Option<&(String, i64)>| one.map(|(month, _)| month.clone());
    let ends = (end(months.first()), end(months.last()));
    let bar = |(at, (month, value)): (usize, (String, i64))| {
        let height = i128::from(value.max(0)) * i128::from(HEIGHT) / most;
        let height = i64::try_from(height).unwrap_or_default();
        Bar {
            title: format!("{month}: {}", written(value)),
            x: at * BAR,
            y: HEIGHT - height,
            height,
        }
    };
    Chart {
        width: months.len().max(FEWEST) * BAR,
        most: if highest > 0 {
            written(highest)
        } else {
            String::new()
        },
        ends: (ends.0.unwrap_or_default(), ends.1.unwrap_or_default()),
        bars: months.into_iter().enumerate().map(bar).collect(),
    }
}

/// `left` of `there` in tenths of a per cent.
fn tenths(there: usize, left: usize) -> Option<usize> {
    (left * 1000).checked_div(there)
}

/// `12.5` per cent.
pub fn churn(there: usize, left: usize) -> Option<String> {
    tenths(there, left).map(|tenths| format!("{}.{}", tenths / 10, tenths % 10))
}

fn count_chart(course: &[Course], count: impl Fn(&Course) -> usize) -> Chart {
    let month = |month: &Course| {
        let count = i64::try_from(count(month)).unwrap_or(i64::MAX);
        (month.month.clone(), count)
    };
    chart(|count| count.to_string(), course.iter().map(month))
}

impl RevenuePage {
    pub fn of(figures: &Figures) -> Self {
        let Figures {
            months,
            counts,
            course,
        } = figures;
        let Counts {
            active,
            trials,
            failing,
        } = *counts;
        let mut by_currency: BTreeMap<Currency, Vec<&Month>> = BTreeMap::new();
        for month in months {
            by_currency
                .entry(month.paid.currency)
                .or_default()
                .push(month);
        }
        let churn_bar = |month: &Course| {
            let value = tenths(month.there, month.left).unwrap_or_default();
            let value = i64::try_from(value).unwrap_or(i64::MAX);
            (month.month.clone(), value)
        };
        let share = |tenths: i64| format!("{}.{} %", tenths / 10, tenths % 10);
        Self {
            active,
            trials,
            failing,
            revenue: by_currency
                .into_iter()
                .map(|(currency, months)| revenue(currency, &months))
                .collect(),
            recurring: recurring(course),
            active_chart: count_chart(course, |month| month.active),
            trials_chart: count_chart(course, |month| month.trials),
            churn_chart: chart(share, course.iter().map(churn_bar)),
            course: course.iter().map(course_row).collect(),
        }
    }
}

fn course_row(month: &Course) -> CourseRow {
    CourseRow {
        month: month.month.clone(),
        active: month.active,
        trials: month.trials,
        there: month.there,
        left: month.left,
        share: churn(month.there, month.left),
    }
}

fn revenue(currency: Currency, months: &[&Month]) -> CurrencyMonths {
    let bar = |month: &&Month| (month.month.clone(), month.net().minor);
    let written = |minor: i64| Money::new(minor, currency).to_string();
    let row = |month: &&Month| MonthRow {
        month: month.month.clone(),
        paid: month.paid.to_string(),
        lost: month.lost.to_string(),
        net: month.net().to_string(),
    };
    let total = months.iter().map(|month| month.net().minor).sum();
    CurrencyMonths {
        currency: currency.to_string(),
        total: Money::new(total, currency).to_string(),
        chart: chart(written, months.iter().map(bar)),
        months: months.iter().map(row).collect(),
    }
}

fn recurring(course: &[Course]) -> Vec<Recurring> {
    let all = course.iter().flat_map(|month| &month.recurring);
    let currencies: BTreeSet<_> = all.map(|money| money.currency).collect();
    let one = |currency: Currency| {
        let amount = |month: &Course| {
            let found = month
                .recurring
                .iter()
                .find(|money| money.currency == currency);
            found.copied().unwrap_or(Money::new(0, currency))
        };
        let bar = |month: &Course| (month.month.clone(), amount(month).minor);
        let written = |minor: i64| Money::new(minor, currency).to_string();
        Recurring {
            currency: currency.to_string(),
            now: course
                .last()
                .map(amount)
                .unwrap_or(Money::new(0, currency))
                .to_string(),
            chart: chart(written, course.iter().map(bar)),
            months: course
                .iter()
                .map(|month| (month.month.clone(), amount(month).to_string()))
                .collect(),
        }
    };
    currencies.into_iter().map(one).collect()
}

impl Page for RevenuePage {
    const TEMPLATE: &'static str = "billing/staff/revenue.html";

    fn sample() -> Self {
        let chart = || {
            chart(
                |count| count.to_string(),
                [("2026-11".to_owned(), 450)].into_iter(),
            )
        };
        Self {
            active: 1,
            trials: 2,
            failing: 3,
            revenue: vec![CurrencyMonths {
                currency: "EUR".into(),
                total: "4.50 EUR".into(),
                chart: chart(),
                months: vec![MonthRow {
                    month: "2026-11".into(),
                    paid: "9.00 EUR".into(),
                    lost: "4.50 EUR".into(),
                    net: "4.50 EUR".into(),
                }],
            }],
            recurring: vec![Recurring {
                currency: "EUR".into(),
                now: "9.00 EUR".into(),
                chart: chart(),
                months: vec![("2026-11".into(), "9.00 EUR".into())],
            }],
            active_chart: chart(),
            trials_chart: chart(),
            churn_chart: chart(),
            course: vec![CourseRow {
                month: "2026-11".into(),
                active: 1,
                trials: 2,
                there: 10,
                left: 1,
                share: Some("10.0".into()),
            }],
        }
    }
}

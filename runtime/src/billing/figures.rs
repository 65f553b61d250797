//! What the staff wants to know of money over time. Amounts of different currencies stand side by side and are never
//! added; what went back is taken off once, in the month in which it had been paid.

use std::collections::BTreeMap;
use std::time::Duration;

use super::entity::{Price, SubscriptionRow};
use super::money::{Currency, Money};
use super::rules::{self, Standing};
use super::setup::Billing;
use super::store::{self, DayOfRevenue, TermsPaid};
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

/// How many subscriptions there are now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    pub active: usize,
    pub trials: usize,
    pub failing: usize,
}

/// The subscriptions of one month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    /// `2026-11`
    pub month: String,
    /// What they bring a month, by currency, as of the month's end or now.
    pub recurring: Vec<Money>,
    /// How many there were at its end, or are now.
    pub active: usize,
    pub trials: usize,
    /// How many there were when it began, and how many of those ended in it.
    pub there: usize,
    pub left: usize,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    pub months: Vec<Month>,
    pub counts: Counts,
    /// The last twelve months, the running one at the end.
    pub course: Vec<Course>,
}

/// How many subscriptions are read together.
const AT_ONCE: i64 = 500;
/// How many months of subscriptions are shown.
const MONTHS: usize = 12;

pub async fn figures(core: &Core) -> Result<Figures> {
    let days = store::revenue(core.db()).await?;
    let billing = core.state::<Billing>()?;
    let prices = match billing.provider() {
        Ok(provider) => store::prices(core.db(), provider.name()).await?,
        Err(_) => Vec::new(),
    };
    let terms = store::terms_paid(core.db()).await?;
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
    let (grace, now) = (billing.settings.grace(), core.now());
    Ok(Figures {
        months: months(&days),
        counts: counts(&rows),
        course: course(&rows, &History::new(&terms, &prices), (grace, now)),
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

/// What every subscription was to, and when.
struct History<'a> {
    terms: BTreeMap<&'a str, Vec<&'a TermsPaid>>,
    prices: BTreeMap<&'a str, &'a Price>,
}

impl<'a> History<'a> {
    fn new(terms: &'a [TermsPaid], prices: &'a [Price]) -> Self {
        let mut by_subscription: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for one in terms {
            by_subscription
                .entry(one.subscription.as_str())
                .or_default()
                .push(one);
        }
        Self {
            terms: by_subscription,
            prices: prices
                .iter()
                .map(|price| (price.price.as_str(), price))
                .collect(),
        }
    }

    /// What a subscription brought a month at `at`; what is paid by the year counts a twelfth.
    fn a_month(&self, row: &SubscriptionRow, at: Timestamp) -> Option<Money> {
        let paid = self.terms.get(row.subscription.as_str());
        let then = paid.and_then(|paid| paid.iter().rfind(|terms| terms.at <= at));
        let (price, quantity) = then.map_or((row.price.as_str(), row.quantity), |terms| {
            (terms.price.as_str(), terms.quantity)
        });
        let price = self.prices.get(price)?;
        let months = match price.period.as_deref() {
            Some("year") => 12,
            _ => 1,
        };
        let minor = price.money.minor * quantity / months;
        Some(Money::new(minor, price.money.currency))
    }

    /// Whether nothing was paid for the time around `at`, as while a subscription is paused. What was never paid through
    /// an invoice is not known.
    fn is_unpaid(&self, row: &SubscriptionRow, at: Timestamp) -> bool {
        let paid = self.terms.get(row.subscription.as_str());
        let then = paid.and_then(|paid| paid.iter().rfind(|terms| terms.at <= at));
        then.and_then(|terms| terms.until)
            .is_some_and(|until| until <= at)
    }
}

fn counts(rows: &[SubscriptionRow]) -> Counts {
    let with = |status: &str| rows.iter().filter(|row| row.status == status).count();
    Counts {
        active: with("active"),
        trials: with("trialing"),
        failing: with("past_due"),
    }
}

/// Whether a subscription was one at `at`: it had begun, was paid or tried at some time, and had not ended.
fn is_there(row: &SubscriptionRow, at: Timestamp) -> bool {
    rules::has_begun(&row.status)
        && row.started_at <= at
        && row.ended_at.is_none_or(|ended| ended > at)
}

/// Whether a subscription counts now: it is tried or paid for, or its renewal failed not long ago.
fn counts_now(row: &SubscriptionRow, grace: Duration, now: Timestamp) -> bool {
    let may_count = matches!(row.status.as_str(), "trialing" | "active" | "past_due");
    may_count && rules::standing(row, grace, now) == Standing::Usable
}

fn is_trial(row: &SubscriptionRow, at: Timestamp) -> bool {
    row.trial_end.is_some_and(|end| end > at)
}

fn course(
    rows: &[SubscriptionRow],
    history: &History<'_>,
    (grace, now): (Duration, Timestamp),
) -> Vec<Course> {
    let mut names = vec![month_of(now)];
    while names.len() < MONTHS {
        names.insert(0, previous(&names[0]));
    }
    let month = |name: String| {
        let (start, end) = (first_instant(&name), first_instant(&following(&name)));
        let at = end.min(now);
        let (trials, paying): (Vec<_>, Vec<_>) = rows
            .iter()
            .filter(|row| is_there(row, at))
            // What became of a subscription since tells nothing of months that are past.
            .filter(|row| end <= now || counts_now(row, grace, now))
            .partition(|row| is_trial(row, at) || (end > now && row.status == "trialing"));
        let mut sums: BTreeMap<Currency, i64> = BTreeMap::new();
        let charged = |row: &&&SubscriptionRow| match end <= now {
            true => !history.is_unpaid(row, at),
            false => !row.is_paused,
        };
        for money in paying
            .iter()
            .filter(charged)
            .filter_map(|row| history.a_month(row, at))
        {
            *sums.entry(money.currency).or_default() += money.minor;
        }
        let there: Vec<_> = rows.iter().filter(|row| is_there(row, start)).collect();
        let left = there.iter().filter(|row| !is_there(row, at)).count();
        let money = |(currency, minor)| Money::new(minor, currency);
        Course {
            month: name,
            recurring: sums.into_iter().map(money).collect(),
            active: paying.len(),
            trials: trials.len(),
            there: there.len(),
            left,
        }
    };
    names.into_iter().map(month).collect()
}

fn first_instant(month: &str) -> Timestamp {
    let (year, number) = month.split_once('-').unwrap_or_default();
    let number: u8 = number.parse().unwrap_or(1);
    let first = time::Month::try_from(number).and_then(|month| {
        time::Date::from_calendar_date(year.parse().unwrap_or_default(), month, 1)
    });
    let seconds = first.map_or(0, |day| day.midnight().assume_utc().unix_timestamp());
    Timestamp::from_micros(seconds * 1_000_000)
}

/// The month after `2025-12` is `2026-01`.
fn following(month: &str) -> String {
    let (year, number) = month.split_once('-').unwrap_or_default();
    let year: i32 = year.parse().unwrap_or_default();
    match number.parse::<u32>().unwrap_or_default() {
        12 => format!("{:04}-01", year + 1),
        number => format!("{year:04}-{:02}", number + 1),
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

    const GRACE: Duration = Duration::from_secs(3 * 86_400);

    #[test]
    fn the_running_month_has_what_may_be_used_and_is_paid_for() {
        let now = at("2026-11", 20);
        let with = |status: &str, failing: Option<Timestamp>| SubscriptionRow {
            status: status.into(),
            failing_since: failing,
            period: (at("2026-11", 1), at("2026-12", 1)),
            ..row(status, at("2026-11", 1), None)
        };
        for (row, active, trials) in [
            (with("active", None), 1, 0),
            (with("trialing", None), 0, 1),
            (with("past_due", Some(at("2026-11", 18))), 1, 0),
            (with("past_due", Some(at("2026-11", 17))), 0, 0),
            (with("past_due", None), 0, 0),
            (with("unpaid", None), 0, 0),
            (with("paused", None), 0, 0),
        ] {
            let history = History::new(&[], &[]);
            let course = course(std::slice::from_ref(&row), &history, (GRACE, now));
            let told = (course[11].active, course[11].trials);
            assert_eq!(told, (active, trials), "{row:?}");
        }
    }

    fn at(month: &str, day: i64) -> Timestamp {
        first_instant(month).plus(std::time::Duration::from_secs(day.unsigned_abs() * 86_400))
    }

    fn row(id: &str, started: Timestamp, ended: Option<Timestamp>) -> SubscriptionRow {
        SubscriptionRow {
            subscription: id.into(),
            customer: crate::billing::CustomerId::from("c".to_owned()),
            status: if ended.is_some() {
                "canceled"
            } else {
                "active"
            }
            .into(),
            price: "month".into(),
            element: String::new(),
            quantity: 3,
            period: (started, started),
            trial_end: None,
            cancels_at_end: false,
            is_paused: false,
            ended_at: ended,
            paid_until: None,
            failing_since: None,
            is_alert: false,
            started_at: started,
            schedule: None,
            next: None,
        }
    }

    #[test]
    fn a_month_that_was_paused_brought_nothing() {
        let price = Price {
            price: "month".into(),
            item: "month".into(),
            money: Money::new(900, "eur".parse().unwrap()),
            period: Some("month".into()),
            credits: crate::credits::Credits::ZERO,
        };
        let paid = |from: &str, to: &str| TermsPaid {
            subscription: "a".into(),
            price: "month".into(),
            quantity: 1,
            at: at(from, 14),
            until: Some(at(to, 14)),
        };
        // Paid in July and August, paused in September, paid again in October, paused now.
        let terms = [
            paid("2026-07", "2026-08"),
            paid("2026-08", "2026-09"),
            paid("2026-10", "2026-11"),
        ];
        let paused = SubscriptionRow {
            is_paused: true,
            ..row("a", at("2026-07", 14), None)
        };
        let prices = [price];
        let history = History::new(&terms, &prices);
        let told = |row: &SubscriptionRow| -> Vec<String> {
            let course = course(
                std::slice::from_ref(row),
                &history,
                (GRACE, at("2026-11", 20)),
            );
            let months = course[7..].iter();
            months
                .map(|month| month.recurring.iter().map(Money::to_string).collect())
                .collect()
        };
        assert_eq!(told(&paused), ["9.00 EUR", "9.00 EUR", "", "9.00 EUR", ""]);
    }

    #[test]
    fn each_month_has_what_there_was_at_its_end() {
        let price = |id: &str, minor: i64, period: &str| Price {
            price: id.into(),
            item: id.into(),
            money: Money::new(minor, "eur".parse().unwrap()),
            period: Some(period.into()),
            credits: crate::credits::Credits::ZERO,
        };
        let prices = [price("month", 900, "month"), price("year", 12_000, "year")];
        let terms = |at: Timestamp, price: &str, quantity: i64| TermsPaid {
            subscription: "a".into(),
            price: price.into(),
            quantity,
            at,
            until: None,
        };
        // One seat in August, three from October on; by the year from November on.
        let terms = [
            terms(at("2026-08", 3), "month", 1),
            terms(at("2026-10", 3), "month", 3),
            terms(at("2026-11", 3), "year", 3),
        ];
        let trial = SubscriptionRow {
            trial_end: Some(at("2026-12", 1)),
            ..row("t", at("2026-11", 5), None)
        };
        let left = row("l", at("2026-07", 5), Some(at("2026-09", 9)));
        let rows = [row("a", at("2026-08", 3), None), trial, left];
        let history = History::new(&terms, &prices);
        let course = course(&rows, &history, (GRACE, at("2026-11", 20)));
        let told: Vec<_> = course[7..]
            .iter()
            .map(|month| {
                let Course {
                    month,
                    recurring,
                    active,
                    trials,
                    there,
                    left,
                } = month;
                let money: Vec<_> = recurring.iter().map(Money::to_string).collect();
                format!(
                    "{month} {} {active} {trials} {there} {left}",
                    money.join("+")
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                "2026-07 27.00 EUR 1 0 0 0",
                "2026-08 36.00 EUR 2 0 1 0",
                "2026-09 9.00 EUR 1 0 2 1",
                "2026-10 27.00 EUR 1 0 1 0",
                "2026-11 30.00 EUR 1 1 1 0",
            ]
        );
        assert_eq!(following("2025-12"), "2026-01");
    }
}

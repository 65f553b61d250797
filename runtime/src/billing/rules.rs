//! Decisions about money, as values from values: what an invoice is worth in credits, how much is taken back of what was
//! paid back, which status lets somebody in. No clock, no database.

use std::time::Duration;

use super::Money;
use super::entity::{PaidLot, PaymentState, Price, SubscriptionRow};
use super::objects::{Invoice, Line, Reason};
use crate::clock::Timestamp;
use crate::credits::Credits;

/// What an invoice puts into the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What it is put in for; once in all time.
    pub source: String,
    pub credits: Credits,
    pub period: (Timestamp, Timestamp),
}

/// The grants of a paid invoice. A line whose price is not among `prices` gives its name as a fault: its credits are owed.
///
/// Lines for a whole period bring the plan's credits. Prorated lines, and all lines of a change, bring and take credits
/// in proportion to their money, in one grant of the difference.
pub fn grants(invoice: &Invoice, prices: &[Price]) -> Result<Vec<Grant>, String> {
    if invoice.subscription.is_none() {
        return Ok(Vec::new());
    }
    let mut grants = Vec::new();
    let mut difference = 0_i128;
    let mut period: Option<(Timestamp, Timestamp)> = None;
    for line in &invoice.lines {
        let Some(price) = price_of(line, prices)? else {
            continue;
        };
        if line.is_proration || invoice.reason == Reason::Update {
            difference += in_proportion(line, price);
            if line.amount > 0 && period.is_none_or(|(_, end)| end < line.period.1) {
                period = Some(line.period);
            }
        } else {
            let credits = times(price.credits, line.quantity);
            let (source, period) = (format!("{}:{}", invoice.id, line.id), line.period);
            grants.push(Grant {
                source,
                credits,
                period,
            });
        }
    }
    let difference = u64::try_from(difference).unwrap_or_default();
    if let (Some(period), 1..) = (period, difference) {
        grants.push(Grant {
            source: invoice.id.clone(),
            credits: Credits::from_milli(difference.min(Credits::MAX.as_milli().unsigned_abs())),
            period,
        });
    }
    grants.retain(|grant| !grant.credits.is_zero());
    Ok(grants)
}

fn price_of<'a>(line: &Line, prices: &'a [Price]) -> Result<Option<&'a Price>, String> {
    let Some(id) = &line.price else {
        // A line without a price is an amount that somebody wrote into the invoice by hand.
        return Ok(None);
    };
    let known = prices.iter().find(|price| price.price == *id);
    known.map(Some).ok_or_else(|| {
        format!("the price {id} is not known here; `billing sync` reads the catalogue")
    })
}

/// The credits that the money of a line stands for, in thousandths, below zero for what is given back.
fn in_proportion(line: &Line, price: &Price) -> i128 {
    let full = i128::from(price.money.minor);
    if full == 0 {
        return 0;
    }
    i128::from(price.credits.as_milli()) * i128::from(line.amount) / full
}

/// So many of them, as far as an account can hold.
pub fn times(credits: Credits, quantity: i64) -> Credits {
    let product = i128::from(credits.as_milli()) * i128::from(quantity.max(0));
    let most = Credits::MAX.as_milli().unsigned_abs();
    Credits::from_milli(u64::try_from(product).unwrap_or(most).min(most))
}

/// How much of `credits` goes back with `lost` of `paid`: rounded down, and all of it with all of the money.
pub fn share(credits: Credits, lost: i64, paid: i64) -> Credits {
    if paid <= 0 || lost >= paid {
        return if lost > 0 { credits } else { Credits::ZERO };
    }
    let share = i128::from(credits.as_milli()) * i128::from(lost.max(0)) / i128::from(paid);
    Credits::from_milli(u64::try_from(share).unwrap_or_default())
}

/// What is to be done with what one line brought, so that `target` of it is taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Move {
    /// Take from the lots in this order; each has so much that was not taken yet.
    Take(Vec<(String, Credits)>),
    /// Put so much in anew.
    Restore(Credits),
}

/// Compares a line's lots (the first one, then those that restored it) with what should be gone of it.
pub fn settle(lots: &[&PaidLot], target: Credits) -> Option<Move> {
    let sum =
        |amounts: &mut dyn Iterator<Item = Credits>| amounts.map(Credits::as_milli).sum::<i64>();
    let taken = sum(&mut lots.iter().map(|lot| lot.taken));
    let restored = sum(&mut lots
        .iter()
        .filter(|lot| lot.restores.is_some())
        .map(|lot| lot.credits));
    let missing = target.as_milli() - (taken - restored);
    if missing < 0 {
        return Some(Move::Restore(Credits::from_milli(missing.unsigned_abs())));
    }
    let mut missing = Credits::from_milli(missing.unsigned_abs());
    let mut parts = Vec::new();
    for lot in lots.iter().rev() {
        let part = lot.credits.less(lot.taken).min(missing);
        missing = missing.less(part);
        if !part.is_zero() {
            parts.push((lot.source.clone(), part));
        }
    }
    (!parts.is_empty()).then_some(Move::Take(parts))
}

/// Whether money under this status of a dispute is gone, for now or for good.
pub fn is_withdrawn(dispute_status: &str) -> bool {
    // An inquiry (`warning_…`) moves no money; `won` and `prevented` bring it back.
    matches!(
        dispute_status,
        "needs_response" | "under_review" | "lost" | "charge_refunded"
    )
}

/// The state of a payment that was made.
pub fn paid_state(amount: i64, refunded: i64, disputed: i64) -> PaymentState {
    if disputed > 0 {
        PaymentState::Disputed
    } else if refunded > 0 && refunded >= amount {
        PaymentState::Refunded
    } else if refunded > 0 {
        PaymentState::PartlyRefunded
    } else {
        PaymentState::Paid
    }
}

/// When a change of plan takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    AtOnce,
    WithTheNextPeriod,
}

/// When a subscription to so many of one price can become one to so many of another: what costs more by the year, or is
/// paid for longer, begins at once; what costs less, or is paid for shorter, when what was paid for is over.
pub fn begin((old, old_quantity): (&Price, i64), (new, new_quantity): (&Price, i64)) -> Begin {
    let months = |price: &Price| match price.period.as_deref() {
        Some("year") => 12,
        _ => 1,
    };
    let a_year = |price: &Price, quantity: i64| {
        i128::from(price.money.minor) * i128::from(quantity) * i128::from(12 / months(price))
    };
    let is_dearer = a_year(new, new_quantity) > a_year(old, old_quantity);
    match months(new) - months(old) {
        1.. => Begin::AtOnce,
        0 if is_dearer => Begin::AtOnce,
        _ => Begin::WithTheNextPeriod,
    }
}

/// What a change at once costs and brings, before taxes and discounts: the new terms for the rest of the period, or for a
/// period of their own length, less what is left of the old ones. The credits are those of the money, as in [`grants`].
pub fn difference(
    (old, old_quantity): (&Price, i64),
    (new, new_quantity): (&Price, i64),
    (start, end): (Timestamp, Timestamp),
    now: Timestamp,
) -> (Money, Credits) {
    let length = i128::from(end.as_micros() - start.as_micros()).max(1);
    let rest = i128::from(end.as_micros() - now.as_micros()).clamp(0, length);
    let part = |price: &Price, quantity: i64, is_whole: bool| {
        let whole = i128::from(price.money.minor) * i128::from(quantity);
        let money = if is_whole {
            whole
        } else {
            whole * rest / length
        };
        let credits =
            i128::from(price.credits.as_milli()) * money / i128::from(price.money.minor).max(1);
        (money, credits)
    };
    let left = part(old, old_quantity, false);
    let added = part(new, new_quantity, old.period != new.period);
    let due = i64::try_from((added.0 - left.0).max(0)).unwrap_or(i64::MAX);
    let credits = u64::try_from(added.1 - left.1).unwrap_or_default();
    (
        Money::new(due, new.money.currency),
        Credits::from_milli(credits.min(Credits::MAX.as_milli().unsigned_abs())),
    )
}

/// What a subscription is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its owner may use it.
    Usable,
    /// It exists and gives nothing: it waits to be paid for the first time, or stays unpaid.
    Suspended,
    /// It is over.
    Over,
}

/// Whether a status is one of those that the provider documents.
pub fn is_known(status: &str) -> bool {
    matches!(
        status,
        "trialing"
            | "active"
            | "past_due"
            | "paused"
            | "incomplete"
            | "incomplete_expired"
            | "unpaid"
            | "canceled"
    )
}

/// Whether a subscription with this status may be followed by no other for now.
pub fn is_live(status: &str) -> bool {
    !matches!(status, "canceled" | "incomplete_expired")
}

/// Since when a renewal is owed: since it first failed, or, where that was not told, since what was paid for is over.
fn unpaid_since(row: &SubscriptionRow) -> Timestamp {
    let start = row.period.0;
    row.failing_since
        .unwrap_or_else(|| row.paid_until.map_or(start, |until| until.max(start)))
}

/// Whether a subscription with this status has begun, as far as a trial or a payment goes.
pub fn has_begun(status: &str) -> bool {
    !matches!(status, "incomplete" | "incomplete_expired")
}

/// What the subscription is good for at `now`. `grace` is how long after a renewal that failed.
pub fn standing(row: &SubscriptionRow, grace: Duration, now: Timestamp) -> Standing {
    let until_paid = |row: &SubscriptionRow| {
        let until = row.paid_until.unwrap_or(row.period.1);
        if until > now {
            Standing::Usable
        } else {
            Standing::Suspended
        }
    };
    match row.status.as_str() {
        "trialing" | "active" if row.is_paused => until_paid(row),
        "trialing" | "active" => Standing::Usable,
        "paused" => until_paid(row),
        "past_due" if unpaid_since(row).plus(grace) <= now => Standing::Suspended,
        "past_due" => Standing::Usable,
        "canceled" | "incomplete_expired" => Standing::Over,
        "incomplete" | "unpaid" => Standing::Suspended,
        // As before: the row keeps the status that it had, and an alert.
        _ => Standing::Suspended,
    }
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;

//! Every query about money.

mod catalogue;
mod changes;
mod customers;
mod events;
mod lots;
mod orders;
mod parts;
mod payments;
mod refunds;
mod removals;
mod sandbox;
mod search;
mod subscriptions;
mod unsettled;

pub use catalogue::*;
pub use changes::*;
pub use customers::*;
pub use events::*;
pub use lots::*;
pub use orders::*;
pub use parts::*;
pub use payments::*;
pub use refunds::*;
pub use removals::*;
pub use sandbox::*;
pub use search::*;
pub use subscriptions::*;
pub use unsettled::*;

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::money::{Currency, Money};
use crate::clock::Timestamp;
use crate::credits::Credits;
use crate::error::{Error, Result};

/// 500: a column holds what nobody wrote there.
fn broken(what: impl std::fmt::Display) -> Error {
    Error::internal(anyhow::anyhow!("{what} in a column of billing"))
}

fn time(row: &AnyRow, at: usize) -> Result<Timestamp> {
    Ok(Timestamp::from_micros(row.try_get(at)?))
}

fn maybe_time(row: &AnyRow, at: usize) -> Result<Option<Timestamp>> {
    let micros: Option<i64> = row.try_get(at)?;
    Ok(micros.map(Timestamp::from_micros))
}

fn currency(row: &AnyRow, at: usize) -> Result<Currency> {
    let code: String = row.try_get(at)?;
    code.parse().map_err(|_| broken(code))
}

/// The currency in one column, the amount in the next.
fn money(row: &AnyRow, at: usize) -> Result<Money> {
    Ok(Money::new(row.try_get(at + 1)?, currency(row, at)?))
}

fn credits(row: &AnyRow, at: usize) -> Result<Credits> {
    let milli: i64 = row.try_get(at)?;
    let amount = u64::try_from(milli)
        .ok()
        .filter(|milli| *milli <= Credits::MAX.as_milli().unsigned_abs());
    amount.map(Credits::from_milli).ok_or_else(|| broken(milli))
}

fn flag(row: &AnyRow, at: usize) -> Result<bool> {
    Ok(row.try_get::<i64, _>(at)? != 0)
}

fn parsed<T>(row: &AnyRow, at: usize, parse: impl Fn(&str) -> Option<T>) -> Result<T> {
    let text: String = row.try_get(at)?;
    parse(&text).ok_or_else(|| broken(text))
}

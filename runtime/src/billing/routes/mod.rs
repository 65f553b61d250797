//! The pages of billing, the sandbox's, and the door that the provider knocks at.

mod account;
mod revenue;
mod sandbox;
mod shop;
mod staff;
mod subscriptions;
mod webhooks;

use std::time::Duration;

use axum::response::Response;

use super::pages::LeavePage;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::http::{Access, Routes, Visit};

pub(super) fn routes() -> Routes {
    let own = Access::SignedIn;
    Routes::new()
        .get("/billing", own, account::overview)
        .get("/billing/plans", Access::Public, shop::plans)
        .post("/billing/buy", own, shop::buy)
        .get("/billing/change/{item}", own, shop::ask_change)
        .post("/billing/change/{item}", own, shop::change)
        .post("/billing/subscription", own, account::manage)
        .post("/billing/portal", own, account::portal)
        .get("/billing/orders/{id}", own, account::order)
        .get("/billing/payments", own, account::payments)
        .get("/billing/payments/{id}", own, account::payment)
        .get("/billing/sandbox", own, sandbox::control)
        .post("/billing/sandbox", own, sandbox::act)
        .get("/billing/sandbox/pay/{session}", own, sandbox::till)
        .post("/billing/sandbox/pay/{session}", own, sandbox::pay)
        .post("/webhooks/stripe", Access::Machine, webhooks::receive)
        .merge(staff::routes())
        .merge(subscriptions::routes())
}

/// Sends the browser on: to a page of ours at once, to one of the provider by a page that says so, for forms may not lead
/// to other sites.
fn send_on(visit: &Visit, url: &str) -> Result<Response> {
    if url.starts_with('/') {
        return Ok(visit.redirect(url));
    }
    visit.render(&LeavePage {
        url: url.to_owned(),
    })
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The first instant of a day that a form holds: `2026-11-21`.
fn day(text: &str) -> Option<Timestamp> {
    let numbers: Vec<i32> = text
        .splitn(3, '-')
        .map(str::parse)
        .collect::<Result<_, _>>()
        .ok()?;
    let [year, month, day] = numbers[..] else {
        return None;
    };
    let month = time::Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = time::Date::from_calendar_date(year, month, u8::try_from(day).ok()?).ok()?;
    Some(Timestamp::from_micros(
        date.midnight().assume_utc().unix_timestamp() * 1_000_000,
    ))
}

/// What a field narrows down to; nothing when it is empty.
fn narrowed<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>> {
    if text.is_empty() {
        return Ok(None);
    }
    parse(text).map(Some).ok_or_else(Error::not_found)
}

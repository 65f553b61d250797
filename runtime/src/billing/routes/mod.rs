//! The pages of billing, the sandbox's, and the door that the provider knocks at.

mod account;
mod revenue;
mod sandbox;
mod shop;
mod staff;
mod subscriptions;
mod webhooks;

use axum::response::Response;

use super::pages::LeavePage;
use crate::error::Result;
use crate::http::{Access, Routes, Visit};

pub(super) fn routes() -> Routes {
    let own = Access::SignedIn;
    Routes::new()
        .get("/billing", own, account::overview)
        .get("/billing/plans", Access::Public, shop::plans)
        .post("/billing/checkout", own, shop::buy)
        .get("/billing/checkout/success", own, account::came_back)
        .get("/billing/checkout/cancel", own, account::turned_back)
        .get("/billing/subscription/change", own, shop::ask_change)
        .post("/billing/subscription/change", own, shop::change)
        .post("/billing/subscription/{verb}", own, account::manage)
        .post("/billing/portal", own, account::portal)
        .get("/billing/payments", own, account::payments)
        .get("/billing/payments/{id}", own, account::payment)
        .get("/billing/payments/{id}/receipt", own, account::receipt)
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

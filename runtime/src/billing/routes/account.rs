//! One's own money.

use axum::extract::{Path, Query};
use axum::response::Response;
use serde::Deserialize;

use super::send_on;
use crate::billing::actions;
use crate::billing::pages::{
    OrderPage, OverviewPage, PaymentPage, PaymentRow, PaymentsPage, SubscriptionView,
};
use crate::billing::provider::Change;
use crate::billing::setup::Billing;
use crate::crypto::random_token;
use crate::error::{Error, Result};
use crate::http::{Form, Level, Principal, Visit};

const PER_PAGE: usize = 25;

pub(super) async fn overview(visit: Visit, principal: Principal) -> Result<Response> {
    let core = visit.core();
    let billing = core.state::<Billing>()?;
    let actions::Overview {
        subscription,
        payments,
    } = actions::overview(core, &principal.id).await?;
    let catalogue = billing.catalogue(core).await?;
    let name = |own: &actions::Own| {
        let item = own
            .price
            .as_ref()
            .and_then(|price| catalogue.item(&price.item));
        item.map(|item| item.name.clone())
    };
    visit.render(&OverviewPage {
        takes_money: billing.takes_money(),
        is_sandbox: billing.is_sandbox,
        is_customer: subscription.is_some() || !payments.is_empty(),
        subscription: subscription.map(|own| {
            let name = name(&own);
            SubscriptionView::of(own, name)
        }),
        payments: payments.into_iter().map(PaymentRow::from).collect(),
        key: random_token(),
    })
}

pub(super) async fn order(
    visit: Visit,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Response> {
    let core = visit.core();
    let id = crate::ids::parse_id(&id)?;
    let order = actions::my_order(core, &principal.id, &id).await?;
    let billing = core.state::<Billing>()?;
    let catalogue = billing.catalogue(core).await?;
    let name = catalogue.item(&order.item).map(|item| item.name.clone());
    visit.render(&OrderPage::of(order, name))
}

#[derive(Deserialize)]
pub(super) struct Listing {
    before: Option<String>,
}

pub(super) async fn payments(
    visit: Visit,
    principal: Principal,
    Query(listing): Query<Listing>,
) -> Result<Response> {
    let before = listing
        .before
        .as_deref()
        .map(crate::ids::parse_id)
        .transpose()?;
    let from = before.as_deref().unwrap_or(crate::ids::AFTER_ALL);
    let limit = i64::try_from(PER_PAGE + 1).unwrap_or(i64::MAX);
    let mut payments = actions::payments(visit.core(), &principal.id, (from, limit)).await?;
    let has_more = payments.len() > PER_PAGE;
    payments.truncate(PER_PAGE);
    visit.render(&PaymentsPage {
        next: payments
            .last()
            .filter(|_| has_more)
            .map(|last| last.id.to_string()),
        payments: payments.into_iter().map(PaymentRow::from).collect(),
        is_continued: before.is_some(),
    })
}

pub(super) async fn payment(
    visit: Visit,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Response> {
    let id = crate::ids::parse_id(&id)?;
    let payment = actions::my_payment(visit.core(), &principal.id, &id).await?;
    visit.render(&PaymentPage::of(payment, principal.email))
}

#[derive(Deserialize)]
pub(super) struct Managing {
    #[serde(rename = "do")]
    verb: String,
    key: String,
}

pub(super) async fn manage(
    visit: Visit,
    principal: Principal,
    Form(fields): Form<Managing>,
) -> Result<Response> {
    let (change, done) = match fields.verb.as_str() {
        "cancel" => (
            Change::CancelAtEnd,
            "Your subscription ends with its period. Until then nothing changes.",
        ),
        "go_on" => (Change::GoOn, "Your subscription goes on."),
        "pause" => (
            Change::Pause,
            "Your subscription is paused: nothing is charged until you resume it.",
        ),
        "unpause" => (Change::Unpause, "Your subscription is resumed."),
        _ => return Err(Error::not_found()),
    };
    let key = format!("{}:{}", fields.verb, fields.key);
    actions::manage(visit.core(), &principal, &change, &key).await?;
    Ok(visit.redirect_with("/billing", Level::Success, done))
}

pub(super) async fn portal(visit: Visit, principal: Principal) -> Result<Response> {
    let url = actions::portal(visit.core(), &principal).await?;
    send_on(&visit, &url)
}

//! One's own money.

use axum::extract::{Path, Query};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::send_on;
use crate::billing::actions::{self, Search};
use crate::billing::entity::{PaymentKind, PaymentState};
use crate::billing::pages::{
    HistoryForm, OrderPage, OverviewPage, PaymentPage, PaymentRow, PaymentsPage, SubscriptionView,
    payment_kinds, payment_states,
};
use crate::billing::provider::Change;
use crate::billing::receipt;
use crate::billing::setup::Billing;
use crate::crypto::random_token;
use crate::error::{Error, Result};
use crate::http::{Form, Level, Principal, Visit};
use crate::listing::{address, cut, days, narrowed, one_more};

const PER_PAGE: usize = 25;

pub(super) async fn overview(visit: Visit, principal: Principal) -> Result<Response> {
    let core = visit.core();
    let billing = core.state::<Billing>()?;
    let actions::Overview {
        subscription,
        payments,
    } = actions::overview(core, &principal.id).await?;
    let catalogue = billing.catalogue(core).await?;
    visit.render(&OverviewPage {
        takes_money: billing.takes_money(),
        is_sandbox: billing.is_sandbox,
        is_customer: subscription.is_some() || !payments.is_empty(),
        subscription: subscription.map(|own| SubscriptionView::of(own, &catalogue)),
        payments: payments.into_iter().map(PaymentRow::from).collect(),
        key: random_token(),
    })
}

#[derive(Deserialize)]
pub(super) struct Ordered {
    order: String,
}

/// Where the provider sends whoever has paid. It only looks: what was paid is known by the provider's events alone.
pub(super) async fn came_back(
    visit: Visit,
    principal: Principal,
    Query(ordered): Query<Ordered>,
) -> Result<Response> {
    show_order(&visit, &principal, &ordered, true).await
}

/// Where the provider sends whoever left the payment page.
pub(super) async fn turned_back(
    visit: Visit,
    principal: Principal,
    Query(ordered): Query<Ordered>,
) -> Result<Response> {
    show_order(&visit, &principal, &ordered, false).await
}

async fn show_order(
    visit: &Visit,
    principal: &Principal,
    ordered: &Ordered,
    is_done: bool,
) -> Result<Response> {
    let core = visit.core();
    let id = crate::ids::parse_id(&ordered.order)?;
    let order = actions::my_order(core, &principal.id, &id).await?;
    let billing = core.state::<Billing>()?;
    let name = billing.catalogue(core).await?.name_of(&order.item);
    visit.render(&OrderPage::of(order, name, is_done))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Listing {
    kind: String,
    state: String,
    from: String,
    until: String,
    before: Option<String>,
}

impl Listing {
    fn search(&self) -> Result<Search> {
        let (from, until) = days(&self.from, &self.until)?;
        Ok(Search {
            kind: narrowed(&self.kind, PaymentKind::parse)?,
            state: narrowed(&self.state, PaymentState::parse)?,
            from,
            until,
            before: self
                .before
                .as_deref()
                .map(crate::ids::parse_id)
                .transpose()?,
            limit: one_more(PER_PAGE),
            ..Search::default()
        })
    }

    fn address(&self, before: &str) -> String {
        let pairs = [
            ("kind", self.kind.as_str()),
            ("state", &self.state),
            ("from", &self.from),
            ("until", &self.until),
            ("before", before),
        ];
        address("/billing/payments", &pairs)
    }
}

pub(super) async fn payments(
    visit: Visit,
    principal: Principal,
    Query(listing): Query<Listing>,
) -> Result<Response> {
    let search = listing.search()?;
    let mut payments = actions::payments(visit.core(), &principal.id, search).await?;
    let last = cut(&mut payments, PER_PAGE);
    let next = last.map(|last| listing.address(last.id.as_str()));
    visit.render(&PaymentsPage {
        next,
        payments: payments.into_iter().map(PaymentRow::from).collect(),
        is_continued: listing.before.is_some(),
        kinds: payment_kinds(),
        states: payment_states(),
        form: HistoryForm {
            kind: listing.kind,
            state: listing.state,
            from: listing.from,
            until: listing.until,
        },
    })
}

pub(super) async fn payment(
    visit: Visit,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Response> {
    let id = crate::ids::parse_id(&id)?;
    let payment = actions::my_payment(visit.core(), &principal.id, &id).await?;
    visit.render(&PaymentPage::of(payment, to_whom(&principal)))
}

/// The name, where there is one, and the address.
fn to_whom(principal: &Principal) -> String {
    match principal.name.trim() {
        "" => principal.email.clone(),
        name => format!("{name} ({})", principal.email),
    }
}

/// The typeface of receipts, below `static/`.
const TYPEFACE: &str = "vendor/dejavu/DejaVuSans.ttf";

pub(super) async fn receipt(
    visit: Visit,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Response> {
    let core = visit.core();
    let id = crate::ids::parse_id(&id)?;
    let payment = actions::my_payment(core, &principal.id, &id).await?;
    if payment.paid_at.is_none() {
        return Err(Error::not_found());
    }
    let typeface = core.assets().read(TYPEFACE).await;
    let missing = || Error::internal(anyhow::anyhow!("static/{TYPEFACE} is missing"));
    let typeface = typeface.ok_or_else(missing)?;
    let page = PaymentPage::of(payment, to_whom(&principal));
    let seller = (core.name(), core.config().url.as_str());
    let receipt = page.receipt(seller, &principal.times.writer());
    let file = tokio::task::spawn_blocking(move || receipt::pdf(&typeface, &receipt));
    let is_none = || Error::internal(anyhow::anyhow!("static/{TYPEFACE} is no TrueType font"));
    let file = file.await.map_err(Error::internal)?.ok_or_else(is_none)?;
    let headers = [
        (header::CONTENT_TYPE, "application/pdf".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("inline; filename=\"receipt-{id}.pdf\""),
        ),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    Ok((headers, file).into_response())
}

#[derive(Deserialize)]
pub(super) struct Managing {
    key: String,
}

pub(super) async fn manage(
    visit: Visit,
    principal: Principal,
    Path(verb): Path<String>,
    Form(fields): Form<Managing>,
) -> Result<Response> {
    let (change, done) = match verb.as_str() {
        "cancel" => (
            Change::CancelAtEnd,
            "Your subscription ends with its period. Until then nothing changes.",
        ),
        "stay" => (
            Change::Stay,
            "Your subscription stays as it is with the next period, too.",
        ),
        "resume" => (Change::GoOn, "Your subscription goes on."),
        "pause" => (
            Change::Pause,
            "Your subscription is paused: nothing is charged until you resume it.",
        ),
        "unpause" => (Change::Unpause, "Your subscription is resumed."),
        _ => return Err(Error::not_found()),
    };
    let key = format!("{verb}:{}", fields.key);
    actions::manage(visit.core(), &principal, &change, &key).await?;
    Ok(visit.redirect_with("/billing", Level::Success, done))
}

pub(super) async fn portal(visit: Visit, principal: Principal) -> Result<Response> {
    let url = actions::portal(visit.core(), &principal).await?;
    send_on(&visit, &url)
}

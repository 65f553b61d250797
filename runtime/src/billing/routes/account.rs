//! One's own money.

use axum::extract::{Path, Query};
use axum::response::Response;
use serde::Deserialize;

use super::{DAY, day, narrowed, send_on};
use crate::billing::actions::{self, Search};
use crate::billing::entity::{PaymentKind, PaymentState};
use crate::billing::pages::{
    Choice, HistoryForm, OrderPage, OverviewPage, PaymentPage, PaymentRow, PaymentsPage,
    SubscriptionView,
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
pub(super) struct CameBack {
    #[serde(default)]
    done: String,
}

pub(super) async fn order(
    visit: Visit,
    principal: Principal,
    Path(id): Path<String>,
    Query(came): Query<CameBack>,
) -> Result<Response> {
    let core = visit.core();
    let id = crate::ids::parse_id(&id)?;
    let order = actions::my_order(core, &principal.id, &id).await?;
    let billing = core.state::<Billing>()?;
    let name = billing.catalogue(core).await?.name_of(&order.item);
    visit.render(&OrderPage::of(order, name, came.done == "1"))
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
        Ok(Search {
            kind: narrowed(&self.kind, PaymentKind::parse)?,
            state: narrowed(&self.state, PaymentState::parse)?,
            from: narrowed(&self.from, day)?,
            until: narrowed(&self.until, day)?.map(|day| day.plus(DAY)),
            before: self
                .before
                .as_deref()
                .map(crate::ids::parse_id)
                .transpose()?,
            limit: i64::try_from(PER_PAGE + 1).unwrap_or(i64::MAX),
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
        let query = serde_urlencoded::to_string(pairs).unwrap_or_default();
        format!("/billing/payments?{query}")
    }
}

pub(super) async fn payments(
    visit: Visit,
    principal: Principal,
    Query(listing): Query<Listing>,
) -> Result<Response> {
    let search = listing.search()?;
    let mut payments = actions::payments(visit.core(), &principal.id, search).await?;
    let has_more = payments.len() > PER_PAGE;
    payments.truncate(PER_PAGE);
    let last = payments.last().filter(|_| has_more);
    visit.render(&PaymentsPage {
        next: last.map(|last| listing.address(last.id.as_str())),
        payments: payments.into_iter().map(PaymentRow::from).collect(),
        is_continued: listing.before.is_some(),
        kinds: Choice::kinds(),
        states: Choice::states(),
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
        "stay" => (
            Change::Stay,
            "Your subscription stays as it is with the next period, too.",
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

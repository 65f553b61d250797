//! The staff's pages of money. Money goes back only from whoever may give it back and has just given the password.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::revenue;
use crate::app::Core;
use crate::auth::audit::Actor;
use crate::billing::actions::{self, Detail, RefundWish, Search};
use crate::billing::entity::{EventState, PaymentKind, PaymentState};
use crate::billing::pages::{
    EventRow, EventsPage, FoundRow, RefundPage, SearchForm, StaffPaymentPage, StaffPaymentsPage,
    TakingView, payment_kinds, payment_states,
};
use crate::billing::setup::Billing;
use crate::billing::{Currency, Money, inbox, store};
use crate::crypto::random_token;
use crate::error::{Error, FieldErrors, Result};
use crate::http::{Form, Level, Permission, Routes, Staff, Visit, may, permitted};
use crate::ids::parse_id;
use crate::in_transaction;
use crate::listing::{address, cut, days, narrowed, one_more};

pub(super) fn routes() -> Routes {
    // Who pays what is shown to whoever gave his password just now.
    Routes::new()
        .get("/admin/payments", permitted().fresh(), payments)
        .get("/admin/payments/{id}", permitted().fresh(), payment)
        .get(
            "/admin/payments/{id}/refund",
            permitted().fresh(),
            ask_refund,
        )
        .post("/admin/payments/{id}/refund", permitted().fresh(), refund)
        .get("/admin/events", permitted().fresh(), events)
        .post("/admin/events/{id}/replay", permitted().fresh(), replay)
        .get("/admin/revenue", permitted().fresh(), revenue::page)
        .get("/admin/revenue.csv", permitted().fresh(), revenue::csv)
}

const PER_PAGE: usize = 50;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Listing {
    q: String,
    kind: String,
    state: String,
    from: String,
    until: String,
    currency: String,
    least: String,
    most: String,
    before: Option<String>,
}

impl Listing {
    fn search(&self) -> Result<Search> {
        // Amounts of all currencies are compared as thousandths of their units, as this one has them.
        let thousandths: Currency = "kwd".parse().map_err(|_| Error::not_found())?;
        let amount = |text: &str| {
            Money::parse(text, thousandths)
                .ok()
                .map(|money| money.minor)
        };
        let (from, until) = days(&self.from, &self.until)?;
        Ok(Search {
            text: self.q.chars().take(200).collect(),
            kind: narrowed(&self.kind, PaymentKind::parse)?,
            state: narrowed(&self.state, PaymentState::parse)?,
            from,
            until,
            currency: narrowed(&self.currency, |code| code.parse().ok())?,
            customer: None,
            least: narrowed(&self.least, amount)?,
            most: narrowed(&self.most, amount)?,
            before: self.before.as_deref().map(parse_id).transpose()?,
            limit: one_more(PER_PAGE),
        })
    }

    fn address(&self, before: &str) -> String {
        let pairs = [
            ("q", &*self.q),
            ("kind", &self.kind),
            ("state", &self.state),
            ("from", &self.from),
            ("until", &self.until),
            ("currency", &self.currency),
            ("least", &self.least),
            ("most", &self.most),
            ("before", before),
        ];
        address("/admin/payments", &pairs)
    }
}

async fn payments(
    visit: Staff<may::ViewPayments>,
    Query(listing): Query<Listing>,
) -> Result<Response> {
    let core = visit.core();
    let currencies =
        StaffPaymentsPage::currencies(&*core.state::<Billing>()?.catalogue(core).await?);
    let mut found = actions::search(core, &listing.search()?).await?;
    let last = cut(&mut found, PER_PAGE);
    let next = last.map(|last| listing.address(last.payment.id.as_str()));
    visit.render(&StaffPaymentsPage {
        is_continued: listing.before.is_some(),
        form: SearchForm {
            q: listing.q,
            kind: listing.kind,
            state: listing.state,
            from: listing.from,
            until: listing.until,
            currency: listing.currency,
            least: listing.least,
            most: listing.most,
        },
        currencies,
        kinds: payment_kinds(),
        states: payment_states(),
        payments: found.into_iter().map(FoundRow::from).collect(),
        next,
    })
}

async fn payment(visit: Staff<may::ViewPayments>, Path(id): Path<String>) -> Result<Response> {
    let detail = actions::detail(visit.core(), &parse_id(&id)?).await?;
    let may_refund = visit.may(Permission::RefundPayments);
    visit.render(&StaffPaymentPage::of(detail, may_refund))
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    amount: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    key: String,
}

async fn refund_page(
    core: &Core,
    detail: &Detail,
    asked: Asked,
    mut errors: FieldErrors,
) -> Result<RefundPage> {
    let amount = Money::parse(&asked.amount, detail.payment.currency()).ok();
    let amount = amount.filter(|amount| amount.minor > 0 && amount.minor <= detail.left.minor);
    let mut taking = None;
    if let Some(amount) = amount {
        match actions::check_amount(core, amount) {
            Ok(()) => {
                let id = detail.payment.id.as_str();
                let taken = actions::preview(core, id, amount.minor).await?;
                taking = Some(TakingView::of(amount, &taken));
            }
            Err(why) if errors.is_empty() => errors.add("amount", why.problem().detail.clone()),
            Err(_) => {}
        }
    }
    Ok(RefundPage {
        id: detail.payment.id.to_string(),
        email: detail.customer.email.clone(),
        description: detail.payment.description.clone(),
        left: (detail.left.minor > 0).then(|| detail.left.to_string()),
        taking,
        currency: detail.payment.currency().to_string(),
        amount: asked.amount,
        reason: asked.reason,
        key: if asked.key.is_empty() {
            random_token()
        } else {
            asked.key
        },
        errors,
    })
}

async fn ask_refund(
    visit: Staff<may::RefundPayments>,
    Path(id): Path<String>,
    Query(mut asked): Query<Asked>,
) -> Result<Response> {
    let detail = actions::detail(visit.core(), &parse_id(&id)?).await?;
    if asked.amount.is_empty() {
        asked.amount = detail.left.digits();
    }
    let page = refund_page(visit.core(), &detail, asked, FieldErrors::default()).await?;
    visit.render(&page)
}

async fn refund(
    visit: Staff<may::RefundPayments>,
    Path(id): Path<String>,
    Form(asked): Form<Asked>,
) -> Result<Response> {
    let core = visit.core();
    let id = parse_id(&id)?;
    let detail = actions::detail(core, &id).await?;
    let mut errors = FieldErrors::default();
    let amount = Money::parse(&asked.amount, detail.payment.currency());
    if amount.is_err() {
        errors.add("amount", "Enter an amount, such as 5.00.");
    }
    let reason = asked.reason.trim().to_owned();
    if reason.is_empty() || reason.chars().count() > 200 {
        errors.add("reason", "Say why, in at most 200 characters.");
    }
    if let (Ok(amount), true) = (amount, errors.is_empty()) {
        let by = Actor::of(&visit)?;
        let wish = RefundWish {
            payment: id.clone(),
            amount: amount.minor,
            reason,
            by,
            key: asked.key.clone(),
        };
        match actions::ask_refund(core, &wish).await {
            Ok(()) => {
                let path = format!("/admin/payments/{id}");
                return Ok(visit.redirect_with(&path, Level::Success, "The refund is on its way."));
            }
            Err(why) if why.status() == StatusCode::UNPROCESSABLE_ENTITY => {
                errors.add("amount", why.problem().detail.clone());
            }
            Err(why) => return Err(why),
        }
    }
    let page = refund_page(core, &detail, asked, errors).await?;
    visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

#[derive(Deserialize)]
struct EventListing {
    #[serde(default)]
    state: String,
    before: Option<String>,
}

async fn events(
    visit: Staff<may::ViewPayments>,
    Query(listing): Query<EventListing>,
) -> Result<Response> {
    let core = visit.core();
    let state = narrowed(&listing.state, EventState::parse)?;
    let before = listing.before.as_deref().map(parse_id).transpose()?;
    let from = before.as_deref().unwrap_or(crate::ids::AFTER_ALL);
    let mut events = store::events(core.db(), state, (from, one_more(PER_PAGE))).await?;
    let last = cut(&mut events, PER_PAGE);
    let page = EventsPage {
        next: last.map(|last| {
            let pairs = [("state", &*listing.state), ("before", &last.id)];
            address("/admin/events", &pairs)
        }),
        failed: store::count_events(core.db(), EventState::Failed).await?,
        only_failed: state == Some(EventState::Failed),
        events: events.into_iter().map(EventRow::from).collect(),
        is_continued: before.is_some(),
        may_replay: visit.may(Permission::ReplayEvents),
    };
    visit.render(&page)
}

async fn replay(visit: Staff<may::ReplayEvents>, Path(id): Path<String>) -> Result<Response> {
    let id = parse_id(&id)?;
    let core = visit.core();
    let by = Actor::of(&visit)?;
    in_transaction!(core.db(), tx => inbox::replay(core, tx, (&id, &by)).await)?;
    let visit: &Visit = &visit;
    Ok(visit.redirect_with(
        "/admin/events?state=failed",
        Level::Success,
        "The event is worked off again.",
    ))
}

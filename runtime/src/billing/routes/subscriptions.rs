//! Everybody's subscriptions: to be found, looked at, changed and ended by whoever may give money back and has just
//! given the password.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use crate::auth::audit::Actor;
use crate::billing::actions::{self, Begin, PlanChange, SubscriptionSearch};
use crate::billing::pages::{StaffSubscriptionPage, SubscriptionRowView, SubscriptionsPage};
use crate::billing::setup::Billing;
use crate::crypto::random_token;
use crate::error::{Error, FieldErrors, Result};
use crate::http::{Form, Level, Permission, Routes, Staff, may, permitted};
use crate::listing::{address, cut, one_more};

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/admin/subscriptions", permitted().fresh(), list)
        .get("/admin/subscriptions/{id}", permitted().fresh(), one)
        .post(
            "/admin/subscriptions/{id}/cancel",
            permitted().fresh(),
            cancel,
        )
        .post(
            "/admin/subscriptions/{id}/change",
            permitted().fresh(),
            change,
        )
}

const PER_PAGE: usize = 50;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Listing {
    q: String,
    status: String,
    after: String,
}

async fn list(visit: Staff<may::ViewPayments>, Query(listing): Query<Listing>) -> Result<Response> {
    let search = SubscriptionSearch {
        text: listing.q.chars().take(200).collect(),
        status: listing.status.clone(),
        after: listing.after.clone(),
        limit: one_more(PER_PAGE),
    };
    let mut found = actions::subscriptions(visit.core(), &search).await?;
    let next = cut(&mut found, PER_PAGE).map(|last| {
        let pairs = [
            ("q", listing.q.as_str()),
            ("status", &listing.status),
            ("after", &last.row.subscription),
        ];
        address("/admin/subscriptions", &pairs)
    });
    visit.render(&SubscriptionsPage {
        next,
        subscriptions: found.into_iter().map(SubscriptionRowView::from).collect(),
        is_continued: !listing.after.is_empty(),
        statuses: SubscriptionsPage::statuses(),
        q: listing.q,
        status: listing.status,
    })
}

async fn page(visit: &Staff<may::ViewPayments>, id: &str) -> Result<StaffSubscriptionPage> {
    let core = visit.core();
    let detail = actions::subscription_detail(core, id).await?;
    let catalogue = core.state::<Billing>()?.catalogue(core).await?;
    let may_act = visit.may(Permission::RefundPayments);
    Ok(StaffSubscriptionPage::of(
        detail,
        &catalogue,
        may_act,
        random_token(),
    ))
}

async fn one(visit: Staff<may::ViewPayments>, Path(id): Path<String>) -> Result<Response> {
    let page = page(&visit, &id).await?;
    visit.render(&page)
}

/// Why staff does something to somebody's subscription.
fn reason(text: &str) -> Result<&str> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 200 {
        return Err(Error::unprocessable("Say why, in at most 200 characters."));
    }
    Ok(text)
}

#[derive(Deserialize)]
struct Cancelling {
    reason: String,
    #[serde(default)]
    when: String,
    key: String,
}

async fn cancel(
    visit: Staff<may::RefundPayments>,
    Path(id): Path<String>,
    Form(fields): Form<Cancelling>,
) -> Result<Response> {
    let by = Actor::of(&visit)?;
    let at_once = fields.when == "now";
    let key = format!("staff:{}:{}", fields.when, fields.key);
    let why = (&by, reason(&fields.reason)?);
    actions::cancel_subscription(visit.core(), (&id, at_once), why, &key).await?;
    let done = if at_once {
        "The subscription has ended."
    } else {
        "The subscription ends with its period."
    };
    let path = format!("/admin/subscriptions/{id}");
    Ok(visit.redirect_with(&path, Level::Success, done))
}

#[derive(Deserialize)]
struct Changing {
    item: String,
    #[serde(default = "one_seat")]
    quantity: i64,
    reason: String,
    key: String,
}

fn one_seat() -> i64 {
    1
}

async fn change(
    visit: Staff<may::RefundPayments>,
    Path(id): Path<String>,
    Form(fields): Form<Changing>,
) -> Result<Response> {
    let by = Actor::of(&visit)?;
    let wish = PlanChange {
        item: fields.item,
        quantity: fields.quantity,
        key: format!("staff:change:{}", fields.key),
    };
    let why = (&by, reason(&fields.reason)?);
    let path = format!("/admin/subscriptions/{id}");
    match actions::change_subscription(visit.core(), (&id, &wish), why).await {
        Ok(Begin::AtOnce) => {
            Ok(visit.redirect_with(&path, Level::Success, "The subscription has changed."))
        }
        Ok(Begin::WithTheNextPeriod) => {
            let done = "The subscription changes with its next period.";
            Ok(visit.redirect_with(&path, Level::Success, done))
        }
        Err(why) if why.status().is_client_error() && why.status() != StatusCode::NOT_FOUND => {
            let detail = actions::subscription_detail(visit.core(), &id).await?;
            let catalogue = visit
                .core()
                .state::<Billing>()?
                .catalogue(visit.core())
                .await?;
            let page = StaffSubscriptionPage::of(detail, &catalogue, true, random_token());
            let errors = FieldErrors::one("form", why.problem().detail.clone());
            let page = StaffSubscriptionPage { errors, ..page };
            visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(why) => Err(why),
    }
}

//! What can be bought, and buying it.

use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::send_on;
use crate::billing::Item;
use crate::billing::actions::{self, Begin, PlanChange, Wish};
use crate::billing::pages::{ChangePage, PlansPage, Subscribed};
use crate::billing::rules::{self, Standing};
use crate::billing::setup::Billing;
use crate::crypto::{is_token, random_token};
use crate::error::{Error, FieldErrors, Result};
use crate::http::{Form, Level, Principal, Visit};

#[derive(Deserialize)]
pub(super) struct Choice {
    #[serde(default)]
    currency: String,
}

pub(super) async fn plans(visit: Visit, Query(choice): Query<Choice>) -> Result<Response> {
    let core = visit.core();
    let billing = core.state::<Billing>()?;
    let catalogue = billing.catalogue(core).await?;
    let currencies = catalogue.currencies();
    let asked = choice
        .currency
        .parse()
        .ok()
        .filter(|currency| currencies.contains(currency));
    let own = match visit.principal() {
        Some(principal) => actions::overview(core, &principal.id).await?.subscription,
        None => None,
    };
    let was_subscribed = own
        .as_ref()
        .is_some_and(|own| rules::has_begun(&own.row.status));
    let own = own.filter(|own| own.standing != Standing::Over);
    // Whoever has a subscription pays in its currency.
    let owned = own.as_ref().and_then(|own| own.price.as_ref());
    let currency = owned
        .map(|price| price.money.currency)
        .or(asked)
        .or(currencies.first().copied());
    let Some(currency) = currency.filter(|_| billing.takes_money()) else {
        return visit.render(&PlansPage::empty());
    };
    let subscribed = own.as_ref().map(|own| Subscribed {
        item: own.price.as_ref().map(|price| price.item.clone()),
        next: own.next.as_ref().map(|(price, _)| price.item.clone()),
    });
    let page = PlansPage::of(&catalogue, currency, subscribed.as_ref(), random_token());
    visit.render(&if was_subscribed {
        page.without_trials()
    } else {
        page
    })
}

#[derive(Deserialize)]
pub(super) struct Buying {
    /// What is bought and in which currency: `team:eur`.
    price: String,
    #[serde(default = "one")]
    quantity: i64,
    key: String,
}

fn one() -> i64 {
    1
}

pub(super) async fn buy(
    visit: Visit,
    principal: Principal,
    Form(fields): Form<Buying>,
) -> Result<Response> {
    if !is_token(&fields.key) {
        return Err(Error::unprocessable(
            "The form is incomplete. Go back and try again.",
        ));
    }
    let price = fields.price.rsplit_once(':');
    let (item, currency) = price.ok_or_else(Error::not_found)?;
    let wish = Wish {
        currency: currency.parse().map_err(|_| Error::not_found())?,
        // One key a form and item: the page has one key for all of its forms.
        key: format!("{}:{item}", fields.key),
        item: item.to_owned(),
        quantity: fields.quantity,
    };
    match actions::buy(visit.core(), &principal, &wish).await {
        Ok(url) => send_on(&visit, &url),
        Err(why) if why.code() == "subscribed" => {
            Ok(visit.redirect_with("/billing", Level::Warning, why.problem().detail.clone()))
        }
        Err(why) => Err(why),
    }
}

async fn change_page(visit: &Visit, principal: &Principal, id: &str) -> Result<ChangePage> {
    let core = visit.core();
    let billing = core.state::<Billing>()?;
    let catalogue = billing.catalogue(core).await?;
    let item = catalogue.item(id).filter(|item| item.terms().is_some());
    let item: &Item = item.ok_or_else(Error::not_found)?;
    let own = actions::overview(core, &principal.id).await?.subscription;
    let own = own
        .filter(|own| own.standing != Standing::Over)
        .ok_or_else(Error::not_found)?;
    let price = own.price.as_ref().ok_or_else(Error::not_found)?;
    let from = catalogue.name_of(&price.item);
    let cost = actions::cost(core, &own, item).await?;
    ChangePage::of(item, &own, from, cost).ok_or_else(Error::not_found)
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    plan: String,
}

pub(super) async fn ask_change(
    visit: Visit,
    principal: Principal,
    Query(wanted): Query<Wanted>,
) -> Result<Response> {
    let page = change_page(&visit, &principal, &wanted.plan).await?;
    visit.render(&page)
}

#[derive(Deserialize)]
pub(super) struct Changing {
    plan: String,
    #[serde(default = "one")]
    quantity: i64,
    key: String,
}

pub(super) async fn change(
    visit: Visit,
    principal: Principal,
    Form(fields): Form<Changing>,
) -> Result<Response> {
    let wish = PlanChange {
        item: fields.plan.clone(),
        quantity: fields.quantity,
        key: fields.key.clone(),
    };
    let why = match actions::change_plan(visit.core(), &principal, &wish).await {
        Ok(begin) => {
            let done = match begin {
                Begin::AtOnce => "Your plan has changed. The credits come with the payment.",
                Begin::WithTheNextPeriod => {
                    "Your plan changes with the next period. What you paid for stays yours."
                }
            };
            return Ok(visit.redirect_with("/billing", Level::Success, done));
        }
        Err(why) => why,
    };
    if !why.status().is_client_error() || why.status() == StatusCode::NOT_FOUND {
        return Err(why);
    }
    let errors = FieldErrors::one("form", why.problem().detail.clone());
    let page = ChangePage {
        errors,
        quantity: fields.quantity,
        ..change_page(&visit, &principal, &fields.plan).await?
    };
    visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

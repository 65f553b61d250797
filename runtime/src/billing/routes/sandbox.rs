//! The sandbox's payment page, and the page on which its clock, cards, refunds and disputes are moved. There are none
//! where real money is taken.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;

use crate::billing::Money;
use crate::billing::pages::{SandboxPage, SandboxThing, TillPage};
use crate::billing::provider::RefundRequest;
use crate::billing::sandbox::{self, World, customer_of, in_world};
use crate::billing::setup::Billing;
use crate::billing::store;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::http::{Form, Level, Principal, Visit};

/// The name at the sandbox of whoever has signed in.
///
/// # Errors
/// 404 where there is no sandbox, and for whoever has bought nothing.
async fn own_customer(visit: &Visit, principal: &Principal) -> Result<String> {
    let core = visit.core();
    if !core.state::<Billing>()?.is_sandbox {
        return Err(Error::not_found());
    }
    let customer = store::customer_of(core.db(), sandbox::NAME, &principal.id).await?;
    customer
        .and_then(|customer| customer.customer)
        .ok_or_else(Error::not_found)
}

async fn own_session(
    visit: &Visit,
    principal: &Principal,
    session: &str,
) -> Result<(String, Value)> {
    let customer = own_customer(visit, principal).await?;
    if customer_of(visit.core(), session).await? != customer || !session.starts_with("cs_") {
        return Err(Error::not_found());
    }
    let mut snapshot = visit.core().db().snapshot().await?;
    let found = store::sandbox_object(snapshot.conn(), session).await?;
    found.ok_or_else(Error::not_found)
}

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn till_page(session: &str, body: &Value, was_declined: bool) -> Result<TillPage> {
    let number = |name: &str| body.get(name).and_then(Value::as_i64).unwrap_or_default();
    let currency = text(body, "currency")
        .parse()
        .map_err(|_| Error::not_found())?;
    Ok(TillPage {
        session: session.to_owned(),
        amount: Money::new(number("amount_total"), currency).to_string(),
        is_plan: text(body, "mode") == "subscription",
        trial_days: number("sandbox_trial_days"),
        is_open: text(body, "status") == "open",
        was_declined,
        back: text(body, "cancel_url").to_owned(),
    })
}

pub(super) async fn till(
    visit: Visit,
    principal: Principal,
    Path(session): Path<String>,
) -> Result<Response> {
    let (_, body) = own_session(&visit, &principal, &session).await?;
    visit.render(&till_page(&session, &body, false)?)
}

#[derive(Deserialize)]
pub(super) struct Verb {
    #[serde(rename = "do")]
    verb: String,
    #[serde(default)]
    object: String,
}

pub(super) async fn pay(
    visit: Visit,
    principal: Principal,
    Path(session): Path<String>,
    Form(fields): Form<Verb>,
) -> Result<Response> {
    let (customer, body) = own_session(&visit, &principal, &session).await?;
    let core = visit.core();
    let is_paid = match fields.verb.as_str() {
        "pay" => in_world(core, &customer, |world| world.pay(&session))
            .await?
            .is_ok(),
        "decline" => false,
        "later" => in_world(core, &customer, |world| world.pay_later(&session))
            .await
            .map(|()| true)?,
        "abandon" => {
            in_world(core, &customer, |world| world.abandon(&session)).await?;
            return Ok(visit.redirect(text(&body, "cancel_url")));
        }
        _ => return Err(Error::not_found()),
    };
    if is_paid {
        return Ok(visit.redirect(text(&body, "success_url")));
    }
    visit.render_with(
        StatusCode::PAYMENT_REQUIRED,
        &till_page(&session, &body, true)?,
    )
}

pub(super) async fn control(visit: Visit, principal: Principal) -> Result<Response> {
    let customer = own_customer(&visit, &principal).await?;
    let core = visit.core();
    let mut snapshot = core.db().snapshot().await?;
    let objects = store::sandbox_objects(snapshot.conn(), &customer).await?;
    drop(snapshot);
    let things = objects
        .iter()
        .filter_map(|(id, body)| SandboxThing::of(id, body))
        .collect();
    let card = objects
        .get(&customer)
        .map(|body| text(body, "sandbox_card").to_owned());
    let world = World::wake(
        &customer,
        objects,
        core.now().as_micros().div_euclid(1_000_000),
    )?;
    let instant = |secs: i64| Timestamp::from_micros(secs.saturating_mul(1_000_000));
    visit.render(&SandboxPage {
        now: instant(world.now),
        card: card.unwrap_or_default(),
        next_due: world.next_due().map(|(at, _)| instant(at)),
        things,
    })
}

const DAY: i64 = 24 * 60 * 60;

pub(super) async fn act(
    visit: Visit,
    principal: Principal,
    Form(fields): Form<Verb>,
) -> Result<Response> {
    let customer = own_customer(&visit, &principal).await?;
    in_world(visit.core(), &customer, |world| {
        carry_out(world, &customer, &fields)
    })
    .await?;
    Ok(visit.redirect_with(
        "/billing/sandbox",
        Level::Success,
        "Done. Its events are under way.",
    ))
}

fn carry_out(world: &mut World, customer: &str, Verb { verb, object }: &Verb) -> Result<()> {
    let intent_of = |world: &World| {
        let intent = world
            .get(object)
            .and_then(|body| body.get("payment_intent"))
            .and_then(Value::as_str);
        intent.map(str::to_owned).ok_or_else(Error::not_found)
    };
    match verb.as_str() {
        "day" => world.advance(world.now + DAY),
        "renew" => match world.next_due() {
            Some((at, _)) => world.advance(at),
            None => return Err(Error::not_found()),
        },
        "card_good" => world.set_card("good"),
        "card_bad" => world.set_card("bad"),
        "card_none" => world.set_card("none"),
        "arrive" => world.arrive(object, true)?,
        "fail" => world.arrive(object, false)?,
        "dispute" => world.dispute(&intent_of(world)?).map(drop)?,
        "win" => world.decide(object, true)?,
        "lose" => world.decide(object, false)?,
        "refund" => {
            let number = |name: &str| {
                world
                    .get(object)
                    .and_then(|body| body.get(name))
                    .and_then(Value::as_i64)
            };
            let left = number("amount").unwrap_or_default()
                - number("amount_refunded").unwrap_or_default();
            let request = RefundRequest {
                customer: customer.to_owned(),
                intent: intent_of(world)?,
                amount: (left + 1) / 2,
                record: String::new(),
                asked_at: Timestamp::from_micros(world.now.saturating_mul(1_000_000)),
            };
            world.refund(&request).map(drop)?;
        }
        _ => return Err(Error::not_found()),
    }
    Ok(())
}

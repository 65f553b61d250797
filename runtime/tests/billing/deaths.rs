//! Checkout, webhooks, refunds, and the events of a subscription that begins and is renewed, killed after each of their
//! statements, with Stripe going on by itself: whoever asks again, and what Stripe sends again, ends in the same state,
//! and the money agrees with the ledger.

use std::path::Path;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use quickscale_runtime::app::Core;
use quickscale_runtime::auth::audit::Actor;
use quickscale_runtime::billing::actions;
use quickscale_runtime::billing::upkeep::verify;
use quickscale_runtime::credits::Owner;
use quickscale_runtime::credits::actions as ledger;
use quickscale_runtime::http::{Principal, Role};
use quickscale_runtime::testing::{Client, TestApp, work_off};
use serde_json::{Value, json};
use sqlx::Row as _;

use crate::delivery::{SECRET, event, secs, start};
use crate::standin::{StandIn, Verb, sign};
use crate::support::billing::Shopper;
use crate::support::death::{Life, kill_after};
use crate::support::{app, column, overlay};

const VERB: &str = "BILLING_TEST_VERB";
const WHO: &str = "BILLING_TEST_WHO";
const WHAT: &str = "BILLING_TEST_WHAT";
const STRIPE: [&str; 4] = [
    "BILLING_PROVIDER",
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "STRIPE_API_BASE",
];

fn buyer(id: &str) -> Principal {
    Principal {
        id: id.to_owned().into(),
        email: format!("{id}@example.com"),
        name: String::new(),
        role: Role::User,
        is_verified: true,
        picture: None,
        times: quickscale_runtime::times::TimeStyle::default(),
        session: String::new(),
        proved_at: quickscale_runtime::clock::Timestamp::from_micros(0),
        lacks_second_factor: false,
        acted_by: None,
    }
}

/// Sets out to buy; gives where it is paid.
async fn buy(core: &Core, who: &str, item: &str) -> String {
    let wish = actions::Wish {
        item: item.into(),
        currency: "eur".parse().unwrap(),
        quantity: 1,
        key: "the form".into(),
    };
    actions::buy(core, &buyer(who), &wish).await.unwrap()
}

/// Does one verb as a process does that serves and works.
async fn act(core: &Core, mut stripe: Client, verb: &str, (who, what): (&str, &str)) {
    match verb {
        "checkout" => drop(buy(core, who, "small").await),
        "webhook" | "subscription" | "renewal" => {
            let events: Vec<Value> = serde_json::from_str(what).unwrap();
            for event in events {
                let (body, now) = (event.to_string(), core.now().as_micros() / 1_000_000);
                let signature = sign(SECRET, &body, now);
                let request =
                    Request::post("/webhooks/stripe").header("stripe-signature", signature);
                let answer = stripe.send(request, Body::from(body)).await;
                assert!(answer.status.is_success(), "{}", answer.text);
            }
        }
        "refund" => {
            let wish = actions::RefundWish {
                payment: what.into(),
                amount: 250,
                reason: "Asked".into(),
                by: Actor::CommandLine,
                key: "the form".into(),
            };
            actions::ask_refund(core, &wish).await.unwrap();
        }
        verb => panic!("there is no verb {verb}"),
    }
    work_off(core).await;
}

/// Does one verb once, unless it is killed before.
#[tokio::test]
#[ignore = "the part of another process"]
async fn acts() {
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../project_templates");
    let root = templates.join("modules/billing");
    let Some(life) = Life::with(app(), overlay(), (&root, &STRIPE)).await else {
        return;
    };
    let var = |name| std::env::var(name).unwrap();
    life.begin();
    let stripe = Client::of(life.0.router.clone());
    act(&life.0.core, stripe, &var(VERB), (&var(WHO), &var(WHAT))).await;
}

/// The customer's page at Stripe; there is one.
fn session(stand_in: &StandIn, who: &str) -> Value {
    let customers = stand_in.all("cus_").into_iter();
    let email = format!("{who}@example.com");
    let own: Vec<_> = customers.filter(|one| one["email"] == *email).collect();
    assert_eq!(own.len(), 1);
    let mut pages = stand_in.all("cs_");
    pages.retain(|page| page["customer"] == own[0]["id"]);
    assert_eq!(pages.len(), 1);
    pages.swap_remove(0)
}

/// Lets the page be paid; gives what Stripe tells of it.
fn pay(stand_in: &StandIn, who: &str, now: i64) -> String {
    let mut page = session(stand_in, who);
    page["status"] = "complete".into();
    page["payment_status"] = "paid".into();
    page["payment_intent"] = format!("pi_{who}").into();
    stand_in.put(page.clone());
    stand_in.put(json!({
        "id": format!("ch_{who}"), "object": "charge", "payment_intent": page["payment_intent"],
        "amount": page["amount_total"], "amount_refunded": 0, "currency": "eur",
    }));
    let name = format!("evt_{who}");
    let paid = event(&name, "checkout.session.completed", now, &page);
    Value::from(vec![paid]).to_string()
}

/// Lets somebody subscribe and pay; gives what Stripe tells of it.
async fn subscribe(core: &Core, stand_in: &StandIn, who: &str) -> String {
    buy(core, who, "team").await;
    let page = session(stand_in, who);
    stand_in.events();
    stand_in
        .at_till(page["id"].as_str().unwrap(), Verb::Pay)
        .unwrap();
    Value::from(stand_in.events()).to_string()
}

/// Lets the subscription begin its next period; gives what Stripe tells of it.
fn renew(stand_in: &StandIn, who: &str) -> String {
    let customer = session(stand_in, who)["customer"].clone();
    let mut own = stand_in.all("sub_");
    own.retain(|subscription| subscription["customer"] == customer);
    let end = &own[0]["items"]["data"][0]["current_period_end"];
    stand_in.set_clock(end.as_i64().unwrap());
    stand_in.renew(own[0]["id"].as_str().unwrap()).unwrap();
    Value::from(stand_in.events()).to_string()
}

async fn payment_of(app: &TestApp, who: &str) -> String {
    let sql = "SELECT p.id FROM billing_payments p JOIN billing_customers c ON c.id = p.customer_id WHERE c.owner_id = $1";
    let row = sqlx::query(sql).bind(who);
    let row = row.fetch_one(app.core.db().reader()).await.unwrap();
    row.try_get(0).unwrap()
}

async fn balance(core: &Core, who: &str) -> String {
    let owner = Owner::User(who.to_owned().into());
    let balance = ledger::balance(core, &owner).await.unwrap();
    balance.available.to_string()
}

/// Lives up to the verb; gives what it is about.
async fn prepare(app: &TestApp, stand_in: &StandIn, verb: &str, who: &str) -> String {
    if verb == "checkout" {
        return String::new();
    }
    if matches!(verb, "subscription" | "renewal") {
        let begun = subscribe(&app.core, stand_in, who).await;
        if verb == "subscription" {
            return begun;
        }
        act(&app.core, app.client(), "subscription", (who, &begun)).await;
        return renew(stand_in, who);
    }
    buy(&app.core, who, "small").await;
    let paid = pay(stand_in, who, secs(app));
    if verb == "webhook" {
        return paid;
    }
    act(&app.core, app.client(), "webhook", (who, &paid)).await;
    payment_of(app, who).await
}

/// What somebody does, the credits that he has then, and after how many statements the next death comes: after each one
/// where `BILLING_DEATHS` says `all`.
const VERBS: [(&str, &str, u32); 5] = [
    ("checkout", "100", 3),
    ("webhook", "300", 3),
    ("refund", "200", 3),
    ("subscription", "2100", 13),
    ("renewal", "2100", 13),
];

#[tokio::test(flavor = "multi_thread")]
async fn whoever_dies_between_two_steps_leaves_money_and_credits_that_agree() {
    let (app, stand_in) = start().await;
    let core = &app.core;
    let mut deaths = 0;
    let is_all = std::env::var("BILLING_DEATHS").is_ok_and(|text| text == "all");
    for (verb, credits, stride) in VERBS {
        let stride = if is_all { 1 } else { stride };
        let mut is_killed = true;
        let mut statement = 1;
        while is_killed {
            let email = format!("{verb}-{statement}@example.com");
            let who = Shopper::sign_up(&app, &email).await.id.to_string();
            let what = prepare(&app, &stand_in, verb, &who).await;
            let mut vars = vec![(VERB, verb), (WHO, &who), (WHAT, &what)];
            let values = STRIPE.map(|name| core.config().vars[name].clone());
            vars.extend(STRIPE.into_iter().zip(values.iter().map(String::as_str)));
            is_killed = kill_after(&app, "deaths::acts", &vars, statement).await;
            // What the dead process had under way is taken up by another one.
            app.clock.advance(Duration::from_secs(120));
            app.work_jobs().await;
            for _ in 0..2 {
                act(core, app.client(), verb, (&who, &what)).await;
                let told = format!("{verb}, after statement {statement}");
                assert_eq!(balance(core, &who).await, credits, "{told}");
                session(&stand_in, &who);
            }
            let mut refunds = stand_in.all("re_");
            refunds.retain(|refund| refund["payment_intent"] == format!("pi_{who}").as_str());
            assert_eq!(refunds.len(), usize::from(verb == "refund"));
            deaths += usize::from(is_killed);
            statement += stride;
        }
    }
    assert!(deaths >= 60, "only {deaths} statements were seen");
    assert_eq!(
        column(
            &app,
            "SELECT error FROM billing_events WHERE state IN ('new', 'failed')"
        )
        .await,
        [""; 0]
    );
    assert_eq!(
        column(
            &app,
            "SELECT state FROM billing_refunds WHERE state <> 'done'"
        )
        .await,
        [""; 0]
    );
    let report = verify(core, true).await.unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

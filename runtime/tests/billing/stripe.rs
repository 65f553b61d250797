//! Payments at Stripe, against a stand-in that answers as it does.

use axum::http::StatusCode;
use quickscale_runtime::auth::{self, Registration};
use quickscale_runtime::billing::{self, upkeep::verify};
use quickscale_runtime::credits::{self, Credits};
use quickscale_runtime::testing::TestApp;
use quickscale_runtime::{App, Environment};
use serde_json::{Value, json};

use crate::delivery::{at, deliver_as, start_with};
use crate::standin::{Fault, StandIn, Verb};
use crate::support::billing::Shopper;
use crate::support::{SITE, app, column, count, run, settings, sign_up_admin, themed};

pub async fn start() -> (TestApp, StandIn) {
    start_with(app()).await
}

pub async fn deliver(app: &TestApp, kind: &str, object: &Value) {
    let name = format!("evt_{kind}_{}", object["id"].as_str().unwrap());
    deliver_as(app, &name, kind, object).await;
}

/// Lets a session be paid, as a buyer does on Stripe's page.
fn pay(stand_in: &StandIn) -> Value {
    let mut session = stand_in.last_page();
    session["status"] = "complete".into();
    session["payment_status"] = "paid".into();
    session["payment_intent"] = "pi_1".into();
    stand_in.put(session.clone());
    stand_in.put(json!({
        "id": "ch_1", "object": "charge", "payment_intent": "pi_1", "amount": session["amount_total"],
        "amount_refunded": 0, "currency": "eur",
    }));
    session
}

#[tokio::test]
async fn the_catalogue_is_brought_once_and_changed_prices_follow() {
    let (app, stand_in) = start().await;
    for _ in 0..2 {
        run_push(&app).await;
        assert_eq!(stand_in.all("price_").len(), 10);
        assert_eq!(count(&app, "billing_prices").await, 10);
    }
    // Somebody changed a price at Stripe: ours takes its place.
    let mut price = stand_in
        .all("price_")
        .into_iter()
        .find(|body| body["lookup_key"] == "small_eur")
        .unwrap();
    price["unit_amount"] = 1.into();
    stand_in.put(price.clone());
    stand_in.log();
    // Another key, as a day later.
    run_push(&app).await;
    let current = column(&app, "SELECT price FROM billing_prices WHERE is_current = 1 AND item = 'small' AND currency = 'eur'").await;
    assert_eq!(current.len(), 1);
}

pub async fn run_push(app: &TestApp) {
    run(app, "billing", &["push"]).await.unwrap();
}

#[tokio::test]
async fn a_pack_is_paid_at_stripe_and_comes_once_whatever_is_lost() {
    let (app, stand_in) = start().await;
    run_push(&app).await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    stand_in.log();
    // The customer is made and the answer lost; then the stand-in is broken, and busy.
    stand_in.fail(&[Fault::AnswerLost, Fault::Refused(500), Fault::Refused(429)]);
    let page = ada.order("small", 1).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(page.text.contains("/c/pay/cs_"), "{}", page.text);
    assert_eq!(stand_in.all("cus_").len(), 1);
    assert_eq!(stand_in.all("cs_").len(), 1);
    let session = pay(&stand_in);
    for _ in 0..3 {
        deliver(&app, "checkout.session.completed", &session).await;
    }
    deliver(&app, "checkout.session.async_payment_succeeded", &session).await;
    assert_eq!(ada.balance().await, "300");
    assert_eq!(count(&app, "billing_payments").await, 1);
    assert!(verify(&app.core, true).await.unwrap().findings.is_empty());
}

#[tokio::test]
async fn a_provider_that_is_down_is_told_and_nothing_is_lost() {
    let (app, stand_in) = start().await;
    run_push(&app).await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    let page = ada.browser.get("/billing/plans?currency=eur").await;
    let key = page.input("key").unwrap().to_owned();
    stand_in.fail(&[Fault::AnswerLost; 4]);
    assert_eq!(
        ada.order_with("small", 1, &key).await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    let again = ada.order_with("small", 1, &key).await;
    assert!(again.text.contains("/c/pay/cs_"), "{}", again.text);
    assert_eq!(stand_in.all("cus_").len(), 1);
    assert_eq!(stand_in.all("cs_").len(), 1);
}

#[tokio::test]
async fn a_refund_whose_answer_is_lost_is_made_once() {
    let (app, stand_in) = start().await;
    run_push(&app).await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    ada.order("small", 1).await;
    deliver(&app, "checkout.session.completed", &pay(&stand_in)).await;
    let mut staff = sign_up_admin(&app, "root@example.com").await;
    let id = column(&app, "SELECT id FROM billing_payments")
        .await
        .swap_remove(0);
    let fields = [("amount", "2.50"), ("reason", "Asked"), ("key", "k")];
    stand_in.fail(&[Fault::AnswerLost; 4]);
    staff
        .post(&format!("/admin/payments/{id}/refund"), &fields)
        .await;
    assert_eq!(app.work_jobs().await.failed, 1);
    assert_eq!(
        column(&app, "SELECT state FROM billing_refunds").await,
        ["asked"]
    );
    app.clock.advance(std::time::Duration::from_secs(60));
    app.work_jobs().await;
    assert_eq!(
        column(&app, "SELECT state FROM billing_refunds").await,
        ["done"]
    );
    assert_eq!(stand_in.all("re_").len(), 1);
    let charge = stand_in.all("ch_").pop().unwrap();
    assert_eq!(charge["amount_refunded"], 250);
    deliver(&app, "charge.refunded", &charge).await;
    assert_eq!(ada.balance().await, "200");
    assert!(verify(&app.core, true).await.unwrap().findings.is_empty());
}

/// An application that sells one pack, in one currency.
fn one_pack(currency: &str, amount: &str) -> App {
    let pack = billing::Pack {
        id: "small".into(),
        name: "Small pack".into(),
        summary: String::new(),
        credits: Credits::whole(200),
        prices: vec![(currency.into(), amount.into())],
    };
    App::builder(SITE, Environment::Test)
        .module(auth::module(settings(Registration::Open)))
        .module(credits::module(credits::Settings::default()))
        .module(billing::module(billing::Settings {
            packs: vec![pack],
            plans: Vec::new(),
            ..billing::Settings::default()
        }))
}

#[tokio::test]
async fn a_price_that_stripe_takes_from_nobody_is_refused_before_anything_is_sent() {
    for (currency, amount, told) in [
        (
            "kwd",
            "2.505",
            "small: Stripe takes KWD only in multiples of 0.010: write 2.510 instead of 2.505",
        ),
        (
            "tnd",
            "0.001",
            "small: Stripe takes TND only in multiples of 0.010: write 0.010 instead of 0.001",
        ),
        (
            "isk",
            "500.50",
            "small: Stripe takes ISK only in multiples of 1.00: write 501.00 instead of 500.50",
        ),
    ] {
        let (stand_in, address) = StandIn::start().await;
        let started = at(one_pack(currency, amount), &address).try_start().await;
        let fault = started.err().unwrap();
        assert!(format!("{fault:#}").contains(told), "{fault:#}");
        assert_eq!(stand_in.log(), [""; 0]);
        // Whoever tries it in the sandbox may.
        assert!(themed(one_pack(currency, amount)).try_start().await.is_ok());
    }
    let (app, stand_in) = start_with(one_pack("kwd", "2.500")).await;
    run_push(&app).await;
    assert_eq!(stand_in.all("price_")[0]["unit_amount"], 2500);
}

#[tokio::test]
async fn a_part_that_stripe_does_not_give_back_is_refused_before_anything_is_sent() {
    let (app, stand_in) = start_with(one_pack("kwd", "2.500")).await;
    run_push(&app).await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    let page = ada.browser.get("/billing/plans?currency=kwd").await;
    let key = page.input("key").unwrap().to_owned();
    let fields = [("price", "small:kwd"), ("quantity", "1"), ("key", &key)];
    ada.browser.post("/billing/checkout", &fields).await;
    let paid = stand_in.at_last_page(Verb::Pay).unwrap();
    deliver(&app, "checkout.session.completed", &paid).await;
    let mut staff = sign_up_admin(&app, "root@example.com").await;
    let id = column(&app, "SELECT id FROM billing_payments").await;
    let path = format!("/admin/payments/{}/refund", id[0]);
    let told = "Stripe takes KWD only in multiples of 0.010: write 1.260 instead of 1.255.";
    let page = staff.get(&format!("{path}?amount=1.255")).await;
    assert!(page.text.contains(told), "{}", page.text);
    assert!(!page.text.contains("credits back"), "{}", page.text);
    stand_in.log();
    let fields = [("amount", "1.255"), ("reason", "Asked"), ("key", "k")];
    let page = staff.post(&path, &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text.contains(told), "{}", page.text);
    app.work_jobs().await;
    assert_eq!(stand_in.log(), [""; 0]);
    assert_eq!(count(&app, "billing_refunds").await, 0);
    for (amount, key) in [("1.26", "l"), ("1.240", "m")] {
        let fields = [("amount", amount), ("reason", "Asked"), ("key", key)];
        let page = staff.post(&path, &fields).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
        app.work_jobs().await;
    }
    assert_eq!(ada.balance().await, "100");
}

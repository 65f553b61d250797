//! Payments at Stripe, against a stand-in that answers as it does.

use axum::http::StatusCode;
use quickscale_runtime::billing::upkeep::verify;
use quickscale_runtime::testing::TestApp;
use serde_json::{Value, json};

use crate::delivery::{deliver_as, start_with};
use crate::standin::{Fault, StandIn};
use crate::support::billing::Shopper;
use crate::support::{app, column, count, run, sign_up_admin};

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

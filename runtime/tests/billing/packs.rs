//! Packs of credits, bought once.

use axum::http::StatusCode;
use quickscale_runtime::auth::{self, Registration};
use quickscale_runtime::billing;
use quickscale_runtime::{App, Environment, credits, in_transaction};

use crate::support::billing::Shopper;
use crate::support::{SITE, app, by_one_connection, column, count, overlay, settings, themed};

#[tokio::test]
async fn a_pack_that_is_paid_brings_its_credits_once() {
    let app = themed(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    let answer = ada.order("small", 1).await;
    let till = answer.location().to_owned();
    let page = ada.browser.get(&till).await;
    assert!(page.text.contains("Pay 5.00 EUR"), "{}", page.text);
    let answer = ada.browser.post(&till, &[("do", "pay")]).await;
    let success = answer.location().replace("http://app.test", "");
    // The page only reads: it waits for the event, and says so.
    for _ in 0..3 {
        let page = ada.browser.get(&success).await;
        assert!(
            page.text.contains("has not confirmed it to us yet"),
            "{}",
            page.text
        );
        assert_eq!(ada.balance().await, "100");
    }
    app.work_jobs().await;
    for _ in 0..3 {
        let page = ada.browser.get(&success).await;
        assert!(
            page.text.contains("200 credits were added to your balance"),
            "{}",
            page.text
        );
        assert_eq!(ada.balance().await, "300");
    }
    let again = ada.browser.post(&till, &[("do", "pay")]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    app.work_jobs().await;
    assert_eq!(ada.balance().await, "300");
    let page = ada.browser.get("/billing/payments").await.text;
    assert!(
        page.contains("Small pack: 200 credits") && page.contains("5.00 EUR"),
        "{page}"
    );
    let id = column(&app, "SELECT id FROM billing_payments")
        .await
        .pop()
        .unwrap();
    let receipt = ada.browser.get(&format!("/billing/payments/{id}")).await;
    assert!(
        receipt.text.contains("Receipt") && receipt.text.contains("5.00 EUR"),
        "{}",
        receipt.text
    );
}

#[tokio::test]
async fn what_is_not_paid_brings_nothing() {
    let app = themed(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    let till = ada.order("small", 1).await.location().to_owned();
    let declined = ada.at_till(&till, "decline").await;
    assert_eq!(declined.status, StatusCode::PAYMENT_REQUIRED);
    assert!(
        declined.text.contains("The card was declined"),
        "{}",
        declined.text
    );
    let left = ada.at_till(&till, "abandon").await;
    let page = ada
        .browser
        .get(&left.location().replace("http://app.test", ""))
        .await;
    assert!(
        page.text
            .contains("Nothing was charged and nothing was added"),
        "{}",
        page.text
    );
    assert_eq!(ada.balance().await, "100");
    assert_eq!(count(&app, "billing_payments").await, 0);
    assert_eq!(
        column(&app, "SELECT state FROM billing_orders").await,
        ["expired"]
    );
}

#[tokio::test]
async fn a_transfer_brings_credits_when_it_arrives() {
    for (verb, balance, state) in [("arrive", "300", "paid"), ("fail", "100", "failed")] {
        let app = themed(app()).start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        let till = ada.order("small", 1).await.location().to_owned();
        ada.at_till(&till, "later").await;
        assert_eq!(ada.balance().await, "100");
        assert_eq!(
            column(&app, "SELECT state FROM billing_payments").await,
            ["pending"]
        );
        let session = ada.object("cs_").await;
        ada.sandbox(verb, &session).await;
        assert_eq!(ada.balance().await, balance, "{verb}");
        assert_eq!(
            column(&app, "SELECT state FROM billing_payments").await,
            [state]
        );
        assert_eq!(
            column(&app, "SELECT state FROM billing_orders").await,
            [state]
        );
    }
}

#[tokio::test]
async fn a_form_that_is_sent_twice_is_one_order() {
    let app = themed(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    let page = ada.browser.get("/billing/plans").await;
    let key = page.input("key").unwrap().to_owned();
    let first = ada.order_with("small", 1, &key).await.location().to_owned();
    let second = ada.order_with("small", 1, &key).await.location().to_owned();
    assert_eq!(first, second);
    assert_eq!(count(&app, "billing_orders").await, 1);
    assert_eq!(count(&app, "billing_customers").await, 1);
}

#[tokio::test]
async fn what_is_not_sold_cannot_be_bought() {
    let app = themed(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    assert_eq!(ada.order("gold", 1).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        ada.order("small", 2).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        ada.order("team", 0).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let fields = [("price", "small:jpy"), ("key", "short")];
    let answer = ada.browser.post("/billing/checkout", &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(count(&app, "billing_orders").await, 0);
}

#[tokio::test]
async fn who_has_no_name_at_the_provider_yet_is_in_nobodys_way() {
    let app = themed(app()).start().await;
    let mut shoppers = Vec::new();
    for email in ["ada@example.com", "bob@example.com"] {
        let mut shopper = Shopper::sign_up(&app, email).await;
        shopper.buy("small").await;
        shoppers.push(shopper);
    }
    let set = async |sql: &'static str| -> quickscale_runtime::Result<()> {
        in_transaction!(app.core.db(), tx => {
            sqlx::query(sql).execute(tx.conn()).await?;
            Ok(())
        })
    };
    // An empty name is none, and is not kept.
    let empty = "UPDATE billing_customers SET customer = ''";
    assert!(set(empty).await.is_err());
    let none = "UPDATE billing_customers SET customer = NULL";
    set(none).await.unwrap();
    for mut shopper in shoppers {
        shopper.buy("small").await;
        assert_eq!(shopper.balance().await, "500");
    }
}

#[tokio::test]
async fn nobody_sees_or_pays_what_is_anothers() {
    let app = by_one_connection(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    let mut bob = Shopper::sign_up(&app, "bob@example.com").await;
    bob.order("small", 1).await;
    let till = ada.order("small", 1).await.location().to_owned();
    assert_eq!(bob.browser.get(&till).await.status, StatusCode::NOT_FOUND);
    let answer = bob.browser.post(&till, &[("do", "pay")]).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    ada.at_till(&till, "pay").await;
    let order = "SELECT id FROM billing_orders WHERE state = 'paid'";
    for (place, sql) in [
        ("/billing/checkout/success?order=", order),
        ("/billing/checkout/cancel?order=", order),
        ("/billing/payments/", "SELECT id FROM billing_payments"),
    ] {
        let id = column(&app, sql).await.pop().unwrap();
        let path = format!("{place}{id}");
        assert_eq!(bob.browser.get(&path).await.status, StatusCode::NOT_FOUND);
        assert_eq!(ada.browser.get(&path).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn the_sandbox_is_refused_in_production() {
    let start = async |variables: &[(&str, &str)]| {
        let app = App::builder(SITE, Environment::Production)
            .module(auth::module(settings(Registration::Open)))
            .module(credits::module(credits::Settings::default()))
            .module(billing::module(billing::Settings::default()));
        let mut builder = themed(app)
            .overlay(overlay())
            .env("APP_URL", "https://app.test");
        for (name, value) in variables {
            builder = builder.env(name, value);
        }
        builder.try_start().await
    };
    let fault = start(&[("BILLING_PROVIDER", "sandbox")])
        .await
        .err()
        .unwrap();
    assert!(format!("{fault:#}").contains("takes no money"), "{fault:#}");
    let fault = start(&[("BILLING_PROVIDER", "stripe")])
        .await
        .err()
        .unwrap();
    let fault = format!("{fault:#}");
    assert!(
        fault.contains("STRIPE_SECRET_KEY") && fault.contains("STRIPE_WEBHOOK_SECRET"),
        "{fault}"
    );
    let app = start(&[]).await.unwrap();
    let page = app.client().get("/billing/plans").await;
    assert!(
        page.text.contains("Nothing can be bought here"),
        "{}",
        page.text
    );
}

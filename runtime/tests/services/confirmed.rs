//! Whoever pays for a run has shown that his address is his.

use axum::http::StatusCode;
use quickscale_runtime::auth::{EmailVerification, Registration, Settings};
use quickscale_runtime::testing::TestApp;

use crate::browser::{fill_in, run};
use crate::offered::offering;
use crate::support::{app_of, count, settings, sign_up_unconfirmed, themed};

const ADA: &str = "ada@example.com";
const TEXT: [(&str, &str); 1] = [("text", "echo")];

async fn link(app: &TestApp) -> String {
    let mails = app.mails().await;
    let mail = mails.iter().rfind(|mail| mail.to == ADA).unwrap();
    mail.link("/accounts/verify/").unwrap().to_owned()
}

#[tokio::test]
async fn an_address_is_confirmed_before_the_first_paid_run() {
    let (app, worked) = offering(100, 7).await;
    let mut ada = sign_up_unconfirmed(&app, ADA).await;
    let dashboard = ada.get("/dashboard").await;
    assert!(dashboard.text.contains("Confirm your address"));

    let refused = fill_in(&mut ada, "/services/obedient", &TEXT).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("Confirm your e-mail address first"));
    assert!(refused.text.contains("echo"), "what was filled in is kept");
    assert_eq!(count(&app, "service_runs").await, 0);

    // What costs nothing is open to everybody.
    let free = run(&mut ada, "/services/free", &TEXT).await;
    assert_eq!(free.status, StatusCode::OK);
    assert_eq!(worked.load(std::sync::atomic::Ordering::SeqCst), 1);

    let page = ada.get("/accounts/verify").await;
    assert!(page.text.contains(ADA) && page.text.contains("Send the mail again"));
    ada.post(&link(&app).await, &[]).await;
    assert!(ada.get("/accounts/verify").await.text.contains("confirmed"));
    assert!(
        !ada.get("/dashboard")
            .await
            .text
            .contains("Confirm your address")
    );
    let paid = run(&mut ada, "/services/obedient", &TEXT).await;
    assert!(paid.text.contains("93 credits"), "{}", paid.text);
}

#[tokio::test]
async fn where_no_address_is_confirmed_none_is_asked_for() {
    let options = Settings {
        email_verification: EmailVerification::None,
        ..settings(Registration::Open)
    };
    let app = app_of(quickscale_runtime::Environment::Test, options);
    let app = themed(app).start().await;
    let mut ada = sign_up_unconfirmed(&app, ADA).await;
    assert!(
        !ada.get("/dashboard")
            .await
            .text
            .contains("Confirm your address")
    );
    let page = ada.get("/billing/plans?currency=eur").await;
    let key = page.input("key").unwrap().to_owned();
    let fields = [("price", "small:eur"), ("key", &*key)];
    let bought = ada.post("/billing/checkout", &fields).await;
    assert!(bought.location().contains("/billing/"), "{}", bought.text);
}

#[tokio::test]
async fn an_address_is_confirmed_before_money_is_paid() {
    let options = settings(Registration::Open);
    let app = app_of(quickscale_runtime::Environment::Test, options);
    let app = themed(app).start().await;
    let mut ada = sign_up_unconfirmed(&app, ADA).await;
    let page = ada.get("/billing/plans?currency=eur").await;
    let key = page.input("key").unwrap().to_owned();
    let fields = [("price", "small:eur"), ("key", &*key)];
    let refused = ada.post("/billing/checkout", &fields).await;
    assert_eq!(refused.location(), "/accounts/verify");
    assert_eq!(count(&app, "billing_orders").await, 0);
    ada.post(&link(&app).await, &[]).await;
    let bought = ada.post("/billing/checkout", &fields).await;
    assert!(bought.location().contains("/billing/"), "{}", bought.text);
    assert_eq!(count(&app, "billing_orders").await, 1);
}

//! Failures that Stripe keeps under a key for a day: they do not say whether anything was done, so that what was made is
//! looked for before it is made under another key. Money goes once, and nothing waits for a day.

use std::time::Duration;

use axum::http::StatusCode;
use quickscale_runtime::auth::{self, Registration};
use quickscale_runtime::billing::upkeep::verify;
use quickscale_runtime::testing::TestApp;
use quickscale_runtime::{App, Environment};

use crate::delivery::{at, post, secs, start, start_with};
use crate::standin::{Fault, StandIn, Verb};
use crate::support::billing::Shopper;
use crate::support::{self, column, run, sign_up_admin};

/// 500 for good: as if nothing had happened, or although it did.
const KEPT: [Fault; 2] = [
    Fault::Kept { is_done: false },
    Fault::Kept { is_done: true },
];

/// A page cannot be opened: each answer is kept, and nothing was made. Two keys fail, then Stripe is away.
const KEPT_AND_LOOKED_FOR: [Fault; 10] = [
    Fault::Kept { is_done: false },
    Fault::Late(0),
    Fault::Late(0),
    Fault::Kept { is_done: false },
    Fault::Late(0),
    Fault::Late(0),
    Fault::Reset,
    Fault::Reset,
    Fault::Reset,
    Fault::Reset,
];

/// Brings everything that happened, in order.
async fn bring(app: &TestApp, stand_in: &StandIn) {
    for event in stand_in.events() {
        post(app, &event).await;
        app.work_jobs().await;
    }
}

async fn pay(app: &TestApp, stand_in: &StandIn) {
    stand_in.at_last_page(Verb::Pay).unwrap();
    bring(app, stand_in).await;
}

/// Buys a pack of 5.00 and asks 2.50 of it back, into these faults; gives how many jobs failed at once.
async fn ask_back(app: &TestApp, stand_in: &StandIn, faults: &[Fault]) -> usize {
    let mut ada = Shopper::sign_up(app, "ada@example.com").await;
    ada.order("small", 1).await;
    pay(app, stand_in).await;
    let mut staff = sign_up_admin(app, "root@example.com").await;
    let id = column(app, "SELECT id FROM billing_payments").await;
    let fields = [("amount", "2.50"), ("reason", "Asked"), ("key", "k")];
    stand_in.keys();
    stand_in.fail(faults);
    let path = format!("/admin/payments/{}/refund", id[0]);
    staff.post(&path, &fields).await;
    app.work_jobs().await.failed
}

async fn state(app: &TestApp) -> Vec<String> {
    column(app, "SELECT state FROM billing_refunds").await
}

async fn went_back_once(app: &TestApp, stand_in: &StandIn) {
    assert_eq!(state(app).await, ["done"]);
    assert_eq!(stand_in.all("re_").len(), 1);
    assert_eq!(stand_in.all("ch_")[0]["amount_refunded"], 250);
    bring(app, stand_in).await;
    let report = verify(&app.core, true).await.unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

async fn later(app: &TestApp, minutes: u64) {
    app.clock.advance(Duration::from_secs(minutes * 60));
    app.work_jobs().await;
}

#[tokio::test]
async fn a_refund_that_was_made_all_the_same_is_found() {
    let (app, stand_in) = start().await;
    let failed = ask_back(&app, &stand_in, &[Fault::Kept { is_done: true }]).await;
    assert_eq!(failed, 0);
    went_back_once(&app, &stand_in).await;
}

#[tokio::test]
async fn a_refund_that_was_not_made_is_made_under_another_key_when_it_cannot_come_any_more() {
    let (app, stand_in) = start().await;
    let failed = ask_back(&app, &stand_in, &[Fault::Kept { is_done: false }]).await;
    assert_eq!(failed, 1);
    later(&app, 5).await;
    assert_eq!(state(&app).await, ["asked"]);
    let first = stand_in.keys();
    assert!(first.iter().all(|key| *key == first[0]), "{first:?}");
    // Whatever is lost now, the ways of a later attempt are the same.
    stand_in.fail(&[Fault::Late(0), Fault::Late(0)]);
    stand_in.fail(&[Fault::AnswerLost; 4]);
    later(&app, 30).await;
    assert_eq!(stand_in.all("re_").len(), 1);
    later(&app, 60).await;
    went_back_once(&app, &stand_in).await;
    let second = format!("{}:2", first[0]);
    assert!(stand_in.keys().contains(&second));
}

#[tokio::test]
async fn a_refund_of_days_ago_is_looked_for_before_its_key_is_used_again() {
    let (app, stand_in) = start().await;
    assert_eq!(ask_back(&app, &stand_in, &[Fault::AnswerLost; 4]).await, 1);
    stand_in.forget_keys();
    app.clock.advance(Duration::from_secs(3 * 24 * 60 * 60));
    app.work_jobs().await;
    went_back_once(&app, &stand_in).await;
}

#[tokio::test]
async fn a_customer_and_his_payment_page_are_made_once() {
    for fault in KEPT {
        let (app, stand_in) = start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        // Others with the same address, more than one part of a list has.
        for number in 0..3 {
            stand_in.put(serde_json::json!({
                "id": format!("cus_0000{number}"), "object": "customer", "email": "ada@example.com", "metadata": {},
                "created": secs(&app),
            }));
        }
        stand_in.fail(&[fault]);
        let page = ada.order("small", 1).await;
        assert!(page.text.contains("/c/pay/cs_"), "{}", page.text);
        assert_eq!(stand_in.all("cus_").len(), 4, "{fault:?}");
        // The customer is known now: the page fails.
        stand_in.fail(&[fault]);
        let page = ada.order("large", 1).await;
        assert!(page.text.contains("/c/pay/cs_"), "{}", page.text);
        assert_eq!(stand_in.all("cs_").len(), 2, "{fault:?}");
        pay(&app, &stand_in).await;
        assert_eq!(ada.balance().await, "2100");
    }
}

/// The same application after a deployment: its payment pages take promotion codes.
/// With an account at Stripe by now, and the key of a form that is filled in next.
async fn about_to_order(app: &TestApp) -> (Shopper<'_>, String) {
    let mut ada = Shopper::sign_up(app, "ada@example.com").await;
    ada.order("large", 1).await;
    let page = ada.browser.get("/billing/plans?currency=eur").await;
    let key = page.input("key").unwrap().to_owned();
    (ada, key)
}

/// In the same browser, at what runs with other settings by now.
async fn moves_to<'a>(ada: &mut Shopper<'a>, new: &'a TestApp) {
    ada.app = new;
    ada.browser = support::sign_in(new, "ada@example.com").await;
}

async fn deployed(app: &TestApp, stand_in: &StandIn) -> TestApp {
    use quickscale_runtime::{billing, credits};
    let settings = billing::Settings {
        promotion_codes: true,
        ..billing::Settings::default()
    };
    let new = App::builder(support::SITE, Environment::Test)
        .module(auth::module(support::settings(Registration::Open)))
        .module(credits::module(credits::Settings::default()))
        .module(billing::module(settings));
    at(new, &stand_in.address()).replica_of(app).await
}

#[tokio::test]
async fn one_order_has_one_page_though_the_settings_changed_before_its_answer_came() {
    for item in ["small", "team"] {
        let (app, stand_in) = start().await;
        let (mut ada, key) = about_to_order(&app).await;
        stand_in.fail(&[Fault::AnswerLost; 4]);
        let lost = ada.order_with(item, 1, &key).await;
        assert_eq!(lost.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(stand_in.all("cs_").len(), 2);
        let new = deployed(&app, &stand_in).await;
        moves_to(&mut ada, &new).await;
        for _ in 0..2 {
            let page = ada.order_with(item, 1, &key).await;
            let opened = stand_in.last_page();
            let url = opened["url"].as_str().unwrap();
            assert!(page.text.contains(url), "{}", page.text);
            assert_eq!(stand_in.all("cs_").len(), 2);
        }
        pay(&new, &stand_in).await;
        let balance = if item == "small" { "300" } else { "2100" };
        assert_eq!(ada.balance().await, balance);
    }
}

#[tokio::test]
async fn a_page_that_was_refused_is_asked_for_in_the_new_way() {
    let (app, stand_in) = start().await;
    let (mut ada, key) = about_to_order(&app).await;
    // Every key that is tried keeps a failure.
    stand_in.fail(&KEPT_AND_LOOKED_FOR);
    let failed = ada.order_with("small", 1, &key).await;
    assert_eq!(failed.status, StatusCode::SERVICE_UNAVAILABLE);
    stand_in.keys();
    let new = deployed(&app, &stand_in).await;
    moves_to(&mut ada, &new).await;
    let page = ada.order_with("small", 1, &key).await;
    assert!(page.text.contains("/c/pay/cs_"), "{}", page.text);
    assert_eq!(stand_in.all("cs_").len(), 2);
    // The spent keys are gone through in their order.
    let keys = stand_in.keys();
    assert_eq!(keys.len(), 3, "{keys:?}");
    assert_eq!(keys[1], format!("{}:2", keys[0]));
    assert_eq!(keys[2], format!("{}:3", keys[0]));
}

#[tokio::test]
async fn a_page_that_was_closed_under_other_settings_is_not_opened_again() {
    let (app, stand_in) = start().await;
    let (mut ada, key) = about_to_order(&app).await;
    stand_in.fail(&[Fault::AnswerLost; 4]);
    ada.order_with("small", 1, &key).await;
    stand_in.at_last_page(Verb::Expire).unwrap();
    let new = deployed(&app, &stand_in).await;
    moves_to(&mut ada, &new).await;
    let told = ada.order_with("small", 1, &key).await;
    let place = told.location();
    assert!(
        place.starts_with("/billing/checkout/cancel"),
        "{}",
        told.text
    );
    assert_eq!(stand_in.all("cs_").len(), 2);
}

#[tokio::test]
async fn the_page_of_an_older_order_is_closed_once() {
    for fault in KEPT {
        let (app, stand_in) = start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        ada.order("starter", 1).await;
        stand_in.fail(&[fault]);
        let page = ada.order("team", 2).await;
        assert!(page.text.contains("/c/pay/cs_"), "{}", page.text);
        let open = stand_in.all("cs_");
        let open = open.iter().filter(|page| page["status"] == "open");
        assert_eq!(open.count(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_subscription_changes_once_now_and_later() {
    for fault in KEPT {
        let (app, stand_in) = start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        ada.order("team", 1).await;
        pay(&app, &stand_in).await;
        assert_eq!(ada.balance().await, "2100");
        // More seats now; one less with the next period, by a schedule and its phases; and that taken back.
        stand_in.fail(&[fault]);
        change(&mut ada, "3").await;
        bring(&app, &stand_in).await;
        let invoices = stand_in.all("in_");
        let extra = invoices
            .iter()
            .filter(|invoice| invoice["billing_reason"] == "subscription_update");
        assert_eq!(extra.count(), 1, "{fault:?}");
        assert_eq!(ada.balance().await, "6100");
        for faults in [&[fault][..], &[Fault::Late(0), fault]] {
            stand_in.fail(faults);
            change(&mut ada, "2").await;
            assert_eq!(stand_in.all("sub_sched_").len(), 1, "{fault:?}");
            stand_in.fail(&[Fault::Late(0), fault]);
            let key = format!("stay {}", faults.len());
            let fields = [("key", key.as_str())];
            let path = "/billing/subscription/stay";
            let answer = ada.browser.post(path, &fields).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
            let schedule = stand_in.all("sub_sched_").remove(0);
            assert_eq!(schedule["status"], "released", "{fault:?}");
            stand_in.forget(schedule["id"].as_str().unwrap());
            bring(&app, &stand_in).await;
        }
        let report = verify(&app.core, true).await.unwrap();
        assert!(report.findings.is_empty(), "{:?}", report.findings);
    }
}

async fn change(ada: &mut Shopper<'_>, seats: &str) {
    let page = ada.browser.get("/billing/plans?currency=eur").await;
    let key = page.input("key").unwrap().to_owned();
    let fields = [("plan", "team"), ("quantity", seats), ("key", &key)];
    let path = "/billing/subscription/change";
    let answer = ada.browser.post(path, &fields).await;
    assert_eq!(answer.location(), "/billing", "{}", answer.text);
}

#[tokio::test]
async fn the_catalogue_is_brought_once() {
    for fault in KEPT {
        let (app, stand_in) = start_with(support::app()).await;
        // The product is read, then made; its price is looked up, then made.
        stand_in.fail(&[Fault::Late(0), fault, Fault::Late(0)]);
        run(&app, "billing", &["push"]).await.unwrap();
        assert_eq!(stand_in.all("price_").len(), 10, "{fault:?}");
        let (_, keys) = (stand_in.log(), stand_in.keys());
        assert!(
            keys.iter().any(|key| key.ends_with(":2")) != (fault == KEPT[1]),
            "{keys:?}"
        );
        let (app, stand_in) = start_with(support::app()).await;
        stand_in.fail(&[Fault::Late(0), Fault::Late(0), Fault::Late(0), fault]);
        run(&app, "billing", &["push"]).await.unwrap();
        assert_eq!(stand_in.all("price_").len(), 10, "{fault:?}");
        let process = at(support::app(), &stand_in.address())
            .replica_of(&app)
            .await;
        run(&process, "billing", &["push"]).await.unwrap();
        assert_eq!(stand_in.all("price_").len(), 10, "{fault:?}");
    }
}

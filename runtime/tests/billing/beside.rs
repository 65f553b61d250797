//! One subscription an account, whatever is told late, never, or asked for at once.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::delivery::{deliver_as, secs, start};
use crate::effects::{price_of, session};
use crate::shapes::{Shape, Sub};
use crate::standin::{StandIn, Verb};
use crate::support::billing::{Shopper, subscribe};
use crate::support::{app, column, count, sign_in, themed};
use quickscale_runtime::testing::TestApp;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// What the page that was opened last is called.
fn last_page(stand_in: &StandIn) -> String {
    stand_in.last_page()["id"].as_str().unwrap().to_owned()
}

/// Pays on the open page, and gives it; nothing of it is told.
fn pay(stand_in: &StandIn) -> Value {
    let page = stand_in.at_last_page(Verb::Pay).unwrap();
    stand_in.events();
    page
}

async fn orders(app: &TestApp) -> Vec<String> {
    column(
        app,
        "SELECT item || ' ' || state FROM billing_orders ORDER BY item, state",
    )
    .await
}

#[tokio::test]
async fn a_plan_that_was_paid_is_one_before_its_subscription_is_told() {
    for plan in ["team", "starter"] {
        let (app, stand_in) = start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        ada.order("team", 1).await;
        let page = pay(&stand_in);
        deliver_as(&app, "evt_1", "checkout.session.completed", &page).await;
        assert_eq!(count(&app, "billing_subscriptions").await, 0);
        assert_eq!(ada.order(plan, 1).await.location(), "/billing");
        // It was looked at, and is known now.
        assert_eq!(count(&app, "billing_subscriptions").await, 1);
        assert_eq!(stand_in.all("cs_").len(), 1);
        assert_eq!(orders(&app).await, ["team paid"]);
    }
}

#[tokio::test]
async fn a_subscription_that_is_over_or_gone_before_it_was_told_stands_in_nobodys_way() {
    for is_gone in [false, true] {
        let (app, stand_in) = start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        ada.order("team", 1).await;
        let start = secs(&app);
        let sub = Sub {
            id: "sub_1".into(),
            customer: stand_in.all("cus_")[0]["id"].as_str().unwrap().into(),
            status: "canceled".into(),
            price: price_of(&app, "team").await,
            quantity: 1,
            period: (start, start + 1000),
        };
        if !is_gone {
            stand_in.put(sub.body(Shape::After));
        }
        let fields =
            json!({"status": "complete", "payment_status": "paid", "subscription": "sub_1"});
        let page = session(&stand_in, &fields);
        deliver_as(&app, "evt_1", "checkout.session.completed", &page).await;
        let answer = ada.order("team", 1).await;
        assert!(answer.text.contains("/c/pay/"), "{}", answer.text);
        assert_eq!(stand_in.all("cs_").len(), 2);
    }
}

#[tokio::test]
async fn what_became_of_a_page_is_looked_at_where_it_was_not_told() {
    for (verb, plan, expected) in [
        (
            Verb::Expire,
            "team",
            ["team expired", "team open"].as_slice(),
        ),
        (Verb::Expire, "starter", &["starter open", "team expired"]),
        (Verb::Pay, "team", &["team paid"]),
        (Verb::Pay, "starter", &["team paid"]),
    ] {
        let (app, stand_in) = start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        ada.order("team", 1).await;
        let dead = last_page(&stand_in);
        stand_in.at_last_page(verb).unwrap();
        app.clock.advance(25 * HOUR);
        ada.browser = sign_in(&app, "ada@example.com").await;
        let answer = ada.order(plan, 1).await;
        assert_eq!(orders(&app).await, expected, "{verb:?} {plan}");
        assert!(!answer.text.contains(&dead), "{}", answer.text);
        if verb == Verb::Pay {
            assert_eq!(answer.location(), "/billing");
        } else {
            assert!(
                answer.text.contains(&last_page(&stand_in)),
                "{}",
                answer.text
            );
        }
    }
}

#[tokio::test]
async fn a_page_that_is_open_is_given_again_and_an_order_that_is_settled_is_shown() {
    let (app, stand_in) = start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    let page = ada.browser.get("/billing/plans?currency=eur").await;
    let key = page.input("key").unwrap().to_owned();
    for _ in 0..2 {
        let answer = ada.order_with("team", 1, &key).await;
        assert!(answer.text.contains(&last_page(&stand_in)));
        app.clock.advance(HOUR);
    }
    stand_in.at_last_page(Verb::Expire).unwrap();
    let answer = ada.order_with("team", 1, &key).await;
    let order = column(&app, "SELECT id FROM billing_orders").await;
    assert_eq!(
        answer.location(),
        format!("/billing/checkout/cancel?order={}", order[0])
    );
    assert_eq!(orders(&app).await, ["team expired"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tabs_at_once_make_one_customer_and_one_subscription() {
    for (plans, pages) in [(["team", "team"], 1), (["team", "starter"], 2)] {
        let app = themed(app()).start().await;
        let ada = Shopper::sign_up(&app, "ada@example.com").await;
        let tabs = plans.map(|plan| {
            let mut browser = ada.browser.clone();
            tokio::spawn(async move {
                let page = browser.get("/billing/plans?currency=eur").await;
                let key = page.input("key").unwrap().to_owned();
                let price = format!("{plan}:eur");
                let fields = [("price", &*price), ("key", &key)];
                let answer = browser.post("/billing/checkout", &fields).await;
                (browser, answer.location().to_owned())
            })
        });
        // Both have ordered before either pays.
        let mut tills = Vec::new();
        for tab in tabs {
            let (browser, till) = tab.await.unwrap();
            assert!(till.starts_with("/billing/sandbox/pay/"), "{till}");
            tills.push((browser, till));
        }
        let paying = tills.into_iter().map(|(mut browser, till)| {
            tokio::spawn(async move { browser.post(&till, &[("do", "pay")]).await.status })
        });
        let paying: Vec<_> = paying.collect();
        let mut paid = 0;
        for tab in paying {
            paid += usize::from(tab.await.unwrap() == StatusCode::SEE_OTHER);
        }
        app.work_jobs().await;
        assert_eq!(paid, 1, "{plans:?}");
        assert_eq!(count(&app, "billing_orders").await, pages, "{plans:?}");
        assert_eq!(count(&app, "billing_customers").await, 1);
        assert_eq!(count(&app, "billing_subscriptions").await, 1);
        let made = "SELECT object FROM billing_sandbox WHERE substr(object, 1, 4) = 'sub_'";
        assert_eq!(column(&app, made).await.len(), 1);
    }
}

#[tokio::test]
async fn a_plan_is_tried_once() {
    let app = themed(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    let page = ada.browser.get("/billing/plans").await;
    assert!(page.text.contains("14 days for nothing"), "{}", page.text);
    subscribe(&mut ada, "starter", 1).await;
    ada.sandbox("card_none", "").await;
    ada.sandbox("renew", "").await;
    let page = ada.browser.get("/billing/plans").await;
    assert!(!page.text.contains("for nothing"), "{}", page.text);
    ada.sandbox("card_good", "").await;
    subscribe(&mut ada, "starter", 1).await;
    let states = "SELECT status FROM billing_subscriptions ORDER BY status";
    assert_eq!(column(&app, states).await, ["active", "canceled"]);
    let paid = "SELECT CAST(amount AS TEXT) FROM billing_payments ORDER BY amount";
    assert_eq!(column(&app, paid).await, ["0", "900"]);
}

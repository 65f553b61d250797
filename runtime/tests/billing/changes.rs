//! Changes of a subscription at Stripe: written down, made under one key whatever is lost, and settled.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::delivery::{post, start};
use crate::standin::{Fault, StandIn, Verb};
use crate::support::billing::Shopper;
use crate::support::{column, count, sign_up_admin};
use quickscale_runtime::testing::TestApp;

/// A stand-in at which ada subscribes to so many seats of the plan `team`.
async fn subscribed(stand_in: &StandIn, app: &TestApp, seats: i64) -> Value {
    let price = stand_in
        .all("price_")
        .into_iter()
        .find(|body| body["lookup_key"] == "team_eur")
        .unwrap();
    let customer = stand_in.all("cus_").swap_remove(0);
    let subscription = json!({
        "id": "sub_1", "object": "subscription", "customer": customer["id"], "status": "active",
        "created": 1_767_225_600, "cancel_at_period_end": false, "pause_collection": null, "trial_end": null,
        "schedule": null, "items": {"object": "list", "data": [{
            "id": "si_1", "price": price, "quantity": seats,
            "current_period_start": 1_767_225_600, "current_period_end": 1_769_904_000,
        }]},
    });
    stand_in.put(subscription.clone());
    crate::stripe::deliver(app, "customer.subscription.created", &subscription).await;
    subscription
}

async fn change(ada: &mut Shopper<'_>, (plan, seats, key): (&str, &str, &str)) -> StatusCode {
    let fields = [("plan", plan), ("quantity", seats), ("key", key)];
    let path = "/billing/subscription/change";
    ada.browser.post(path, &fields).await.status
}

async fn terms(app: &TestApp) -> String {
    let sql = "SELECT CAST(quantity AS TEXT) || ' ' || COALESCE(CAST(next_quantity AS TEXT), '-')
         FROM billing_subscriptions";
    column(app, sql).await.swap_remove(0)
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_made_once_by_the_form_or_by_the_job() {
    let (app, stand_in) = crate::stripe::start().await;
    crate::stripe::run_push(&app).await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    ada.order("small", 1).await;
    subscribed(&stand_in, &app, 1).await;
    stand_in.fail(&[Fault::AnswerLost; 4]);
    let first = change(&mut ada, ("team", "2", "k")).await;
    assert_eq!(first, StatusCode::SERVICE_UNAVAILABLE);
    // Nobody makes another one meanwhile.
    let other = change(&mut ada, ("team", "5", "l")).await;
    assert_eq!(other, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        column(&app, "SELECT state FROM billing_changes").await,
        ["asked"]
    );
    app.clock.advance(std::time::Duration::from_secs(61));
    app.work_jobs().await;
    assert_eq!(
        column(&app, "SELECT state FROM billing_changes").await,
        ["done"]
    );
    assert_eq!(terms(&app).await, "2 -");
    // The same form again finds it done.
    let again = change(&mut ada, ("team", "2", "k")).await;
    assert_eq!(again, StatusCode::SEE_OTHER);
    assert_eq!(count(&app, "billing_changes").await, 1);
}

/// Every write of what was taken in is lost to somebody else from now on; or no more.
async fn outpace(app: &TestApp, is_on: bool) {
    let is_postgres = std::env::var("TEST_DATABASE_URL").is_ok_and(|url| url.starts_with("post"));
    let sql = match (is_on, is_postgres) {
        (true, false) => {
            "CREATE TRIGGER lost BEFORE UPDATE ON billing_versions BEGIN SELECT RAISE(IGNORE); END"
        }
        (false, false) => "DROP TRIGGER lost",
        (true, true) => "CREATE RULE lost AS ON UPDATE TO billing_versions DO INSTEAD NOTHING",
        (false, true) => "DROP RULE lost ON billing_versions",
    };
    let mut tx = app.core.db().begin().await.unwrap();
    sqlx::query(sql).execute(tx.conn()).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_change_that_was_made_is_not_refused_because_others_are_faster() {
    let (app, stand_in) = crate::stripe::start().await;
    crate::stripe::run_push(&app).await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    ada.order("small", 1).await;
    subscribed(&stand_in, &app, 1).await;
    outpace(&app, true).await;
    let first = change(&mut ada, ("team", "2", "k")).await;
    assert_eq!(first, StatusCode::SERVICE_UNAVAILABLE);
    let states = "SELECT state FROM billing_changes";
    assert_eq!(column(&app, states).await, ["asked"]);
    let made = stand_in.all("sub_").swap_remove(0);
    assert_eq!(made["items"]["data"][0]["quantity"], 2);
    outpace(&app, false).await;
    app.clock.advance(std::time::Duration::from_secs(61));
    app.work_jobs().await;
    assert_eq!(column(&app, states).await, ["done"]);
    assert_eq!(terms(&app).await, "2 -");
}

#[tokio::test]
async fn what_costs_less_is_planned_at_stripe_once_and_can_be_taken_back() {
    let (app, stand_in) = crate::stripe::start().await;
    crate::stripe::run_push(&app).await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    ada.order("small", 1).await;
    subscribed(&stand_in, &app, 3).await;
    // The schedule is made and its answer lost, and so is that of its phases.
    stand_in.fail(&[Fault::AnswerLost, Fault::Refused(500), Fault::AnswerLost]);
    assert_eq!(
        change(&mut ada, ("team", "2", "k")).await,
        StatusCode::SEE_OTHER
    );
    assert_eq!(terms(&app).await, "3 2");
    assert_eq!(stand_in.all("sub_sched_").len(), 1);
    // Another one takes its place.
    assert_eq!(
        change(&mut ada, ("team", "1", "l")).await,
        StatusCode::SEE_OTHER
    );
    assert_eq!(terms(&app).await, "3 1");
    let path = "/billing/subscription";
    let cancel = format!("{path}/cancel");
    ada.browser.post(&cancel, &[("key", "m")]).await;
    assert_eq!(terms(&app).await, "3 -");
    let resume = format!("{path}/resume");
    ada.browser.post(&resume, &[("key", "n")]).await;
    assert_eq!(
        change(&mut ada, ("team", "2", "o")).await,
        StatusCode::SEE_OTHER
    );
    let stay = format!("{path}/stay");
    ada.browser.post(&stay, &[("key", "p")]).await;
    assert_eq!(terms(&app).await, "3 -");
    let states = stand_in.all("sub_sched_");
    assert!(
        states
            .iter()
            .all(|schedule| schedule["status"] == "released")
    );
}

#[tokio::test]
async fn a_subscription_that_staff_ends_is_over_though_the_answer_is_lost() {
    let (app, stand_in) = crate::stripe::start().await;
    crate::stripe::run_push(&app).await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    ada.order("small", 1).await;
    subscribed(&stand_in, &app, 1).await;
    let mut staff = sign_up_admin(&app, "root@example.com").await;
    // The second try finds nothing to end any more.
    stand_in.fail(&[Fault::AnswerLost]);
    let fields = [("reason", "Abuse"), ("when", "now"), ("key", "k")];
    let path = "/admin/subscriptions/sub_1";
    let answer = staff.post(&format!("{path}/cancel"), &fields).await;
    assert_eq!(answer.location(), path, "{}", answer.text);
    assert_eq!(
        column(&app, "SELECT status FROM billing_subscriptions").await,
        ["canceled"]
    );
    assert_eq!(
        column(&app, "SELECT state FROM billing_changes").await,
        ["done"]
    );
}

#[tokio::test]
async fn stripe_says_what_a_change_costs_and_without_it_that_is_worked_out() {
    let (app, stand_in) = start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    ada.order("team", 2).await;
    stand_in.at_last_page(Verb::Pay).unwrap();
    for event in stand_in.events() {
        post(&app, &event).await;
        app.work_jobs().await;
    }
    let before = (stand_in.all("in_"), stand_in.all("sub_"));
    stand_in.log();
    let page = ada
        .browser
        .get("/billing/subscription/change?plan=team-yearly")
        .await;
    assert!(
        page.text
            .contains("<strong>522.00 EUR</strong> today and get about <strong>44000 credits"),
        "{}",
        page.text
    );
    assert_eq!(stand_in.log(), ["POST /v1/invoices/create_preview"]);
    assert_eq!((stand_in.all("in_"), stand_in.all("sub_")), before);
    stand_in.fail(&[Fault::Refused(403)]);
    let page = ada
        .browser
        .get("/billing/subscription/change?plan=team-yearly")
        .await;
    let told = "<strong>522.00 EUR</strong> today, before taxes and discounts, and get";
    assert!(page.text.contains(told), "{}", page.text);
}

//! One subscription an account, its periods, its changes and its end.

use std::time::Duration;

use axum::http::StatusCode;
use quickscale_runtime::auth::{self, Registration};
use quickscale_runtime::billing::{self, Standing, actions};
use quickscale_runtime::{App, Environment, credits};

use crate::support::billing::{Shopper, subscribe};
use crate::support::settings as support_settings;
use crate::support::{SITE, app, column, count, sign_in, themed};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn standing(shopper: &Shopper<'_>) -> Option<Standing> {
    actions::standing(&shopper.app.core, &shopper.id)
        .await
        .unwrap()
}

impl Shopper<'_> {
    async fn manage(&mut self, verb: &str) {
        let page = self.browser.get("/billing").await;
        let key = page.input("key").unwrap().to_owned();
        let answer = self
            .browser
            .post(&format!("/billing/subscription/{verb}"), &[("key", &key)])
            .await;
        assert_eq!(answer.location(), "/billing", "{}", answer.text);
        self.app.work_jobs().await;
    }

    async fn change(&mut self, plan: &str, seats: u32) -> StatusCode {
        let path = format!("/billing/subscription/change?plan={plan}");
        let page = self.browser.get(&path).await;
        let key = page.input("key").unwrap_or_default().to_owned();
        let seats = seats.to_string();
        let answer = self
            .browser
            .post(
                "/billing/subscription/change",
                &[("plan", plan), ("quantity", &seats), ("key", &key)],
            )
            .await;
        self.app.work_jobs().await;
        answer.status
    }
}

#[tokio::test]
async fn each_period_brings_its_credits_and_ends_those_before() {
    let app = themed(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    subscribe(&mut ada, "team", 3).await;
    assert_eq!(ada.balance().await, "6100");
    assert_eq!(standing(&ada).await, Some(Standing::Usable));
    for _ in 0..2 {
        ada.sandbox("renew", "").await;
        assert_eq!(ada.balance().await, "6100");
    }
    // Three invoices, each of three seats.
    assert_eq!(count(&app, "billing_payments").await, 3);
    let page = ada.browser.get("/billing").await;
    assert!(
        page.text.contains("Team, 3 seats") && page.text.contains("87.00 EUR"),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn two_tabs_make_one_customer_and_one_subscription() {
    let app = themed(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    let first = ada.order("team", 1).await.location().to_owned();
    let same = ada.order("team", 1).await.location().to_owned();
    assert_eq!(first, same);
    let other = ada.order("starter", 1).await.location().to_owned();
    assert_ne!(first, other);
    // The page of the first tab is closed now.
    assert_eq!(
        ada.at_till(&first, "pay").await.status,
        StatusCode::CONFLICT
    );
    ada.at_till(&other, "pay").await;
    let third = ada.order("team", 1).await;
    assert_eq!(third.location(), "/billing");
    assert_eq!(count(&app, "billing_customers").await, 1);
    assert_eq!(count(&app, "billing_subscriptions").await, 1);
}

#[tokio::test]
async fn a_trial_without_a_card_ends_by_itself() {
    for (card, expected, balance) in [
        ("card_none", Standing::Over, "600"),
        ("card_good", Standing::Usable, "600"),
    ] {
        let app = themed(app()).start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        subscribe(&mut ada, "starter", 1).await;
        let page = ada.browser.get("/billing").await;
        assert!(page.text.contains("Trial"), "{}", page.text);
        assert_eq!(ada.balance().await, "600");
        ada.sandbox(card, "").await;
        ada.sandbox("renew", "").await;
        assert_eq!(standing(&ada).await, Some(expected), "{card}");
        assert_eq!(ada.balance().await, balance, "{card}");
    }
}

/// An application whose plan is tried with a card only.
fn trial_with_card() -> App {
    let mut settings = billing::Settings::default();
    for plan in &mut settings.plans {
        plan.trial_without_card = false;
    }
    App::builder(SITE, Environment::Test)
        .module(auth::module(support_settings(Registration::Open)))
        .module(credits::module(credits::Settings::default()))
        .module(billing::module(settings))
}

#[tokio::test]
async fn a_trial_with_a_card_needs_one_and_is_paid_with_it_at_its_end() {
    for (card, expected) in [("card_good", "active"), ("card_bad", "past_due")] {
        let app = themed(trial_with_card()).start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        let till = ada.order("starter", 1).await.location().to_owned();
        ada.sandbox("card_none", "").await;
        let declined = ada.at_till(&till, "pay").await;
        assert_eq!(declined.status, StatusCode::PAYMENT_REQUIRED);
        assert_eq!(count(&app, "billing_subscriptions").await, 0);
        ada.sandbox("card_good", "").await;
        ada.at_till(&till, "pay").await;
        let known = "SELECT status FROM billing_subscriptions";
        assert_eq!(column(&app, known).await, ["trialing"]);
        assert_eq!(ada.balance().await, "600");
        ada.sandbox(card, "").await;
        ada.sandbox("renew", "").await;
        assert_eq!(column(&app, known).await, [expected]);
        let paid = "SELECT CAST(amount AS TEXT) || ' ' || state FROM billing_payments ORDER BY id";
        let end = if card == "card_good" {
            "900 paid"
        } else {
            "900 failed"
        };
        assert_eq!(column(&app, paid).await, ["0 paid", end]);
        // The credits of the trial are over; those of the month come with its money.
        app.clock.advance(15 * DAY);
        let balance = if card == "card_good" { "600" } else { "100" };
        assert_eq!(ada.balance().await, balance);
    }
}

#[tokio::test]
async fn an_upgrade_is_paid_at_once_and_brings_the_difference() {
    let app = themed(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    subscribe(&mut ada, "team", 1).await;
    assert_eq!(ada.balance().await, "2100");
    assert_eq!(ada.change("team", 2).await, StatusCode::SEE_OTHER);
    assert_eq!(ada.balance().await, "4100");
    let page = ada.browser.get("/billing").await;
    assert!(page.text.contains("2 seats"), "{}", page.text);
    // Fewer seats from the next period on; what was paid for stays.
    assert_eq!(ada.change("team", 1).await, StatusCode::SEE_OTHER);
    assert_eq!(ada.balance().await, "4100");
    assert_eq!(count(&app, "billing_payments").await, 2);
    ada.sandbox("renew", "").await;
    assert_eq!(ada.balance().await, "2100");
    assert_eq!(count(&app, "billing_subscriptions").await, 1);
}

#[tokio::test]
async fn an_upgrade_that_the_card_does_not_pay_changes_nothing() {
    let app = themed(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    subscribe(&mut ada, "team", 1).await;
    ada.sandbox("card_bad", "").await;
    assert_eq!(
        ada.change("team", 5).await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(ada.balance().await, "2100");
    assert_eq!(count(&app, "billing_payments").await, 1);
    let page = ada.browser.get("/billing").await;
    assert!(!page.text.contains("5 seats"), "{}", page.text);
}

#[tokio::test]
async fn a_monthly_plan_becomes_yearly_at_once_and_monthly_again_with_the_year() {
    let app = themed(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    subscribe(&mut ada, "team", 1).await;
    assert_eq!(ada.change("team-yearly", 1).await, StatusCode::SEE_OTHER);
    // 2000 of the month that are given back, and 24000 of the year, paid with 290.00 less 29.00.
    assert_eq!(ada.balance().await, "24100");
    assert_eq!(ada.change("team", 1).await, StatusCode::SEE_OTHER);
    assert_eq!(ada.balance().await, "24100");
    ada.sandbox("renew", "").await;
    assert_eq!(ada.balance().await, "2100");
    ada.sandbox("renew", "").await;
    assert_eq!(ada.balance().await, "2100");
    let paid = column(
        &app,
        "SELECT CAST(amount AS TEXT) FROM billing_payments ORDER BY billing_payments.amount",
    )
    .await;
    assert_eq!(paid, ["2900", "2900", "2900", "26100"]);
}

#[tokio::test]
async fn what_costs_less_waits_for_the_next_period_is_shown_and_can_be_taken_back() {
    let app = themed(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    subscribe(&mut ada, "team", 3).await;
    assert_eq!(ada.change("starter", 1).await, StatusCode::SEE_OTHER);
    let page = ada.browser.get("/billing").await;
    for part in [
        "Team, 3 seats",
        "Starter begins with the next period",
        "Stay with Team",
    ] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    let page = ada.browser.get("/billing/plans").await;
    assert!(
        page.text.contains("From the next period on"),
        "{}",
        page.text
    );
    ada.manage("stay").await;
    ada.sandbox("renew", "").await;
    assert_eq!(ada.balance().await, "6100");
    // Asked for again, replaced by something else, and this time it begins.
    assert_eq!(ada.change("starter", 1).await, StatusCode::SEE_OTHER);
    assert_eq!(ada.change("team", 2).await, StatusCode::SEE_OTHER);
    assert_eq!(ada.balance().await, "6100");
    ada.sandbox("renew", "").await;
    assert_eq!(ada.balance().await, "4100");
    let page = ada.browser.get("/billing").await;
    assert!(
        !page.text.contains("begins with the next period"),
        "{}",
        page.text
    );
    // What costs more takes the place of what was to come.
    assert_eq!(ada.change("team", 1).await, StatusCode::SEE_OTHER);
    assert_eq!(ada.change("team", 4).await, StatusCode::SEE_OTHER);
    assert_eq!(ada.balance().await, "8100");
    ada.sandbox("renew", "").await;
    assert_eq!(ada.balance().await, "8100");
    assert_eq!(count(&app, "billing_subscriptions").await, 1);
}

#[tokio::test]
async fn a_form_that_is_sent_twice_is_one_change() {
    let app = themed(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    subscribe(&mut ada, "team", 1).await;
    let send = async |ada: &mut Shopper<'_>, seats: &str| {
        let fields = [("plan", "team"), ("quantity", seats), ("key", "a-key")];
        ada.browser
            .post("/billing/subscription/change", &fields)
            .await
            .status
    };
    assert_eq!(send(&mut ada, "2").await, StatusCode::SEE_OTHER);
    app.work_jobs().await;
    assert_eq!(send(&mut ada, "2").await, StatusCode::SEE_OTHER);
    // A form is for one thing.
    assert_eq!(send(&mut ada, "3").await, StatusCode::UNPROCESSABLE_ENTITY);
    app.work_jobs().await;
    assert_eq!(ada.balance().await, "4100");
    assert_eq!(count(&app, "billing_changes").await, 1);
    assert_eq!(
        column(&app, "SELECT state FROM billing_changes").await,
        ["done"]
    );
}

#[tokio::test]
async fn what_is_cancelled_lasts_until_its_end_and_can_be_kept() {
    let app = themed(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    subscribe(&mut ada, "team", 1).await;
    ada.manage("cancel").await;
    assert_eq!(standing(&ada).await, Some(Standing::Usable));
    ada.manage("resume").await;
    ada.sandbox("renew", "").await;
    assert_eq!(standing(&ada).await, Some(Standing::Usable));
    ada.manage("cancel").await;
    ada.sandbox("renew", "").await;
    assert_eq!(standing(&ada).await, Some(Standing::Over));
    // Now another one can be taken.
    subscribe(&mut ada, "team", 1).await;
    assert_eq!(standing(&ada).await, Some(Standing::Usable));
}

#[tokio::test]
async fn a_paused_subscription_lasts_as_long_as_it_is_paid_for() {
    let app = themed(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    subscribe(&mut ada, "team", 1).await;
    ada.manage("pause").await;
    assert_eq!(standing(&ada).await, Some(Standing::Usable));
    ada.sandbox("renew", "").await;
    assert_eq!(count(&app, "billing_payments").await, 1);
    app.clock.advance(32 * DAY);
    assert_eq!(standing(&ada).await, Some(Standing::Suspended));
    ada.browser = sign_in(&app, "ada@example.com").await;
    ada.manage("unpause").await;
    assert_eq!(standing(&ada).await, Some(Standing::Usable));
}

#[tokio::test]
async fn a_renewal_that_fails_is_told_once_and_can_recover() {
    let app = themed(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    subscribe(&mut ada, "team", 1).await;
    ada.sandbox("card_bad", "").await;
    ada.sandbox("renew", "").await;
    assert_eq!(
        column(&app, "SELECT status FROM billing_subscriptions").await,
        ["past_due"]
    );
    assert_eq!(standing(&ada).await, Some(Standing::Usable));
    let failed = |mails: Vec<quickscale_runtime::mail::Message>| {
        mails
            .into_iter()
            .filter(|mail| mail.subject.contains("failed"))
            .count()
    };
    assert_eq!(failed(app.mails().await), 1);
    ada.sandbox("card_good", "").await;
    assert_eq!(
        column(&app, "SELECT status FROM billing_subscriptions").await,
        ["active"]
    );
    assert_eq!(ada.balance().await, "2100");
    assert_eq!(failed(app.mails().await), 1);
}

#[tokio::test]
async fn a_renewal_that_keeps_failing_ends_the_subscription() {
    let app = themed(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    subscribe(&mut ada, "team", 1).await;
    ada.sandbox("card_bad", "").await;
    for _ in 0..4 {
        ada.sandbox("renew", "").await;
    }
    assert_eq!(standing(&ada).await, Some(Standing::Over));
}

#[tokio::test]
async fn what_a_change_costs_is_shown_before_and_charged_then() {
    let app = themed(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    subscribe(&mut ada, "team", 1).await;
    let page = ada
        .browser
        .get("/billing/subscription/change?plan=team-yearly")
        .await;
    assert!(
        page.text.contains("<strong>261.00 EUR</strong>")
            && page.text.contains("<strong>22000 credits</strong>"),
        "{}",
        page.text
    );
    assert!(!page.text.contains("before taxes"), "{}", page.text);
    // What costs less costs nothing now.
    let page = ada
        .browser
        .get("/billing/subscription/change?plan=starter")
        .await;
    assert!(!page.text.contains("today"), "{}", page.text);
    assert_eq!(ada.change("team-yearly", 1).await, StatusCode::SEE_OTHER);
    let paid = "SELECT CAST(amount AS TEXT) FROM billing_payments WHERE kind = 'change'";
    assert_eq!(column(&app, paid).await, ["26100"]);
    assert_eq!(ada.balance().await, "24100");
}

/// What a page says is paid now, in minor units.
fn told(page: &str) -> String {
    let amount = page.split("about <strong>").nth(1).unwrap_or_default();
    let amount = amount.split(' ').next().unwrap_or_default();
    amount.replace('.', "")
}

#[tokio::test]
async fn what_a_change_costs_follows_the_clock_of_the_sandbox() {
    let app = themed(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    subscribe(&mut ada, "team", 2).await;
    for _ in 0..10 {
        ada.sandbox("day", "").await;
    }
    // Nothing is charged, and so no card is asked.
    ada.sandbox("card_bad", "").await;
    let page = ada
        .browser
        .get("/billing/subscription/change?plan=team-yearly")
        .await;
    let amount = told(&page.text);
    ada.sandbox("card_good", "").await;
    assert_eq!(ada.change("team-yearly", 2).await, StatusCode::SEE_OTHER);
    let paid = "SELECT CAST(amount AS TEXT) FROM billing_payments WHERE kind = 'change'";
    assert_eq!(column(&app, paid).await, [amount]);
}

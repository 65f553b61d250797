//! What each kind of Stripe's events does, once for the object that it is about: in both shapes, doubled, under other
//! names, late and too early.

use std::time::Duration;

use quickscale_runtime::billing::{Standing, actions};
use quickscale_runtime::credits::{self, Credits, Note, Owner};
use quickscale_runtime::testing::TestApp;
use serde_json::{Value, json};

use crate::delivery::{deliver_as, deliver_thrice, event, post, secs, start};
use crate::shapes::{Bill, BillLine, Shape, Sub};
use crate::standin::StandIn;
use crate::support::billing::Shopper;
use crate::support::{column, count};

const DAY: i64 = 24 * 60 * 60;

pub async fn price_of(app: &TestApp, item: &str) -> String {
    let all = column(
        app,
        "SELECT item || ' ' || price FROM billing_prices WHERE is_current = 1 AND currency = 'eur'",
    )
    .await;
    let found = all
        .iter()
        .find_map(|line| line.strip_prefix(&format!("{item} ")));
    found.unwrap().to_owned()
}

/// The page of the last order, as it is once somebody was there.
pub fn session(stand_in: &StandIn, fields: &Value) -> Value {
    let mut session = stand_in.last_page();
    for (name, value) in fields.as_object().unwrap() {
        session[name] = value.clone();
    }
    stand_in.put(session.clone());
    session
}

fn paid(stand_in: &StandIn) -> Value {
    let amount = stand_in.last_page()["amount_total"].clone();
    stand_in.put(json!({
        "id": "ch_1", "object": "charge", "payment_intent": "pi_1", "amount": amount, "amount_refunded": 0,
        "currency": "eur",
    }));
    let fields = json!({"status": "complete", "payment_status": "paid", "payment_intent": "pi_1"});
    session(stand_in, &fields)
}

/// Somebody with a subscription to `team` that has begun, and whose first invoice is not told of yet.
pub struct Subscriber {
    pub sub: Sub,
    shape: Shape,
    start: i64,
}

impl Subscriber {
    pub async fn of(ada: &mut Shopper<'_>, stand_in: &StandIn, shape: Shape) -> Self {
        let sub = Self::begun(ada, stand_in, (shape, "active", "paid")).await;
        let page = stand_in.last_page();
        deliver_thrice(ada.app, "checkout.session.completed", &page).await;
        let start = sub.period.0;
        Self { sub, shape, start }
    }

    /// A subscription that waits for its first debit; nothing of it is told.
    pub async fn unpaid(ada: &mut Shopper<'_>, stand_in: &StandIn, shape: Shape) -> Sub {
        Self::begun(ada, stand_in, (shape, "incomplete", "unpaid")).await
    }

    async fn begun(
        ada: &mut Shopper<'_>,
        stand_in: &StandIn,
        (shape, status, paid): (Shape, &str, &str),
    ) -> Sub {
        let app = ada.app;
        ada.order("team", 1).await;
        let start = secs(app);
        let sub = Sub {
            id: "sub_1".into(),
            customer: stand_in.all("cus_")[0]["id"].as_str().unwrap().into(),
            status: status.into(),
            price: price_of(app, "team").await,
            quantity: 1,
            period: (start, start + 30 * DAY),
        };
        stand_in.put(sub.body(shape));
        let fields = json!({"status": "complete", "payment_status": paid, "subscription": "sub_1"});
        session(stand_in, &fields);
        sub
    }

    /// The period with this number, from 1 on.
    pub fn period(&self, number: i64) -> (i64, i64) {
        let at = |number: i64| self.start + number * 30 * DAY;
        (at(number - 1), at(number))
    }

    /// An invoice for a whole period.
    pub fn invoice(&self, number: i64) -> Bill {
        let period = self.period(number);
        let reason = if number == 1 { "create" } else { "cycle" };
        Bill {
            id: format!("in_{number}"),
            customer: self.sub.customer.clone(),
            subscription: self.sub.id.clone(),
            reason: format!("subscription_{reason}"),
            is_paid: true,
            attempts: 1,
            created: period.0,
            intent: Some(format!("pi_in_{number}")),
            lines: vec![self.line(&format!("il_{number}"), 2900, period, 1)],
        }
    }

    fn line(&self, id: &str, amount: i64, period: (i64, i64), quantity: i64) -> BillLine {
        BillLine {
            id: id.into(),
            amount,
            price: self.sub.price.clone(),
            quantity,
            is_proration: false,
            period,
        }
    }

    /// Stripe knows the invoice; its event says nothing of payments, as in the newer versions.
    pub async fn told(&self, app: &TestApp, stand_in: &StandIn, kind: &str, bill: &Bill) {
        let mut body = bill.body(self.shape);
        stand_in.put(body.clone());
        body.as_object_mut().unwrap().remove("payments");
        deliver_thrice(app, kind, &body).await;
    }
}

async fn standing(ada: &Shopper<'_>) -> Option<Standing> {
    let found = actions::standing(&ada.app.core, &ada.id).await;
    found.unwrap()
}

async fn states(app: &TestApp) -> Vec<String> {
    column(app, "SELECT state FROM billing_orders ORDER BY item").await
}

#[tokio::test]
async fn a_page_that_was_paid_brings_its_line_once() {
    let (app, stand_in) = start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    ada.order("small", 1).await;
    let page = paid(&stand_in);
    deliver_thrice(&app, "checkout.session.completed", &page).await;
    deliver_thrice(&app, "checkout.session.async_payment_succeeded", &page).await;
    assert_eq!(ada.balance().await, "300");
    let line = format!(
        "{}:{}",
        page["id"].as_str().unwrap(),
        price_of(&app, "small").await
    );
    assert_eq!(
        column(&app, "SELECT source FROM billing_lots").await,
        [line]
    );
    assert_eq!(states(&app).await, ["paid"]);
}

#[tokio::test]
async fn a_page_that_was_not_paid_brings_nothing_and_is_told_once() {
    let (app, stand_in) = start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    ada.order("small", 1).await;
    let fields =
        json!({"status": "complete", "payment_status": "unpaid", "payment_intent": "pi_1"});
    let page = session(&stand_in, &fields);
    deliver_thrice(&app, "checkout.session.completed", &page).await;
    assert_eq!(states(&app).await, ["pending"]);
    let mails = app.mails().await.len();
    deliver_thrice(&app, "checkout.session.async_payment_failed", &page).await;
    assert_eq!(states(&app).await, ["failed"]);
    let mails = app.mails().await.split_off(mails);
    assert_eq!(mails.len(), 1);
    assert!(mails[0].subject.contains("did not arrive"), "{mails:?}");
    ada.order("large", 1).await;
    let page = session(&stand_in, &json!({"status": "expired"}));
    deliver_thrice(&app, "checkout.session.expired", &page).await;
    assert_eq!(states(&app).await, ["expired", "failed"]);
    assert_eq!(ada.balance().await, "100");
    assert_eq!(count(&app, "billing_lots").await, 0);
    // Money that came after all wins over what was believed.
    let page = paid(&stand_in);
    deliver_thrice(&app, "checkout.session.async_payment_succeeded", &page).await;
    assert_eq!(states(&app).await, ["paid", "failed"]);
    assert_eq!(ada.balance().await, "2100");
}

#[tokio::test]
async fn a_page_for_a_plan_links_and_grants_nothing() {
    for shape in Shape::BOTH {
        let (app, stand_in) = start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        let own = Subscriber::of(&mut ada, &stand_in, shape).await;
        assert_eq!(ada.balance().await, "100");
        assert_eq!(
            column(&app, "SELECT customer FROM billing_customers").await,
            [own.sub.customer]
        );
        assert_eq!(states(&app).await, ["paid"]);
        assert_eq!(count(&app, "billing_payments").await, 0);
    }
}

#[tokio::test]
async fn a_subscription_is_what_stripe_says_now_whatever_comes_late() {
    for shape in Shape::BOTH {
        let (app, stand_in) = start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        let own = Subscriber::of(&mut ada, &stand_in, shape).await;
        let told = |status: &str| {
            let status = status.into();
            Sub {
                status,
                ..own.sub.clone()
            }
            .body(shape)
        };
        // The event is older than what the API says.
        let kind = "customer.subscription.created";
        deliver_thrice(&app, kind, &told("incomplete")).await;
        assert_eq!(standing(&ada).await, Some(Standing::Usable));
        for (kind, status, expected) in [
            ("paused", "paused", Standing::Suspended),
            ("resumed", "active", Standing::Usable),
            ("updated", "unpaid", Standing::Suspended),
            ("updated", "trialing", Standing::Usable),
            ("trial_will_end", "trialing", Standing::Usable),
            // One that nobody knows changes nothing.
            ("updated", "frozen", Standing::Usable),
            ("deleted", "canceled", Standing::Over),
            ("updated", "active", Standing::Over),
        ] {
            app.clock.advance(Duration::from_secs(31 * 24 * 60 * 60));
            stand_in.put(told(status));
            let kind = format!("customer.subscription.{kind}");
            deliver_thrice(&app, &kind, &told("active")).await;
            assert_eq!(standing(&ada).await, Some(expected), "{kind} {status}");
            let alert = column(
                &app,
                "SELECT CAST(is_alert AS TEXT) FROM billing_subscriptions",
            )
            .await;
            assert_eq!(alert, [if status == "frozen" { "1" } else { "0" }]);
        }
        assert_eq!(count(&app, "billing_subscriptions").await, 1);
    }
}

#[tokio::test]
async fn of_a_subscription_that_stripe_has_no_more_the_newest_event_counts() {
    for shape in Shape::BOTH {
        let (app, stand_in) = start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        let own = Subscriber::of(&mut ada, &stand_in, shape).await;
        stand_in.forget("sub_1");
        let now = secs(&app);
        // The end is told first.
        for (number, kind, status) in [
            (3, "deleted", "canceled"),
            (1, "created", "incomplete"),
            (2, "updated", "active"),
        ] {
            let status = status.into();
            let body = Sub {
                status,
                ..own.sub.clone()
            }
            .body(shape);
            let kind = format!("customer.subscription.{kind}");
            post(
                &app,
                &event(&format!("evt_{number}"), &kind, now + number, &body),
            )
            .await;
            app.work_jobs().await;
            let known = column(&app, "SELECT status FROM billing_subscriptions").await;
            assert_eq!(known, ["canceled"]);
        }
    }
}

#[tokio::test]
async fn each_period_that_was_paid_brings_its_lines_and_ends_the_last() {
    let mut ends = Vec::new();
    for shape in Shape::BOTH {
        let (app, stand_in) = start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        let own = Subscriber::of(&mut ada, &stand_in, shape).await;
        own.told(&app, &stand_in, "invoice.paid", &own.invoice(1))
            .await;
        assert_eq!(ada.balance().await, "2100");
        app.clock.advance(Duration::from_secs(30 * 24 * 60 * 60));
        // A correction by hand, which is no period, and a line for two seats.
        let mut second = own.invoice(2);
        second.lines[0].quantity = 2;
        second.lines[0].amount = 5800;
        own.told(&app, &stand_in, "invoice.paid", &second).await;
        assert_eq!(ada.balance().await, "4100");
        // The first comes again, and late.
        own.told(&app, &stand_in, "invoice.paid", &own.invoice(1))
            .await;
        assert_eq!(ada.balance().await, "4100");
        // Two more seats for half of the period, credited for those that were there: once for the invoice.
        app.clock.advance(Duration::from_secs(15 * 24 * 60 * 60));
        let (from, until) = (own.start + 45 * DAY, own.start + 60 * DAY);
        let mut more = own.invoice(2);
        more.id = "in_more".into();
        more.reason = "subscription_update".into();
        more.intent = Some("pi_more".into());
        more.lines = vec![
            own.line("il_old", -2900, (from, until), 2),
            own.line("il_new", 5800, (from, until), 4),
        ];
        for line in &mut more.lines {
            line.is_proration = true;
        }
        own.told(&app, &stand_in, "invoice.paid", &more).await;
        assert_eq!(ada.balance().await, "6100");
        let lots = "SELECT source || ' ' || CAST(credits AS TEXT) || ' ' || CAST(is_over AS TEXT)
             FROM billing_lots ORDER BY source";
        let lots = column(&app, lots).await;
        assert_eq!(
            lots,
            [
                "in_1:il_1 2000000 1",
                "in_2:il_2 4000000 0",
                "in_more 2000000 0"
            ]
        );
        let payments = "SELECT object || ' ' || kind || ' ' || COALESCE(intent, '') || ' ' || CAST(amount AS TEXT)
             FROM billing_payments ORDER BY object";
        ends.push((lots, column(&app, payments).await));
        // All of it ends with the period, what the change brought, too.
        app.clock.advance(Duration::from_secs(15 * 24 * 60 * 60));
        assert_eq!(ada.balance().await, "100");
    }
    assert_eq!(ends[0], ends[1]);
    assert_eq!(ends[0].1[1], "in_2 subscription pi_in_2 5800");
}

#[tokio::test]
async fn a_renewal_that_fails_is_told_once_an_attempt_and_starts_the_days_of_grace() {
    for shape in Shape::BOTH {
        let (app, stand_in) = start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        let own = Subscriber::of(&mut ada, &stand_in, shape).await;
        own.told(&app, &stand_in, "invoice.paid", &own.invoice(1))
            .await;
        app.clock.advance(Duration::from_secs(30 * 24 * 60 * 60));
        let status = "past_due".into();
        stand_in.put(
            Sub {
                status,
                ..own.sub.clone()
            }
            .body(shape),
        );
        let body = own.sub.body(shape);
        deliver_thrice(&app, "customer.subscription.updated", &body).await;
        let before = app.mails().await.len();
        for (attempts, kind, letters) in [
            (1, "invoice.payment_failed", 1),
            (1, "invoice.payment_action_required", 1),
            (2, "invoice.payment_failed", 2),
        ] {
            let bill = Bill {
                is_paid: false,
                attempts,
                intent: None,
                ..own.invoice(2)
            };
            own.told(&app, &stand_in, kind, &bill).await;
            assert_eq!(
                app.mails().await.len() - before,
                letters,
                "{kind} {attempts}"
            );
            assert_eq!(standing(&ada).await, Some(Standing::Usable));
        }
        app.clock.advance(Duration::from_secs(3 * 24 * 60 * 60));
        assert_eq!(standing(&ada).await, Some(Standing::Suspended));
        // It is paid after all; the failure comes once more, and late.
        stand_in.put(own.sub.body(shape));
        own.told(&app, &stand_in, "invoice.paid", &own.invoice(2))
            .await;
        deliver_as(&app, "evt_late", "customer.subscription.updated", &body).await;
        let late = Bill {
            is_paid: false,
            attempts: 1,
            intent: None,
            ..own.invoice(2)
        };
        deliver_as(
            &app,
            "evt_later",
            "invoice.payment_failed",
            &late.body(shape),
        )
        .await;
        assert_eq!(standing(&ada).await, Some(Standing::Usable));
        assert_eq!(ada.balance().await, "2100");
        assert_eq!(app.mails().await.len() - before, 2);
    }
}

#[tokio::test]
async fn money_that_goes_back_takes_its_share_once_and_what_is_spent_is_owed() {
    let (app, stand_in) = start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    ada.order("small", 1).await;
    let page = paid(&stand_in);
    let mut charge = stand_in.all("ch_").pop().unwrap();
    let refunded = |charge: &mut Value, amount: i64| {
        charge["amount_refunded"] = amount.into();
        stand_in.put(charge.clone());
    };
    // It is told before the payment is.
    refunded(&mut charge, 100);
    deliver_thrice(&app, "charge.refunded", &charge).await;
    deliver_thrice(&app, "checkout.session.completed", &page).await;
    assert_eq!(ada.balance().await, "260");
    let older = charge.clone();
    refunded(&mut charge, 250);
    let refund = json!({
        "id": "re_1", "object": "refund", "charge": "ch_1", "amount": 150, "status": "succeeded", "metadata": {},
    });
    stand_in.put(refund.clone());
    deliver_thrice(&app, "refund.updated", &refund).await;
    deliver_thrice(&app, "charge.refunded", &older).await;
    assert_eq!(ada.balance().await, "200");
    let (owner, note) = (Owner::User(ada.id.clone()), Note::system("use", "A test"));
    credits::actions::spend(&app.core, &owner, Credits::whole(150), &note)
        .await
        .unwrap();
    refunded(&mut charge, 500);
    deliver_thrice(&app, "charge.refunded", &charge).await;
    assert_eq!(ada.balance().await, "-50");
    // A refund can fail, and then the money is the shop's again.
    refunded(&mut charge, 250);
    let failed = json!({
        "id": "re_2", "object": "refund", "charge": "ch_1", "amount": 250, "status": "failed", "metadata": {},
    });
    stand_in.put(failed.clone());
    deliver_thrice(&app, "refund.failed", &failed).await;
    assert_eq!(ada.balance().await, "50");
}

#[tokio::test]
async fn a_dispute_freezes_what_was_bought_until_it_is_decided() {
    for (status, balance) in [("won", "300"), ("lost", "100"), ("warning_closed", "300")] {
        let (app, stand_in) = start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        ada.order("small", 1).await;
        let page = paid(&stand_in);
        let told = |status: &str| {
            let dispute = json!({
                "id": "dp_1", "object": "dispute", "charge": "ch_1", "payment_intent": "pi_1", "amount": 500,
                "currency": "eur", "status": status, "reason": "fraudulent",
            });
            stand_in.put(dispute.clone());
            dispute
        };
        let opened = told("needs_response");
        deliver_thrice(&app, "charge.dispute.funds_withdrawn", &opened).await;
        deliver_thrice(&app, "checkout.session.completed", &page).await;
        deliver_thrice(&app, "charge.dispute.created", &opened).await;
        assert_eq!(ada.balance().await, "100");
        let closed = told(status);
        deliver_thrice(&app, "charge.dispute.closed", &closed).await;
        // Late, and of before.
        deliver_as(&app, "evt_late", "charge.dispute.updated", &opened).await;
        assert_eq!(ada.balance().await, balance, "{status}");
        if status == "won" {
            deliver_thrice(&app, "charge.dispute.funds_reinstated", &closed).await;
            assert_eq!(ada.balance().await, balance);
        }
    }
}

#[tokio::test]
async fn a_customer_who_is_deleted_keeps_his_credits_and_can_buy_again() {
    for shape in Shape::BOTH {
        let (app, stand_in) = start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        let own = Subscriber::of(&mut ada, &stand_in, shape).await;
        own.told(&app, &stand_in, "invoice.paid", &own.invoice(1))
            .await;
        let customer = stand_in.all("cus_").pop().unwrap();
        deliver_thrice(&app, "customer.deleted", &customer).await;
        assert_eq!(ada.balance().await, "2100");
        // What is told of him afterwards still finds him: his subscription ended with him.
        let status = "canceled".into();
        let ended = Sub {
            status,
            ..own.sub.clone()
        }
        .body(shape);
        stand_in.put(ended.clone());
        deliver_thrice(&app, "customer.subscription.deleted", &ended).await;
        assert_eq!(standing(&ada).await, Some(Standing::Over));
        let page = stand_in.last_page();
        deliver_as(&app, "evt_late", "checkout.session.completed", &page).await;
        let page = ada.order("small", 1).await;
        assert!(page.text.contains("/c/pay/cs_"), "{}", page.text);
        let customers: Vec<_> = stand_in.all("cus_");
        assert_eq!(customers.len(), 2);
        let name = column(&app, "SELECT customer FROM billing_customers").await;
        assert_ne!(name, [own.sub.customer]);
    }
}

//! Money that goes back takes its credits along, once.

use quickscale_runtime::auth::audit::Actor;
use quickscale_runtime::billing::actions::{RefundWish, ask_refund, detail};
use quickscale_runtime::credits::{Credits, Note, Owner, actions};

use crate::delivery::{deliver_as, start};
use crate::standin::Verb;
use crate::support::billing::{Shopper, subscribe};
use crate::support::{app, column, themed};

fn wish(payment: &str, amount: i64, key: &str) -> RefundWish {
    RefundWish {
        payment: payment.to_owned(),
        amount,
        reason: "Asked".into(),
        by: Actor::CommandLine,
        key: key.into(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_clicks_at_once_give_back_once() {
    for keys in [["k", "k"], ["k", "l"]] {
        let app = themed(app()).start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        ada.buy("small").await;
        let payment = column(&app, "SELECT id FROM billing_payments").await;
        let clicks = keys.map(|key| {
            let (core, wish) = (app.core.clone(), wish(&payment[0], 300, key));
            tokio::spawn(async move { ask_refund(&core, &wish).await })
        });
        let mut done = 0;
        for click in clicks {
            done += usize::from(click.await.unwrap().is_ok());
        }
        // One form is answered alike; of two, the second finds too little left.
        assert_eq!(done, if keys[0] == keys[1] { 2 } else { 1 }, "{keys:?}");
        app.work_jobs().await;
        let refunded = "SELECT CAST(refunded AS TEXT) FROM billing_payments";
        assert_eq!(column(&app, refunded).await, ["300"]);
        assert_eq!(ada.balance().await, "180");
    }
}

#[tokio::test]
async fn a_refund_on_its_way_is_taken_off_what_is_left_once() {
    let (app, stand_in) = start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    ada.order("small", 1).await;
    let paid = stand_in.at_last_page(Verb::Pay).unwrap();
    deliver_as(&app, "evt_1", "checkout.session.completed", &paid).await;
    let payment = column(&app, "SELECT id FROM billing_payments").await;
    let left = async || detail(&app.core, &payment[0]).await.unwrap().left.minor;
    ask_refund(&app.core, &wish(&payment[0], 200, "k"))
        .await
        .unwrap();
    assert_eq!(left().await, 300);
    app.work_jobs().await;
    // The bank takes its time; Stripe counts it as refunded all the same.
    let mut refund = stand_in.all("re_").pop().unwrap();
    refund["status"] = "pending".into();
    stand_in.put(refund.clone());
    deliver_as(&app, "evt_2", "refund.updated", &refund).await;
    let states = "SELECT state FROM billing_refunds";
    assert_eq!(column(&app, states).await, ["asked"]);
    assert_eq!(left().await, 300);
}

#[tokio::test]
async fn a_refund_takes_its_share_and_what_is_spent_becomes_a_debt() {
    let app = themed(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    ada.buy("small").await;
    let charge = ada.object("ch_").await;
    // Half of 5.00, rounded up: 2.50 of it, and 100 of the 200 credits.
    ada.sandbox("refund", &charge).await;
    assert_eq!(ada.balance().await, "200");
    assert_eq!(
        column(&app, "SELECT state FROM billing_payments").await,
        ["partly_refunded"]
    );
    let owner = Owner::User(ada.id.clone());
    let note = Note::system("use", "A test");
    actions::spend(&app.core, &owner, Credits::whole(200), &note)
        .await
        .unwrap();
    // 1.25 more, and then 0.63, 0.31, … to the last cent: the shares add up to all of it.
    for _ in 0..8 {
        ada.sandbox("refund", &charge).await;
    }
    assert_eq!(
        column(&app, "SELECT state FROM billing_payments").await,
        ["refunded"]
    );
    assert_eq!(ada.balance().await, "-100");
}

#[tokio::test]
async fn a_dispute_freezes_and_its_end_decides() {
    for (verb, balance, state) in [("win", "300", "paid"), ("lose", "100", "disputed")] {
        let app = themed(app()).start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        ada.buy("small").await;
        let charge = ada.object("ch_").await;
        ada.sandbox("dispute", &charge).await;
        assert_eq!(ada.balance().await, "100");
        let dispute = ada.object("dp_").await;
        ada.sandbox(verb, &dispute).await;
        assert_eq!(ada.balance().await, balance, "{verb}");
        assert_eq!(
            column(&app, "SELECT state FROM billing_payments").await,
            [state]
        );
    }
}

#[tokio::test]
async fn what_a_won_dispute_brought_back_goes_with_a_later_refund() {
    let app = themed(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    subscribe(&mut ada, "team", 1).await;
    assert_eq!(ada.balance().await, "2100");
    let charge = ada.object("ch_").await;
    ada.sandbox("dispute", &charge).await;
    let dispute = ada.object("dp_").await;
    ada.sandbox("win", &dispute).await;
    assert_eq!(ada.balance().await, "2100");
    ada.sandbox("refund", &charge).await;
    assert_eq!(ada.balance().await, "1100");
    ada.sandbox("dispute", &charge).await;
    assert_eq!(ada.balance().await, "100");
}

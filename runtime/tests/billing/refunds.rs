//! Money that goes back takes its credits along, once.

use quickscale_runtime::credits::{Credits, Note, Owner, actions};

use crate::support::billing::{Shopper, subscribe};
use crate::support::{app, column, themed};

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

//! What else is sold under the same account of Stripe's, and cards that are refused: neither is ours to account for.

use quickscale_runtime::billing::upkeep::{sync, verify};
use serde_json::json;

use crate::delivery::{deliver_as, secs, start};
use crate::shapes::{Bill, BillLine, Shape, Sub};
use crate::standin::{StandIn, Verb};
use crate::support::billing::Shopper;
use crate::support::{column, count, run};

/// An invoice of another shop's customer for another shop's price.
fn foreign_bill(now: i64) -> Bill {
    Bill {
        id: "in_theirs".into(),
        customer: "cus_theirs".into(),
        subscription: "sub_theirs".into(),
        reason: "subscription_create".into(),
        is_paid: true,
        attempts: 1,
        created: now,
        intent: Some("pi_theirs".into()),
        lines: vec![BillLine {
            id: "il_theirs".into(),
            amount: 700,
            price: "price_theirs".into(),
            quantity: 1,
            is_proration: false,
            period: (now, now + 1000),
        }],
    }
}

fn charge(stand_in: &StandIn, (id, intent, customer): (&str, &str, &str), status: &str) {
    stand_in.put(json!({
        "id": id, "object": "charge", "payment_intent": intent, "amount": 500, "amount_refunded": 0,
        "currency": "eur", "customer": customer, "created": 1_767_225_600, "status": status,
        "paid": status == "succeeded",
    }));
}

#[tokio::test]
async fn a_customer_who_was_deleted_without_a_word_can_buy_again() {
    for item in ["small", "team"] {
        let (app, stand_in) = start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        ada.order("large", 1).await;
        let mut customer = stand_in.all("cus_").pop().unwrap();
        customer["deleted"] = true.into();
        stand_in.put(customer.clone());
        let page = ada.order(item, 1).await;
        assert!(page.text.contains("/c/pay/cs_"), "{}", page.text);
        let opened = stand_in.last_page();
        let new = stand_in.all("cus_").pop().unwrap();
        assert_eq!(opened["customer"], new["id"]);
        assert_ne!(new["id"], customer["id"]);
    }
}

#[tokio::test]
async fn invoices_of_others_are_ignored() {
    for shape in Shape::BOTH {
        let (app, stand_in) = start().await;
        let body = foreign_bill(secs(&app)).body(shape);
        stand_in.put(body.clone());
        deliver_as(&app, "evt_1", "invoice.paid", &body).await;
        deliver_as(&app, "evt_2", "invoice.payment_failed", &body).await;
        let states = "SELECT state FROM billing_events";
        assert_eq!(column(&app, states).await, ["ignored", "ignored"]);
        assert_eq!(count(&app, "billing_payments").await, 0);
    }
}

#[tokio::test]
async fn what_cannot_be_taken_in_keeps_nothing_else() {
    let (app, stand_in) = start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    ada.order("small", 1).await;
    stand_in.at_last_page(Verb::Pay).unwrap();
    let mut paid = stand_in.all("ch_").pop().unwrap();
    paid["amount_refunded"] = 250.into();
    stand_in.put(paid);
    stand_in.put(foreign_bill(secs(&app)).body(Shape::After));
    let theirs = Sub {
        id: "sub_theirs".into(),
        customer: "cus_theirs".into(),
        status: "active".into(),
        price: "price_theirs".into(),
        quantity: 1,
        period: (0, 1000),
    };
    stand_in.put(theirs.body(Shape::After));
    let synced = sync(&app.core, 0).await.unwrap();
    assert!(synced.faults.is_empty(), "{synced:?}");
    // Half of the pack went back.
    assert_eq!(ada.balance().await, "200");
    // One that makes no sense is named, and what comes after it is taken in.
    stand_in.put(json!({"id": "in_broken", "object": "invoice", "created": secs(&app)}));
    let mut paid = stand_in.all("ch_").pop().unwrap();
    paid["amount_refunded"] = 500.into();
    stand_in.put(paid);
    let synced = sync(&app.core, 0).await.unwrap();
    let faults: Vec<_> = synced.faults.iter().map(|fault| &*fault.object).collect();
    assert_eq!(faults, ["in_broken"]);
    assert_eq!(ada.balance().await, "100");
    run(&app, "billing", &["sync", "--days", "0"])
        .await
        .unwrap_err();
}

#[tokio::test]
async fn charges_of_others_and_cards_that_were_refused_are_no_differences() {
    let (app, stand_in) = start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    ada.order("small", 1).await;
    let page = stand_in.at_last_page(Verb::Pay).unwrap();
    deliver_as(&app, "evt_1", "checkout.session.completed", &page).await;
    let intent = page["payment_intent"].as_str().unwrap();
    let ours = page["customer"].as_str().unwrap();
    // A part of what was paid in the end went back; the card that was tried first was refused.
    let mut paid = stand_in.all("ch_").pop().unwrap();
    paid["amount_refunded"] = 100.into();
    stand_in.put(paid.clone());
    deliver_as(&app, "evt_2", "charge.refunded", &paid).await;
    charge(&stand_in, ("ch_refused", intent, ours), "failed");
    charge(&stand_in, ("ch_never", "pi_never", ours), "failed");
    charge(
        &stand_in,
        ("ch_theirs", "pi_theirs", "cus_theirs"),
        "succeeded",
    );
    let report = verify(&app.core, true).await.unwrap();
    assert!(report.findings.is_empty(), "{report:?}");
    charge(&stand_in, ("ch_ours", "pi_ours", ours), "succeeded");
    let report = verify(&app.core, true).await.unwrap();
    let found: Vec<_> = report.findings.iter().map(|one| &*one.object).collect();
    assert_eq!(found, ["ch_ours"]);
}

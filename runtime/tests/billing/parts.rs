//! An invoice that was paid in several movements of money: what goes back of any of them takes its credits along, and the
//! staff gives back of each no more than came by it.

use quickscale_runtime::billing::upkeep::verify;
use quickscale_runtime::testing::TestApp;
use serde_json::{Value, json};

use crate::delivery::{deliver_thrice, secs, start};
use crate::effects::Subscriber;
use crate::shapes::Shape;
use crate::standin::StandIn;
use crate::support::billing::Shopper;
use crate::support::{column, sign_up_admin};

/// 20.00 and 9.00 were paid of 29.00, after a card was declined.
async fn paid_in_two(ada: &mut Shopper<'_>, stand_in: &StandIn) {
    let app = ada.app;
    let own = Subscriber::of(ada, stand_in, Shape::After).await;
    let begun = own.sub.body(Shape::After);
    deliver_thrice(app, "customer.subscription.created", &begun).await;
    let mut body = own.invoice(1).body(Shape::After);
    let part = |intent: &str, status: &str, amount: i64| {
        json!({"object": "invoice_payment", "status": status, "amount_paid": amount,
            "payment": {"type": "payment_intent", "payment_intent": intent}})
    };
    body["payments"] = json!({"object": "list", "has_more": false, "data": [
        part("pi_no", "canceled", 0), part("pi_small", "paid", 900), part("pi_large", "paid", 2000),
    ]});
    stand_in.put(body.clone());
    for (charge, intent, amount) in [("ch_1", "pi_small", 900), ("ch_2", "pi_large", 2000)] {
        stand_in.put(json!({
            "id": charge, "object": "charge", "payment_intent": intent, "amount": amount, "amount_refunded": 0,
            "currency": "eur", "customer": own.sub.customer, "created": secs(app), "status": "succeeded",
        }));
    }
    body.as_object_mut().unwrap().remove("payments");
    deliver_thrice(app, "invoice.paid", &body).await;
}

fn charge(stand_in: &StandIn, id: &str) -> Value {
    let all = stand_in.all(id);
    all.into_iter().next().unwrap()
}

async fn agrees(app: &TestApp) {
    let report = verify(&app.core, true).await.unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

#[tokio::test]
async fn every_movement_takes_its_credits_along() {
    let (app, stand_in) = start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    paid_in_two(&mut ada, &stand_in).await;
    assert_eq!(ada.balance().await, "2100");
    agrees(&app).await;
    // 9.00 of 29.00 are 620.689 of 2000 credits.
    let mut small = charge(&stand_in, "ch_1");
    small["amount_refunded"] = 900.into();
    stand_in.put(small.clone());
    deliver_thrice(&app, "charge.refunded", &small).await;
    assert_eq!(ada.balance().await, "1479.311");
    agrees(&app).await;
    let dispute = json!({
        "id": "dp_1", "object": "dispute", "charge": "ch_2", "payment_intent": "pi_large", "amount": 2000,
        "currency": "eur", "status": "needs_response", "reason": "fraudulent", "created": secs(&app),
    });
    stand_in.put(dispute.clone());
    deliver_thrice(&app, "charge.dispute.created", &dispute).await;
    assert_eq!(ada.balance().await, "100");
    agrees(&app).await;
    let told = "SELECT state || ' ' || CAST(refunded AS TEXT) || ' ' || CAST(disputed AS TEXT) FROM billing_payments";
    assert_eq!(column(&app, told).await, ["disputed 900 2000"]);
}

#[tokio::test]
async fn a_refund_is_spread_over_the_movements_and_never_more_than_came_by_each() {
    let (app, stand_in) = start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    paid_in_two(&mut ada, &stand_in).await;
    let mut staff = sign_up_admin(&app, "root@example.com").await;
    let id = column(&app, "SELECT id FROM billing_payments").await;
    let path = format!("/admin/payments/{}/refund", id[0]);
    let known = "SELECT intent || ' ' || CAST(amount AS TEXT) || ' ' || state FROM billing_refunds ORDER BY id";
    // Two clicks are one, then some more, then more than is left.
    for (amount, key, expected) in [
        (
            "25.00",
            "k",
            ["pi_large 2000 done", "pi_small 500 done"].as_slice(),
        ),
        ("25.00", "k", &["pi_large 2000 done", "pi_small 500 done"]),
        ("4.01", "l", &["pi_large 2000 done", "pi_small 500 done"]),
        (
            "4.00",
            "m",
            &[
                "pi_large 2000 done",
                "pi_small 500 done",
                "pi_small 400 done",
            ],
        ),
    ] {
        let fields = [("amount", amount), ("reason", "Asked"), ("key", key)];
        staff.post(&path, &fields).await;
        app.work_jobs().await;
        assert_eq!(column(&app, known).await, expected, "{amount}");
        agrees(&app).await;
    }
    assert_eq!(charge(&stand_in, "ch_1")["amount_refunded"], 900);
    assert_eq!(charge(&stand_in, "ch_2")["amount_refunded"], 2000);
    assert_eq!(ada.balance().await, "100");
    let page = staff.get("/admin/payments?q=pi_small").await;
    assert!(page.text.contains("ada@example.com"), "{}", page.text);
}

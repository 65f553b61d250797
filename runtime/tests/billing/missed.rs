//! What happened at Stripe while the application was down.

use std::time::Duration;

use quickscale_runtime::billing::upkeep::{sync, verify};
use serde_json::json;

use crate::delivery::{secs, start};
use crate::effects::Subscriber;
use crate::shapes::{Shape, Sub};
use crate::support::billing::Shopper;
use crate::support::column;

const DAY: u64 = 24 * 60 * 60;

#[tokio::test]
async fn five_renewals_a_refund_and_an_end_are_taken_in_without_any_event() {
    for shape in Shape::BOTH {
        let (app, stand_in) = start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        let own = Subscriber::of(&mut ada, &stand_in, shape).await;
        own.told(&app, &stand_in, "invoice.paid", &own.invoice(1))
            .await;
        app.clock.advance(Duration::from_secs(160 * DAY));
        for number in 1..=6 {
            let bill = own.invoice(number);
            stand_in.put(bill.body(shape));
            stand_in.put(json!({
                "id": format!("ch_{number}"), "object": "charge", "payment_intent": bill.intent, "amount": 2900,
                "amount_refunded": if number == 6 { 1450 } else { 0 }, "currency": "eur", "created": bill.created,
            }));
        }
        stand_in.put(json!({
            "id": "re_1", "object": "refund", "charge": "ch_6", "amount": 1450, "status": "succeeded",
            "metadata": {}, "created": secs(&app),
        }));
        // Made long before what is looked at, and over since yesterday.
        let (status, period) = ("canceled".into(), own.period(6));
        let ended = Sub {
            status,
            period,
            ..own.sub.clone()
        };
        stand_in.put(ended.body(shape));
        assert_eq!(ada.balance().await, "100");
        let mut states = Vec::new();
        for _ in 0..2 {
            let since = secs(&app) - 140 * i64::try_from(DAY).unwrap();
            sync(&app.core, since).await.unwrap();
            assert_eq!(ada.balance().await, "1100");
            let mut state = Vec::new();
            for sql in [
                "SELECT object || ' ' || state FROM billing_payments ORDER BY object",
                "SELECT status || ' ' || CAST(period_end AS TEXT) FROM billing_subscriptions",
                "SELECT source || ' ' || CAST(is_over AS TEXT) FROM billing_lots ORDER BY source",
                "SELECT digest FROM credit_entries ORDER BY account_id, seq",
            ] {
                state.push(column(&app, sql).await);
            }
            states.push(state);
        }
        assert_eq!(states[0], states[1]);
        assert_eq!(states[0][0].len(), 6);
        assert_eq!(states[0][0][5], "in_6 partly_refunded");
        assert!(states[0][1][0].starts_with("canceled"));
        let report = verify(&app.core, true).await.unwrap();
        assert!(report.findings.is_empty(), "{:?}", report.findings);
    }
}

//! Requests beside the examples of Stripe's own documentation: the same fields, encoded as its `curl` encodes them.

use super::*;
use crate::billing::catalogue::{Interval, Terms};
use crate::billing::money::Money;
use crate::credits::Credits;

fn checkout(terms: Option<Terms>) -> Checkout {
    let currency: Currency = "eur".parse().unwrap();
    Checkout {
        customer: "cus_1".into(),
        order: "o1".into(),
        price: Price {
            price: "price_1".into(),
            item: "team".into(),
            money: Money::new(2900, currency),
            period: None,
            credits: Credits::whole(2000),
        },
        quantity: 1,
        terms,
        success_url: "https://example.com/success?session_id={CHECKOUT_SESSION_ID}".into(),
        cancel_url: "https://example.com/cancel".into(),
        promotion_codes: false,
        automatic_tax: false,
    }
}

fn terms(trial_days: u32) -> Terms {
    Terms {
        interval: Interval::Month,
        trial_days,
        trial_without_card: true,
        per_seat: false,
    }
}

/// Asserts that a request has these parts of an example, encoded.
fn assert_parts(fields: &Fields, parts: &[&str]) {
    let encoded = fields.encode();
    let all: Vec<_> = encoded.split('&').collect();
    for part in parts {
        assert!(all.contains(part), "{part} is not in {encoded}");
    }
}

/// docs.stripe.com/payments/checkout/billing-cycle and /payments/checkout/free-trials.
#[test]
fn payment_pages_are_opened_as_in_the_examples() {
    assert_parts(
        &checkout_fields(&checkout(Some(terms(30)))),
        &[
            "mode=subscription",
            "line_items%5B0%5D%5Bprice%5D=price_1",
            "line_items%5B0%5D%5Bquantity%5D=1",
            "success_url=https%3A%2F%2Fexample.com%2Fsuccess%3Fsession_id%3D%7BCHECKOUT_SESSION_ID%7D",
            "cancel_url=https%3A%2F%2Fexample.com%2Fcancel",
            "subscription_data%5Btrial_period_days%5D=30",
            "subscription_data%5Btrial_settings%5D%5Bend_behavior%5D%5Bmissing_payment_method%5D=cancel",
            "payment_method_collection=if_required",
        ],
    );
    let once = checkout_fields(&checkout(None));
    assert_parts(&once, &["mode=payment"]);
    assert!(!once.encode().contains("subscription_data"));
}

/// docs.stripe.com/billing/subscriptions/prorations, /cancel and /pause-payment.
#[test]
fn subscriptions_are_changed_as_in_the_examples() {
    let new = Change::Terms {
        element: "si_1".into(),
        price: checkout(None).price,
        quantity: 2,
        at_once: true,
    };
    assert_parts(
        &change_fields(&new),
        &[
            "items%5B0%5D%5Bid%5D=si_1",
            "items%5B0%5D%5Bprice%5D=price_1",
            "items%5B0%5D%5Bquantity%5D=2",
            "proration_behavior=always_invoice",
        ],
    );
    for (change, encoded) in [
        (Change::CancelAtEnd, "cancel_at_period_end=true"),
        (Change::GoOn, "cancel_at_period_end=false"),
        (Change::Pause, "pause_collection%5Bbehavior%5D=void"),
        (Change::Unpause, "pause_collection="),
    ] {
        assert_eq!(change_fields(&change).encode(), encoded);
    }
}

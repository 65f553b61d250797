//! The sandbox's payment page and its control page.

use serde::Serialize;
use serde_json::Value;

use super::SAMPLE_TIME;
use crate::clock::Timestamp;
use crate::pages::Page;

/// Where nothing is paid for real.
#[derive(Debug, Serialize)]
pub struct TillPage {
    pub session: String,
    pub amount: String,
    pub is_plan: bool,
    pub trial_days: i64,
    pub is_open: bool,
    pub was_declined: bool,
    /// Back to the shop.
    pub back: String,
}

impl Page for TillPage {
    const TEMPLATE: &'static str = "billing/sandbox_pay.html";

    fn sample() -> Self {
        Self {
            session: "cs_1".into(),
            amount: "5.00 EUR".into(),
            is_plan: false,
            trial_days: 14,
            is_open: true,
            was_declined: true,
            back: "/billing/plans".into(),
        }
    }
}

/// Something at the sandbox that one can do something to.
#[derive(Debug, Serialize)]
pub struct SandboxThing {
    pub id: String,
    pub what: String,
    pub state: String,
    /// What the form sends, and what its button says.
    pub verbs: Vec<(&'static str, &'static str)>,
}

/// The control page: the customer's clock, his card, and what can befall his payments.
#[derive(Debug, Serialize)]
pub struct SandboxPage {
    pub now: Timestamp,
    pub card: String,
    pub next_due: Option<Timestamp>,
    pub things: Vec<SandboxThing>,
}

impl SandboxThing {
    /// An object of the sandbox, if something can be done to it.
    pub fn of(id: &str, body: &Value) -> Option<Self> {
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        let number = |name: &str| body.get(name).and_then(Value::as_i64).unwrap_or_default();
        let currency = text("currency").parse().ok();
        let money = |minor: i64| {
            currency.map(|currency| crate::billing::Money::new(minor, currency).to_string())
        };
        let amount = |name: &str| money(number(name)).unwrap_or_default();
        let (what, state, verbs) = match text("object") {
            "charge" if number("amount") > number("amount_refunded") => (
                format!("Payment of {}", amount("amount")),
                format!("{} refunded", amount("amount_refunded")),
                vec![("refund", "Refund half"), ("dispute", "Dispute")],
            ),
            "dispute" if text("status") == "needs_response" => (
                format!("Dispute about {}", amount("amount")),
                "open".into(),
                vec![("win", "Won"), ("lose", "Lost")],
            ),
            "checkout.session"
                if text("status") == "complete" && text("payment_status") == "unpaid" =>
            {
                if body.get("sandbox_failed").is_some() {
                    return None;
                }
                let verbs = vec![("arrive", "It arrives"), ("fail", "It fails")];
                (
                    format!("Transfer of {}", amount("amount_total")),
                    "on its way".into(),
                    verbs,
                )
            }
            _ => return None,
        };
        Some(Self {
            id: id.to_owned(),
            what,
            state,
            verbs,
        })
    }
}

impl Page for SandboxPage {
    const TEMPLATE: &'static str = "billing/sandbox.html";

    fn sample() -> Self {
        Self {
            now: SAMPLE_TIME,
            card: "good".into(),
            next_due: Some(SAMPLE_TIME),
            things: vec![SandboxThing {
                id: "ch_1".into(),
                what: "Payment of 5.00 EUR".into(),
                state: "0.00 EUR refunded".into(),
                verbs: vec![("refund", "Refund half"), ("dispute", "Dispute")],
            }],
        }
    }
}

//! Stripe's objects as its versions before and after 2025-03-31 write them.

use serde_json::{Value, json};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Before,
    After,
}

impl Shape {
    pub const BOTH: [Self; 2] = [Self::Before, Self::After];
}

/// A subscription to one plan.
#[derive(Debug, Clone)]
pub struct Sub {
    pub id: String,
    pub customer: String,
    pub status: String,
    pub price: String,
    pub quantity: i64,
    /// Seconds since 1970.
    pub period: (i64, i64),
}

impl Sub {
    pub fn body(&self, shape: Shape) -> Value {
        let (start, end) = self.period;
        let mut body = json!({
            "id": self.id, "object": "subscription", "customer": self.customer, "status": self.status,
            "created": 1_767_225_600, "cancel_at_period_end": false, "pause_collection": null,
            "items": {"object": "list", "data": [{
                "id": format!("si_{}", self.id), "object": "subscription_item",
                "price": {"id": self.price, "object": "price"}, "quantity": self.quantity,
            }]},
        });
        let place = match shape {
            Shape::Before => &mut body,
            Shape::After => &mut body["items"]["data"][0],
        };
        place["current_period_start"] = start.into();
        place["current_period_end"] = end.into();
        body
    }
}

/// A line of an invoice.
#[derive(Debug, Clone)]
pub struct BillLine {
    pub id: String,
    pub amount: i64,
    pub price: String,
    pub quantity: i64,
    pub is_proration: bool,
    pub period: (i64, i64),
}

/// An invoice of a subscription.
#[derive(Debug, Clone)]
pub struct Bill {
    pub id: String,
    pub customer: String,
    pub subscription: String,
    pub reason: String,
    pub is_paid: bool,
    pub attempts: i64,
    pub created: i64,
    pub intent: Option<String>,
    pub lines: Vec<BillLine>,
}

impl Bill {
    /// As the API gives it; with its payments, where it is asked for them.
    pub fn body(&self, shape: Shape) -> Value {
        let due: i64 = self.lines.iter().map(|line| line.amount).sum();
        let lines: Vec<_> = self.lines.iter().map(|line| line.body(shape)).collect();
        let mut body = json!({
            "id": self.id, "object": "invoice", "customer": self.customer, "billing_reason": self.reason,
            "status": if self.is_paid { "paid" } else { "open" }, "currency": "eur", "number": self.id,
            "amount_due": due, "amount_paid": if self.is_paid { due } else { 0 },
            "attempt_count": self.attempts, "created": self.created,
            "lines": {"object": "list", "data": lines, "has_more": false},
        });
        match shape {
            Shape::Before => {
                body["subscription"] = self.subscription.as_str().into();
                body["paid"] = self.is_paid.into();
                body["payment_intent"] = json!(self.intent);
            }
            Shape::After => {
                body["parent"] = json!({"type": "subscription_details", "subscription_details": {
                    "subscription": self.subscription,
                }});
                let payments = self.intent.iter().map(|intent| {
                    json!({"payment": {"type": "payment_intent", "payment_intent": intent}})
                });
                body["payments"] = json!({"object": "list", "data": payments.collect::<Vec<_>>()});
            }
        }
        body
    }
}

impl BillLine {
    fn body(&self, shape: Shape) -> Value {
        let mut body = json!({
            "id": self.id, "object": "line_item", "amount": self.amount, "quantity": self.quantity,
            "period": {"start": self.period.0, "end": self.period.1},
        });
        match shape {
            Shape::Before => {
                body["price"] = json!({"id": self.price, "object": "price"});
                body["proration"] = self.is_proration.into();
            }
            Shape::After => {
                body["pricing"] =
                    json!({"type": "price_details", "price_details": {"price": self.price}});
                body["parent"] = json!({"type": "subscription_item_details",
                    "subscription_item_details": {"proration": self.is_proration}});
            }
        }
        body
    }
}

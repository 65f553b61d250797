//! The provider's objects, read from JSON in the shapes before and after version 2025-03-31, in which periods moved to
//! a subscription's items and an invoice's links to `parent`. What is not needed is not read.

mod invoice;
mod money;
mod subscription;

pub use invoice::{Invoice, Line, Reason, is_written_off};
pub use money::{Charge, Dispute, Refund, came_to_nothing};
pub use subscription::Subscription;

use serde_json::Value;

use super::money::Currency;
use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// A view of an object, with the object's name for faults.
#[derive(Clone, Copy)]
struct At<'a>(&'a Value);

impl<'a> At<'a> {
    fn get(self, pointer: &str) -> Option<&'a Value> {
        self.0.pointer(pointer).filter(|value| !value.is_null())
    }

    fn text(self, pointer: &str) -> Option<&'a str> {
        self.get(pointer)?.as_str()
    }

    /// The identifier of what stands there, whether it was expanded or not.
    fn link(self, pointer: &str) -> Option<String> {
        let value = self.get(pointer)?;
        let id = value.as_str().or_else(|| value.get("id")?.as_str())?;
        (!id.is_empty()).then(|| id.to_owned())
    }

    fn number(self, pointer: &str) -> Option<i64> {
        self.get(pointer)?.as_i64()
    }

    fn flag(self, pointer: &str) -> bool {
        self.get(pointer)
            .and_then(Value::as_bool)
            .unwrap_or_default()
    }

    fn time(self, pointer: &str) -> Option<Timestamp> {
        let secs = self.number(pointer)?;
        Some(Timestamp::from_micros(secs.checked_mul(1_000_000)?))
    }

    fn need<T>(self, pointer: &str, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| {
            let (kind, id) = (
                self.text("/object").unwrap_or("object"),
                self.text("/id").unwrap_or_default(),
            );
            malformed(format!(
                "{kind} {id} has no {}",
                pointer.trim_start_matches('/')
            ))
        })
    }

    fn id(self) -> Result<String> {
        self.need("/id", self.text("/id").map(str::to_owned))
    }

    fn currency(self) -> Result<Currency> {
        self.need(
            "/currency",
            self.text("/currency").and_then(|code| code.parse().ok()),
        )
    }

    fn list(self, pointer: &str) -> impl Iterator<Item = At<'a>> {
        let values = self.get(pointer).and_then(Value::as_array);
        values.map(Vec::as_slice).unwrap_or_default().iter().map(At)
    }
}

/// The provider sent what it says it never sends.
fn malformed(what: String) -> Error {
    Error::internal(anyhow::anyhow!("the provider's {what}"))
}

/// Whether this is all that the provider has of something that was deleted.
pub fn is_deleted(object: &Value) -> bool {
    At(object).flag("/deleted")
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub id: String,
    /// `invoice.paid` and the like.
    pub kind: String,
    pub happened_at: Timestamp,
    /// The identifier of what it happened to.
    pub object: String,
    /// Whom it is about.
    pub customer: Option<String>,
    pub body: Value,
}

impl Event {
    /// # Errors
    /// When it is no event.
    pub fn read(value: &Value) -> Result<Self> {
        let at = At(value);
        let kind = at.need("/type", at.text("/type"))?;
        let body = at.need("/data/object", at.get("/data/object"))?;
        let is_customer = At(body).text("/object") == Some("customer");
        Ok(Self {
            id: at.id()?,
            kind: kind.to_owned(),
            happened_at: at.need("/created", at.time("/created"))?,
            object: At(body).text("/id").unwrap_or_default().to_owned(),
            customer: At(body).link(if is_customer { "/id" } else { "/customer" }),
            body: body.clone(),
        })
    }
}

/// A session of the hosted payment page.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    pub id: String,
    pub is_subscription: bool,
    /// Nothing is owed any more.
    pub is_paid: bool,
    /// `open`, `complete`, `expired`.
    pub status: String,
    pub customer: Option<String>,
    pub amount: i64,
    pub currency: Currency,
    pub subscription: Option<String>,
    pub intent: Option<String>,
    /// The order that it was opened for.
    pub order: Option<String>,
    pub created_at: Timestamp,
}

impl Session {
    /// # Errors
    /// When it is no session.
    pub fn read(value: &Value) -> Result<Self> {
        let at = At(value);
        let status = at.text("/payment_status").unwrap_or_default();
        Ok(Self {
            id: at.id()?,
            is_subscription: at.text("/mode") == Some("subscription"),
            is_paid: matches!(status, "paid" | "no_payment_required"),
            status: at.text("/status").unwrap_or("complete").to_owned(),
            customer: at.link("/customer"),
            amount: at.number("/amount_total").unwrap_or_default(),
            currency: at.currency()?,
            subscription: at.link("/subscription"),
            intent: at.link("/payment_intent"),
            order: at.text("/client_reference_id").map(str::to_owned),
            created_at: at.need("/created", at.time("/created"))?,
        })
    }
}

/// What something costs.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceObject {
    pub id: String,
    pub product: String,
    pub currency: Currency,
    /// None where it depends on how much is bought.
    pub amount: Option<i64>,
    /// How long a period is, and how many of them one payment is for; none for what is paid once.
    pub interval: Option<(String, i64)>,
    pub is_active: bool,
    pub created_at: Timestamp,
}

impl PriceObject {
    /// # Errors
    /// When it is no price.
    pub fn read(value: &Value) -> Result<Self> {
        let at = At(value);
        let is_metered = at.text("/recurring/usage_type") == Some("metered");
        let interval = at.text("/recurring/interval").map(|name| {
            let count = at.number("/recurring/interval_count").unwrap_or(1);
            (name.to_owned(), count)
        });
        Ok(Self {
            id: at.id()?,
            product: at.need("/product", at.link("/product"))?,
            currency: at.currency()?,
            amount: at.number("/unit_amount").filter(|_| !is_metered),
            interval,
            is_active: at.flag("/active"),
            created_at: at.need("/created", at.time("/created"))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_micros(secs * 1_000_000)
    }

    #[test]
    fn subscriptions_read_alike_in_both_shapes() {
        let old = json!({
            "id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "active", "created": 5,
            "current_period_start": 10, "current_period_end": 20, "cancel_at_period_end": false,
            "items": {"data": [{"id": "si_1", "price": {"id": "price_1"}, "quantity": 2}]},
        });
        let new = json!({
            "id": "sub_1", "object": "subscription", "customer": {"id": "cus_1"}, "status": "active", "created": 5,
            "cancel_at_period_end": false, "pause_collection": null,
            "items": {"data": [{"id": "si_1", "price": {"id": "price_1"}, "quantity": 2,
                "current_period_start": 10, "current_period_end": 20}]},
        });
        let read = Subscription::read(&old).unwrap();
        assert_eq!(read, Subscription::read(&new).unwrap());
        assert_eq!(read.period, (at(10), at(20)));
    }

    #[test]
    fn invoices_read_alike_in_both_shapes() {
        let old = json!({
            "id": "in_1", "object": "invoice", "customer": "cus_1", "billing_reason": "subscription_cycle",
            "subscription": "sub_1", "status": "paid", "paid": true, "amount_paid": 900, "amount_due": 900,
            "currency": "eur", "number": "A-1", "payment_intent": "pi_1", "attempt_count": 1, "created": 9,
            "lines": {"data": [{"id": "il_1", "amount": 900, "price": {"id": "price_1"}, "quantity": 1,
                "proration": false, "period": {"start": 10, "end": 20}}]},
        });
        let new = json!({
            "id": "in_1", "object": "invoice", "customer": "cus_1", "billing_reason": "subscription_cycle",
            "parent": {"type": "subscription_details", "subscription_details": {"subscription": "sub_1"}},
            "status": "paid", "amount_paid": 900, "amount_due": 900, "currency": "eur", "number": "A-1",
            "payments": {"data": [{"payment": {"type": "payment_intent", "payment_intent": "pi_1"}}]},
            "attempt_count": 1, "created": 9,
            "lines": {"data": [{"id": "il_1", "amount": 900, "quantity": 1,
                "pricing": {"type": "price_details", "price_details": {"price": "price_1"}},
                "parent": {"subscription_item_details": {"proration": false}},
                "period": {"start": 10, "end": 20}}]},
        });
        let read = Invoice::read(&old).unwrap();
        assert_eq!(read, Invoice::read(&new).unwrap());
        assert_eq!(read.reason, Reason::Cycle);
    }

    #[test]
    fn what_lacks_something_is_named() {
        let fault =
            Event::read(&json!({"id": "evt_1", "object": "event", "type": "x"})).unwrap_err();
        assert!(
            fault.to_string().contains("event evt_1 has no data/object"),
            "{fault}"
        );
    }
}

//! The sandbox's payment page: what is paid there, refused, put off or left.

use serde_json::{Value, json};

use super::super::provider::Checkout;
use super::calendar::{months_after, next_end};
use super::world::{Declined, World};
use crate::error::{Error, Result};

const DAY: i64 = 24 * 60 * 60;

impl World {
    /// Opens a payment page.
    pub fn open(&mut self, checkout: &Checkout) -> Value {
        let id = self.fresh("cs_");
        let price = price_body(&checkout.price);
        let total = checkout.price.money.minor.saturating_mul(checkout.quantity);
        let trial = checkout.terms.map_or(0, |terms| terms.trial_days);
        let body = json!({
            "id": id, "object": "checkout.session", "created": self.now, "customer": self.customer,
            "mode": if checkout.terms.is_some() { "subscription" } else { "payment" },
            "status": "open", "payment_status": "unpaid", "currency": price["currency"],
            "amount_total": if trial > 0 { 0 } else { total }, "client_reference_id": checkout.order,
            "subscription": null, "payment_intent": null, "metadata": {"order": checkout.order},
            "allow_promotion_codes": checkout.promotion_codes, "automatic_tax": {"enabled": checkout.automatic_tax},
            "success_url": checkout.success_url, "cancel_url": checkout.cancel_url,
            "sandbox_price": price, "sandbox_quantity": checkout.quantity, "sandbox_trial_days": trial,
            "sandbox_card_needed": !checkout.terms.is_some_and(|terms| terms.trial_without_card),
        });
        self.put(id, body.clone());
        body
    }

    fn open_session(&self, session: &str) -> Result<Value> {
        let body = self.take(session)?;
        if body["status"] != "open" {
            return Err(Error::conflict("not_open", "This payment page is closed."));
        }
        Ok(body)
    }

    /// Pays with the card that the customer has.
    ///
    /// # Errors
    /// 409 when the page is closed.
    pub fn pay(&mut self, session: &str) -> Result<Result<(), Declined>> {
        let body = self.open_session(session)?;
        if body["mode"] == "subscription" {
            return Ok(self.begin(session, &body));
        }
        let (amount, currency) = (
            self.number(session, "/amount_total"),
            self.text(session, "/currency"),
        );
        let Ok((intent, _)) = self.charge(amount, &currency) else {
            return Ok(Err(Declined));
        };
        let done =
            json!({"status": "complete", "payment_status": "paid", "payment_intent": intent});
        self.set(session, done);
        self.tell("checkout.session.completed", session);
        Ok(Ok(()))
    }

    /// Pays by a way that takes days, such as a transfer. Only for what is paid once.
    ///
    /// # Errors
    /// 409 when the page is closed or it is for a subscription.
    pub fn pay_later(&mut self, session: &str) -> Result<()> {
        let body = self.open_session(session)?;
        if body["mode"] == "subscription" {
            return Err(Error::conflict(
                "not_later",
                "A subscription is paid at once.",
            ));
        }
        let intent = self.fresh("pi_");
        self.put(
            intent.clone(),
            json!({"id": intent, "object": "payment_intent", "status": "processing", "created": self.now}),
        );
        self.set(
            session,
            json!({"status": "complete", "payment_status": "unpaid", "payment_intent": intent}),
        );
        self.tell("checkout.session.completed", session);
        Ok(())
    }

    /// What was put off arrives, or does not.
    ///
    /// # Errors
    /// 409 when nothing is on its way.
    pub fn arrive(&mut self, session: &str, is_there: bool) -> Result<()> {
        let body = self.take(session)?;
        if body["status"] != "complete"
            || body["payment_status"] != "unpaid"
            || !body["sandbox_failed"].is_null()
        {
            return Err(Error::conflict(
                "not_on_its_way",
                "No payment is on its way.",
            ));
        }
        let intent = self.text(session, "/payment_intent");
        if !is_there {
            self.set(&intent, json!({"status": "requires_payment_method"}));
            self.set(session, json!({"sandbox_failed": true}));
            self.tell("checkout.session.async_payment_failed", session);
            return Ok(());
        }
        let (amount, currency) = (
            self.number(session, "/amount_total"),
            self.text(session, "/currency"),
        );
        self.record_charge(&intent, (amount, &currency));
        self.set(&intent, json!({"status": "succeeded"}));
        self.set(session, json!({"payment_status": "paid"}));
        self.tell("checkout.session.async_payment_succeeded", session);
        Ok(())
    }

    /// Closes a page without a payment. One that is closed stays as it is.
    ///
    /// # Errors
    /// 404 when there is no such page.
    pub fn abandon(&mut self, session: &str) -> Result<()> {
        if self.take(session)?["status"] == "open" {
            self.set(session, json!({"status": "expired"}));
            self.tell("checkout.session.expired", session);
        }
        Ok(())
    }

    /// Begins a subscription with its first invoice.
    fn begin(&mut self, session: &str, body: &Value) -> Result<(), Declined> {
        let (price, quantity) = (
            &body["sandbox_price"],
            self.number(session, "/sandbox_quantity"),
        );
        let trial = self.number(session, "/sandbox_trial_days") * DAY;
        let months = months_of(price);
        let end = if trial > 0 {
            self.now + trial
        } else {
            next_end(self.now, months, self.now)
        };
        let amount = if trial > 0 {
            0
        } else {
            price["unit_amount"].as_i64().unwrap_or_default() * quantity
        };
        let currency = self.text(session, "/currency");
        let intent = if amount > 0 {
            Some(self.charge(amount, &currency)?.0)
        } else {
            None
        };
        if trial > 0 && body["sandbox_card_needed"] == true && !self.has_card() {
            return Err(Declined);
        }
        let id = self.fresh("sub_");
        let subscription = json!({
            "id": id, "object": "subscription", "customer": self.customer, "created": self.now,
            "status": if trial > 0 { "trialing" } else { "active" }, "cancel_at_period_end": false,
            "cancel_at": null, "ended_at": null, "schedule": null, "pause_collection": null,
            "trial_end": if trial > 0 { json!(end) } else { Value::Null },
            "metadata": {"order": body["client_reference_id"]},
            "items": {"object": "list", "data": [{
                "id": self.fresh("si_"), "object": "subscription_item", "price": price, "quantity": quantity,
                "current_period_start": self.now, "current_period_end": end,
            }]},
            "sandbox_anchor": if trial > 0 { end } else { self.now },
            "sandbox_trial_without_card": body["sandbox_card_needed"] == false,
        });
        self.put(id.clone(), subscription);
        let line = self.line(&id, amount, (self.now, end), false);
        let invoice = self.invoice(&id, "subscription_create", vec![line]);
        self.tell("customer.subscription.created", &id);
        self.mark_paid(&invoice, intent);
        let paid = if amount > 0 {
            "paid"
        } else {
            "no_payment_required"
        };
        let done = json!({"status": "complete", "payment_status": paid, "subscription": id});
        self.set(session, done);
        self.tell("checkout.session.completed", session);
        Ok(())
    }
}

/// A price as the provider shows it.
pub(super) fn price_body(price: &super::super::entity::Price) -> Value {
    json!({
        "id": price.price, "object": "price", "unit_amount": price.money.minor,
        "currency": price.money.currency.code(),
        "recurring": price.period.as_ref().map(|period| json!({"interval": period, "interval_count": 1})),
    })
}

/// How many months a period of this price has.
pub(super) fn months_of(price: &Value) -> i64 {
    if price.pointer("/recurring/interval").and_then(Value::as_str) == Some("year") {
        12
    } else {
        1
    }
}

/// The end of the period that begins at `start`, for a subscription counted from `anchor`.
pub(super) fn period_end(anchor: i64, months: i64, start: i64) -> i64 {
    if start < anchor {
        months_after(anchor, 0)
    } else {
        next_end(anchor, months, start)
    }
}

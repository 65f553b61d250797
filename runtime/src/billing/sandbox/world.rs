//! One customer's objects at the sandbox and what can be done with them. Pure: what was changed and what is to be told
//! is read off afterwards. Names that begin with `sandbox_` are the sandbox's own notes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::error::{Error, Result};

/// The objects of one customer, at one instant.
pub struct World {
    /// Seconds since 1970 by this customer's clock, which runs ahead of ours where it was moved.
    pub now: i64,
    pub(super) customer: String,
    objects: BTreeMap<String, Value>,
    changed: BTreeSet<String>,
    events: Vec<Value>,
}

/// The card did not pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Declined;

impl World {
    /// The customer's objects at our instant `now`.
    ///
    /// # Errors
    /// 404 when there is no such customer.
    pub fn wake(customer: &str, objects: BTreeMap<String, Value>, now: i64) -> Result<Self> {
        let own = objects.get(customer).ok_or_else(Error::not_found)?;
        let offset = own
            .get("sandbox_offset")
            .and_then(Value::as_i64)
            .unwrap_or_default();
        Ok(Self {
            now: now.saturating_add(offset),
            customer: customer.to_owned(),
            objects,
            changed: BTreeSet::new(),
            events: Vec::new(),
        })
    }

    /// What was changed, by name.
    pub fn changed(&self) -> impl DoubleEndedIterator<Item = (&str, &Value)> {
        self.changed
            .iter()
            .filter_map(|id| Some((id.as_str(), self.objects.get(id)?)))
    }

    /// What is to be told, in the order in which it happened.
    pub fn events(&self) -> &[Value] {
        &self.events
    }

    pub fn get(&self, id: &str) -> Option<&Value> {
        self.objects.get(id)
    }

    pub fn put(&mut self, id: impl Into<String>, body: Value) {
        let id = id.into();
        self.objects.insert(id.clone(), body);
        self.changed.insert(id);
    }

    /// The object called `id`, to be looked at.
    pub(super) fn take(&self, id: &str) -> Result<Value> {
        self.objects.get(id).cloned().ok_or_else(Error::not_found)
    }

    /// Sets fields of an object.
    pub(super) fn set(&mut self, id: &str, fields: Value) {
        let (Some(object), Value::Object(fields)) = (self.objects.get_mut(id), fields) else {
            return;
        };
        for (name, value) in fields {
            object[&name] = value;
        }
        self.changed.insert(id.to_owned());
    }

    pub(super) fn text(&self, id: &str, pointer: &str) -> String {
        let value = self
            .objects
            .get(id)
            .and_then(|object| object.pointer(pointer));
        value.and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    pub(super) fn number(&self, id: &str, pointer: &str) -> i64 {
        let value = self
            .objects
            .get(id)
            .and_then(|object| object.pointer(pointer));
        value.and_then(Value::as_i64).unwrap_or_default()
    }

    /// The names of the customer's objects of one kind, such as `sub_`.
    pub(super) fn all(&self, prefix: &str) -> Vec<String> {
        self.objects
            .keys()
            .filter(|id| id.starts_with(prefix))
            .cloned()
            .collect()
    }

    /// A new name. Names of one kind sort by their making.
    pub(super) fn fresh(&self, prefix: &str) -> String {
        let made = self.objects.len();
        format!(
            "{prefix}{made:06x}{}",
            crate::crypto::hex(&rand::random::<[u8; 9]>())
        )
    }

    /// Tells what happened to an object, as it is now.
    pub(super) fn tell(&mut self, kind: &str, object: &str) {
        let id = self.fresh("evt_");
        let Some(body) = self.objects.get(object) else {
            return;
        };
        self.events.push(json!({
            "id": id, "object": "event", "type": kind, "created": self.now, "livemode": false,
            "api_version": super::super::provider::API_VERSION, "data": {"object": body},
        }));
    }

    /// Deletes this customer, as the real one does: his subscriptions end, what he paid stays.
    pub fn forget(&mut self) {
        let customer = self.customer.clone();
        if !self.text(&customer, "/email").is_empty() {
            for subscription in self.all("sub_") {
                if self.text(&subscription, "/status") != "canceled" {
                    self.end(&subscription);
                }
            }
            self.tell("customer.deleted", &customer);
            self.set(&customer, json!({ "email": null, "deleted": true }));
        }
    }

    fn card(&self) -> String {
        self.text(&self.customer, "/sandbox_card")
    }

    /// Whether there is a card at all.
    pub(super) fn has_card(&self) -> bool {
        self.card() != "none"
    }

    /// Takes an amount from the card: the names of the movement and of its charge.
    pub(super) fn charge(
        &mut self,
        amount: i64,
        currency: &str,
    ) -> Result<(String, String), Declined> {
        if self.card() != "good" {
            return Err(Declined);
        }
        let intent = self.fresh("pi_");
        let charge = self.record_charge(&intent, (amount, currency));
        Ok((intent, charge))
    }

    /// Notes money that came in by a movement; gives the charge.
    pub(super) fn record_charge(
        &mut self,
        intent: &str,
        (amount, currency): (i64, &str),
    ) -> String {
        let charge = self.fresh("ch_");
        let body = json!({
            "id": charge, "object": "charge", "payment_intent": intent, "amount": amount, "amount_refunded": 0,
            "currency": currency, "customer": self.customer, "created": self.now, "status": "succeeded",
        });
        self.put(charge.clone(), body);
        charge
    }

    /// From now on the card is `good`, `bad` or `none`. A good one pays what is open.
    pub fn set_card(&mut self, card: &str) {
        let customer = self.customer.clone();
        self.set(&customer, json!({ "sandbox_card": card }));
        if card == "good" {
            for subscription in self.all("sub_") {
                self.try_again(&subscription);
            }
        }
    }

    /// The charge of a movement of money.
    pub(super) fn charge_of(&self, intent: &str) -> Result<String> {
        let charges = self.all("ch_");
        let found = charges
            .into_iter()
            .find(|charge| self.text(charge, "/payment_intent") == intent);
        found.ok_or_else(Error::not_found)
    }

    /// Gives money back.
    ///
    /// # Errors
    /// 404 when there is no such payment, 422 above what is left of it.
    pub fn refund(&mut self, request: &super::super::provider::RefundRequest) -> Result<Value> {
        let charge = self.charge_of(&request.intent)?;
        let (amount, before) = (
            self.number(&charge, "/amount"),
            self.number(&charge, "/amount_refunded"),
        );
        if request.amount <= 0 || before + request.amount > amount {
            return Err(Error::unprocessable(
                "That is more than is left of this payment.",
            ));
        }
        let refund = self.fresh("re_");
        let body = json!({
            "id": refund, "object": "refund", "charge": charge, "payment_intent": request.intent,
            "amount": request.amount, "currency": self.text(&charge, "/currency"), "status": "succeeded",
            "created": self.now, "metadata": {"refund": request.record},
        });
        self.put(refund.clone(), body.clone());
        self.set(
            &charge,
            json!({ "amount_refunded": before + request.amount }),
        );
        self.tell("charge.refunded", &charge);
        self.tell("refund.updated", &refund);
        Ok(body)
    }

    /// The buyer's bank asks everything back that is left of a payment.
    ///
    /// # Errors
    /// 404 when there is no such payment.
    pub fn dispute(&mut self, intent: &str) -> Result<String> {
        let charge = self.charge_of(intent)?;
        let left = self.number(&charge, "/amount") - self.number(&charge, "/amount_refunded");
        let dispute = self.fresh("dp_");
        let body = json!({
            "id": dispute, "object": "dispute", "charge": charge, "payment_intent": intent, "amount": left,
            "currency": self.text(&charge, "/currency"), "status": "needs_response", "reason": "fraudulent",
            "created": self.now,
        });
        self.put(dispute.clone(), body);
        self.tell("charge.dispute.created", &dispute);
        self.tell("charge.dispute.funds_withdrawn", &dispute);
        Ok(dispute)
    }

    /// The bank decides about a dispute that is open.
    ///
    /// # Errors
    /// 404 when there is no such dispute, 409 when it is decided.
    pub fn decide(&mut self, dispute: &str, is_won: bool) -> Result<()> {
        self.take(dispute)?;
        if self.text(dispute, "/status") != "needs_response" {
            return Err(Error::conflict("decided", "This dispute is decided."));
        }
        let status = if is_won { "won" } else { "lost" };
        self.set(dispute, json!({ "status": status }));
        self.tell("charge.dispute.closed", dispute);
        if is_won {
            self.tell("charge.dispute.funds_reinstated", dispute);
        }
        Ok(())
    }
}

//! What time does to subscriptions at the sandbox, and what their owner does to them.

use serde_json::{Value, json};

use super::super::provider::Change;
use super::till::{months_of, period_end, price_body};
use super::world::{Declined, World};
use crate::error::{Error, Result};

const DAY: i64 = 24 * 60 * 60;
/// When a renewal that failed is tried again, after each failure; then it is given up.
const RETRIES: [i64; 3] = [3 * DAY, 5 * DAY, 7 * DAY];

const START: &str = "/items/data/0/current_period_start";
const END: &str = "/items/data/0/current_period_end";

impl World {
    /// A line of an invoice for what a subscription is to now.
    pub(super) fn line(
        &self,
        subscription: &str,
        amount: i64,
        period: (i64, i64),
        is_proration: bool,
    ) -> Value {
        let price = self.text(subscription, "/items/data/0/price/id");
        let quantity = self.number(subscription, "/items/data/0/quantity");
        json!({
            "id": self.fresh("il_"), "object": "line_item", "amount": amount, "quantity": quantity,
            "pricing": {"type": "price_details", "price_details": {"price": price}},
            "parent": {"type": "subscription_item_details", "subscription_item_details": {
                "proration": is_proration, "subscription": subscription,
            }},
            "period": {"start": period.0, "end": period.1},
        })
    }

    /// Makes an invoice that is not paid yet.
    pub(super) fn invoice(
        &mut self,
        subscription: &str,
        reason: &str,
        lines: Vec<Value>,
    ) -> String {
        let id = self.fresh("in_");
        let due: i64 = lines
            .iter()
            .filter_map(|line| line["amount"].as_i64())
            .sum();
        let number = format!("SANDBOX-{:04}", self.all("in_").len() + 1);
        let body = json!({
            "id": id, "object": "invoice", "customer": self.customer, "billing_reason": reason,
            "parent": {"type": "subscription_details", "subscription_details": {"subscription": subscription}},
            "status": "open", "amount_due": due.max(0), "amount_paid": 0, "attempt_count": 0, "number": number,
            "currency": self.text(subscription, "/items/data/0/price/currency"), "created": self.now,
            "lines": {"object": "list", "data": lines, "has_more": false},
            "payments": {"object": "list", "data": []}, "status_transitions": {"paid_at": null},
        });
        self.put(id.clone(), body);
        self.set(subscription, json!({ "latest_invoice": id }));
        id
    }

    pub(super) fn mark_paid(&mut self, invoice: &str, intent: Option<String>) {
        let payments: Vec<_> = intent
            .map(|intent| json!({"payment": {"type": "payment_intent", "payment_intent": intent}}))
            .into_iter()
            .collect();
        let (due, attempts) = (
            self.number(invoice, "/amount_due"),
            self.number(invoice, "/attempt_count"),
        );
        let fields = json!({
            "status": "paid", "amount_paid": due, "attempt_count": attempts + 1,
            "payments": {"object": "list", "data": payments}, "status_transitions": {"paid_at": self.now},
        });
        self.set(invoice, fields);
        self.tell("invoice.paid", invoice);
    }

    /// Tries to have an invoice paid.
    fn collect(&mut self, invoice: &str) -> Result<(), Declined> {
        let (due, currency) = (
            self.number(invoice, "/amount_due"),
            self.text(invoice, "/currency"),
        );
        if due == 0 {
            self.mark_paid(invoice, None);
            return Ok(());
        }
        match self.charge(due, &currency) {
            Ok((intent, _)) => {
                self.mark_paid(invoice, Some(intent));
                Ok(())
            }
            Err(Declined) => {
                let attempts = self.number(invoice, "/attempt_count");
                self.set(invoice, json!({ "attempt_count": attempts + 1 }));
                self.tell("invoice.payment_failed", invoice);
                Err(Declined)
            }
        }
    }

    /// Moves this customer's clock on to `to`, with everything that falls due on the way.
    pub fn advance(&mut self, to: i64) {
        let start = self.now;
        while let Some((at, subscription)) = self.next_due().filter(|(at, _)| *at <= to) {
            self.now = self.now.max(at);
            self.fall_due(&subscription);
        }
        self.now = self.now.max(to);
        let customer = self.customer.clone();
        let offset = self.number(&customer, "/sandbox_offset") + (self.now - start);
        self.set(&customer, json!({ "sandbox_offset": offset }));
    }

    /// When something falls due next, if anything.
    pub fn next_due(&self) -> Option<(i64, String)> {
        let due = |id: String| {
            let retry = self.number(&id, "/sandbox_retry_at");
            let at = if retry > 0 {
                retry.min(self.number(&id, END))
            } else {
                self.number(&id, END)
            };
            let is_over = self.text(&id, "/status") == "canceled";
            (!is_over).then_some((at, id))
        };
        self.all("sub_").into_iter().filter_map(due).min()
    }

    fn fall_due(&mut self, subscription: &str) {
        let retry = self.number(subscription, "/sandbox_retry_at");
        if retry > 0 && retry <= self.number(subscription, END) {
            self.retry(subscription);
        } else if self
            .take(subscription)
            .is_ok_and(|body| body["cancel_at_period_end"] == true)
        {
            self.end(subscription);
        } else {
            self.renew(subscription);
        }
    }

    pub(super) fn end(&mut self, subscription: &str) {
        let fields = json!({
            "status": "canceled", "ended_at": self.now, "sandbox_retry_at": 0, "schedule": null,
        });
        self.set(subscription, fields);
        self.tell("customer.subscription.deleted", subscription);
    }

    fn set_period(&mut self, subscription: &str, (start, end): (i64, i64)) {
        if let Ok(mut body) = self.take(subscription) {
            body["items"]["data"][0]["current_period_start"] = json!(start);
            body["items"]["data"][0]["current_period_end"] = json!(end);
            self.put(subscription, body);
        }
    }

    fn renew(&mut self, subscription: &str) {
        let is_trial = self.text(subscription, "/status") == "trialing";
        let without_card = self
            .take(subscription)
            .is_ok_and(|body| body["sandbox_trial_without_card"] == true);
        if is_trial && without_card && !self.has_card() {
            self.end(subscription);
            return;
        }
        let start = self.number(subscription, END);
        if self.begin_planned(subscription) {
            self.set(subscription, json!({ "sandbox_anchor": start }));
        }
        let anchor = self.number(subscription, "/sandbox_anchor");
        let months = self
            .take(subscription)
            .map_or(1, |body| months_of(&body["items"]["data"][0]["price"]));
        let end = period_end(anchor, months, start);
        self.set_period(subscription, (start, end));
        if self
            .take(subscription)
            .is_ok_and(|body| !body["pause_collection"].is_null())
        {
            self.tell("customer.subscription.updated", subscription);
            return;
        }
        let unit = self.number(subscription, "/items/data/0/price/unit_amount");
        let amount = unit * self.number(subscription, "/items/data/0/quantity");
        let line = self.line(subscription, amount, (start, end), false);
        let invoice = self.invoice(subscription, "subscription_cycle", vec![line]);
        match self.collect(&invoice) {
            Ok(()) => self.set(
                subscription,
                json!({"status": "active", "sandbox_retry_at": 0, "sandbox_open": null}),
            ),
            Err(Declined) => {
                let retry = self.now + RETRIES[0];
                let fields = json!({
                    "status": "past_due", "sandbox_retry_at": retry, "sandbox_open": invoice,
                    "sandbox_failures": 1,
                });
                self.set(subscription, fields);
            }
        }
        self.tell("customer.subscription.updated", subscription);
    }

    fn retry(&mut self, subscription: &str) {
        let invoice = self.text(subscription, "/sandbox_open");
        if self.collect(&invoice).is_ok() {
            let fields = json!({"status": "active", "sandbox_retry_at": 0, "sandbox_open": null});
            self.set(subscription, fields);
            self.tell("customer.subscription.updated", subscription);
            return;
        }
        let failures = self.number(subscription, "/sandbox_failures");
        let pause = usize::try_from(failures)
            .ok()
            .and_then(|at| RETRIES.get(at));
        match pause {
            Some(pause) => {
                let fields =
                    json!({"sandbox_retry_at": self.now + pause, "sandbox_failures": failures + 1});
                self.set(subscription, fields);
            }
            None => self.end(subscription),
        }
    }

    /// Pays what is open of a subscription, now that there is a card that does.
    pub(super) fn try_again(&mut self, subscription: &str) {
        if self.number(subscription, "/sandbox_retry_at") > 0 {
            self.retry(subscription);
        }
    }

    /// Changes a subscription. Gives it as it is then, or says that the card did not pay for the change.
    ///
    /// # Errors
    /// 404 when there is no such subscription, 409 when it is over.
    pub fn change(
        &mut self,
        subscription: &str,
        change: &Change,
    ) -> Result<Result<Value, Declined>> {
        if self.take(subscription)?["status"] == "canceled" {
            return Err(Error::conflict("is_over", "This subscription is over."));
        }
        let flag = |name: &str, value: Value| json!({ name: value });
        match change {
            Change::CancelAtEnd => {
                self.set(subscription, flag("cancel_at_period_end", true.into()))
            }
            Change::GoOn => self.set(subscription, flag("cancel_at_period_end", false.into())),
            Change::Pause => self.set(
                subscription,
                flag("pause_collection", json!({"behavior": "void"})),
            ),
            Change::Unpause => self.set(subscription, flag("pause_collection", Value::Null)),
            Change::CancelNow { .. } => {
                self.end(subscription);
                return self.take(subscription).map(Ok);
            }
            Change::Stay => self.set(subscription, json!({ "schedule": null })),
            Change::Terms {
                price,
                quantity,
                at_once: false,
                ..
            } => self.plan_terms(subscription, (&price_body(price), *quantity)),
            Change::Terms {
                price,
                quantity,
                at_once: true,
                ..
            } => {
                let terms = (&price_body(price), *quantity);
                if self.set_terms(subscription, terms).is_err() {
                    return Ok(Err(Declined));
                }
            }
        }
        self.tell("customer.subscription.updated", subscription);
        self.take(subscription).map(Ok)
    }

    /// Another price or quantity from the next period on.
    fn plan_terms(&mut self, subscription: &str, (price, quantity): (&Value, i64)) {
        let (start, end) = (
            self.number(subscription, START),
            self.number(subscription, END),
        );
        let runs = json!({
            "price": self.text(subscription, "/items/data/0/price/id"),
            "quantity": self.number(subscription, "/items/data/0/quantity"),
        });
        let schedule = json!({
            "id": self.fresh("sub_sched_"), "object": "subscription_schedule", "status": "active",
            "current_phase": {"start_date": start, "end_date": end},
            "phases": [
                {"start_date": start, "end_date": end, "items": [runs]},
                {"start_date": end, "items": [{"price": price, "quantity": quantity}]},
            ],
        });
        self.set(subscription, json!({ "schedule": schedule }));
    }

    /// What was planned for the period that begins now, begins. Whether periods are of another length from now on.
    fn begin_planned(&mut self, subscription: &str) -> bool {
        let Ok(mut body) = self.take(subscription) else {
            return false;
        };
        let planned = body["schedule"]["phases"][1]["items"][0].clone();
        if planned.is_null() {
            return false;
        }
        let element = &mut body["items"]["data"][0];
        let is_other = months_of(&element["price"]) != months_of(&planned["price"]);
        element["price"] = planned["price"].clone();
        element["quantity"] = planned["quantity"].clone();
        body["schedule"] = Value::Null;
        self.put(subscription, body);
        is_other
    }

    /// Another price or quantity at once, with an invoice for the difference, which must be paid.
    fn set_terms(
        &mut self,
        subscription: &str,
        (price, quantity): (&Value, i64),
    ) -> Result<(), Declined> {
        let Ok(before) = self.take(subscription) else {
            return Ok(());
        };
        let (start, end) = (
            self.number(subscription, START),
            self.number(subscription, END),
        );
        let rest = (end - self.now).max(0);
        let full = |world: &Self| {
            let unit = world.number(subscription, "/items/data/0/price/unit_amount");
            unit * world.number(subscription, "/items/data/0/quantity")
        };
        // A trial costs nothing, and so does the rest of it.
        let is_trial = before["status"] == "trialing";
        let part = |amount: i64| {
            if is_trial {
                0
            } else {
                amount * rest / (end - start).max(1)
            }
        };
        let old_months = months_of(&before["items"]["data"][0]["price"]);
        let given_back = self.line(subscription, -part(full(self)), (self.now, end), true);
        let mut after = before.clone();
        after["items"]["data"][0]["price"] = price.clone();
        after["items"]["data"][0]["quantity"] = quantity.into();
        let is_new_period = months_of(price) != old_months && !is_trial;
        if is_new_period {
            after["sandbox_anchor"] = self.now.into();
        }
        self.put(subscription, after);
        let added = if is_new_period {
            let end = period_end(self.now, months_of(price), self.now);
            self.set_period(subscription, (self.now, end));
            self.line(subscription, full(self), (self.now, end), false)
        } else {
            self.line(subscription, part(full(self)), (self.now, end), true)
        };
        let invoice = self.invoice(subscription, "subscription_update", vec![given_back, added]);
        let (due, currency) = (
            self.number(&invoice, "/amount_due"),
            self.text(&invoice, "/currency"),
        );
        if due == 0 {
            self.mark_paid(&invoice, None);
            return Ok(());
        }
        match self.charge(due, &currency) {
            Ok((intent, _)) => {
                self.mark_paid(&invoice, Some(intent));
                Ok(())
            }
            Err(Declined) => {
                self.put(subscription, before);
                self.set(&invoice, json!({"status": "void"}));
                Err(Declined)
            }
        }
    }
}

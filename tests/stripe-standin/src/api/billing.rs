//! Subscriptions as they run: their beginning, invoices, what a change costs for the rest of a period, and renewals.

use serde_json::{Value, json};

use super::super::fields::{Done, Fields, Refusal};
use super::super::shop::{Shop, number, text};

const DAY: i64 = 24 * 60 * 60;

/// How long a period is: months are as long as each other here.
fn length(price: &Value) -> i64 {
    match text(&price["recurring"], "interval") {
        "year" => 365 * DAY,
        "month" => 30 * DAY,
        "week" => 7 * DAY,
        _ => DAY,
    }
}

/// A line that is to stand on an invoice.
struct Item {
    amount: i64,
    price: Value,
    quantity: i64,
    is_proration: bool,
    period: (i64, i64),
}

/// What a subscription is to: its only element.
fn element(subscription: &Value) -> &Value {
    &subscription["items"]["data"][0]
}

fn period(subscription: &Value) -> (i64, i64) {
    let element = element(subscription);
    (
        number(element, "current_period_start"),
        number(element, "current_period_end"),
    )
}

fn cost(element: &Value) -> i64 {
    number(&element["price"], "unit_amount") * number(element, "quantity")
}

impl Shop {
    /// A session is completed with a new subscription, which begins with its trial or is paid.
    pub(super) fn subscribe(&mut self, session: &Value) -> Done {
        let wish = self
            .wishes
            .get(text(session, "id"))
            .cloned()
            .unwrap_or_default();
        let price = self.find("price", wish.text("line_items[0][price]")?)?;
        let trial = match wish.get("subscription_data[trial_period_days]") {
            Some(_) => wish.number("subscription_data[trial_period_days]")? * DAY,
            None => 0,
        };
        let (start, quantity) = (self.now(), wish.number("line_items[0][quantity]")?);
        let end = start + if trial > 0 { trial } else { length(&price) };
        let (id, element) = (self.name("sub"), self.name("si"));
        let subscription = self.keep(json!({
            "id": id, "object": "subscription", "customer": session["customer"], "currency": price["currency"],
            "status": if trial > 0 { "trialing" } else { "active" }, "created": start, "start_date": start,
            "cancel_at_period_end": false, "cancel_at": null, "canceled_at": null, "ended_at": null,
            "pause_collection": null, "schedule": null, "latest_invoice": null, "trial_end": (trial > 0).then_some(end),
            "metadata": {"order": wish.get("subscription_data[metadata][order]")},
            "items": {"object": "list", "has_more": false, "data": [{
                "id": element, "object": "subscription_item", "price": price, "quantity": quantity,
                "current_period_start": start, "current_period_end": end,
            }]},
        }));
        self.tell("customer.subscription.created", &subscription);
        let amount = if trial > 0 {
            0
        } else {
            number(session, "amount_total")
        };
        let first = Item {
            amount,
            price,
            quantity,
            is_proration: false,
            period: (start, end),
        };
        let invoice = self.bill(&subscription, "subscription_create", &[first]);
        let paid = if amount > 0 {
            "paid"
        } else {
            "no_payment_required"
        };
        let done = self.change(text(session, "id"), |body| {
            body["status"] = "complete".into();
            body["payment_status"] = paid.into();
            body["amount_total"] = amount.into();
            body["subscription"] = subscription["id"].clone();
            body["invoice"] = invoice["id"].clone();
        })?;
        self.tell("checkout.session.completed", &done);
        Ok(done)
    }

    /// An invoice with these lines, paid at once.
    fn bill(&mut self, subscription: &Value, reason: &str, items: &[Item]) -> Value {
        let (id, now) = (self.name("in"), self.now());
        let due = items.iter().map(|item| item.amount).sum::<i64>().max(0);
        let lines: Vec<_> = items.iter().map(|item| self.line(item)).collect();
        let intent = (due > 0).then(|| self.name("pi"));
        let payments = intent.iter().map(|intent| {
            json!({"object": "invoice_payment", "status": "paid",
                "payment": {"type": "payment_intent", "payment_intent": intent}})
        });
        let payments: Vec<_> = payments.collect();
        let invoice = self.keep(json!({
            "id": id, "object": "invoice", "customer": subscription["customer"], "billing_reason": reason,
            "status": "paid", "currency": subscription["currency"], "number": id.to_uppercase(), "amount_due": due,
            "amount_paid": due, "attempt_count": 1, "created": now, "status_transitions": {"paid_at": now},
            "parent": {"type": "subscription_details",
                "subscription_details": {"subscription": subscription["id"], "metadata": subscription["metadata"]}},
            "lines": {"object": "list", "data": lines, "has_more": false},
            "payments": {"object": "list", "data": payments, "has_more": false},
        }));
        if let Some(subscription) = self.objects.get_mut(text(subscription, "id")) {
            subscription["latest_invoice"] = invoice["id"].clone();
        }
        if let Some(intent) = intent {
            self.charge(&invoice, &intent, due);
        }
        for kind in [
            "invoice.created",
            "invoice.paid",
            "invoice.payment_succeeded",
        ] {
            self.tell(kind, &invoice);
        }
        invoice
    }

    fn line(&mut self, item: &Item) -> Value {
        let (start, end) = item.period;
        json!({
            "id": self.name("il"), "object": "line_item", "amount": item.amount, "quantity": item.quantity,
            "period": {"start": start, "end": end},
            "pricing": {"type": "price_details", "price_details": {"price": item.price["id"]}},
            "parent": {"type": "subscription_item_details",
                "subscription_item_details": {"proration": item.is_proration}},
        })
    }

    /// To another price or number now: what is left of the period is given back at the old terms and charged at the
    /// new ones. A period of another length begins anew.
    pub(super) fn upgrade(&mut self, id: &str, price: Value, quantity: i64) -> Done {
        let before = self.find("subscription", id)?;
        let (start, end) = period(&before);
        let (old, now) = (element(&before).clone(), self.now());
        let share = |amount: i64| amount * (end - now).max(0) / (end - start).max(1);
        let is_as_long = length(&old["price"]) == length(&price);
        let next = if is_as_long {
            (now, end)
        } else {
            (now, now + length(&price))
        };
        let full = number(&price, "unit_amount") * quantity;
        let items = [
            Item {
                amount: -share(cost(&old)),
                price: old["price"].clone(),
                quantity: number(&old, "quantity"),
                is_proration: true,
                period: (now, end),
            },
            Item {
                amount: if is_as_long { share(full) } else { full },
                price: price.clone(),
                quantity,
                is_proration: is_as_long,
                period: next,
            },
        ];
        let is_trial = before["status"] == "trialing";
        let changed = self.change(id, |body| {
            let element = &mut body["items"]["data"][0];
            element["price"] = price;
            element["quantity"] = quantity.into();
            if !is_as_long && !is_trial {
                element["current_period_start"] = next.0.into();
                element["current_period_end"] = next.1.into();
            }
        })?;
        self.tell("customer.subscription.updated", &changed);
        if !is_trial {
            self.bill(&changed, "subscription_update", &items);
        }
        Ok(changed)
    }

    /// The invoice that other terms would make now. Nothing changes.
    pub(super) fn preview(&mut self, fields: &Fields) -> Done {
        let of_item = |name: &str| format!("subscription_details[items][0][{name}]");
        let (element, price, quantity) = (of_item("id"), of_item("price"), of_item("quantity"));
        let behavior = "subscription_details[proration_behavior]";
        fields.only(&["subscription", &element, &price, &quantity, behavior])?;
        fields.word(behavior, &["always_invoice"])?;
        let id = fields.text("subscription")?;
        let subscription = self.find("subscription", id)?;
        if text(self::element(&subscription), "id") != fields.text(&element)? {
            return Err(Refusal::missing(
                "subscription_item",
                fields.text(&element)?,
            ));
        }
        let price = self.find("price", fields.text(&price)?)?;
        let (objects, events) = (self.objects.clone(), self.events.clone());
        let changed = self.upgrade(id, price, fields.number(&quantity)?);
        let invoices = self.objects.iter();
        let new =
            invoices.filter(|(id, body)| body["object"] == "invoice" && !objects.contains_key(*id));
        let made = new.map(|(_, body)| body.clone()).next_back();
        (self.objects, self.events) = (objects, events);
        changed?;
        let mut invoice = made.ok_or_else(|| Refusal::new(400, "No upcoming invoices"))?;
        let id = format!("upcoming_{}", text(&invoice, "id"));
        invoice["id"] = id.into();
        invoice["status"] = "draft".into();
        invoice["billing_reason"] = "upcoming".into();
        Ok(invoice)
    }

    /// The period is over: the subscription ends, or begins its next one, to what its schedule says.
    pub fn renew(&mut self, id: &str) -> Done {
        let before = self.find("subscription", id)?;
        let (_, end) = period(&before);
        if before["status"] == "canceled" || self.now() < end {
            return Err(Refusal::new(400, "The period is not over."));
        }
        if before["cancel_at_period_end"] == true {
            return self.close(id);
        }
        let schedule = self.objects.get(text(&before, "schedule")).cloned();
        let planned = schedule
            .as_ref()
            .map(|schedule| &schedule["phases"][1]["items"][0]);
        let planned = planned.filter(|planned| !planned.is_null());
        let old = element(&before);
        let (price, quantity) = match planned {
            Some(planned) => (
                self.find("price", text(planned, "price"))?,
                number(planned, "quantity"),
            ),
            None => (old["price"].clone(), number(old, "quantity")),
        };
        let next = (end, end + length(&price));
        if let Some(schedule) = schedule {
            self.change(text(&schedule, "id"), |body| {
                body["status"] = "released".into()
            })?;
        }
        let renewed = self.change(id, |body| {
            body["status"] = "active".into();
            body["schedule"] = Value::Null;
            let element = &mut body["items"]["data"][0];
            element["price"] = price.clone();
            element["quantity"] = quantity.into();
            element["current_period_start"] = next.0.into();
            element["current_period_end"] = next.1.into();
        })?;
        self.tell("customer.subscription.updated", &renewed);
        let amount = number(&price, "unit_amount") * quantity;
        let item = Item {
            amount,
            price,
            quantity,
            is_proration: false,
            period: next,
        };
        // While collection is paused, invoices are void.
        if renewed["pause_collection"].is_null() {
            self.bill(&renewed, "subscription_cycle", &[item]);
        }
        Ok(renewed)
    }

    pub(super) fn close(&mut self, id: &str) -> Done {
        let now = self.now();
        let ended = self.change(id, |body| {
            body["status"] = "canceled".into();
            body["canceled_at"] = now.into();
            body["ended_at"] = now.into();
        })?;
        self.tell("customer.subscription.deleted", &ended);
        Ok(ended)
    }
}

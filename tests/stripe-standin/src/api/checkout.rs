//! Payment pages and the portal as the API opens them, what buyers do on them, and refunds.

use serde_json::{Value, json};

use super::super::Verb;
use super::super::fields::{Done, Fields, Refusal, check_amount};
use super::super::shop::{Shop, number, text};

/// How long a payment page stays open.
const OPEN_FOR: i64 = 24 * 60 * 60;
/// Only for pages on which a plan is subscribed to.
const OF_PLANS: [&str; 4] = [
    "subscription_data[metadata][order]",
    "subscription_data[trial_period_days]",
    "subscription_data[trial_settings][end_behavior][missing_payment_method]",
    "payment_method_collection",
];
/// Only for the others.
const OF_PACKS: [&str; 1] = ["payment_intent_data[metadata][order]"];
const OF_ALL: [&str; 10] = [
    "mode",
    "customer",
    "client_reference_id",
    "metadata[order]",
    "line_items[0][price]",
    "line_items[0][quantity]",
    "success_url",
    "cancel_url",
    "allow_promotion_codes",
    "automatic_tax[enabled]",
];

impl Shop {
    pub(super) fn open(&mut self, fields: &Fields) -> Done {
        let mut known = OF_ALL.to_vec();
        fields.word("mode", &["payment", "setup", "subscription"])?;
        let is_plan = fields.text("mode")? == "subscription";
        known.extend(if is_plan {
            &OF_PLANS[..]
        } else {
            &OF_PACKS[..]
        });
        if fields.flag("automatic_tax[enabled]")? == Some(true) {
            known.push("customer_update[address]");
        }
        fields.only(&known)?;
        fields.word("payment_method_collection", &["always", "if_required"])?;
        fields.word("customer_update[address]", &["auto", "never"])?;
        fields.word(OF_PLANS[2], &["cancel", "create_invoice", "pause"])?;
        fields.flag("allow_promotion_codes")?;
        if fields.get(OF_PLANS[1]).is_some() && fields.number(OF_PLANS[1])? < 1 {
            return Err(Refusal::new(
                400,
                "The minimum number of trial period days is 1.",
            ));
        }
        let price = self.find("price", fields.text("line_items[0][price]")?)?;
        self.find("customer", fields.text("customer")?)?;
        if price["active"] != true || price["recurring"].is_null() == is_plan {
            return Err(Refusal::new(
                400,
                "You must provide an active price that fits the mode",
            ));
        }
        let quantity = fields.number("line_items[0][quantity]")?;
        if quantity < 1 {
            return Err(Refusal::new(400, "Invalid quantity: at least 1"));
        }
        let id = self.name("cs");
        let session = self.keep(json!({
            "id": id, "object": "checkout.session", "mode": fields.text("mode")?, "status": "open",
            "payment_status": "unpaid", "customer": fields.text("customer")?, "created": self.now(),
            "expires_at": self.now() + OPEN_FOR, "client_reference_id": fields.get("client_reference_id"),
            "currency": price["currency"], "amount_total": number(&price, "unit_amount") * quantity,
            "url": format!("{}/c/pay/{id}", self.address), "payment_intent": null, "subscription": null,
            "invoice": null, "metadata": fields.metadata(""), "success_url": fields.url("success_url")?,
            "cancel_url": fields.url("cancel_url")?, "livemode": false,
        }));
        self.wishes.insert(id, fields.clone());
        Ok(session)
    }

    pub(super) fn expire(&mut self, id: &str, fields: &Fields) -> Done {
        fields.only(&[])?;
        let session = self.find("checkout.session", id)?;
        if session["status"] != "open" {
            let status = text(&session, "status");
            let message = format!(
                "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout \
                 Session has a status of {status}."
            );
            return Err(Refusal::new(400, message));
        }
        let expired = self.change(id, |session| {
            session["status"] = "expired".into();
            session["url"] = Value::Null;
        })?;
        self.tell("checkout.session.expired", &expired);
        Ok(expired)
    }

    /// Does what a buyer does on a payment page, or what becomes of his transfer; gives the page then.
    pub fn at_till(&mut self, id: &str, verb: Verb) -> Done {
        let session = self.find("checkout.session", id)?;
        let expected = match verb {
            Verb::Pay | Verb::Decline | Verb::PayLater | Verb::Expire => ("open", "unpaid"),
            Verb::Arrive | Verb::Fail => ("complete", "unpaid"),
        };
        if (text(&session, "status"), text(&session, "payment_status")) != expected {
            return Err(Refusal::new(400, "This payment page is closed."));
        }
        let is_plan = session["mode"] == "subscription";
        match verb {
            Verb::Pay if is_plan => self.subscribe(&session),
            Verb::Pay => self.take_payment(&session, "checkout.session.completed"),
            Verb::Arrive => self.take_payment(&session, "checkout.session.async_payment_succeeded"),
            Verb::Decline => Err(
                Refusal::new(402, "The card was declined. Nothing was charged.")
                    .coded("card_error", "card_declined"),
            ),
            Verb::PayLater if is_plan => Err(Refusal::new(400, "A plan is paid at once.")),
            Verb::PayLater => {
                let intent = self.name("pi");
                self.keep(json!({
                    "id": intent, "object": "payment_intent", "status": "processing", "created": self.now(),
                    "amount": session["amount_total"], "currency": session["currency"], "last_payment_error": null,
                }));
                let body = self.change(id, |session| {
                    session["status"] = "complete".into();
                    session["payment_intent"] = intent.into();
                })?;
                self.tell("checkout.session.completed", &body);
                Ok(body)
            }
            Verb::Fail => {
                self.change(text(&session, "payment_intent"), |intent| {
                    intent["status"] = "requires_payment_method".into();
                    intent["last_payment_error"] =
                        json!({"code": "payment_intent_payment_attempt_failed"});
                })?;
                self.tell("checkout.session.async_payment_failed", &session);
                Ok(session)
            }
            Verb::Expire => self.expire(id, &Fields::default()),
        }
    }

    fn take_payment(&mut self, session: &Value, told: &str) -> Done {
        let intent = match session["payment_intent"].as_str() {
            Some(intent) => {
                self.change(intent, |body| body["status"] = "succeeded".into())?;
                intent.to_owned()
            }
            None => self.name("pi"),
        };
        self.charge(session, &intent, number(session, "amount_total"));
        let paid = self.change(text(session, "id"), |body| {
            body["status"] = "complete".into();
            body["payment_status"] = "paid".into();
            body["payment_intent"] = intent.into();
        })?;
        self.tell(told, &paid);
        Ok(paid)
    }

    /// Takes money for a session or an invoice.
    pub(super) fn charge(&mut self, of: &Value, intent: &str, amount: i64) {
        let id = self.name("ch");
        let charge = self.keep(json!({
            "id": id, "object": "charge", "payment_intent": intent, "amount": amount, "amount_refunded": 0,
            "currency": of["currency"], "customer": of["customer"], "created": self.now(), "paid": true,
            "refunded": false, "status": "succeeded",
        }));
        self.tell("charge.succeeded", &charge);
    }

    pub(super) fn refund(&mut self, fields: &Fields) -> Done {
        fields.only(&["payment_intent", "amount", "metadata[refund]"])?;
        let (intent, amount) = (fields.text("payment_intent")?, fields.number("amount")?);
        let mut charges = self.objects.values_mut();
        let charge = charges
            .find(|body| body["object"] == "charge" && body["payment_intent"] == intent)
            .ok_or_else(|| Refusal::missing("payment_intent", intent))?;
        let left = number(charge, "amount") - number(charge, "amount_refunded");
        if left == 0 {
            return Err(Refusal::new(400, "Charge has already been refunded.")
                .coded("invalid_request_error", "charge_already_refunded"));
        }
        if !(1..=left).contains(&amount) {
            let message = "Refund amount is greater than unrefunded amount on charge, or none";
            return Err(Refusal::new(400, message));
        }
        check_amount(amount, text(charge, "currency"))?;
        charge["amount_refunded"] = (number(charge, "amount_refunded") + amount).into();
        charge["refunded"] = (left == amount).into();
        let charge = charge.clone();
        let id = self.name("re");
        let refund = self.keep(json!({
            "id": id, "object": "refund", "charge": charge["id"], "payment_intent": intent, "amount": amount,
            "currency": charge["currency"], "created": self.now(), "status": "succeeded",
            "metadata": fields.metadata(""),
        }));
        self.tell("refund.created", &refund);
        self.tell("charge.refunded", &charge);
        Ok(refund)
    }

    pub(super) fn open_portal(&mut self, fields: &Fields) -> Done {
        fields.only(&["customer", "return_url"])?;
        let customer = fields.text("customer")?;
        self.find("customer", customer)?;
        let id = self.name("bps");
        Ok(self.keep(json!({
            "id": id, "object": "billing_portal.session", "customer": customer, "created": self.now(),
            "return_url": fields.url("return_url")?, "url": format!("{}/p/session/{id}", self.address),
        })))
    }
}

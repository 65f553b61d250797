//! Subscriptions at the API: what a change may say, and what a DELETE of what is over says.

use serde_json::{Value, json};

use super::super::fields::{Done, Fields, Refusal};
use super::super::shop::{Shop, text};

impl Shop {
    /// A subscription that is not over.
    fn running(&self, id: &str) -> Done {
        let found = self.find("subscription", id)?;
        if found["status"] == "canceled" {
            return Err(Refusal::missing("subscription", id));
        }
        Ok(found)
    }

    pub(super) fn end_subscription(&mut self, id: &str, fields: &Fields) -> Done {
        fields.only(&["cancellation_details[comment]"])?;
        self.running(id)?;
        self.close(id)
    }

    pub(super) fn change_subscription(&mut self, id: &str, fields: &Fields) -> Done {
        fields.only(&[
            "items[0][id]",
            "items[0][price]",
            "items[0][quantity]",
            "proration_behavior",
            "payment_behavior",
            "cancel_at_period_end",
            "pause_collection[behavior]",
            "pause_collection",
        ])?;
        fields.word(
            "proration_behavior",
            &["always_invoice", "create_prorations", "none"],
        )?;
        let behaviors = [
            "allow_incomplete",
            "default_incomplete",
            "error_if_incomplete",
            "pending_if_incomplete",
        ];
        fields.word("payment_behavior", &behaviors)?;
        fields.word(
            "pause_collection[behavior]",
            &["keep_as_draft", "mark_uncollectible", "void"],
        )?;
        let found = self.running(id)?;
        if !found["schedule"].is_null() && fields.get("cancel_at_period_end").is_some() {
            let message = format!(
                "The subscription is managed by the subscription schedule `{}`, and updating any \
                 cancelation behavior directly is not allowed.",
                text(&found, "schedule")
            );
            return Err(Refusal::new(400, message));
        }
        if fields.get("items[0][id]").is_some() {
            let price = self.find("price", fields.text("items[0][price]")?)?;
            let quantity = fields.number("items[0][quantity]")?;
            let element = fields.text("items[0][id]")?;
            if found["items"]["data"][0]["id"] != element {
                return Err(Refusal::missing("subscription_item", element));
            }
            let is_there_already = {
                let now = &found["items"]["data"][0];
                now["price"]["id"] == price["id"] && now["quantity"] == quantity
            };
            if is_there_already {
                return Ok(found);
            }
            return self.upgrade(id, price, quantity);
        }
        let ends = fields.flag("cancel_at_period_end")?;
        let now = self.now();
        let changed = self.change(id, |body| {
            if let Some(ends) = ends {
                body["cancel_at_period_end"] = ends.into();
                body["canceled_at"] = json!(ends.then_some(now));
            }
            if let Some(behavior) = fields.get("pause_collection[behavior]") {
                body["pause_collection"] = json!({"behavior": behavior, "resumes_at": null});
            }
            if fields.get("pause_collection").is_some() {
                body["pause_collection"] = Value::Null;
            }
        })?;
        self.tell("customer.subscription.updated", &changed);
        Ok(changed)
    }
}

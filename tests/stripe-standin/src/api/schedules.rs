//! What begins with a subscription's next period: schedules, which are made from a subscription, changed with the phase
//! that runs, and released.

use serde_json::{Value, json};

use super::super::fields::{Done, Fields, Refusal};
use super::super::shop::{Shop, text};

impl Shop {
    pub(super) fn plan(&mut self, rest: &[&str], fields: &Fields) -> Done {
        match rest {
            [] => self.make_schedule(fields),
            [id] => self.set_phases(id, fields),
            [id, "release"] => {
                fields.only(&[])?;
                let subscription = self.open_schedule(id)?["subscription"].clone();
                let free = self.change(subscription.as_str().unwrap_or_default(), |body| {
                    body["schedule"] = Value::Null;
                })?;
                self.tell("customer.subscription.updated", &free);
                self.change(id, |schedule| schedule["status"] = "released".into())
            }
            _ => Err(Refusal::new(404, "Unrecognized request URL")),
        }
    }

    fn open_schedule(&self, id: &str) -> Done {
        let found = self.find("subscription_schedule", id)?;
        if found["status"] == "active" {
            return Ok(found);
        }
        let message =
            "You cannot change a subscription schedule that is released, canceled or completed.";
        Err(Refusal::new(400, message))
    }

    fn make_schedule(&mut self, fields: &Fields) -> Done {
        fields.only(&["from_subscription"])?;
        let id = fields.text("from_subscription")?;
        let found = self.find("subscription", id)?;
        if !found["schedule"].is_null() {
            let message =
                "You cannot migrate a subscription that is already attached to a schedule";
            return Err(Refusal::new(400, message));
        }
        let element = &found["items"]["data"][0];
        let (start, end) = (
            &element["current_period_start"],
            &element["current_period_end"],
        );
        let runs = json!({
            "start_date": start, "end_date": end, "trial_end": found["trial_end"],
            "items": [{"price": element["price"]["id"], "quantity": element["quantity"]}],
        });
        let name = self.name("sub_sched");
        let planned = self.change(id, |body| body["schedule"] = name.clone().into())?;
        self.tell("customer.subscription.updated", &planned);
        Ok(self.keep(json!({
            "id": name, "object": "subscription_schedule", "status": "active", "subscription": id,
            "current_phase": {"start_date": start, "end_date": end}, "phases": [runs],
        })))
    }

    fn set_phases(&mut self, id: &str, fields: &Fields) -> Done {
        fields.only(&[
            "end_behavior",
            "phases[0][items][0][price]",
            "phases[0][items][0][quantity]",
            "phases[0][start_date]",
            "phases[0][end_date]",
            "phases[0][trial_end]",
            "phases[1][items][0][price]",
            "phases[1][items][0][quantity]",
            "phases[1][iterations]",
            "phases[1][proration_behavior]",
        ])?;
        fields.word("end_behavior", &["cancel", "release"])?;
        let runs = self.open_schedule(id)?["phases"][0].clone();
        let element = &runs["items"][0];
        for (name, expected) in [
            ("phases[0][start_date]", &runs["start_date"]),
            ("phases[0][end_date]", &runs["end_date"]),
            ("phases[0][items][0][quantity]", &element["quantity"]),
        ] {
            if fields.number(name)? != *expected {
                let message = format!("You can not modify the phase that runs: {name}");
                return Err(Refusal::new(400, message));
            }
        }
        if fields.text("phases[0][items][0][price]")? != text(element, "price") {
            return Err(Refusal::new(
                400,
                "You can not modify the phase that runs: price",
            ));
        }
        if !runs["trial_end"].is_null() && fields.get("phases[0][trial_end]").is_none() {
            return Err(Refusal::new(400, "The trial would end"));
        }
        let price = fields.text("phases[1][items][0][price]")?;
        self.find("price", price)?;
        let next = json!({
            "start_date": runs["end_date"],
            "items": [{"price": price, "quantity": fields.number("phases[1][items][0][quantity]")?}],
        });
        let planned = self.change(id, |schedule| schedule["phases"] = json!([runs, next]))?;
        self.tell("subscription_schedule.updated", &planned);
        Ok(planned)
    }
}

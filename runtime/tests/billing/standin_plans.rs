//! Subscriptions at the stand-in: what a change may say, what a DELETE of what is over says, and schedules, which are
//! made from a subscription, changed with the phase that runs, and released.

use std::collections::BTreeMap;

use axum::http::Method;
use serde_json::{Value, json};

use super::standin::{Done, Shop, needed, only};

type Fields = BTreeMap<String, String>;

fn number(fields: &Fields, name: &str) -> Result<i64, (u16, String)> {
    let text = needed(fields, name)?;
    text.parse()
        .map_err(|_| (400, format!("Invalid integer: {name}")))
}

impl Shop {
    pub(super) fn change_subscription(
        &mut self,
        method: &Method,
        id: &str,
        fields: &Fields,
    ) -> Done {
        let found = self.objects.get(id).cloned();
        let found = found.filter(|body| body["status"] != "canceled");
        let Some(found) = found else {
            return Err((404, format!("No such subscription: '{id}'")));
        };
        if method == Method::DELETE {
            only(fields, &["cancellation_details[comment]"])?;
            return self.change(id, |body| {
                body["status"] = "canceled".into();
                body["ended_at"] = 1_767_225_600.into();
            });
        }
        let known = [
            "items[0][id]",
            "items[0][price]",
            "items[0][quantity]",
            "proration_behavior",
            "payment_behavior",
            "cancel_at_period_end",
            "pause_collection[behavior]",
            "pause_collection",
        ];
        only(fields, &known)?;
        let is_managed = !found["schedule"].is_null();
        if is_managed && fields.contains_key("cancel_at_period_end") {
            return Err((400, "The subscription is managed by a schedule".into()));
        }
        if fields.contains_key("items[0][id]") {
            let price = self
                .objects
                .get(&needed(fields, "items[0][price]")?)
                .cloned();
            let price = price.ok_or((400, "No such price".to_owned()))?;
            let quantity = number(fields, "items[0][quantity]")?;
            if needed(fields, "items[0][id]")? != found["items"]["data"][0]["id"] {
                return Err((400, "No such subscription item".into()));
            }
            return self.change(id, |body| {
                body["items"]["data"][0]["price"] = price;
                body["items"]["data"][0]["quantity"] = quantity.into();
            });
        }
        let flag = |name: &str| fields.get(name).map(|text| text == "true");
        self.change(id, |body| {
            if let Some(ends) = flag("cancel_at_period_end") {
                body["cancel_at_period_end"] = ends.into();
            }
        })
    }

    pub(super) fn plan(&mut self, rest: &[&str], fields: &Fields, made: usize) -> Done {
        match rest {
            [] => self.make_schedule(fields, made),
            [id] => self.set_phases(id, fields),
            [id, "release"] => {
                only(fields, &[])?;
                let subscription = self.open_schedule(id)?["subscription"].clone();
                self.change(subscription.as_str().unwrap(), |body| {
                    body["schedule"] = Value::Null;
                })?;
                self.change(id, |schedule| schedule["status"] = "released".into())
            }
            _ => Err((404, "Unrecognized request URL".into())),
        }
    }

    fn open_schedule(&self, id: &str) -> Done {
        let found = self.objects.get(id).cloned();
        found
            .filter(|schedule| schedule["status"] == "active")
            .ok_or((
                400,
                "You cannot change a schedule that is not active".into(),
            ))
    }

    fn make_schedule(&mut self, fields: &Fields, made: usize) -> Done {
        only(fields, &["from_subscription"])?;
        let id = needed(fields, "from_subscription")?;
        let found = self.objects.get(&id).cloned();
        let found = found.ok_or((404, "No such subscription".to_owned()))?;
        if !found["schedule"].is_null() {
            return Err((
                400,
                "The subscription is already attached to a schedule".into(),
            ));
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
        let name = format!("sub_sched_{made}");
        self.change(&id, |body| body["schedule"] = name.clone().into())?;
        self.keep(json!({
            "id": name, "object": "subscription_schedule", "status": "active", "subscription": id,
            "current_phase": {"start_date": start, "end_date": end}, "phases": [runs],
        }))
    }

    fn set_phases(&mut self, id: &str, fields: &Fields) -> Done {
        let known = [
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
        ];
        only(fields, &known)?;
        let before = self.open_schedule(id)?;
        let runs = before["phases"][0].clone();
        let same = [
            ("phases[0][start_date]", &runs["start_date"]),
            ("phases[0][end_date]", &runs["end_date"]),
            (
                "phases[0][items][0][quantity]",
                &runs["items"][0]["quantity"],
            ),
        ];
        for (name, expected) in same {
            if number(fields, name)? != *expected {
                return Err((
                    400,
                    format!("You can not modify the phase that runs: {name}"),
                ));
            }
        }
        if !runs["trial_end"].is_null() && !fields.contains_key("phases[0][trial_end]") {
            return Err((400, "The trial would end".into()));
        }
        let price = needed(fields, "phases[1][items][0][price]")?;
        if !self.objects.contains_key(&price) {
            return Err((400, "No such price".into()));
        }
        let next = json!({
            "start_date": runs["end_date"],
            "items": [{"price": price, "quantity": number(fields, "phases[1][items][0][quantity]")?}],
        });
        self.change(id, |schedule| schedule["phases"] = json!([runs, next]))
    }
}

//! The API: which request does what.

mod billing;
mod catalogue;
mod checkout;
mod schedules;
mod subscriptions;

use hyper::Method;
use serde_json::{Value, json};

use super::fields::{Done, Fields, Refusal};
use super::shop::Shop;

/// Lists that the application reads, by their folders.
const LISTS: [&str; 7] = [
    "products",
    "prices",
    "subscriptions",
    "invoices",
    "charges",
    "disputes",
    "refunds",
];
/// So many objects of a list come together, so that lists have several parts.
const TOGETHER: usize = 2;

impl Shop {
    pub fn carry_out(&mut self, method: &Method, path: &str, fields: &Fields) -> Done {
        let parts: Vec<_> = path.trim_start_matches("/v1/").split('/').collect();
        match (method.as_str(), &parts[..]) {
            ("POST", ["customers"]) => self.make_customer(fields),
            ("DELETE", ["customers", id]) => self.delete_customer(id, fields),
            ("POST", ["products"]) => self.make_product(fields),
            ("POST", ["products", id]) => self.change_product(id, fields),
            ("POST", ["prices"]) => self.make_price(fields),
            ("GET", ["prices"]) if fields.get("lookup_keys[]").is_some() => self.look_up(fields),
            ("POST", ["checkout", "sessions"]) => self.open(fields),
            ("POST", ["checkout", "sessions", id, "expire"]) => self.expire(id, fields),
            ("POST", ["billing_portal", "sessions"]) => self.open_portal(fields),
            ("POST", ["invoices", "create_preview"]) => self.preview(fields),
            ("POST", ["refunds"]) => self.refund(fields),
            ("POST", ["subscription_schedules", rest @ ..]) => self.plan(rest, fields),
            ("POST", ["subscriptions", id]) => self.change_subscription(id, fields),
            ("DELETE", ["subscriptions", id]) => self.end_subscription(id, fields),
            ("GET", ["checkout", "sessions"]) => self.list("checkout.session", fields),
            ("GET", ["customers"]) => self.list("customer", fields),
            ("GET", ["customers", id]) => self.read("customer", id, fields),
            ("GET", ["payment_intents", id]) => self.read("payment_intent", id, fields),
            ("GET", [folder]) if LISTS.contains(folder) => {
                self.list(folder.trim_end_matches('s'), fields)
            }
            ("GET", ["checkout", "sessions", id]) => self.read("checkout.session", id, fields),
            ("GET", [folder, id]) if LISTS.contains(folder) => {
                self.read(folder.trim_end_matches('s'), id, fields)
            }
            _ => {
                let message = format!("Unrecognized request URL ({method}: {path}).");
                Err(Refusal::new(404, message))
            }
        }
    }

    fn list(&self, kind: &str, fields: &Fields) -> Done {
        let known = [
            "limit",
            "created[gte]",
            "status",
            "expand[]",
            "starting_after",
        ];
        let narrowing = match kind {
            "customer" => "email",
            "checkout.session" => "customer",
            "refund" => "payment_intent",
            _ => "",
        };
        fields.only(&[&known[..], &[narrowing]].concat())?;
        if !(1..=100).contains(&fields.number("limit")?) {
            return Err(Refusal::new(400, "Invalid integer: limit is from 1 to 100"));
        }
        let after = fields.get("starting_after");
        if let Some(after) = after {
            self.find(kind, after)?;
        }
        let since = match fields.get("created[gte]") {
            Some(_) => fields.number("created[gte]")?,
            None => 0,
        };
        let is_new = |body: &Value| body["created"].as_i64().is_none_or(|at| at >= since);
        let is_meant = |body: &Value| {
            let wanted = fields.get(narrowing);
            let is_there = body["object"] == kind && body["deleted"] != true;
            let is_there = is_there && !(kind == "subscription" && self.is_orphan(body));
            is_there && wanted.is_none_or(|wanted| body[narrowing] == wanted)
        };
        let own = self.objects.iter().filter(|(_, body)| is_meant(body));
        let rest: Vec<_> = own
            .filter(|(id, body)| after.is_none_or(|after| id.as_str() > after) && is_new(body))
            .map(|(_, body)| body)
            .collect();
        let (data, has_more) = (&rest[..rest.len().min(TOGETHER)], rest.len() > TOGETHER);
        Ok(json!({"object": "list", "data": data, "has_more": has_more}))
    }

    /// Whether it belonged to a customer who was deleted: then only its name leads to it.
    fn is_orphan(&self, body: &Value) -> bool {
        let customer = body["customer"]
            .as_str()
            .and_then(|id| self.objects.get(id));
        customer.is_some_and(|customer| customer["deleted"] == true)
    }

    /// Payments of invoices are told, and products of prices spelt out, only where that is asked for.
    fn read(&self, kind: &str, id: &str, fields: &Fields) -> Done {
        fields.only(&["expand[]"])?;
        let gone = self.objects.get(id).filter(|body| body["deleted"] == true);
        if let Some(gone) = gone {
            return Ok(gone.clone());
        }
        let mut body = self.find(kind, id)?;
        let spelt_out = |link: &Value| self.objects.get(link.as_str()?).cloned();
        match (fields.get("expand[]"), kind) {
            (Some("payments"), "invoice") => {}
            (Some("schedule"), "subscription") => {
                body["schedule"] = spelt_out(&body["schedule"]).unwrap_or_default();
            }
            (Some("product"), "price") => {
                body["product"] = spelt_out(&body["product"]).unwrap_or_default();
            }
            (Some(name), _) => {
                let message = format!("This property cannot be expanded ({name}).");
                return Err(Refusal::new(400, message));
            }
            (None, _) => {
                if let Some(fields) = body.as_object_mut() {
                    fields.remove("payments");
                }
            }
        }
        Ok(body)
    }
}

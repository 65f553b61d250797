//! Events as endpoints get them whose version is older than 2025-03-31: a subscription has its period itself, an invoice
//! its links and its payment, and a line its price.

use serde_json::{Value, json};

/// The same event in the older shape.
#[must_use]
pub fn as_before(event: &Value) -> Value {
    let mut event = event.clone();
    event["api_version"] = "2025-02-24.acacia".into();
    let object = &mut event["data"]["object"];
    match object["object"].as_str() {
        Some("subscription") => subscription(object),
        Some("invoice") => invoice(object),
        _ => {}
    }
    event
}

fn take(object: &mut Value, name: &str) -> Value {
    let fields = object.as_object_mut();
    fields
        .and_then(|fields| fields.remove(name))
        .unwrap_or_default()
}

fn subscription(object: &mut Value) {
    for name in ["current_period_start", "current_period_end"] {
        object[name] = take(&mut object["items"]["data"][0], name);
    }
}

fn invoice(object: &mut Value) {
    let parent = take(object, "parent");
    object["subscription"] = parent["subscription_details"]["subscription"].clone();
    object["paid"] = (object["status"] == "paid").into();
    for line in object["lines"]["data"].as_array_mut().into_iter().flatten() {
        let (pricing, parent) = (take(line, "pricing"), take(line, "parent"));
        line["price"] = json!({"id": pricing["price_details"]["price"], "object": "price"});
        line["proration"] = parent["subscription_item_details"]["proration"].clone();
    }
}

//! The billing portal: the way to pay, the subscriptions and the invoices of one customer.

use serde_json::Value;

use super::super::fields::{Fields, Refusal};
use super::super::shop::{Shop, number, text};
use super::{Shown, document, escaped, form, money, notice, product_name};

/// A button about one subscription.
fn button(path: &str, (verb, subscription): (&str, &str), text: &str) -> String {
    format!(
        "<form method=\"post\" action=\"{path}\"><input type=\"hidden\" name=\"subscription\" \
         value=\"{subscription}\"><button type=\"submit\" name=\"do\" value=\"{verb}\">{text}</button></form>"
    )
}

fn own<'a>(shop: &'a Shop, kind: &'a str, customer: &'a str) -> impl Iterator<Item = &'a Value> {
    let own = shop.objects.values();
    own.filter(move |body| body["object"] == kind && body["customer"] == customer)
}

pub fn page(shop: &Shop, id: &str, told: &str) -> Result<Shown, Refusal> {
    let session = shop.find("billing_portal.session", id)?;
    let customer = shop.find("customer", text(&session, "customer"))?;
    let (name, path) = (text(&customer, "id"), format!("/p/session/{id}"));
    let card = customer["card"].as_str().unwrap_or("4242");
    let mut body = notice(told);
    for subscription in own(shop, "subscription", name).filter(|one| one["status"] != "canceled") {
        let (id, price) = (
            text(subscription, "id"),
            &subscription["items"]["data"][0]["price"],
        );
        let what = product_name(shop, text(price, "id"));
        let ends = subscription["cancel_at_period_end"] == true;
        let (state, change) = if ends {
            (
                "ends with its period",
                button(&path, ("renew", id), "Renew the plan"),
            )
        } else {
            ("renews", button(&path, ("cancel", id), "Cancel the plan"))
        };
        body += &format!("<section><h2>{what}</h2><p>It {state}.</p>{change}</section>\n");
    }
    body += &format!(
        "<section><h2>Payment method</h2><p>A card that ends in {}</p>",
        escaped(card)
    );
    body += &form(&path, &[("card", "Pay with the other card")]);
    body += "</section>\n<section><h2>Invoices</h2><ul>\n";
    for invoice in own(shop, "invoice", name) {
        let sum = money(number(invoice, "amount_paid"), text(invoice, "currency"));
        body += &format!(
            "<li>{}: {sum}, {}</li>\n",
            text(invoice, "number"),
            text(invoice, "status")
        );
    }
    let back = escaped(text(&session, "return_url"));
    body += &format!("</ul></section>\n<p><a href=\"{back}\">Back to the shop</a></p>");
    Ok(Shown::Page(200, document("Billing portal", &body)))
}

pub fn act(shop: &mut Shop, id: &str, fields: &Fields) -> Result<Shown, Refusal> {
    let session = shop.find("billing_portal.session", id)?;
    let customer = text(&session, "customer").to_owned();
    let told = match fields.text("do")? {
        "card" => {
            let other = if shop.find("customer", &customer)?["card"] == "4444" {
                "4242"
            } else {
                "4444"
            };
            let changed = shop.change(&customer, |body| body["card"] = other.into())?;
            shop.tell("customer.updated", &changed);
            "The payment method was changed."
        }
        verb @ ("cancel" | "renew") => {
            let ends = verb == "cancel";
            let name = fields.text("subscription")?;
            if shop.find("subscription", name)?["customer"] != customer.as_str() {
                return Err(Refusal::missing("subscription", name));
            }
            let changed = shop.change(name, |body| body["cancel_at_period_end"] = ends.into())?;
            shop.tell("customer.subscription.updated", &changed);
            if ends {
                "The plan ends with its period."
            } else {
                "The plan renews."
            }
        }
        _ => return Err(Refusal::new(400, "There is no such button.")),
    };
    page(shop, id, told)
}

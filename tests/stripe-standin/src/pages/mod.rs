//! The pages that people see: where they pay, and where they look after what they pay for.

mod portal;
pub mod till;

use hyper::header::{CONTENT_TYPE, LOCATION};
use hyper::{Method, Response};

use super::StandIn;
use super::fields::{Fields, Refusal};
use super::server::{Body, whole};
use super::shop::Shop;

/// What a page is answered with.
pub enum Shown {
    Page(u16, String),
    GoTo(String),
}

pub fn answer(stand_in: &StandIn, method: &Method, path: &str, given: &str) -> Response<Body> {
    let shown = Fields::read(given).and_then(|fields| {
        let mut shop = stand_in.shop();
        let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
        match (method.as_str(), &parts[..]) {
            ("GET", ["c", "pay", id]) => till::page(&shop, id, ""),
            ("POST", ["c", "pay", id]) => till::act(&mut shop, id, fields.text("do")?),
            ("GET", ["p", "session", id]) => portal::page(&shop, id, ""),
            ("POST", ["p", "session", id]) => portal::act(&mut shop, id, &fields),
            // Browsers ask for it by themselves.
            ("GET", ["favicon.ico"]) => Ok(Shown::Page(204, String::new())),
            _ => Err(Refusal::new(404, "There is no such page.")),
        }
    });
    match shown {
        Ok(Shown::Page(status, html)) => whole(status, "text/html; charset=utf-8", html),
        Ok(Shown::GoTo(address)) => {
            let mut response = whole(303, "text/plain", String::new());
            response.headers_mut().remove(CONTENT_TYPE);
            if let Ok(address) = address.parse() {
                response.headers_mut().insert(LOCATION, address);
            }
            response
        }
        Err(refusal) => {
            let text = format!("<p>{}</p>", escaped(&refusal.message));
            whole(
                refusal.status,
                "text/html; charset=utf-8",
                document("Stand-in", &text),
            )
        }
    }
}

/// A whole page.
fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><link rel=\"icon\" href=\"data:,\"></head>\
         <body><main><h1>{title}</h1>\n{body}\n</main></body></html>\n"
    )
}

/// A form whose buttons do something on this page.
fn form(path: &str, buttons: &[(&str, &str)]) -> String {
    let buttons = buttons.iter().map(|(verb, text)| {
        format!("<button type=\"submit\" name=\"do\" value=\"{verb}\">{text}</button>\n")
    });
    format!(
        "<form method=\"post\" action=\"{path}\">\n{}</form>",
        buttons.collect::<String>()
    )
}

fn notice(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!("<p role=\"alert\">{}</p>\n", escaped(text))
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// An amount with its currency, in minor units as the API has them.
fn money(minor: i64, currency: &str) -> String {
    format!("{minor} {}", currency.to_uppercase())
}

/// The name of what a price is for.
fn product_name(shop: &Shop, price: &str) -> String {
    let product = shop
        .objects
        .get(price)
        .map(|price| super::shop::text(price, "product"));
    let product = product.and_then(|id| shop.objects.get(id));
    let name = product.map(|product| super::shop::text(product, "name"));
    escaped(name.unwrap_or("?"))
}

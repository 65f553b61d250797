//! The payment page.

use super::super::fields::Refusal;
use super::super::shop::{Shop, number, text};
use super::{Shown, document, escaped, form, money, notice, product_name};

/// What a buyer does on a payment page, and what becomes of his transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Pay,
    Decline,
    /// By transfer, which arrives or fails afterwards.
    PayLater,
    Arrive,
    Fail,
    /// Nobody paid in time.
    Expire,
}

impl Verb {
    fn named(name: &str) -> Option<Self> {
        match name {
            "pay" => Some(Self::Pay),
            "decline" => Some(Self::Decline),
            "later" => Some(Self::PayLater),
            "arrive" => Some(Self::Arrive),
            "fail" => Some(Self::Fail),
            "expire" => Some(Self::Expire),
            _ => None,
        }
    }
}

pub fn page(shop: &Shop, id: &str, told: &str) -> Result<Shown, Refusal> {
    let session = shop.find("checkout.session", id)?;
    let wish = shop.wishes.get(id).cloned().unwrap_or_default();
    let what = product_name(shop, wish.get("line_items[0][price]").unwrap_or_default());
    let sum = money(number(&session, "amount_total"), text(&session, "currency"));
    let path = format!("/c/pay/{id}");
    let is_paid = text(&session, "payment_status") != "unpaid";
    let plan = session["mode"] == "subscription";
    let trial = wish.get("subscription_data[trial_period_days]");
    let trial = trial.map(|days| format!("<p>{} days for nothing.</p>\n", escaped(days)));
    let buttons = match text(&session, "status") {
        "open" => {
            let mut buttons = vec![("pay", "Pay"), ("decline", "Let the card be declined")];
            if !plan {
                buttons.push(("later", "Pay by transfer, later"));
            }
            buttons.push(("abandon", "Abandon"));
            form(&path, &buttons)
        }
        "complete" if !is_paid => form(
            &path,
            &[("arrive", "Let the money arrive"), ("fail", "Let it fail")],
        ),
        _ => "<p>This payment page is closed.</p>".to_owned(),
    };
    let body = format!(
        "<p>This page stands in for Stripe's. No money is taken.</p>\n{}<p>{what}: {sum}</p>\n{}{buttons}",
        notice(told),
        trial.unwrap_or_default(),
    );
    Ok(Shown::Page(
        if told.is_empty() { 200 } else { 402 },
        document("Checkout", &body),
    ))
}

pub fn act(shop: &mut Shop, id: &str, verb: &str) -> Result<Shown, Refusal> {
    let session = shop.find("checkout.session", id)?;
    if verb == "abandon" {
        return Ok(Shown::GoTo(text(&session, "cancel_url").to_owned()));
    }
    let verb = Verb::named(verb).ok_or_else(|| Refusal::new(400, "There is no such button."))?;
    match shop.at_till(id, verb) {
        Ok(_) => {
            let back = text(&session, "success_url");
            Ok(Shown::GoTo(back.replace("{CHECKOUT_SESSION_ID}", id)))
        }
        Err(refusal) if refusal.code == "card_declined" => page(shop, id, &refusal.message),
        Err(refusal) => Err(refusal),
    }
}

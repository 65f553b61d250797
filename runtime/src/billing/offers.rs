//! The catalogue as the provider keeps it: what its products and prices mean, by their metadata. Pure.
//!
//! Metadata of a price goes before that of its product: `credits` (a decimal number, for one of it and one period),
//! `item`, `trial_days`, `trial_without_card`, `per_seat`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::catalogue::{Catalogue, Interval, Item, ItemKind, Terms};
use super::entity::Price;
use super::money::{Currency, Money};
use super::objects;
use crate::credits::Credits;
use crate::error::Result;

/// A price of the provider with what its product says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    pub price: Price,
    pub kind: ItemKind,
    pub name: String,
    pub summary: String,
    /// The provider sells under it, and it says how many credits it brings.
    pub is_offered: bool,
}

impl Offer {
    /// What a price stands for; none for one that this application cannot sell: by use, in tiers, every third week.
    ///
    /// # Errors
    /// When it is no price.
    pub fn read(price: &Value, product: &Value) -> Result<Option<Self>> {
        let told = objects::PriceObject::read(price)?;
        let interval = match told.interval.as_ref().map(|(name, count)| (&**name, count)) {
            None => None,
            Some(("month", 1)) => Some(Interval::Month),
            Some(("month", 12) | ("year", 1)) => Some(Interval::Year),
            Some(_) => return Ok(None),
        };
        let Some(amount) = told.amount else {
            return Ok(None);
        };
        let say = |name: &str| {
            let of = |object: &Value| {
                let text = object.get("metadata")?.get(name)?.as_str()?.trim();
                (!text.is_empty()).then(|| text.to_owned())
            };
            of(price).or_else(|| of(product))
        };
        let credits = credits(&say).unwrap_or_default();
        let item = say("item").unwrap_or_else(|| match interval {
            Some(Interval::Year) => format!("{}-year", told.product),
            Some(Interval::Month) | None => told.product.clone(),
        });
        let is_yes = |name: &str| say(name).is_some_and(|text| text == "true" || text == "yes");
        let kind = interval.map_or(ItemKind::Pack, |interval| {
            ItemKind::Plan(Terms {
                interval,
                trial_days: say("trial_days")
                    .and_then(|days| days.parse().ok())
                    .unwrap_or_default(),
                trial_without_card: is_yes("trial_without_card"),
                per_seat: is_yes("per_seat"),
            })
        });
        let text = |name: &str| {
            let text = product.get(name).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        Ok(Some(Self {
            price: Price {
                price: told.id,
                item,
                money: Money::new(amount, told.currency),
                period: interval.map(|interval| interval.to_string()),
                credits,
            },
            kind,
            name: text("name"),
            summary: text("description"),
            is_offered: told.is_active && !credits.is_zero() && amount > 0,
        }))
    }
}

/// `credits` as people write them, or `credits_milli` as `billing push` does.
fn credits(say: &impl Fn(&str) -> Option<String>) -> Option<Credits> {
    if let Some(text) = say("credits") {
        return text.parse().ok();
    }
    let milli: u64 = say("credits_milli")?.parse().ok()?;
    (milli <= Credits::MAX.as_milli().unsigned_abs()).then(|| Credits::from_milli(milli))
}

/// The catalogue that offers make: packs before plans, each by what it costs.
pub fn catalogue(offers: Vec<Offer>, declared: &Catalogue) -> Catalogue {
    let mut items: BTreeMap<String, (Offer, BTreeMap<Currency, i64>)> = BTreeMap::new();
    for offer in offers.into_iter().filter(|offer| offer.is_offered) {
        let money = offer.price.money;
        let known = items.entry(offer.price.item.clone());
        let (_, prices) = known.or_insert_with(|| (offer, BTreeMap::new()));
        prices.insert(money.currency, money.minor);
    }
    let mut items: Vec<_> = items
        .into_iter()
        .map(|(id, (offer, prices))| {
            Item::offered(
                (id, offer.name, offer.summary),
                offer.price.credits,
                offer.kind,
                prices,
            )
        })
        .collect();
    let cost = |item: &Item| item.prices().next().map(|money| money.minor);
    items.sort_by_key(|item| (item.terms().is_some(), cost(item), item.id.clone()));
    Catalogue {
        items,
        promotion_codes: declared.promotion_codes,
        automatic_tax: declared.automatic_tax,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn price() -> Value {
        json!({
            "id": "price_1", "object": "price", "product": "prod_1", "active": true, "currency": "eur",
            "unit_amount": 900, "created": 5, "recurring": {"interval": "month", "interval_count": 1},
            "metadata": {"trial_days": "14"},
        })
    }

    fn product() -> Value {
        json!({
            "id": "prod_1", "name": "Starter", "description": "For one", "active": true,
            "metadata": {"credits": "500.5", "trial_days": "7", "trial_without_card": "true"},
        })
    }

    fn read(price: &Value) -> Option<Offer> {
        Offer::read(price, &product()).unwrap()
    }

    #[test]
    fn a_price_goes_before_its_product() {
        let offer = read(&price()).unwrap();
        assert_eq!(offer.price.credits, Credits::from_milli(500_500));
        assert_eq!(offer.price.item, "prod_1");
        let terms = Terms {
            interval: Interval::Month,
            trial_days: 14,
            trial_without_card: true,
            per_seat: false,
        };
        assert_eq!(offer.kind, ItemKind::Plan(terms));
        let mut yearly = price();
        yearly["recurring"]["interval"] = "year".into();
        assert_eq!(read(&yearly).unwrap().price.item, "prod_1-year");
        yearly["metadata"]["item"] = "starter-yearly".into();
        assert_eq!(read(&yearly).unwrap().price.item, "starter-yearly");
    }

    #[test]
    fn what_cannot_be_sold_here_is_not_offered() {
        for (pointer, value) in [
            ("/recurring/interval", json!("week")),
            ("/recurring/interval_count", json!(3)),
            ("/unit_amount", Value::Null),
        ] {
            let mut price = price();
            *price.pointer_mut(pointer).unwrap() = value;
            assert_eq!(read(&price), None, "{pointer}");
        }
        let mut idle = price();
        idle["active"] = false.into();
        assert!(!read(&idle).unwrap().is_offered);
        let mut empty = price();
        empty["metadata"]["credits"] = "many".into();
        assert!(!read(&empty).unwrap().is_offered);
    }

    #[test]
    fn prices_of_one_item_are_one_item_of_the_catalogue() {
        let mut dollars = price();
        dollars["id"] = "price_2".into();
        dollars["currency"] = "usd".into();
        let mut pack = price();
        pack["id"] = "price_3".into();
        pack["recurring"] = Value::Null;
        pack["metadata"]["item"] = "pack".into();
        let offers = [&price(), &dollars, &pack].map(|price| read(price).unwrap());
        let made = catalogue(offers.into(), &Catalogue::default());
        let ids: Vec<_> = made.items.iter().map(|item| item.id.as_str()).collect();
        assert_eq!(ids, ["pack", "prod_1"]);
        assert_eq!(made.items[1].prices().count(), 2);
    }
}

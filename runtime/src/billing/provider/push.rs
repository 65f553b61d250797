//! The catalogue of this application as products and prices at Stripe: a product an item, a price an item and currency,
//! found again by its lookup key. A price cannot change there: another amount is another price, which takes the key over.

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::form::Fields;
use super::kept::Making;
use super::stripe::Stripe;
use crate::billing::catalogue::Item;
use crate::billing::entity::Price;
use crate::billing::money::Money;
use crate::error::{Error, Result};

/// What was done about a price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    pub price: Price,
    pub is_new: bool,
}

/// Makes sure that the product and the price of `item` for one currency are there.
///
/// # Errors
/// When Stripe does not answer, or refuses.
pub async fn push(stripe: &Stripe, item: &Item, money: Money) -> Result<Pushed> {
    let product = push_product(stripe, item).await?;
    let lookup = format!("{}_{}", item.id, money.currency.code());
    let period = item.terms().map(|terms| terms.interval.to_string());
    let query = Fields::default()
        .with("lookup_keys[]", &lookup)
        .with("active", true)
        .with("limit", 1);
    let current = || -> BoxFuture<'_, Result<Option<Value>>> {
        Box::pin(async {
            let found = stripe.get("/v1/prices", &query).await?.unwrap_or_default();
            let known = found.pointer("/data/0").cloned();
            Ok(known.filter(|known| is_same(known, item, money)))
        })
    };
    let (body, is_new) = match current().await? {
        Some(known) => (known, false),
        None => {
            let credits = item.credits.as_milli();
            let mut fields = Fields::default()
                .with("product", &product)
                .with("currency", money.currency.code())
                .with("unit_amount", money.minor)
                .with("lookup_key", &lookup)
                .with("transfer_lookup_key", true)
                .with("metadata[item]", &item.id)
                .with("metadata[credits_milli]", credits);
            if let Some(period) = &period {
                fields = fields.with("recurring[interval]", period);
            }
            let key = format!(
                "price:{lookup}:{}:{credits}:{}",
                money.minor,
                period.as_deref().unwrap_or("once")
            );
            let making = Making {
                path: "/v1/prices",
                fields: &fields,
                key: &key,
                may_repeat: true,
            };
            (stripe.make(making, current).await?, true)
        }
    };
    let id = body.get("id").and_then(Value::as_str);
    let id = id.ok_or_else(|| Error::internal(anyhow::anyhow!("a price without an id")))?;
    let price = Price {
        price: id.to_owned(),
        item: item.id.clone(),
        money,
        period,
        credits: item.credits,
    };
    Ok(Pushed { price, is_new })
}

async fn push_product(stripe: &Stripe, item: &Item) -> Result<String> {
    let path = format!("/v1/products/{}", item.id);
    let mut fields = Fields::default()
        .with("name", &item.name)
        .with("metadata[item]", &item.id);
    if !item.summary.is_empty() {
        fields = fields.with("description", &item.summary);
    }
    let known = stripe.get(&path, &Fields::default()).await?;
    let digest = crate::crypto::token_digest(&fields.encode());
    let key = format!("product:{}:{digest}", item.id);
    match known {
        Some(known) => {
            let same = |name: &str, ours: &str| {
                known.get(name).and_then(Value::as_str).unwrap_or_default() == ours
            };
            if !same("name", &item.name) || !same("description", &item.summary) {
                stripe
                    .post(&path, &fields, &format!("update:{key}"))
                    .await?;
            }
        }
        None => {
            let making = Making {
                path: "/v1/products",
                fields: &fields.with("id", &item.id),
                key: &key,
                may_repeat: true,
            };
            let find = || -> BoxFuture<'_, Result<Option<Value>>> {
                Box::pin(async { stripe.get(&path, &Fields::default()).await })
            };
            stripe.make(making, find).await?;
        }
    }
    Ok(item.id.clone())
}

fn is_same(known: &Value, item: &Item, money: Money) -> bool {
    let interval = known.pointer("/recurring/interval").and_then(Value::as_str);
    let credits = known
        .pointer("/metadata/credits_milli")
        .and_then(Value::as_str);
    let ours = item.terms().map(|terms| terms.interval.as_str());
    known.get("unit_amount").and_then(Value::as_i64) == Some(money.minor)
        && known.get("currency").and_then(Value::as_str) == Some(money.currency.code().as_str())
        && interval == ours
        && credits == Some(item.credits.as_milli().to_string().as_str())
}

//! The provider that stands in for a real one: no account, no network, no money. Its objects have the real one's shapes
//! and its events take the real way; only development and tests may have it.

mod calendar;
mod renewals;
mod till;
mod world;

pub use world::{Declined, World};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::catalogue::Item;
use super::entity::Price;
use super::inbox;
use super::money::{Currency, Money};
use super::provider::{
    Change, Checkout, Kind, Listed, Listing, NewCustomer, NewTerms, Opened, Provider, RefundRequest,
};
use super::store;
use crate::app::Core;
use crate::error::{Error, Result};
use crate::in_transaction;

/// What it is called in columns.
pub const NAME: &str = "sandbox";

/// The provider.
pub struct Sandbox;

/// Changes one customer's world and has its events delivered, in one transaction.
///
/// # Errors
/// 404 when there is no such customer.
pub async fn in_world<T>(
    core: &Core,
    customer: &str,
    verb: impl Fn(&mut World) -> Result<T>,
) -> Result<T> {
    in_transaction!(core.db(), tx => {
        store::lock_name(tx, &format!("sandbox:{customer}")).await?;
        let objects = store::sandbox_objects(tx.conn(), customer).await?;
        let now = core.now().as_micros().div_euclid(1_000_000);
        let mut world = World::wake(customer, objects, now)?;
        let given = verb(&mut world)?;
        for (id, body) in world.changed() {
            store::keep_sandbox_object(tx, customer, (id, body)).await?;
        }
        for event in world.events() {
            inbox::receive(core, tx, NAME, event).await?;
        }
        Ok(given)
    })
}

/// The customer whose object this is.
///
/// # Errors
/// 404 when there is no such object.
pub async fn customer_of(core: &Core, object: &str) -> Result<String> {
    let mut snapshot = core.db().snapshot().await?;
    let found = store::sandbox_object(snapshot.conn(), object).await?;
    found
        .map(|(customer, _)| customer)
        .ok_or_else(Error::not_found)
}

/// Does `verb` once for a key, and gives its first answer every time.
async fn once(
    core: &Core,
    (customer, key): (&str, &str),
    verb: impl Fn(&mut World) -> Result<Value>,
) -> Result<Value> {
    in_world(core, customer, |world| {
        let note = format!("key:{customer}:{key}");
        if let Some(answer) = world.get(&note) {
            return Ok(answer.clone());
        }
        let answer = verb(world)?;
        world.put(note, answer.clone());
        Ok(answer)
    })
    .await
}

fn declined(_: Declined) -> Error {
    let sentence = "The card was declined. Nothing was charged and nothing has changed.";
    Error::new(
        axum::http::StatusCode::PAYMENT_REQUIRED,
        "card_declined",
        sentence,
    )
}

fn read_id(value: &Value) -> Result<String> {
    let id = value.get("id").and_then(Value::as_str);
    id.map(str::to_owned)
        .ok_or_else(|| Error::internal(anyhow::anyhow!("an object of the sandbox has no id")))
}

impl Provider for Sandbox {
    fn name(&self) -> &'static str {
        NAME
    }

    fn refuses(&self, _: Money) -> Option<String> {
        None
    }

    fn price<'a>(
        &'a self,
        core: &'a Core,
        item: &'a Item,
        currency: Currency,
    ) -> BoxFuture<'a, Result<Price>> {
        Box::pin(async move {
            let money = item.price(currency).ok_or_else(Error::not_found)?;
            let period = item.terms().map(|terms| terms.interval.to_string());
            let (code, credits) = (currency.code(), item.credits);
            let terms = period.as_deref().unwrap_or("once");
            let price = Price {
                price: format!(
                    "price_{}_{code}_{}_{}_{terms}",
                    item.id,
                    money.minor,
                    credits.as_milli()
                ),
                item: item.id.clone(),
                money,
                period,
                credits,
            };
            let known = store::current_price(core.db(), NAME, &item.id, &code).await?;
            if known.as_ref() != Some(&price) {
                let now = core.now();
                in_transaction!(core.db(), tx => store::keep_price(tx, NAME, &price, now).await)?;
            }
            Ok(price)
        })
    }

    fn create_customer<'a>(
        &'a self,
        core: &'a Core,
        new: &'a NewCustomer,
        _: &'a str,
    ) -> BoxFuture<'a, Result<String>> {
        Box::pin(async move {
            // Named after ours, so that two requests make one.
            let id = format!("cus_{}", new.id.replace('-', ""));
            let body = json!({
                "id": id, "object": "customer", "email": new.email, "sandbox_card": "good", "sandbox_offset": 0,
            });
            in_transaction!(core.db(), tx => {
                if store::sandbox_object(tx.conn(), &id).await?.is_none() {
                    store::keep_sandbox_object(tx, &id, (&id, &body)).await?;
                }
                Ok(())
            })?;
            Ok(id)
        })
    }

    fn delete_customer<'a>(
        &'a self,
        core: &'a Core,
        customer: &'a str,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let done = in_world(core, customer, |world| {
                world.forget();
                Ok(())
            });
            done.await.or_else(|why| match why.status() {
                axum::http::StatusCode::NOT_FOUND => Ok(()),
                _ => Err(why),
            })
        })
    }

    fn open_checkout<'a>(
        &'a self,
        core: &'a Core,
        checkout: &'a Checkout,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Opened>> {
        Box::pin(async move {
            let session = once(core, (&checkout.customer, key), |world| {
                Ok(world.open(checkout))
            })
            .await?;
            let session = read_id(&session)?;
            Ok(Opened {
                url: Some(format!("/billing/sandbox/pay/{session}")),
                session,
            })
        })
    }

    fn expire_checkout<'a>(
        &'a self,
        core: &'a Core,
        session: &'a str,
        _: &'a str,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let customer = customer_of(core, session).await?;
            in_world(core, &customer, |world| {
                world.abandon(session)?;
                match world.get(session) {
                    Some(body) if body["status"] == "complete" => {
                        let sentence = "Only a payment page that is open can be closed.";
                        Err(Error::unprocessable(sentence))
                    }
                    _ => Ok(()),
                }
            })
            .await
        })
    }

    fn change<'a>(
        &'a self,
        core: &'a Core,
        subscription: &'a str,
        change: &'a Change,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Value>> {
        Box::pin(async move {
            let customer = customer_of(core, subscription).await?;
            once(core, (&customer, key), |world| {
                world.change(subscription, change)?.map_err(declined)
            })
            .await
        })
    }

    fn preview<'a>(
        &'a self,
        core: &'a Core,
        subscription: &'a str,
        terms: &'a NewTerms,
    ) -> BoxFuture<'a, Result<Value>> {
        Box::pin(async move {
            let customer = customer_of(core, subscription).await?;
            let mut snapshot = core.db().snapshot().await?;
            let objects = store::sandbox_objects(snapshot.conn(), &customer).await?;
            drop(snapshot);
            let now = core.now().as_micros().div_euclid(1_000_000);
            // What happens to this copy is forgotten with it.
            let mut world = World::wake(&customer, objects, now)?;
            world.set_card("good");
            let NewTerms {
                element,
                price,
                quantity,
            } = terms.clone();
            let change = Change::Terms {
                element,
                price,
                quantity,
                at_once: true,
            };
            world.change(subscription, &change)?.map_err(declined)?;
            let mut made = world.changed().filter(|(id, _)| id.starts_with("in_"));
            let invoice = made.next_back().map(|(_, body)| body.clone());
            invoice.ok_or_else(Error::not_found)
        })
    }

    fn refund<'a>(
        &'a self,
        core: &'a Core,
        request: &'a RefundRequest,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Value>> {
        Box::pin(async move {
            once(core, (&request.customer, key), |world| {
                world.refund(request)
            })
            .await
        })
    }

    fn portal<'a>(&'a self, _: &'a Core, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<String>> {
        Box::pin(async { Ok("/billing/sandbox".into()) })
    }

    fn read<'a>(
        &'a self,
        core: &'a Core,
        _: Kind,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Value>>> {
        Box::pin(async move {
            let mut snapshot = core.db().snapshot().await?;
            Ok(store::sandbox_object(snapshot.conn(), id)
                .await?
                .map(|(_, body)| body))
        })
    }

    fn list<'a>(
        &'a self,
        core: &'a Core,
        listing: &'a Listing<'a>,
    ) -> BoxFuture<'a, Result<Listed>> {
        Box::pin(async move {
            let prefix = match listing.kind {
                Kind::Customer => "cus_",
                Kind::Product => "prod_",
                Kind::Price => "price_",
                Kind::Session => "cs_",
                Kind::Subscription => "sub_",
                Kind::Invoice => "in_",
                Kind::Charge => "ch_",
                Kind::Intent => "pi_",
                Kind::Dispute => "dp_",
                Kind::Refund => "re_",
            };
            let after = listing.after.unwrap_or(prefix);
            let objects = store::sandbox_list(core.db(), prefix, after).await?;
            let has_more = objects.len() == store::SANDBOX_LIST;
            Ok(Listed { objects, has_more })
        })
    }
}

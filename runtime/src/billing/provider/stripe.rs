//! Stripe's HTTP API: form encoding, a pinned version, a key on every POST, tries again what may have been lost.

use std::time::Duration;

use axum::http::{Method, Request, StatusCode, header};
use futures_util::future::BoxFuture;
use http_body_util::Full;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::connection::{self, Limits};
use super::form::Fields;
use super::kept::Making;
use super::{
    Change, Checkout, Kind, Listed, Listing, NewCustomer, NewTerms, Opened, Provider, RefundRequest,
};
use crate::app::Core;
use crate::billing::catalogue::Item;
use crate::billing::entity::Price;
use crate::billing::money::{Currency, Money};
use crate::billing::store;
use crate::error::{Error, Result};

/// The version that every request names, so that answers do not change with the account's settings.
pub const API_VERSION: &str = "2025-03-31.basil";
/// How many objects of a list are asked for together.
pub(super) const AT_ONCE: usize = 100;

/// How long what is not there after a failure may still come. Stripe makes up for some of them later by itself.
const MAY_STILL_COME: Duration = Duration::from_secs(15 * 60);
/// Nothing that was done longer ago is known by its key. Stripe keeps keys for a day at least.
const KEYS_LIVE: Duration = Duration::from_secs(23 * 60 * 60);

const SESSIONS: &str = "/v1/checkout/sessions";
const REFUNDS: &str = "/v1/refunds";

/// The client.
pub struct Stripe {
    base: String,
    key: SecretString,
    pub(super) limits: Limits,
}

impl Stripe {
    /// `base` is `https://api.stripe.com`, or wherever something answers as it does.
    pub fn new(base: &str, key: SecretString) -> Self {
        let base = base.trim_end_matches('/').to_owned();
        let limits = Limits::default();
        Self { base, key, limits }
    }

    /// The same with other limits.
    #[must_use]
    pub fn within(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Ends what stands at `path` and gives it as it is then. A DELETE has no key and needs none: what is over already,
    /// because an earlier answer was lost, is not there to be ended and is read instead.
    async fn end(&self, path: &str, fields: &Fields) -> Result<Value> {
        let full = format!("{path}?{}", fields.encode());
        let request = || self.request(Method::DELETE, &full).body(Full::default());
        let answer = connection::try_hard(self.limits, request).await?;
        if answer.status == StatusCode::NOT_FOUND {
            let over = self.get(path, &Fields::default()).await?;
            return over.ok_or_else(Error::not_found);
        }
        connection::answered(answer)
    }

    /// What stands at `path`; none when nothing does.
    ///
    /// # Errors
    /// As for [`Stripe::post`].
    pub async fn get(&self, path: &str, query: &Fields) -> Result<Option<Value>> {
        let path = if query.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{}", query.encode())
        };
        let request = || self.request(Method::GET, &path).body(Full::default());
        let answer = connection::try_hard(self.limits, request).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        connection::answered(answer).map(Some)
    }

    pub(super) fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        let address = format!("{}{path}", self.base);
        let host = address.split('/').nth(2).unwrap_or_default().to_owned();
        Request::builder()
            .method(method)
            .uri(address)
            .header(header::HOST, host)
            .header(
                header::AUTHORIZATION,
                format!("Bearer {}", self.key.expose_secret()),
            )
            .header("stripe-version", API_VERSION)
    }
}

fn text_of(value: &Value, name: &str) -> Result<String> {
    let text = value.get(name).and_then(Value::as_str);
    text.map(str::to_owned)
        .ok_or_else(|| Error::internal(anyhow::anyhow!("the provider's answer has no {name}")))
}

fn checkout_fields(checkout: &Checkout) -> Fields {
    let mode = if checkout.terms.is_some() {
        "subscription"
    } else {
        "payment"
    };
    let mut fields = Fields::default()
        .with("mode", mode)
        .with("customer", &checkout.customer)
        .with("client_reference_id", &checkout.order)
        .with("metadata[order]", &checkout.order)
        .with("line_items[0][price]", &checkout.price.price)
        .with("line_items[0][quantity]", checkout.quantity)
        .with("success_url", &checkout.success_url)
        .with("cancel_url", &checkout.cancel_url)
        .with_if(checkout.promotion_codes, "allow_promotion_codes", true)
        .with_if(checkout.automatic_tax, "automatic_tax[enabled]", true)
        .with_if(checkout.automatic_tax, "customer_update[address]", "auto");
    let Some(terms) = checkout.terms else {
        return fields.with("payment_intent_data[metadata][order]", &checkout.order);
    };
    fields = fields.with("subscription_data[metadata][order]", &checkout.order);
    if terms.trial_days > 0 {
        fields = fields.with("subscription_data[trial_period_days]", terms.trial_days);
    }
    if terms.trial_days > 0 && terms.trial_without_card {
        let at_end = "subscription_data[trial_settings][end_behavior][missing_payment_method]";
        fields = fields
            .with("payment_method_collection", "if_required")
            .with(at_end, "cancel");
    }
    fields
}

fn change_fields(change: &Change) -> Fields {
    let fields = Fields::default();
    match change {
        Change::Terms {
            element,
            price,
            quantity,
            at_once: _,
        } => {
            let fields = fields
                .with("items[0][id]", element)
                .with("items[0][price]", &price.price)
                .with("items[0][quantity]", quantity);
            // Nothing changes unless the difference can be charged now.
            fields
                .with("proration_behavior", "always_invoice")
                .with("payment_behavior", "error_if_incomplete")
        }
        Change::CancelAtEnd => fields.with("cancel_at_period_end", true),
        Change::GoOn => fields.with("cancel_at_period_end", false),
        Change::CancelNow { reason } => fields.with("cancellation_details[comment]", reason),
        Change::Pause => fields.with("pause_collection[behavior]", "void"),
        Change::Unpause => fields.with("pause_collection", ""),
        // A schedule of its own.
        Change::Stay => fields,
    }
}

/// Amounts are whole multiples of so many minor units ("Three-decimal currencies" and "Special cases" on Stripe's page
/// "Supported currencies").
fn step(currency: Currency) -> i64 {
    match (currency.decimals(), currency.code().as_str()) {
        (3, _) => 10,
        (_, "isk" | "ugx") => 100,
        _ => 1,
    }
}

fn folder(kind: Kind) -> &'static str {
    match kind {
        Kind::Customer => "/v1/customers",
        Kind::Product => "/v1/products",
        Kind::Price => "/v1/prices",
        Kind::Session => SESSIONS,
        Kind::Subscription => "/v1/subscriptions",
        Kind::Invoice => "/v1/invoices",
        Kind::Charge => "/v1/charges",
        Kind::Intent => "/v1/payment_intents",
        Kind::Dispute => "/v1/disputes",
        Kind::Refund => REFUNDS,
    }
}

impl Provider for Stripe {
    fn name(&self) -> &'static str {
        "stripe"
    }

    fn refuses(&self, money: Money) -> Option<String> {
        let step = step(money.currency);
        if money.minor % step == 0 {
            return None;
        }
        let multiple = |count: i64| Money::new(count * step, money.currency).digits();
        let (currency, least) = (money.currency, multiple(1));
        let nearest = multiple(((money.minor + step / 2) / step).max(1));
        Some(format!(
            "Stripe takes {currency} only in multiples of {least}: write {nearest} instead of {}",
            money.digits()
        ))
    }

    fn price<'a>(
        &'a self,
        core: &'a Core,
        item: &'a Item,
        currency: Currency,
    ) -> BoxFuture<'a, Result<Price>> {
        Box::pin(async move {
            let known =
                store::current_price(core.db(), self.name(), &item.id, &currency.code()).await?;
            known.ok_or_else(|| {
                tracing::error!(item = item.id, %currency, "no price is known at Stripe; run `billing push`");
                Error::new(StatusCode::SERVICE_UNAVAILABLE, "not_for_sale", "This cannot be bought at the moment.")
            })
        })
    }

    fn create_customer<'a>(
        &'a self,
        _: &'a Core,
        new: &'a NewCustomer,
        key: &'a str,
    ) -> BoxFuture<'a, Result<String>> {
        Box::pin(async move {
            let fields = Fields::default()
                .with("email", &new.email)
                .with("metadata[customer]", &new.id);
            let query = Fields::default().with("email", &new.email);
            let ours = (&query, ("customer", new.id.as_str()));
            let made = self.make_ours(("/v1/customers", &fields), key, ours);
            text_of(&made.await?, "id")
        })
    }

    fn delete_customer<'a>(&'a self, _: &'a Core, customer: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let path = format!("/v1/customers/{customer}");
            let request = || self.request(Method::DELETE, &path).body(Full::default());
            let answer = connection::try_hard(self.limits, request).await?;
            if answer.status == StatusCode::NOT_FOUND {
                return Ok(());
            }
            connection::answered(answer).map(drop)
        })
    }

    fn open_checkout<'a>(
        &'a self,
        _: &'a Core,
        checkout: &'a Checkout,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Opened>> {
        Box::pin(async move {
            let fields = checkout_fields(checkout);
            let query = Fields::default().with("customer", &checkout.customer);
            let ours = (&query, ("order", checkout.order.as_str()));
            let session = self.make_ours((SESSIONS, &fields), key, ours).await?;
            Ok(Opened {
                session: text_of(&session, "id")?,
                url: session
                    .get("url")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            })
        })
    }

    fn expire_checkout<'a>(
        &'a self,
        _: &'a Core,
        session: &'a str,
        key: &'a str,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let making = Making {
                path: &format!("{SESSIONS}/{session}/expire"),
                fields: &Fields::default(),
                key,
                may_repeat: true,
            };
            let find = || -> BoxFuture<'a, Result<Option<Value>>> {
                Box::pin(async move {
                    let path = format!("{SESSIONS}/{session}");
                    let now = self.get(&path, &Fields::default()).await?;
                    Ok(now.filter(|now| now.get("status").is_some_and(|is| is == "expired")))
                })
            };
            self.make(making, find).await.map(drop)
        })
    }

    fn change<'a>(
        &'a self,
        _: &'a Core,
        subscription: &'a str,
        change: &'a Change,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Value>> {
        Box::pin(async move {
            let path = format!("/v1/subscriptions/{subscription}");
            let fields = change_fields(change);
            match change {
                Change::CancelNow { .. } => self.end(&path, &fields).await,
                Change::Terms {
                    at_once: false,
                    price,
                    quantity,
                    ..
                } => {
                    self.plan_terms(subscription, (&price.price, *quantity), key)
                        .await
                }
                Change::Stay => self.forget_plan(subscription, key).await,
                Change::Terms {
                    price, quantity, ..
                } => {
                    let making = Making {
                        path: &path,
                        fields: &fields,
                        key,
                        may_repeat: true,
                    };
                    let is_to = (price.price.as_str(), *quantity);
                    self.make(making, || self.changed_to(subscription, is_to))
                        .await
                }
                Change::CancelAtEnd | Change::GoOn | Change::Pause | Change::Unpause => {
                    self.post(&path, &fields, key).await
                }
            }
        })
    }

    fn preview<'a>(
        &'a self,
        _: &'a Core,
        subscription: &'a str,
        terms: &'a NewTerms,
    ) -> BoxFuture<'a, Result<Value>> {
        Box::pin(async move {
            let fields = Fields::default()
                .with("subscription", subscription)
                .with("subscription_details[items][0][id]", &terms.element)
                .with("subscription_details[items][0][price]", &terms.price.price)
                .with("subscription_details[items][0][quantity]", terms.quantity)
                .with("subscription_details[proration_behavior]", "always_invoice");
            // It makes nothing: each question is one of its own.
            let key = format!("preview:{}", crate::crypto::random_token());
            self.post("/v1/invoices/create_preview", &fields, &key)
                .await
        })
    }

    fn refund<'a>(
        &'a self,
        core: &'a Core,
        request: &'a RefundRequest,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Value>> {
        let find = move || -> BoxFuture<'a, Result<Option<Value>>> {
            let query = Fields::default().with("payment_intent", &request.intent);
            let ours = ("refund", request.record.as_str());
            Box::pin(async move { self.find((REFUNDS, &query), ours).await })
        };
        Box::pin(async move {
            let age = core.now().since(request.asked_at);
            if age >= KEYS_LIVE
                && let Some(made) = find().await?
            {
                return Ok(made);
            }
            let fields = Fields::default()
                .with("payment_intent", &request.intent)
                .with("amount", request.amount)
                .with("metadata[refund]", &request.record);
            let making = Making {
                path: REFUNDS,
                fields: &fields,
                key,
                may_repeat: age >= MAY_STILL_COME,
            };
            self.make(making, find).await
        })
    }

    fn portal<'a>(
        &'a self,
        _: &'a Core,
        customer: &'a str,
        back: &'a str,
    ) -> BoxFuture<'a, Result<String>> {
        Box::pin(async move {
            let fields = Fields::default()
                .with("customer", customer)
                .with("return_url", back);
            // Each visit gets a page of its own; only the tries of one request are one.
            let key = format!("portal:{}", crate::crypto::random_token());
            text_of(
                &self
                    .post("/v1/billing_portal/sessions", &fields, &key)
                    .await?,
                "url",
            )
        })
    }

    fn read<'a>(
        &'a self,
        _: &'a Core,
        kind: Kind,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Value>>> {
        Box::pin(async move {
            // Since 2025-03-31 an invoice tells of its payments only when it is asked.
            let query = Fields::default()
                .with_if(matches!(kind, Kind::Invoice), "expand[]", "payments")
                .with_if(matches!(kind, Kind::Price), "expand[]", "product")
                .with_if(matches!(kind, Kind::Subscription), "expand[]", "schedule");
            self.get(&format!("{}/{id}", folder(kind)), &query).await
        })
    }

    fn list<'a>(&'a self, _: &'a Core, listing: &'a Listing<'a>) -> BoxFuture<'a, Result<Listed>> {
        Box::pin(async move {
            let Listing { kind, after, since } = listing;
            let mut query = Fields::default()
                .with("limit", AT_ONCE)
                .with_if(*since > 0, "created[gte]", since)
                .with_if(matches!(kind, Kind::Subscription), "status", "all")
                .with_if(matches!(kind, Kind::Invoice), "expand[]", "data.payments");
            if let Some(after) = after {
                query = query.with("starting_after", after);
            }
            let page = self.get(folder(*kind), &query).await?.unwrap_or_default();
            let objects = page
                .get("data")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            let has_more = page
                .get("has_more")
                .and_then(Value::as_bool)
                .unwrap_or_default();
            Ok(Listed { objects, has_more })
        })
    }
}

#[cfg(test)]
#[path = "stripe_tests.rs"]
mod tests;

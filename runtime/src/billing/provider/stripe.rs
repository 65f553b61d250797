//! Stripe's HTTP API: form encoding, a pinned version, a key on every POST, tries again what may have been lost.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Method, Request, StatusCode, header};
use futures_util::future::BoxFuture;
use http_body_util::Full;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::connection::{self, Answer};
use super::form::Fields;
use super::{
    Change, Checkout, Kind, Listed, Listing, NewCustomer, Opened, Provider, RefundRequest,
};
use crate::app::Core;
use crate::billing::catalogue::Item;
use crate::billing::entity::Price;
use crate::billing::money::Currency;
use crate::billing::store;
use crate::error::{Error, Result};

/// The version that every request names, so that answers do not change with the account's settings.
pub const API_VERSION: &str = "2025-03-31.basil";
/// How often a request is sent at most.
const ATTEMPTS: u32 = 4;
/// The pause after the first failure; it doubles.
const PAUSE: Duration = Duration::from_millis(300);
/// How many objects of a list are asked for together.
const AT_ONCE: usize = 100;

/// The client.
pub struct Stripe {
    base: String,
    key: SecretString,
}

impl Stripe {
    /// `base` is `https://api.stripe.com`, or wherever something answers as it does.
    pub fn new(base: &str, key: SecretString) -> Self {
        let base = base.trim_end_matches('/').to_owned();
        Self { base, key }
    }

    /// # Errors
    /// 503 when the provider cannot be reached, 422 for what it refuses for the buyer's sake, else 500.
    pub async fn post(&self, path: &str, fields: &Fields, key: &str) -> Result<Value> {
        let request = || {
            let body = Full::new(Bytes::from(fields.encode()));
            self.request(Method::POST, path)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header("idempotency-key", key)
                .body(body)
        };
        answered(self.try_hard(request).await?)
    }

    /// Ends what stands at `path` and gives it as it is then. A DELETE has no key and needs none: what is over already,
    /// because an earlier answer was lost, is not there to be ended and is read instead.
    async fn end(&self, path: &str, fields: &Fields) -> Result<Value> {
        let full = format!("{path}?{}", fields.encode());
        let request = || self.request(Method::DELETE, &full).body(Full::default());
        let answer = self.try_hard(request).await?;
        if answer.status == StatusCode::NOT_FOUND {
            let over = self.get(path, &Fields::default()).await?;
            return over.ok_or_else(Error::not_found);
        }
        answered(answer)
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
        let answer = self.try_hard(request).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        answered(answer).map(Some)
    }

    fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
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

    /// Sends the same request until an answer counts.
    async fn try_hard(
        &self,
        request: impl Fn() -> axum::http::Result<Request<Full<Bytes>>>,
    ) -> Result<Answer> {
        let mut attempt = 1;
        loop {
            let outcome = connection::send(request().map_err(Error::internal)?).await;
            match outcome {
                Ok(answer) if attempt == ATTEMPTS || !is_worth_another_try(&answer) => {
                    return Ok(answer);
                }
                Err(fault) if attempt == ATTEMPTS => return Err(unreachable(&fault)),
                Ok(_) | Err(_) => {}
            }
            tokio::time::sleep(PAUSE * 2_u32.pow(attempt - 1)).await;
            attempt += 1;
        }
    }
}

/// Stripe says so itself where it knows; else as its documentation has it ("Advanced error handling").
fn is_worth_another_try(answer: &Answer) -> bool {
    match answer
        .headers
        .get("stripe-should-retry")
        .map(|value| value.as_bytes())
    {
        Some(b"true") => true,
        Some(b"false") => false,
        _ => {
            let status = answer.status;
            status == StatusCode::CONFLICT
                || status == StatusCode::TOO_MANY_REQUESTS
                || status.is_server_error()
        }
    }
}

fn unreachable(fault: &anyhow::Error) -> Error {
    tracing::warn!(
        fault = format!("{fault:#}"),
        "the payment provider cannot be reached"
    );
    let sentence =
        "The payment service does not answer. Nothing was charged; try again in a moment.";
    Error::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "provider_unreachable",
        sentence,
    )
    .after(Duration::from_secs(30))
}

fn answered(answer: Answer) -> Result<Value> {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if answer.status.is_success() {
        return Ok(body);
    }
    let text = |pointer: &str| {
        body.pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    if text("/error/type") == "card_error" {
        return Err(Error::new(
            StatusCode::PAYMENT_REQUIRED,
            "card_declined",
            text("/error/message"),
        ));
    }
    let (status, kind, code) = (answer.status, text("/error/type"), text("/error/code"));
    if matches!(
        status,
        StatusCode::BAD_REQUEST | StatusCode::PAYMENT_REQUIRED | StatusCode::NOT_FOUND
    ) {
        tracing::error!(%status, kind, code, message = text("/error/message"), "the payment provider refused a request");
        let sentence = "The payment service refused this. Nothing has changed.";
        return Err(Error::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "provider_refused",
            sentence,
        ));
    }
    let fault = anyhow::anyhow!(
        "the provider answers {status}: {kind} {code}: {}",
        text("/error/message")
    );
    Err(Error::internal(fault))
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

fn folder(kind: Kind) -> &'static str {
    match kind {
        Kind::Product => "/v1/products",
        Kind::Price => "/v1/prices",
        Kind::Session => "/v1/checkout/sessions",
        Kind::Subscription => "/v1/subscriptions",
        Kind::Invoice => "/v1/invoices",
        Kind::Charge => "/v1/charges",
        Kind::Dispute => "/v1/disputes",
        Kind::Refund => "/v1/refunds",
    }
}

impl Provider for Stripe {
    fn name(&self) -> &'static str {
        "stripe"
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
            text_of(&self.post("/v1/customers", &fields, key).await?, "id")
        })
    }

    fn open_checkout<'a>(
        &'a self,
        _: &'a Core,
        checkout: &'a Checkout,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Opened>> {
        Box::pin(async move {
            let session = self
                .post("/v1/checkout/sessions", &checkout_fields(checkout), key)
                .await?;
            Ok(Opened {
                session: text_of(&session, "id")?,
                url: text_of(&session, "url")?,
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
            let path = format!("/v1/checkout/sessions/{session}/expire");
            self.post(&path, &Fields::default(), key).await.map(drop)
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
                Change::Terms { .. }
                | Change::CancelAtEnd
                | Change::GoOn
                | Change::Pause
                | Change::Unpause => self.post(&path, &fields, key).await,
            }
        })
    }

    fn refund<'a>(
        &'a self,
        _: &'a Core,
        request: &'a RefundRequest,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Value>> {
        Box::pin(async move {
            let fields = Fields::default()
                .with("payment_intent", &request.intent)
                .with("amount", request.amount)
                .with("metadata[refund]", &request.record);
            self.post("/v1/refunds", &fields, key).await
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

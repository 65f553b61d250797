//! Requests to the provider: each is answered whole and in time or not at all, and sent again when that may help.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use axum::body::Bytes;
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::Full;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::transport;

/// How often a request is sent at most.
const ATTEMPTS: u32 = 4;
/// The pause after the first failure; it doubles.
const PAUSE: Duration = Duration::from_millis(300);
/// The longest pause that Stripe may ask for while somebody waits for an answer.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// When to come again if the provider does not say so.
pub const TROUBLE: Duration = Duration::from_secs(30);

/// How long Stripe has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For one answer, from the first byte of the connection to the last of it.
    pub answer: Duration,
    /// After so long no other attempt is begun.
    pub attempts: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(20),
            attempts: Duration::from_secs(30),
        }
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// Sends `request`, whose address is absolute. From the first byte of the connection to the last of the answer no more
/// than `limit` may pass.
///
/// # Errors
/// When nothing whole comes back in time. Whether it was carried out is not known then.
async fn send(request: Request<Full<Bytes>>, limit: Duration) -> anyhow::Result<Answer> {
    let exchange = async {
        let mut reply = transport::send(request, limit).await?;
        Ok(Answer {
            status: reply.status,
            headers: std::mem::take(&mut reply.headers),
            body: reply.whole().await?,
        })
    };
    tokio::time::timeout(limit, exchange)
        .await
        .context("no answer in time")?
}

/// Sends the same request until an answer counts.
///
/// # Errors
/// 503 when none does.
pub async fn try_hard(
    limits: Limits,
    request: impl Fn() -> axum::http::Result<Request<Full<Bytes>>>,
) -> Result<Answer> {
    let begun = Instant::now();
    let mut attempt = 1;
    loop {
        let request = request().map_err(Error::internal)?;
        let outcome = send(request, limits.answer).await;
        let pause = match &outcome {
            Ok(answer) if !is_worth_another_try(answer) => return outcome.map_err(unreachable),
            Ok(answer) => asked_pause(answer).unwrap_or_default(),
            Err(_) => Duration::ZERO,
        };
        let is_late = begun.elapsed() >= limits.attempts || pause > LONGEST_PAUSE;
        if attempt == ATTEMPTS || is_late {
            return outcome.map_err(unreachable);
        }
        tokio::time::sleep(pause.max(PAUSE * 2_u32.pow(attempt - 1))).await;
        attempt += 1;
    }
}

/// For how long Stripe wants no other request.
fn asked_pause(answer: &Answer) -> Option<Duration> {
    let value = answer.headers.get(header::RETRY_AFTER)?;
    value.to_str().ok()?.parse().ok().map(Duration::from_secs)
}

/// Whether this is what the provider answered before under the same key, and was a failure of its own: it stays that.
pub fn is_kept_failure(answer: &Answer) -> bool {
    let replayed = answer.headers.get("idempotent-replayed");
    answer.status.is_server_error() && replayed.is_some_and(|value| value == "true")
}

/// Whether something else was asked for under this key before. That was answered then, so that it is over.
pub fn is_key_of_another(answer: &Answer) -> bool {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let kind = body.pointer("/error/type").and_then(Value::as_str);
    answer.status == StatusCode::BAD_REQUEST && kind == Some("idempotency_error")
}

/// Stripe says so itself where it knows; else as its documentation has it ("Advanced error handling").
fn is_worth_another_try(answer: &Answer) -> bool {
    if is_kept_failure(answer) {
        return false;
    }
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

fn unreachable(fault: anyhow::Error) -> Error {
    tracing::warn!(
        fault = format!("{fault:#}"),
        "the payment provider cannot be reached"
    );
    unavailable(TROUBLE)
}

pub fn unavailable(wait: Duration) -> Error {
    let sentence =
        "The payment service does not answer. Nothing was charged; try again in a moment.";
    Error::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "provider_unreachable",
        sentence,
    )
    .after(wait)
}

/// What an answer says.
///
/// # Errors
/// 503 when the provider is in trouble, 402 for a card that is declined, 422 for what is refused, else 500.
pub fn answered(answer: Answer) -> Result<Value> {
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
    if is_worth_another_try(&answer) {
        tracing::warn!(%fault, "the payment provider has its own troubles");
        let wait = asked_pause(&answer).unwrap_or(TROUBLE);
        return Err(unavailable(wait));
    }
    Err(Error::internal(fault))
}

//! The door to the endpoints: whose key it is, how often it may call, what it may do; then the body, once.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::entity::Kept;
use super::once::once;
use super::store::requests::RequestKey;
use super::{actions, rules};
use crate::app::Core;
use crate::crypto::hex;
use crate::error::{Error, Result};
use crate::http::guard::{collect, problem_body};
use crate::http::limits::{Limit, Standing};
use crate::http::{Call, Endpoint, Gate, Headers, Reply, Visit};

/// Lets keys in.
pub(super) struct Door {
    pub limit: Limit,
}

pub(super) const IDEMPOTENCY_KEY: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const KEY_LENGTH: usize = 255;

/// One request on its way through the door.
struct Knock {
    core: Core,
    endpoint: Arc<Endpoint>,
    visit: Visit,
    params: Vec<(String, String)>,
}

impl Door {
    pub fn new(per_minute: u32) -> Self {
        Self {
            limit: Limit {
                name: "api",
                count: per_minute,
                window: Duration::from_secs(60),
            },
        }
    }
}

impl Gate for Door {
    fn pass(
        &self,
        endpoint: Arc<Endpoint>,
        visit: Visit,
        params: Vec<(String, String)>,
        request: Request,
    ) -> BoxFuture<'static, Response> {
        let limit = self.limit;
        let knock = Knock {
            core: visit.core().clone(),
            endpoint,
            visit,
            params,
        };
        async move {
            let mut standing = None;
            let answer = knock.answer(request, &limit, &mut standing).await;
            let mut response = answer.unwrap_or_else(Error::into_response);
            let headers = response.headers_mut();
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            if let Some(standing) = standing {
                tell_limit(headers, &limit, standing);
            }
            if response.status() == StatusCode::UNAUTHORIZED {
                let scheme = HeaderValue::from_static("Bearer realm=\"api\"");
                response
                    .headers_mut()
                    .insert(header::WWW_AUTHENTICATE, scheme);
            }
            response
        }
        .boxed()
    }
}

impl Knock {
    async fn answer(
        self,
        request: Request,
        limit: &Limit,
        standing: &mut Option<Standing>,
    ) -> Result<Response> {
        let (parts, body) = request.into_parts();
        let text = bearer(&parts.headers).ok_or_else(|| rules::error(&rules::NO_KEY))?;
        let (caller, key) = actions::authenticate(&self.core, text).await?;
        let limits = self.core.limits();
        let now_at = limits.take(&self.core, limit, key.id.as_str()).await?;
        *standing = Some(now_at);
        now_at.require()?;
        let scope = self.endpoint.about.scope.name;
        if !key.may(scope) {
            let refused = rules::error(&rules::INSUFFICIENT_SCOPE);
            return Err(refused.with("required_scope", scope));
        }
        let params = self.params.clone();
        let mut call = Call::new(self.core.clone(), caller, params, &parts);
        call.extensions.insert(key);
        if self.endpoint.method != Method::POST {
            let call = match self.endpoint.stream(call) {
                Ok(stream) => return stream.await,
                Err(call) => *call,
            };
            let reply = self.endpoint.answer(call).await?;
            return respond(&self.endpoint, reply);
        }
        let idempotency_key = idempotency_key(&parts.headers)?;
        require_json(&parts.headers)?;
        let body = collect(body, self.endpoint.body_limit).await?;
        let call = call.with_body(read(&body)?, idempotency_key.clone());
        match idempotency_key {
            None => {
                let reply = self.endpoint.answer(call).await?;
                respond(&self.endpoint, reply)
            }
            Some(key) => self.answer_once(call, key, digest(&parts, &body)).await,
        }
    }

    async fn answer_once(self, call: Call, key: String, digest: String) -> Result<Response> {
        let user = call.caller.id.clone();
        let (endpoint, visit) = (self.endpoint.clone(), self.visit);
        let work = || async move { to_keep(&visit, endpoint.answer(call).await) };
        let request = RequestKey { user, key };
        let (kept, is_replayed) = once(&self.core, request, &digest, work).await?;
        let reply = Reply {
            status: StatusCode::from_u16(kept.status).map_err(Error::internal)?,
            headers: kept.headers,
            body: kept.body,
        };
        let mut response = respond(&self.endpoint, reply)?;
        if is_replayed {
            let headers = response.headers_mut();
            headers.insert(REPLAYED, HeaderValue::from_static("true"));
        }
        Ok(response)
    }
}

/// The answer to keep; a failure that may pass is none.
fn to_keep(visit: &Visit, answer: Result<Reply>) -> Result<Kept> {
    match answer {
        Ok(reply) => Ok(Kept {
            status: reply.status.as_u16(),
            headers: reply.headers,
            body: reply.body,
        }),
        Err(error) if error.status().is_server_error() => Err(error),
        Err(error) if error.problem().retry_after.is_some() => Err(error),
        Err(error) => Ok(Kept {
            status: error.status().as_u16(),
            headers: Headers::new(),
            body: problem_body(visit, &error),
        }),
    }
}

/// The answer of `endpoint`, which says where to ask again, where there is more to come.
fn respond(endpoint: &Endpoint, reply: Reply) -> Result<Response> {
    let place = match (endpoint.location, reply.status) {
        (Some(path), StatusCode::ACCEPTED) => {
            let answer: Option<Value> = serde_json::from_str(&reply.body).ok();
            let id = answer.and_then(|answer| Some(answer["id"].as_str()?.to_owned()));
            id.and_then(|id| HeaderValue::try_from(format!("{path}{id}")).ok())
        }
        _ => None,
    };
    let mut response = json(reply.status, reply.body);
    let headers = response.headers_mut();
    for (name, value) in &reply.headers {
        let name = HeaderName::try_from(name).map_err(Error::internal)?;
        headers.insert(name, HeaderValue::try_from(value).map_err(Error::internal)?);
    }
    if let Some(place) = place {
        headers.insert(header::LOCATION, place);
    }
    Ok(response)
}

fn json(status: StatusCode, body: String) -> Response {
    let kind = if status.is_success() {
        "application/json"
    } else {
        "application/problem+json"
    };
    (status, [(header::CONTENT_TYPE, kind)], body).into_response()
}

/// The credentials of RFC 6750.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let is_visible = u8::is_ascii_graphic;
    let bytes = value.as_bytes();
    if !(1..=KEY_LENGTH).contains(&bytes.len()) || !bytes.iter().all(is_visible) {
        return Err(rules::error(&rules::INVALID_IDEMPOTENCY_KEY));
    }
    Ok(Some(String::from_utf8_lossy(bytes).into_owned()))
}

fn require_json(headers: &HeaderMap) -> Result<()> {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let is_json = kind.eq_ignore_ascii_case("application/json")
        || (kind.starts_with("application/") && kind.ends_with("+json"));
    if is_json {
        return Ok(());
    }
    Err(rules::error(&rules::NOT_JSON))
}

/// The body as JSON without NUL, which no text of ours has and PostgreSQL does not take.
fn read(body: &Bytes) -> Result<Value> {
    let value: Value = serde_json::from_slice(body).map_err(|fault| rules::malformed(&fault))?;
    if has_nul(&value) {
        return Err(Error::unprocessable(
            "A text must not hold the character U+0000.",
        ));
    }
    Ok(value)
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(map) => map
            .iter()
            .any(|(name, value)| name.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// What tells one request from another: its method, its address and its body.
fn digest(parts: &Parts, body: &Bytes) -> String {
    let mut hasher = Sha256::new();
    hasher.update(format!("{} {}\n", parts.method, parts.uri));
    hasher.update(body);
    hex(&hasher.finalize())
}

/// The headers of draft-ietf-httpapi-ratelimit-headers, and those of its drafts up to the seventh, which more
/// clients read.
fn tell_limit(headers: &mut HeaderMap, limit: &Limit, standing: Standing) {
    let (count, window) = (limit.count, limit.window.as_secs());
    let remaining = standing.remaining;
    let reset = standing.resets_in.as_micros().div_ceil(1_000_000);
    for (name, value) in [
        ("ratelimit-policy", format!("\"key\";q={count};w={window}")),
        ("ratelimit", format!("\"key\";r={remaining};t={reset}")),
        ("ratelimit-limit", count.to_string()),
        ("ratelimit-remaining", remaining.to_string()),
        ("ratelimit-reset", reset.to_string()),
    ] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

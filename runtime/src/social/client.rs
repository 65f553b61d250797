//! Questions to providers: a page of JSON, or an error.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use axum::body::Bytes;
use axum::http::request::Builder;
use axum::http::{Request, StatusCode, header};
use http_body_util::Full;
use serde_json::Value;

use crate::transport;

/// How long a provider may be silent.
const SILENCE: Duration = Duration::from_secs(10);

/// Gets JSON, as whoever the token is of.
///
/// # Errors
/// When there is no answer, or it is not one of success with JSON.
pub(super) async fn get(url: &str, token: Option<&str>) -> anyhow::Result<Value> {
    let mut request = Request::get(url);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    ask(url, request, String::new()).await
}

/// Posts a form, with a name and a password where those are asked for.
///
/// # Errors
/// As [`get`].
pub(super) async fn post(
    url: &str,
    fields: &[(&str, &str)],
    authorization: Option<String>,
) -> anyhow::Result<Value> {
    let form = "application/x-www-form-urlencoded";
    let mut request = Request::post(url).header(header::CONTENT_TYPE, form);
    if let Some(authorization) = authorization {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    ask(url, request, serde_urlencoded::to_string(fields)?).await
}

async fn ask(url: &str, request: Builder, body: String) -> anyhow::Result<Value> {
    let host = url.parse::<axum::http::Uri>()?;
    let host = host.authority().context("an address without a host")?;
    let request = request
        .header(header::HOST, host.as_str())
        .header(header::ACCEPT, "application/json")
        // GitHub refuses whoever has none.
        .header(header::USER_AGENT, "quickscale")
        .header(header::CONTENT_LENGTH, body.len())
        .body(Full::new(Bytes::from(body)))?;
    let reply = transport::send(request, SILENCE).await?;
    let (status, is_json) = (reply.status, is_json(&reply));
    let body = reply.whole().await?;
    let value: Option<Value> = serde_json::from_slice(&body).ok();
    let error = |value: &Value| value.get("error").map(Value::to_string);
    let why = value.as_ref().and_then(error).unwrap_or_default();
    // GitHub says 200 with an error in it.
    ensure!(
        status == StatusCode::OK && why.is_empty(),
        "{url} answers {status} {why}"
    );
    ensure!(is_json, "{url} answers something else than JSON");
    value.with_context(|| format!("{url} answers what is no JSON"))
}

fn is_json(reply: &transport::Reply) -> bool {
    let kind = reply.headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.contains("json"))
}

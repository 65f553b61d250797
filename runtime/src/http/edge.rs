//! What every answer leaves with: a request id, security headers, a line in the log.

use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::cross_origin;
use crate::app::Core;

/// The name under which one request is found in the logs.
#[derive(Clone)]
pub struct RequestId(pub String);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Scripts, styles, pictures and connections of this site only; nothing inline.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; \
    form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// Two years, as browsers' preload lists ask for.
const STRICT_TRANSPORT: HeaderValue =
    HeaderValue::from_static("max-age=63072000; includeSubDomains");

/// The outermost layer of the application.
pub async fn edge(State(core): State<Core>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers(), &core);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    request.extensions_mut().insert(RequestId(id.clone()));
    let sites = core.cross_origin();
    let origin = sites.allowed(&path, request.headers());
    let mut response = match sites.preflight(&method, &path, request.headers()) {
        Some(response) => response,
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    if let Some(origin) = origin {
        cross_origin::allow(headers, origin);
    }
    for (name, value) in HEADERS {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    if core.config().is_secure() {
        headers
            .entry(header::STRICT_TRANSPORT_SECURITY)
            .or_insert(STRICT_TRANSPORT);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    note(&id, &method, &path, response.status(), micros);
    response
}

/// Whoever looks every few seconds whether all is well fills no log with it as long as it is.
fn note(request_id: &str, method: &Method, path: &str, status: StatusCode, micros: u64) {
    let code = status.as_u16();
    if status.is_success() && path.starts_with("/health/") {
        tracing::debug!(request_id, %method, path, status = code, micros, "answered");
    } else {
        tracing::info!(request_id, %method, path, status = code, micros, "answered");
    }
}

/// The id that a proxy before us gave, if it is harmless; else a new one.
fn request_id(headers: &HeaderMap, core: &Core) -> String {
    let given = headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok());
    let harmless = |id: &&str| {
        (8..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    given
        .filter(harmless)
        .map_or_else(|| crate::ids::new_id(core.now()), str::to_owned)
}

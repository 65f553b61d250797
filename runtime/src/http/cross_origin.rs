//! Which other sites' pages may call the API from browsers (the Fetch standard's CORS protocol). None may unless the
//! application says so, and none may send cookies.

use std::str::FromStr;

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

/// The part of the application that other sites may call.
const BELOW: &str = "/api/v1/";
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST");
const SENT: HeaderValue =
    HeaderValue::from_static("authorization, content-type, idempotency-key, last-event-id, prefer");
const SEEN: HeaderValue = HeaderValue::from_static(
    "idempotent-replayed, location, preference-applied, ratelimit, ratelimit-limit, ratelimit-policy, \
     ratelimit-remaining, ratelimit-reset, retry-after, x-request-id",
);
/// How many seconds a browser believes what it was told.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// The sites that may.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CrossOrigin(Vec<String>);

impl FromStr for CrossOrigin {
    type Err = anyhow::Error;

    /// Reads origins with commas between them: `https://app.example.com, http://localhost:5173`.
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let origins = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        let origins = origins.map(|origin| {
            let host = origin.strip_prefix("https://").or(origin.strip_prefix("http://"));
            let is_origin = host.is_some_and(|host| {
                !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b))
            });
            anyhow::ensure!(
                is_origin,
                "{origin} is no origin such as https://app.example.com; there are no wildcards and no paths"
            );
            Ok(origin.to_ascii_lowercase())
        });
        Ok(Self(origins.collect::<anyhow::Result<_>>()?))
    }
}

impl CrossOrigin {
    /// The answer to a browser that asks before it calls; none where that is no such request.
    pub(super) fn preflight(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Option<Response> {
        let asks = headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if method != Method::OPTIONS || !asks {
            return None;
        }
        self.allowed(path, headers)?;
        let mut response = StatusCode::NO_CONTENT.into_response();
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, SENT),
            (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE),
        ] {
            response.headers_mut().insert(name, value);
        }
        Some(response)
    }

    /// The site that makes the request, if it may see the answer.
    pub(super) fn allowed(&self, path: &str, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(header::ORIGIN)?;
        let is_listed = self
            .0
            .iter()
            .any(|known| known.as_bytes() == origin.as_bytes());
        (path.starts_with(BELOW) && is_listed).then(|| origin.clone())
    }
}

/// Lets `origin` see an answer.
pub(super) fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, SEEN);
    headers.append(header::VARY, HeaderValue::from_static("origin"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_read_and_anything_else_is_refused() {
        let read = |text: &str| text.parse::<CrossOrigin>();
        let two = read("https://app.example.com, http://localhost:5173").unwrap();
        assert_eq!(two.0, ["https://app.example.com", "http://localhost:5173"]);
        assert_eq!(read(" ").unwrap(), CrossOrigin::default());
        for odd in [
            "*",
            "https://*.example.com",
            "https://a.example/",
            "a.example",
            "null",
            "https://",
        ] {
            assert!(read(odd).is_err(), "{odd:?}");
        }
    }
}

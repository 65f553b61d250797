//! Protection of unsafe requests against foreign sites: the browser's own word on where a request comes
//! from (`Sec-Fetch-Site`, `Origin`), and a token in every form that belongs to a cookie of this browser.

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, header};

use crate::crypto::Key;

/// The name of the form field that carries the token.
pub const FIELD: &str = "csrf";
/// The header that may carry it instead.
pub const HEADER: &str = "x-csrf-token";

/// Whether requests of this method change nothing (RFC 9110, section 9.2.1).
pub fn is_safe(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
    )
}

/// Whether the browser says that the request was made by a page of `origin`. Silence counts as yes:
/// the token decides then.
pub fn is_same_site(headers: &HeaderMap, origin: &str) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    match text("sec-fetch-site") {
        Some("same-origin" | "none") => return true,
        Some(_) => return false,
        None => {}
    }
    match text(header::ORIGIN.as_str()) {
        None => true,
        Some(from) => {
            let host = text(header::HOST.as_str()).unwrap_or_default();
            from == origin || from.split_once("://").is_some_and(|(_, from)| from == host)
        }
    }
}

/// The token for the browser that holds `cookie`.
pub fn token(key: &Key, cookie: &str) -> String {
    key.sign(cookie)
}

/// The token that a request brings: in its header, or in the field of its form.
pub async fn submitted(headers: &HeaderMap, body: &Bytes) -> Option<String> {
    if let Some(value) = headers.get(HEADER) {
        return value.to_str().ok().map(str::to_owned);
    }
    let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    if content_type.starts_with("application/x-www-form-urlencoded") {
        let fields: Vec<(String, String)> = super::forms::parse_urlencoded(body)?;
        return fields
            .into_iter()
            .find(|(name, _)| name == FIELD)
            .map(|(_, value)| value);
    }
    if content_type.starts_with("multipart/form-data") {
        let mut form = super::forms::multipart(headers, body.clone())?;
        while let Ok(Some(field)) = form.next_field().await {
            if field.name() == Some(FIELD) {
                return field.text().await.ok();
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(k, v)| (k.parse().unwrap(), v.parse().unwrap()))
            .collect::<HeaderMap>()
    }

    #[test]
    fn only_pages_of_our_own_count_as_same_site() {
        let same =
            |pairs: &[(&'static str, &str)]| is_same_site(&headers(pairs), "https://a.example");
        assert!(same(&[("sec-fetch-site", "same-origin")]));
        assert!(!same(&[
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://a.example")
        ]));
        assert!(!same(&[("sec-fetch-site", "same-site")]));
        assert!(same(&[("origin", "https://a.example")]));
        assert!(same(&[
            ("origin", "http://b.example:1"),
            ("host", "b.example:1")
        ]));
        assert!(!same(&[
            ("origin", "https://evil.example"),
            ("host", "a.example")
        ]));
        assert!(!same(&[("origin", "null")]));
        assert!(same(&[]));
    }
}

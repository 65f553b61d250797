//! A browser without a window: keeps cookies, fills in the hidden token of forms, follows nothing by itself.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode, header};
use tower::ServiceExt as _;

/// A browser. Each has its own cookies.
#[derive(Clone)]
pub struct Client {
    router: Router,
    cookies: BTreeMap<String, String>,
    address: Option<IpAddr>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    /// The body as it came, where it is no text.
    pub bytes: axum::body::Bytes,
}

impl Answer {
    /// Where a redirect leads; empty when it is none.
    pub fn location(&self) -> &str {
        self.headers
            .get(header::LOCATION)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).expect("the body is JSON")
    }

    /// The value of the first input called `name`.
    pub fn input(&self, name: &str) -> Option<&str> {
        let start = self.text.find(&format!("name=\"{name}\""))?;
        let tag = &self.text[self.text[..start].rfind('<')?..];
        let tag = &tag[..tag.find('>')?];
        let (_, value) = tag.split_once("value=\"")?;
        value.split('"').next()
    }
}

impl Client {
    /// A browser for an application that a test put together itself.
    pub fn of(router: Router) -> Self {
        Self {
            router,
            cookies: BTreeMap::new(),
            address: None,
        }
    }

    /// This browser at a network address; without one its requests come from nowhere.
    #[must_use]
    pub fn at(mut self, address: IpAddr) -> Self {
        self.address = Some(address);
        self
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path), Body::empty()).await
    }

    /// Posts `fields` with this browser's CSRF token, which it takes from a page.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let page = self.get("/about").await;
        let token = page.input("csrf").unwrap_or_default().to_owned();
        let mut all = vec![("csrf", token.as_str())];
        all.extend_from_slice(fields);
        self.post_bare(path, &all).await
    }

    /// Posts just `fields`.
    pub async fn post_bare(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = serde_urlencoded::to_string(fields).expect("fields are text");
        let request =
            Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request, Body::from(body)).await
    }

    /// Sends any request with this browser's cookies and keeps those that come back.
    ///
    /// # Panics
    /// When the request cannot be built or the body is no text.
    pub async fn send(&mut self, request: axum::http::request::Builder, body: Body) -> Answer {
        let jar: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let peer = self.address.map(|address| SocketAddr::new(address, 40_000));
        let request = match peer {
            Some(peer) => request.extension(ConnectInfo(peer)),
            None => request,
        };
        let request = request
            .header(header::COOKIE, jar.join("; "))
            .header(header::HOST, "app.test")
            .body(body)
            .expect("the request can be built");
        let response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            self.keep(cookie.to_str().unwrap_or_default());
        }
        let bytes = axum::body::to_bytes(body, usize::MAX)
            .await
            .expect("the body arrives whole");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text,
            bytes,
        }
    }

    /// The cookie called `name`, if this browser has it.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// Plants a cookie, as a thief would.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.into(), value.into());
    }

    fn keep(&mut self, header: &str) {
        let Ok(cookie) = cookie::Cookie::parse(header) else {
            return;
        };
        if cookie.max_age().is_some_and(|age| age.is_zero()) {
            self.cookies.remove(cookie.name());
        } else {
            self.cookies
                .insert(cookie.name().into(), cookie.value().into());
        }
    }
}

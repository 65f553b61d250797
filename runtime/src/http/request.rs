//! One request as handlers and pages see it: who it is from, its cookies, its CSRF token, its messages;
//! and the answers it can get: a page, a redirect, a page with faults.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse as _, Response};
use cookie::{Cookie, SameSite};
use minijinja::value::{Serde, Value};
use serde::{Deserialize, Serialize};

use super::access::Principal;
use super::csrf;
use super::permission::Permission;
use crate::app::Core;
use crate::error::{Error, Result};
use crate::pages::Page;

/// The request being answered. Cheap to clone.
#[derive(Clone)]
pub struct Visit(Arc<Inner>);

struct Inner {
    core: Core,
    request_id: String,
    uri: Uri,
    headers: HeaderMap,
    peer: Option<SocketAddr>,
    principal: Option<Principal>,
    csrf_cookie: OnceLock<String>,
    had_csrf_cookie: bool,
}

/// Cookies that the runtime sets. In production they carry the `__Host-` prefix (RFC 6265bis).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VisitCookie {
    Session,
    /// Whoever gave the right password, and still owes a code.
    Challenge,
    /// Whoever asked for a mail to sign in with.
    MagicLink,
    /// Whoever is at a provider of identities.
    Social,
    Csrf,
    Flash,
    Theme,
}

impl VisitCookie {
    fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Challenge => "challenge",
            Self::MagicLink => "magic_link",
            Self::Social => "social",
            Self::Csrf => "csrf",
            Self::Flash => "flash",
            Self::Theme => "theme",
        }
    }
}

/// How a message is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Info,
    Success,
    Warning,
    Danger,
}

/// A sentence that the next page shows once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub level: Level,
    pub text: String,
}

impl Visit {
    pub(super) fn new(core: Core, parts: &Parts, principal: Option<Principal>) -> Self {
        let cookie = read_cookie(&core, &parts.headers, VisitCookie::Csrf);
        let had_csrf_cookie = cookie.is_some();
        let csrf_cookie = cookie.map_or_else(OnceLock::new, OnceLock::from);
        let request_id = parts.extensions.get::<super::edge::RequestId>();
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Self(Arc::new(Inner {
            core,
            request_id: request_id.map(|id| id.0.clone()).unwrap_or_default(),
            uri: parts.uri.clone(),
            headers: parts.headers.clone(),
            peer: peer.map(|ConnectInfo(address)| *address),
            principal,
            csrf_cookie,
            had_csrf_cookie,
        }))
    }

    pub fn core(&self) -> &Core {
        &self.0.core
    }

    pub fn request_id(&self) -> &str {
        &self.0.request_id
    }

    pub fn path(&self) -> &str {
        self.0.uri.path()
    }

    /// Path and query, as `next` of a sign-in form needs them.
    pub fn path_and_query(&self) -> &str {
        self.0
            .uri
            .path_and_query()
            .map_or("/", |whole| whole.as_str())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.headers.get(name)?.to_str().ok()
    }

    /// The network address that the request came from; empty where there is none, as in tests.
    pub fn client_address(&self) -> String {
        let trusted = &self.0.core.config().trusted_proxies;
        let client = |peer: SocketAddr| trusted.client(peer.ip(), &self.0.headers).to_string();
        self.0.peer.map(client).unwrap_or_default()
    }

    /// Whoever has signed in, if anybody.
    pub fn principal(&self) -> Option<&Principal> {
        self.0.principal.as_ref()
    }

    /// Whoever has signed in.
    ///
    /// # Errors
    /// 401 for a visitor.
    pub fn require_principal(&self) -> Result<&Principal> {
        self.principal().ok_or_else(Error::unauthenticated)
    }

    pub fn may(&self, permission: Permission) -> bool {
        self.principal()
            .is_some_and(|own| own.role.has(permission) && !own.lacks_second_factor)
    }

    /// The page of this site that the request was sent from, where the browser tells.
    pub(super) fn came_from(&self) -> Option<&str> {
        let path = self
            .header("referer")?
            .strip_prefix(self.core().config().origin())?;
        Some(local_path(path))
    }

    /// Whether the answer goes to a program rather than to a person.
    pub fn wants_json(&self) -> bool {
        self.path().starts_with("/api/")
            || self.path() == "/api"
            || self
                .header("accept")
                .is_some_and(|accept| accept.contains("json") && !accept.contains("text/html"))
    }

    pub fn cookie(&self, cookie: VisitCookie) -> Option<String> {
        read_cookie(&self.0.core, &self.0.headers, cookie)
    }

    /// The token that this browser's forms carry.
    pub fn csrf_token(&self) -> String {
        let cookie = self.0.csrf_cookie.get_or_init(crate::crypto::random_token);
        csrf::token(self.0.core.csrf_key(), cookie)
    }

    /// Whether `token` is this browser's.
    pub(super) fn is_csrf_token(&self, token: &str) -> bool {
        let key = self.0.core.csrf_key();
        self.0.had_csrf_cookie
            && self
                .0
                .csrf_cookie
                .get()
                .is_some_and(|cookie| key.verify(cookie, token))
    }

    /// The messages that the page before left for this one.
    pub fn messages(&self) -> Vec<Message> {
        self.cookie(VisitCookie::Flash)
            .and_then(|sealed| self.0.core.flash_key().open(&sealed))
            .and_then(|json| serde_json::from_str(&json).ok())
            .unwrap_or_default()
    }

    /// `page` with status 200.
    ///
    /// # Errors
    /// 500 when the template is faulty.
    pub fn render<P: Page>(&self, page: &P) -> Result<Response> {
        self.render_with(StatusCode::OK, page)
    }

    /// `page` with `status`, as for a form with faults (422).
    ///
    /// # Errors
    /// 500 when the template is faulty.
    pub fn render_with<P: Page>(&self, status: StatusCode, page: &P) -> Result<Response> {
        self.fill_in(status, P::TEMPLATE, Value::from(Serde(page)))
    }

    fn fill_in(&self, status: StatusCode, template: &str, page: Value) -> Result<Response> {
        let messages = self.messages();
        let html = self
            .0
            .core
            .pages()
            .render(self, &messages, template, page)?;
        let mut response = (status, Html(html)).into_response();
        let cache = if self.0.principal.is_some() {
            "no-store"
        } else {
            "no-cache"
        };
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
        if !messages.is_empty() {
            self.clear_cookie(&mut response, VisitCookie::Flash);
        }
        if let (false, Some(cookie)) = (self.0.had_csrf_cookie, self.0.csrf_cookie.get()) {
            self.set_cookie(&mut response, VisitCookie::Csrf, cookie, None);
        }
        Ok(response)
    }

    /// Sends the browser on to `path` (303), which it then gets.
    pub fn redirect(&self, path: &str) -> Response {
        let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
        (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
    }

    /// Sends the browser on to `path`, where it shows a message.
    pub fn redirect_with(&self, path: &str, level: Level, text: impl Into<String>) -> Response {
        let mut response = self.redirect(path);
        let messages = [Message {
            level,
            text: text.into(),
        }];
        let json = serde_json::to_string(&messages).unwrap_or_default();
        let sealed = self.0.core.flash_key().seal(&json);
        self.set_cookie(&mut response, VisitCookie::Flash, &sealed, None);
        response
    }

    /// Sets a cookie for this site only; `max_age` of `None` lasts until the browser closes.
    pub fn set_cookie(
        &self,
        response: &mut Response,
        cookie: VisitCookie,
        value: &str,
        max_age: Option<std::time::Duration>,
    ) {
        let mut cookie = self.bare_cookie(cookie, value);
        if let Some(max_age) = max_age.and_then(|age| age.try_into().ok()) {
            cookie.set_max_age(Some(max_age));
        }
        append_cookie(response, &cookie);
    }

    pub fn clear_cookie(&self, response: &mut Response, cookie: VisitCookie) {
        let mut cookie = self.bare_cookie(cookie, "");
        cookie.make_removal();
        append_cookie(response, &cookie);
    }

    fn bare_cookie(&self, cookie: VisitCookie, value: &str) -> Cookie<'static> {
        let name = cookie_name(&self.0.core, cookie);
        let mut cookie = Cookie::new(name, value.to_owned());
        cookie.set_http_only(true);
        cookie.set_same_site(SameSite::Lax);
        cookie.set_path("/");
        cookie.set_secure(self.0.core.config().is_secure());
        cookie
    }
}

impl FromRequestParts<Core> for Visit {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &Core) -> Result<Self> {
        let visit = parts.extensions.get::<Self>().cloned();
        visit.ok_or_else(|| Error::internal(anyhow::anyhow!("a handler stands outside the guard")))
    }
}

/// Handlers that take a `Principal` answer 401 to visitors.
impl FromRequestParts<Core> for Principal {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, core: &Core) -> Result<Self> {
        Visit::from_request_parts(parts, core)
            .await?
            .require_principal()
            .cloned()
    }
}

fn cookie_name(core: &Core, cookie: VisitCookie) -> String {
    let name = cookie.name();
    if core.config().is_secure() {
        format!("__Host-{name}")
    } else {
        format!("qs_{name}")
    }
}

pub(super) fn read_cookie(core: &Core, headers: &HeaderMap, cookie: VisitCookie) -> Option<String> {
    let name = cookie_name(core, cookie);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| Cookie::split_parse(value.to_owned()).flatten())
        .find(|cookie| cookie.name() == name)
        .map(|cookie| cookie.value().to_owned())
}

fn append_cookie(response: &mut Response, cookie: &Cookie<'_>) {
    if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// `path` if it is a path of this site, else `/`. Browsers read `//host` and `/\host` as other sites.
pub fn local_path(path: &str) -> &str {
    let foreign = path.starts_with("//") || path.contains('\\') || path.contains(char::is_control);
    if path.starts_with('/') && !foreign {
        path
    } else {
        "/"
    }
}

#[cfg(test)]
mod tests {
    use super::local_path;

    #[test]
    fn next_never_leaves_the_site() {
        assert_eq!(local_path("/a?b=c#d"), "/a?b=c#d");
        for foreign in [
            "",
            "a",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/\t/evil.example",
        ] {
            assert_eq!(local_path(foreign), "/", "{foreign:?}");
        }
    }
}

//! The one gate before every handler: flag, body limit, session, access rule, CSRF; and behind it the one
//! place where a failed request becomes a page or `application/problem+json`.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use serde_json::{Map, Value, json};

use super::access::{ACTING_END, Access, Principal, Rule};
use super::csrf;
use super::permission::Permission;
use super::request::{Level, Visit, VisitCookie, read_cookie};
use crate::app::Core;
use crate::error::{EMAIL_UNCONFIRMED, Error, PASSWORD_REQUIRED, Result, SECOND_FACTOR_REQUIRED};
use crate::pages::ErrorPage;

/// Checks `rule`, runs the handler, renders its failure.
pub async fn guard(
    State((core, rule)): State<(Core, Rule)>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let (principal, failure) = match authenticate(&core, rule, &parts.headers).await {
        Ok(principal) => (principal, None),
        Err(error) => (None, Some(error)),
    };
    let visit = Visit::new(core, &parts, principal);
    let is_safe = csrf::is_safe(&parts.method);
    let answer = async {
        failure.map_or(Ok(()), Err)?;
        let body = admit(&visit, rule, &parts, body).await?;
        parts.extensions.insert(visit.clone());
        let limit = visit.core().request_limit();
        run(next, Request::from_parts(parts, body), limit).await
    };
    let response = answer.await.unwrap_or_else(|error| error.into_response());
    render_failure(&visit, is_safe, response)
}

async fn authenticate(
    core: &Core,
    rule: Rule,
    headers: &axum::http::HeaderMap,
) -> Result<Option<Principal>> {
    let is_for_programs = matches!(rule.access, Access::Machine | Access::Key(_));
    let (Some(authenticator), false) = (core.authenticator(), is_for_programs) else {
        return Ok(None);
    };
    match read_cookie(core, headers, VisitCookie::Session) {
        Some(token) => {
            let principal = authenticator.authenticate(core, &token).await?;
            with_picture(core, principal).await
        }
        None => Ok(None),
    }
}

/// Looks up the picture of whoever has signed in, in an application that has pictures.
async fn with_picture(core: &Core, principal: Option<Principal>) -> Result<Option<Principal>> {
    match (core.portrait(), principal) {
        (Some(portrait), Some(principal)) => Ok(Some(Principal {
            picture: portrait(core, &principal.id).await?,
            ..principal
        })),
        (_, principal) => Ok(principal),
    }
}

async fn admit(
    visit: &Visit,
    rule: Rule,
    parts: &axum::http::request::Parts,
    body: Body,
) -> Result<Body> {
    if rule
        .flag
        .is_some_and(|flag| !visit.core().flags().is_on(flag))
    {
        return Err(Error::not_found());
    }
    // Its gate asks who calls before it reads anything else.
    if let Access::Key(_) = rule.access {
        return Ok(body);
    }
    // Nothing that we store has one in its name, and PostgreSQL takes none in a text.
    if visit.path_and_query().contains("%00") {
        return Err(Error::not_found());
    }
    match rule.access {
        Access::Public | Access::Machine | Access::Key(_) => {}
        Access::SignedIn => {
            visit.require_principal()?;
        }
        Access::Staff(permission) => admit_staff(visit, permission).await?,
    }
    if is_out_of_reach(visit, rule, &parts.method) {
        return Err(Error::acting_as_another());
    }
    if rule.fresh && !visit.require_principal()?.is_fresh(visit.core().now()) {
        return Err(Error::password_required());
    }
    if csrf::is_safe(&parts.method) {
        return Ok(body);
    }
    let body = collect(body, rule.body_limit).await?;
    if rule.csrf {
        check_origin(visit, parts, &body).await?;
    }
    Ok(Body::from(body))
}

/// Below these, whatever changes something spends the user's money or credits, or concerns what he has bought.
const PAYING: [&str; 2] = ["/billing/", "/services/"];

/// Whether one of the staff who acts as a user must not do this: where the password would be asked for again, to all that
/// an account is known by, and what spends the user's money or credits.
fn is_out_of_reach(visit: &Visit, rule: Rule, method: &Method) -> bool {
    let acting = visit.principal().is_some_and(|own| own.acted_by.is_some());
    let path = visit.path();
    let is_way_out = [ACTING_END, "/accounts/logout"].contains(&path);
    let is_own = path.starts_with("/accounts/") && !is_way_out;
    let is_paying = !csrf::is_safe(method) && PAYING.iter().any(|below| path.starts_with(below));
    acting && (rule.fresh || is_own || is_paying)
}

async fn admit_staff(visit: &Visit, permission: Permission) -> Result<()> {
    let principal = visit.require_principal()?;
    if visit.may(permission) {
        return Ok(());
    }
    if principal.lacks_second_factor {
        return Err(Error::second_factor_required());
    }
    if let (true, Some(authenticator)) = (principal.role.is_staff(), visit.core().authenticator()) {
        authenticator.note_refusal(visit, permission).await;
    }
    Err(Error::forbidden())
}

/// A body of at most `limit` bytes.
///
/// # Errors
/// 413 when there are more.
pub(crate) async fn collect(body: Body, limit: usize) -> Result<Bytes> {
    let too_large = || {
        let limit = limit / 1024;
        Error::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            format!("That is too much at once. At most {limit} KiB are taken here."),
        )
    };
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    axum::body::to_bytes(body, limit)
        .await
        .map_err(|_| too_large())
}

async fn check_origin(
    visit: &Visit,
    parts: &axum::http::request::Parts,
    body: &Bytes,
) -> Result<()> {
    let refused = |why| Err(Error::new(StatusCode::FORBIDDEN, "csrf_failed", why));
    if !csrf::is_same_site(&parts.headers, visit.core().config().origin()) {
        return refused("This request came from another site and was not carried out.");
    }
    match csrf::submitted(&parts.headers, body).await {
        Some(token) if visit.is_csrf_token(&token) => Ok(()),
        _ => refused("This form has expired. Go back, reload the page and send it again."),
    }
}

async fn run(next: Next, request: Request, limit: Duration) -> Result<Response> {
    let handler = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(limit, handler).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(panic)) => Err(Error::internal(anyhow::anyhow!(
            "panic: {}",
            crate::error::panic_text(&*panic)
        ))),
        Err(_) => Err(Error::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "timed_out",
            "This took too long and was stopped. Try again.",
        )),
    }
}

/// Turns a response that carries an [`Error`], or a bare status of a library, into what the client reads.
fn render_failure(visit: &Visit, is_safe: bool, mut response: Response) -> Response {
    let status = response.status();
    let error = match response.extensions_mut().remove::<Arc<Error>>() {
        Some(error) => error,
        None if is_bare_failure(&response) => Arc::new(from_status(status)),
        None => return response,
    };
    log_failure(visit, &error);
    if visit.wants_json() {
        let mut problem = problem_json(visit, &error);
        keep_headers(&response, &mut problem);
        return problem;
    }
    if error.status() == StatusCode::UNAUTHORIZED {
        let next: String = utf8_percent(visit.path_and_query());
        let path = format!("/accounts/login?next={next}");
        return visit.redirect_with(&path, Level::Info, "Sign in to go on.");
    }
    if error.code() == PASSWORD_REQUIRED {
        return ask_password(visit, is_safe);
    }
    if error.code() == SECOND_FACTOR_REQUIRED {
        let path = "/accounts/security/second-factor";
        return visit.redirect_with(path, Level::Info, error.problem().detail.clone());
    }
    if error.code() == EMAIL_UNCONFIRMED {
        let text = error.problem().detail.clone();
        return visit.redirect_with("/accounts/verify", Level::Warning, text);
    }
    let page = ErrorPage::new(&error);
    let mut rendered = visit.render_with(error.status(), &page).unwrap_or_else(|fault| {
        tracing::error!(request_id = visit.request_id(), %fault, "the error page cannot be rendered");
        (error.status(), error.problem().detail.clone()).into_response()
    });
    set_retry_after(&error, &mut rendered);
    rendered
}

/// Sends the browser to where the password is asked for, and from there back to what it wanted: to the page, or to
/// the one whose form it sent.
fn ask_password(visit: &Visit, is_safe: bool) -> Response {
    let (next, text) = match is_safe {
        true => (visit.path_and_query(), "Enter your password to go on."),
        false => (
            visit.came_from().unwrap_or_default(),
            "Enter your password, then send the form again.",
        ),
    };
    let path = format!("/accounts/confirm?next={}", utf8_percent(next));
    visit.redirect_with(&path, Level::Info, text)
}

/// What a handler said beside its failure: how often it may be asked, how to prove who one is.
fn keep_headers(from: &Response, to: &mut Response) {
    for (name, value) in from.headers() {
        if !to.headers().contains_key(name) && name != header::CONTENT_LENGTH {
            to.headers_mut().append(name, value.clone());
        }
    }
}

fn is_bare_failure(response: &Response) -> bool {
    let status = response.status();
    let typed = response.headers().get(header::CONTENT_TYPE);
    let plain = typed.is_none_or(|value| value.as_bytes().starts_with(b"text/plain"));
    (status.is_client_error() || status.is_server_error()) && plain
}

fn from_status(status: StatusCode) -> Error {
    match status {
        StatusCode::NOT_FOUND => Error::not_found(),
        StatusCode::METHOD_NOT_ALLOWED => Error::method_not_allowed(),
        status if status.is_server_error() => Error::internal(anyhow::anyhow!("bare {status}")),
        status => Error::new(
            status,
            "bad_request",
            "The request could not be understood.",
        ),
    }
}

fn log_failure(visit: &Visit, error: &Error) {
    let (request_id, path) = (visit.request_id(), visit.path());
    if error.status().is_server_error() {
        tracing::error!(request_id, path, %error, "request failed");
    } else {
        tracing::debug!(request_id, path, %error, "request refused");
    }
}

fn problem_json(visit: &Visit, error: &Error) -> Response {
    let content_type = HeaderValue::from_static("application/problem+json");
    let body = problem_body(visit, error);
    let mut response =
        (error.status(), [(header::CONTENT_TYPE, content_type)], body).into_response();
    set_retry_after(error, &mut response);
    response
}

/// The problem document (RFC 9457).
pub(crate) fn problem_body(visit: &Visit, error: &Error) -> String {
    let problem = error.problem();
    let mut document: Map<String, Value> = problem.extra.clone();
    let title = problem.status.canonical_reason().unwrap_or("Error");
    for (member, value) in [
        ("type", json!("about:blank")),
        ("title", json!(title)),
        ("status", json!(problem.status.as_u16())),
        ("code", json!(problem.code)),
        ("detail", json!(problem.detail)),
        ("request_id", json!(visit.request_id())),
    ] {
        document.insert(member.into(), value);
    }
    Value::Object(document).to_string()
}

fn set_retry_after(error: &Error, response: &mut Response) {
    if let Some(wait) = error.problem().retry_after {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, wait.as_secs().max(1).into());
    }
}

/// Percent-encodes what may not stand in a query's value.
fn utf8_percent(text: &str) -> String {
    serde_urlencoded::to_string([("", text)])
        .map(|pair| pair[1..].to_owned())
        .unwrap_or_default()
}

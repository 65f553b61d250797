//! The ways to a provider and back.

use axum::extract::{Path, Query};
use axum::response::Response;
use serde::Deserialize;

use super::actions::{self, Arrival, Link};
use super::flow::{Flow, Purpose};
use super::openid::Entry;
use super::pages::LeavePage;
use super::providers::{Kind, Provider};
use super::rules::Identity;
use super::{Providers, github};
use crate::auth::door;
use crate::error::{Error, Result};
use crate::http::{Access, Form, Level, Principal, Routes, Visit, VisitCookie};

const LOGIN: &str = "/accounts/login";
const SECURITY: &str = "/accounts/security";

pub(super) fn routes() -> Routes {
    let fresh = Access::SignedIn.fresh();
    Routes::new()
        .post("/accounts/social/{provider}", Access::Public, start)
        .get(
            "/accounts/social/{provider}/callback",
            Access::Public,
            callback,
        )
        .post(
            "/accounts/social/{provider}/confirm",
            Access::SignedIn,
            start_confirm,
        )
        .post("/accounts/social/{provider}/link", fresh, start_link)
        .post("/accounts/social/{provider}/unlink", fresh, unlink)
}

fn find<'a>(providers: &'a Providers, name: &str) -> Result<&'a Provider> {
    providers.find(name).ok_or_else(Error::not_found)
}

#[derive(Deserialize)]
struct StartForm {
    #[serde(default)]
    next: String,
}

async fn start(
    visit: Visit,
    Path(name): Path<String>,
    Form(form): Form<StartForm>,
) -> Result<Response> {
    leave(&visit, &name, (Purpose::SignIn, &form.next)).await
}

async fn start_confirm(
    visit: Visit,
    principal: Principal,
    Path(name): Path<String>,
    Form(form): Form<StartForm>,
) -> Result<Response> {
    leave(&visit, &name, (Purpose::Confirm(principal.id), &form.next)).await
}

async fn start_link(
    visit: Visit,
    principal: Principal,
    Path(name): Path<String>,
) -> Result<Response> {
    leave(&visit, &name, (Purpose::Link(principal.id), SECURITY)).await
}

/// Sends the browser to a provider.
async fn leave(visit: &Visit, name: &str, (purpose, next): (Purpose, &str)) -> Result<Response> {
    let core = visit.core();
    let providers = core.state::<Providers>()?;
    let provider = find(&providers, name)?;
    door::count(visit).await?;
    let (page, scope) = match &provider.kind {
        Kind::GitHub { site, .. } => (github::page(site), github::SCOPE),
        Kind::OpenId { issuer } => match providers.directory.find(core, issuer).await {
            Ok(entry) => (
                entry.metadata.authorization_endpoint.clone(),
                "openid email profile",
            ),
            Err(error) => {
                tracing::warn!(provider = name, error = format!("{error:#}"), "no provider");
                let text = format!(
                    "{} cannot be reached at the moment. Try again, or sign in another way.",
                    provider.label
                );
                return Ok(visit.redirect_with(LOGIN, Level::Danger, text));
            }
        },
    };
    let flow = Flow::start(core, provider, purpose, next);
    let callback = provider.callback(core.config());
    let challenge = flow.challenge();
    let mut query = vec![
        ("response_type", "code"),
        ("client_id", &*provider.client_id),
        ("redirect_uri", &*callback),
        ("scope", scope),
        ("state", &*flow.state),
        ("code_challenge", &*challenge),
        ("code_challenge_method", "S256"),
    ];
    if let Kind::OpenId { .. } = provider.kind {
        query.push(("nonce", &*flow.nonce));
    }
    query.extend(anew(&provider.kind, &flow));
    let query = serde_urlencoded::to_string(query).map_err(anyhow::Error::from)?;
    let joint = if page.contains('?') { '&' } else { '?' };
    let mut response = visit.render(&LeavePage {
        provider: provider.label.clone(),
        url: format!("{page}{joint}{query}"),
    })?;
    visit.set_cookie(&mut response, VisitCookie::Social, &flow.seal(core), None);
    Ok(response)
}

/// What makes a provider ask who somebody is. GitHub has nothing for that: it asks as whom somebody goes on.
fn anew(kind: &Kind, flow: &Flow) -> &'static [(&'static str, &'static str)] {
    match (flow.is_anew(), kind) {
        (false, _) => &[],
        (true, Kind::OpenId { .. }) => &[("prompt", "login"), ("max_age", "0")],
        (true, Kind::GitHub { .. }) => &[("prompt", "select_account")],
    }
}

/// What a provider says in the address by which it sends a browser back.
#[derive(Deserialize)]
struct Returned {
    #[serde(default)]
    state: String,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

async fn callback(
    visit: Visit,
    Path(name): Path<String>,
    Query(returned): Query<Returned>,
) -> Result<Response> {
    let providers = visit.core().state::<Providers>()?;
    let provider = find(&providers, &name)?;
    let mut response = match arrive(&visit, &providers, (provider, returned)).await? {
        Ok(response) => response,
        Err(Failed { to, why }) => visit.redirect_with(to, Level::Danger, why),
    };
    // It works once.
    visit.clear_cookie(&mut response, VisitCookie::Social);
    Ok(response)
}

/// Why nothing came of it, and where that is told.
struct Failed {
    to: &'static str,
    why: String,
}

async fn arrive(
    visit: &Visit,
    providers: &Providers,
    (provider, returned): (&Provider, Returned),
) -> Result<std::result::Result<Response, Failed>> {
    let (core, label) = (visit.core(), &provider.label);
    let sealed = visit.cookie(VisitCookie::Social).unwrap_or_default();
    let Some(flow) = Flow::open(core, &sealed, provider, &returned.state) else {
        let why = format!(
            "That took too long, or did not begin in this browser. Start again with {label}."
        );
        return Ok(Err(Failed { to: LOGIN, why }));
    };
    let to = match &flow.purpose {
        Purpose::SignIn | Purpose::Confirm(_) => LOGIN,
        Purpose::Link(_) => SECURITY,
    };
    let identity = match identify(visit, providers, provider, (&flow, &returned)).await {
        Ok(identity) => identity,
        Err(error) => {
            let (error, name) = (format!("{error:#}"), &provider.name);
            tracing::warn!(
                provider = name,
                error,
                "a provider did not say who somebody is"
            );
            let why = match returned.error.as_deref() {
                Some("access_denied") => {
                    format!("You did not agree at {label}, so nothing was done.")
                }
                _ => format!(
                    "{label} could not tell us who you are. Try again, or sign in another way."
                ),
            };
            return Ok(Err(Failed { to, why }));
        }
    };
    settle(visit, provider, (&identity, &flow)).await
}

/// Asks the provider who has come back from it.
async fn identify(
    visit: &Visit,
    providers: &Providers,
    provider: &Provider,
    (flow, returned): (&Flow, &Returned),
) -> anyhow::Result<Identity> {
    let core = visit.core();
    if let Kind::OpenId { issuer } = &provider.kind {
        let entry: std::sync::Arc<Entry> = providers.directory.find(core, issuer).await?;
        anyhow::ensure!(
            entry.is_issuer(returned.iss.as_deref()),
            "the answer is of another issuer: {:?}",
            returned.iss
        );
    }
    if let Some(error) = &returned.error {
        anyhow::bail!("the provider says {error:?}");
    }
    let code = returned.code.as_deref().unwrap_or_default();
    anyhow::ensure!(!code.is_empty(), "the answer has no code");
    match &provider.kind {
        Kind::OpenId { .. } => {
            providers
                .directory
                .identify(core, provider, (flow, code))
                .await
        }
        Kind::GitHub { site, api } => {
            github::identify(core, provider, (site, api), (flow, code)).await
        }
    }
}

async fn settle(
    visit: &Visit,
    provider: &Provider,
    (identity, flow): (&Identity, &Flow),
) -> Result<std::result::Result<Response, Failed>> {
    let label = &provider.label;
    let own = visit.principal().map(|principal| &principal.id);
    let failed = |to, why: String| Ok(Err(Failed { to, why }));
    match &flow.purpose {
        Purpose::SignIn => match actions::sign_in(visit, provider, identity).await? {
            Arrival::In(admission) => door::proceed(visit, admission, &flow.next, None).map(Ok),
            Arrival::New(admission) => {
                let note = Some((Level::Success, "Welcome! Your account is ready."));
                door::proceed(visit, admission, &flow.next, note).map(Ok)
            }
            Arrival::Refused(why) => failed(LOGIN, why),
        },
        Purpose::Confirm(user) if own == Some(user) => {
            match actions::confirm(visit, identity, user).await? {
                Some(admission) => door::proceed(visit, admission, &flow.next, None).map(Ok),
                None => failed(
                    SECURITY,
                    format!("This is another account of {label} than yours."),
                ),
            }
        }
        Purpose::Link(user) if own == Some(user) => {
            match actions::link(visit, provider, (identity, user)).await? {
                Link::Done => {
                    let text = format!("You can sign in with {label} from now on.");
                    Ok(Ok(visit.redirect_with(SECURITY, Level::Success, text)))
                }
                Link::Taken => failed(
                    SECURITY,
                    format!("Another account here belongs to this account of {label}."),
                ),
                Link::NotVerified => failed(
                    SECURITY,
                    format!("Confirm your own address first; then add {label}."),
                ),
            }
        }
        Purpose::Confirm(_) | Purpose::Link(_) => failed(
            LOGIN,
            "You have signed out meanwhile. Sign in and try again.".into(),
        ),
    }
}

#[derive(Deserialize)]
struct UnlinkForm {
    subject: String,
}

async fn unlink(
    visit: Visit,
    principal: Principal,
    Path(name): Path<String>,
    Form(form): Form<UnlinkForm>,
) -> Result<Response> {
    let providers = visit.core().state::<Providers>()?;
    let provider = find(&providers, &name)?;
    let label = &provider.label;
    match actions::unlink(&visit, &principal, provider, &form.subject).await? {
        true => {
            let text = format!("{label} does not sign you in any more.");
            Ok(visit.redirect_with(SECURITY, Level::Success, text))
        }
        false => {
            let text = format!(
                "{label} is your only way to sign in. Choose a password or add another way first."
            );
            Ok(visit.redirect_with(SECURITY, Level::Warning, text))
        }
    }
}

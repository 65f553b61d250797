//! The pages about invitations: the staff's list, and where a link leads.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::pages::{InvitationPage, InvitationRow, InvitationsPage, NoSignUpPage};
use super::{Accepted, InvitationId, accept, digest, invite, revoke, store};
use crate::auth::audit::Actor;
use crate::auth::entity::Browser;
use crate::auth::pages::StaleLinkPage;
use crate::auth::routes::{Next, check_account, enter};
use crate::auth::rules::EmailAddress;
use crate::auth::{Accounts, Registration};
use crate::crypto::is_token;
use crate::error::{FieldErrors, Result};
use crate::http::{Access, Form, Level, Routes, Staff, Visit, may, permitted};
use crate::ids::{AFTER_ALL, parse_id};
use crate::listing::{cut, one_more};

const LIST: &str = "/admin/invitations";
const PER_PAGE: usize = 50;

pub(in crate::auth) fn routes() -> Routes {
    Routes::new()
        .get(LIST, permitted(), list)
        .post(LIST, permitted(), send)
        .post("/admin/invitations/{id}/revoke", permitted(), take_back)
        .get("/accounts/invitation/{token}", Access::Public, show)
        .post("/accounts/invitation/{token}", Access::Public, sign_up)
}

/// Where one would sign up, while not everybody may: what to do instead.
pub(in crate::auth) fn instead_of_sign_up() -> Routes {
    Routes::new().get("/accounts/signup", Access::Public, say_who_may)
}

async fn say_who_may(visit: Visit, Query(Next { next }): Query<Next>) -> Result<Response> {
    let registration = visit.core().state::<Accounts>()?.settings.registration;
    let by_invitation = registration == Registration::Invitation;
    let page = NoSignUpPage {
        by_invitation,
        next,
    };
    visit.render(&page)
}

#[derive(Deserialize)]
struct Listing {
    before: Option<String>,
}

async fn page(visit: &Visit, before: Option<String>) -> Result<InvitationsPage> {
    let (core, limit) = (visit.core(), one_more(PER_PAGE));
    let from = before.as_deref().unwrap_or(AFTER_ALL);
    let mut all = store::newest(core.db(), from, limit).await?;
    let last = cut(&mut all, PER_PAGE);
    Ok(InvitationsPage {
        email: String::new(),
        days: core.state::<Accounts>()?.settings.invitation_days,
        is_continued: before.is_some(),
        next_page: last.map(|last| format!("{LIST}?before={}", last.id)),
        invitations: all
            .iter()
            .map(|one| InvitationRow::of(one, core.now()))
            .collect(),
        errors: FieldErrors::default(),
    })
}

async fn list(visit: Staff<may::InviteUsers>, Query(listing): Query<Listing>) -> Result<Response> {
    let before = listing.before.map(|id| parse_id(&id)).transpose()?;
    let page = page(&visit, before).await?;
    visit.render(&page)
}

#[derive(Deserialize)]
struct InviteForm {
    email: String,
}

async fn send(visit: Staff<may::InviteUsers>, Form(form): Form<InviteForm>) -> Result<Response> {
    let own = &visit.require_principal()?.id;
    let why = match EmailAddress::parse(&form.email) {
        Err(why) => why,
        Ok(email) => match invite(visit.core(), (own, &Actor::of(&visit)?), &email).await? {
            true => {
                let text = format!("{} has been invited.", email.as_str());
                return Ok(visit.redirect_with(LIST, Level::Success, text));
            }
            false => "Somebody has an account with this address.",
        },
    };
    let page = InvitationsPage {
        email: form.email,
        errors: FieldErrors::one("email", why),
        ..page(&visit, None).await?
    };
    visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

async fn take_back(visit: Staff<may::InviteUsers>, Path(id): Path<String>) -> Result<Response> {
    let id = id.parse::<InvitationId>()?;
    revoke(visit.core(), &Actor::of(&visit)?, &id).await?;
    let text = "The link of this invitation opens nothing any more.";
    Ok(visit.redirect_with(LIST, Level::Success, text))
}

async fn found(visit: &Visit, token: String) -> Result<Option<InvitationPage>> {
    if !is_token(&token) {
        return Ok(None);
    }
    let core = visit.core();
    let email = store::find(core.db(), &digest(core, &token), core.now()).await?;
    Ok(email.map(|email| InvitationPage {
        token,
        email,
        errors: FieldErrors::default(),
    }))
}

fn stale(visit: &Visit) -> Result<Response> {
    visit.render_with(StatusCode::NOT_FOUND, &StaleLinkPage {})
}

async fn show(visit: Visit, Path(token): Path<String>) -> Result<Response> {
    match found(&visit, token).await? {
        Some(page) => visit.render(&page),
        None => stale(&visit),
    }
}

#[derive(Deserialize)]
struct AcceptForm {
    password: String,
}

async fn sign_up(
    visit: Visit,
    Path(token): Path<String>,
    Form(form): Form<AcceptForm>,
) -> Result<Response> {
    let Some(mut page) = found(&visit, token).await? else {
        return stale(&visit);
    };
    let core = visit.core();
    let checked = check_account(&page.email, &form.password, core.name());
    let (email, password) = match checked {
        Ok(checked) => checked,
        Err(errors) => {
            page.errors = errors;
            return visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
    };
    match accept(core, (&page.token, email), &password, &Browser::of(&visit)).await? {
        Accepted::Done(token) => {
            let text = "Welcome! Your account is ready.";
            enter(
                &visit,
                &token,
                visit.redirect_with("/dashboard", Level::Success, text),
            )
        }
        Accepted::Stale => stale(&visit),
        Accepted::Taken => {
            let text = "You have an account with this address already. Sign in.";
            Ok(visit.redirect_with("/accounts/login", Level::Info, text))
        }
    }
}

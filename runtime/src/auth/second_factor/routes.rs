//! The pages of the second factor: turning it on and off, recovery codes, and the code at sign-in.

use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::pages::{CodePage, CodesPage, SetUpPage};
use super::{Answered, answer, has_other, offer, renew_codes, status, take_up, turn_off, turn_on};
use crate::auth::actions::require_verified;
use crate::auth::entity::Browser;
use crate::auth::routes::{Next, destination, enter};
use crate::auth::security::SECURITY;
use crate::error::{Error, FieldErrors, Result};
use crate::http::{Access, Form, Level, Principal, Routes, Visit, VisitCookie};

/// Where a sign-in goes on after the right password.
pub(in crate::auth) const CODE: &str = "/accounts/login/code";
const SET_UP: &str = "/accounts/security/second-factor";

pub(in crate::auth) fn routes() -> Routes {
    let fresh = Access::SignedIn.fresh();
    Routes::new()
        .get(CODE, Access::Public, show_code)
        .post(CODE, Access::Public, take_code)
        .get(SET_UP, fresh, show_set_up)
        .post(SET_UP, fresh, set_up)
        .post("/accounts/security/second-factor/remove", fresh, remove)
        .post("/accounts/security/recovery-codes", fresh, recovery_codes)
}

async fn show_code(visit: Visit, Query(Next { next }): Query<Next>) -> Result<Response> {
    if visit.cookie(VisitCookie::Challenge).is_none() {
        return Ok(visit.redirect("/accounts/login"));
    }
    let page = CodePage::new(&visit, next, FieldErrors::default()).await?;
    visit.render(&page)
}

#[derive(Deserialize)]
struct CodeForm {
    code: String,
    #[serde(default)]
    next: String,
}

async fn take_code(visit: Visit, Form(form): Form<CodeForm>) -> Result<Response> {
    let token = visit.cookie(VisitCookie::Challenge).unwrap_or_default();
    let browser = Browser::of(&visit);
    match answer(visit.core(), &token, &form.code, &browser).await? {
        Answered::Done(token) => {
            let mut response = visit.redirect(destination(&form.next));
            visit.clear_cookie(&mut response, VisitCookie::Challenge);
            enter(&visit, &token, response)
        }
        Answered::Wrong => {
            let errors = FieldErrors::one("code", "This code is not right, or was used before.");
            let page = CodePage::new(&visit, form.next, errors).await?;
            visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Answered::Dead => {
            let text = "That took too long, or too many codes were wrong. Sign in again.";
            let mut response = visit.redirect_with("/accounts/login", Level::Warning, text);
            visit.clear_cookie(&mut response, VisitCookie::Challenge);
            Ok(response)
        }
    }
}

async fn show_set_up(visit: Visit, principal: Principal) -> Result<Response> {
    // Whoever signed up with another's address would keep him out with his own app.
    require_verified(visit.core(), &principal)?;
    if status(visit.core(), &principal.id).await?.is_on {
        return Ok(visit.redirect(SECURITY));
    }
    let offer = offer(visit.core(), &principal.id);
    let page = SetUpPage::new(&visit, &principal, &offer)?;
    visit.render(&page)
}

#[derive(Deserialize)]
struct SetUpForm {
    sealed: String,
    code: String,
}

async fn set_up(
    visit: Visit,
    principal: Principal,
    Form(form): Form<SetUpForm>,
) -> Result<Response> {
    let core = visit.core();
    require_verified(core, &principal)?;
    let offer = take_up(core, &principal.id, &form.sealed).ok_or_else(Error::not_found)?;
    let code = form.code.replace(' ', "");
    let address = visit.client_address();
    match turn_on(core, (&principal, &address), &offer, &code).await? {
        Some((codes, token)) => enter(&visit, &token, visit.render(&CodesPage { codes })?),
        None => {
            let mut page = SetUpPage::new(&visit, &principal, &offer)?;
            page.errors = FieldErrors::one("code", "This is not the code that the app shows now.");
            visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}

async fn remove(visit: Visit, principal: Principal) -> Result<Response> {
    let token = turn_off(visit.core(), &principal, &visit.client_address()).await?;
    let text = match has_other(visit.core(), &principal.id).await? {
        true => "Codes of an app are not asked for any more.",
        false => "The second factor is off. Your password alone signs you in.",
    };
    let response = visit.redirect_with(SECURITY, Level::Warning, text);
    enter(&visit, &token, response)
}

async fn recovery_codes(visit: Visit, principal: Principal) -> Result<Response> {
    let codes = renew_codes(visit.core(), &principal.id, &visit.client_address()).await?;
    visit.render(&CodesPage { codes })
}

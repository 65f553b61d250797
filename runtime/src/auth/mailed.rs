//! The pages that mails lead to, and those that ask for such mails.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::actions::{self, Confirmed};
use super::entity::Purpose;
use super::pages::{
    CheckMailPage, EmailPage, NewPasswordPage, ResetPage, StaleLinkPage, UnconfirmedPage,
    VerifyPage,
};
use super::rules::{EmailAddress, Password};
use crate::crypto::is_token;
use crate::error::{FieldErrors, Result};
use crate::http::{Access, Form, Level, Principal, Routes, Visit, VisitCookie};

pub(super) const CHECK_MAIL: &str = "/accounts/verify/sent";
const EMAIL: &str = "/accounts/email";
/// Where somebody is sent who has to confirm his address before he goes on.
const UNCONFIRMED: &str = "/accounts/verify";

pub(super) fn routes() -> Routes {
    Routes::new()
        .get(EMAIL, Access::SignedIn.fresh(), show_email)
        .post(EMAIL, Access::SignedIn.fresh(), change_email)
        .get(UNCONFIRMED, Access::SignedIn, show_unconfirmed)
        .get(CHECK_MAIL, Access::Public, check_mail)
        .post("/accounts/verify/resend", Access::SignedIn, resend)
        .get("/accounts/verify/{token}", Access::Public, show_verify)
        .post("/accounts/verify/{token}", Access::Public, verify)
        .get("/accounts/password/reset", Access::Public, show_reset)
        .post("/accounts/password/reset", Access::Public, ask_reset)
        .get(
            "/accounts/password/reset/{token}",
            Access::Public,
            show_new_password,
        )
        .post(
            "/accounts/password/reset/{token}",
            Access::Public,
            set_new_password,
        )
}

async fn check_mail(visit: Visit) -> Result<Response> {
    visit.render(&CheckMailPage {})
}

async fn show_unconfirmed(visit: Visit, principal: Principal) -> Result<Response> {
    let is_verified = actions::is_verified(visit.core(), &principal.id).await?;
    let email = principal.email;
    visit.render(&UnconfirmedPage { email, is_verified })
}

fn stale(visit: &Visit) -> Result<Response> {
    visit.render_with(StatusCode::NOT_FOUND, &StaleLinkPage {})
}

async fn show_email(visit: Visit, principal: Principal) -> Result<Response> {
    let page = email_page(&visit, &principal).await?;
    visit.render(&page)
}

async fn email_page(visit: &Visit, principal: &Principal) -> Result<EmailPage> {
    Ok(EmailPage {
        email: principal.email.clone(),
        is_verified: actions::is_verified(visit.core(), &principal.id).await?,
        new_email: String::new(),
        errors: FieldErrors::default(),
    })
}

#[derive(Deserialize)]
struct EmailForm {
    email: String,
}

async fn change_email(
    visit: Visit,
    principal: Principal,
    Form(form): Form<EmailForm>,
) -> Result<Response> {
    let errors = match EmailAddress::parse(&form.email) {
        Err(why) => FieldErrors::one("email", why),
        Ok(email) => {
            actions::ask_for_new_email(visit.core(), &principal, &email).await?;
            let text = format!(
                "We have sent a link to {}. Open it to confirm.",
                email.as_str()
            );
            return Ok(visit.redirect_with(EMAIL, Level::Info, text));
        }
    };
    let page = EmailPage {
        new_email: form.email,
        errors,
        ..email_page(&visit, &principal).await?
    };
    visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

async fn resend(visit: Visit, principal: Principal) -> Result<Response> {
    actions::resend_verification(visit.core(), &principal).await?;
    let text = "If your address is not confirmed yet, a mail with a link is on its way.";
    Ok(visit.redirect_with(UNCONFIRMED, Level::Info, text))
}

async fn show_verify(visit: Visit, Path(token): Path<String>) -> Result<Response> {
    let found = match is_token(&token) {
        true => actions::find_link(visit.core(), &token, Purpose::VerifyEmail).await?,
        false => None,
    };
    match found {
        None => stale(&visit),
        Some(found) => visit.render(&VerifyPage {
            token,
            email: found.email,
        }),
    }
}

async fn verify(visit: Visit, Path(token): Path<String>) -> Result<Response> {
    if !is_token(&token) {
        return stale(&visit);
    }
    let to = match visit.principal() {
        Some(_) => "/dashboard",
        None => "/accounts/login",
    };
    match actions::confirm_email(visit.core(), &token).await? {
        Confirmed::Stale => stale(&visit),
        Confirmed::Done => {
            Ok(visit.redirect_with(to, Level::Success, "Your address is confirmed."))
        }
        Confirmed::Taken => {
            let text = "Another account uses this address by now. Yours stays as it was.";
            Ok(visit.redirect_with(to, Level::Warning, text))
        }
    }
}

async fn show_reset(visit: Visit) -> Result<Response> {
    visit.render(&ResetPage::default())
}

#[derive(Deserialize)]
struct ResetForm {
    email: String,
}

async fn ask_reset(visit: Visit, Form(form): Form<ResetForm>) -> Result<Response> {
    match EmailAddress::parse(&form.email) {
        Ok(email) => {
            actions::ask_for_reset(visit.core(), &email).await?;
            let text =
                "If there is an account with this address, a mail with a link is on its way.";
            Ok(visit.redirect_with("/accounts/login", Level::Info, text))
        }
        Err(why) => {
            let page = ResetPage {
                email: form.email,
                errors: FieldErrors::one("email", why),
            };
            visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}

async fn show_new_password(visit: Visit, Path(token): Path<String>) -> Result<Response> {
    match reset_page(&visit, token).await? {
        Some(page) => visit.render(&page),
        None => stale(&visit),
    }
}

async fn reset_page(visit: &Visit, token: String) -> Result<Option<NewPasswordPage>> {
    if !is_token(&token) {
        return Ok(None);
    }
    let found = actions::find_link(visit.core(), &token, Purpose::ResetPassword).await?;
    Ok(found.map(|found| NewPasswordPage {
        token,
        email: found.email,
        errors: FieldErrors::default(),
    }))
}

#[derive(Deserialize)]
struct NewPasswordForm {
    password: String,
}

async fn set_new_password(
    visit: Visit,
    Path(token): Path<String>,
    Form(form): Form<NewPasswordForm>,
) -> Result<Response> {
    let Some(mut page) = reset_page(&visit, token).await? else {
        return stale(&visit);
    };
    let core = visit.core();
    let email = EmailAddress::parse(&page.email).map_err(anyhow::Error::msg)?;
    let password = match Password::new(&form.password, &email, core.name()) {
        Ok(password) => password,
        Err(why) => {
            page.errors = FieldErrors::one("password", why);
            return visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
    };
    if !actions::reset_password(core, &page.token, &password).await? {
        return stale(&visit);
    }
    let text = "Your password has been changed. Sign in with the new one.";
    let mut response = visit.redirect_with("/accounts/login", Level::Success, text);
    visit.clear_cookie(&mut response, VisitCookie::Session);
    Ok(response)
}

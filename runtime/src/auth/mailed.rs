//! The pages that mails lead to, and those that ask for such mails.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use secrecy::SecretString;
use serde::Deserialize;

use super::actions::{self, Confirmation, Confirmed, Wanted};
use super::entity::{Browser, Purpose};
use super::pages::{
    CheckMailPage, EmailPage, NewPasswordPage, ResetPage, StaleLinkPage, UnconfirmedPage,
    VerifyPage,
};
use super::routes::{check_account, proceed};
use super::rules::EmailAddress;
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
        .post("/accounts/verify/{token}/password", Access::Public, choose)
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
    visit.render(&UnconfirmedPage {
        email: principal.email,
        is_verified: principal.is_verified,
    })
}

fn stale(visit: &Visit) -> Result<Response> {
    visit.render_with(StatusCode::NOT_FOUND, &StaleLinkPage {})
}

async fn show_email(visit: Visit, principal: Principal) -> Result<Response> {
    visit.render(&email_page(&principal))
}

fn email_page(principal: &Principal) -> EmailPage {
    EmailPage {
        email: principal.email.clone(),
        is_verified: principal.is_verified,
        new_email: String::new(),
        errors: FieldErrors::default(),
    }
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
            let address = visit.client_address();
            actions::ask_for_new_email(visit.core(), &principal, &email, &address).await?;
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
        ..email_page(&principal)
    };
    visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

async fn resend(visit: Visit, principal: Principal) -> Result<Response> {
    actions::resend_verification(visit.core(), &principal, &visit.client_address()).await?;
    let text = "If your address is not confirmed yet, a mail with a link is on its way.";
    Ok(visit.redirect_with(UNCONFIRMED, Level::Info, text))
}

/// The page of an address that waits to be confirmed.
fn verify_page(token: String, asked: Confirmation, errors: FieldErrors) -> VerifyPage {
    VerifyPage {
        token,
        email: asked.email,
        asks_password: matches!(asked.wanted, Wanted::Password { .. }),
        may_choose: asked.wanted == Wanted::Password { may_choose: true },
        must_sign_in: asked.wanted == Wanted::Session,
        errors,
    }
}

async fn show_verify(visit: Visit, Path(token): Path<String>) -> Result<Response> {
    let asked = match is_token(&token) {
        true => actions::confirmation(visit.core(), visit.principal(), &token).await?,
        false => None,
    };
    match asked {
        None => stale(&visit),
        Some(asked) => visit.render(&verify_page(token, asked, FieldErrors::default())),
    }
}

#[derive(Deserialize)]
struct VerifyForm {
    #[serde(default)]
    password: SecretString,
}

async fn verify(
    visit: Visit,
    Path(token): Path<String>,
    Form(form): Form<VerifyForm>,
) -> Result<Response> {
    if !is_token(&token) {
        return stale(&visit);
    }
    let shown = (visit.principal(), form.password);
    let browser = Browser::of(&visit);
    let (level, text) = match actions::confirm_email(visit.core(), &token, shown, &browser).await? {
        Confirmed::Stale => return stale(&visit),
        Confirmed::Done(Some(sign_in)) => {
            return proceed(&visit, sign_in, ("", Some((Level::Success, CONFIRMED))));
        }
        Confirmed::Refused(asked) => {
            let errors = FieldErrors::one("password", "This is not the password of the account.");
            let page = verify_page(token, asked, errors);
            return visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
        Confirmed::Done(None) => (Level::Success, CONFIRMED),
        Confirmed::Taken => (
            Level::Warning,
            "Another account uses this address by now. Yours stays as it was.",
        ),
    };
    let to = match visit.principal() {
        Some(_) => "/dashboard",
        None => "/accounts/login",
    };
    Ok(visit.redirect_with(to, level, text))
}

const CONFIRMED: &str = "Your address is confirmed.";

/// Whoever did not make the account, or forgot its password, chooses one.
async fn choose(visit: Visit, Path(token): Path<String>) -> Result<Response> {
    let link = match is_token(&token) {
        true => actions::choose_instead(visit.core(), &token).await?,
        false => None,
    };
    match link {
        Some(link) => Ok(visit.redirect(&format!("/accounts/password/reset/{link}"))),
        None => stale(&visit),
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
            actions::ask_for_reset(visit.core(), &email, &visit.client_address()).await?;
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
    let checked = check_account(&page.email, &form.password, core.name());
    let (_, password) = match checked {
        Ok(checked) => checked,
        Err(errors) => {
            page.errors = errors;
            return visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
    };
    let address = visit.client_address();
    if !actions::reset_password(core, &page.token, &password, &address).await? {
        return stale(&visit);
    }
    let text = "Your password has been changed. Sign in with the new one.";
    let mut response = visit.redirect_with("/accounts/login", Level::Success, text);
    visit.clear_cookie(&mut response, VisitCookie::Session);
    Ok(response)
}

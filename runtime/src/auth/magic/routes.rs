//! The pages of signing in by mail: where to, the code, and what the link leads to.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::pages::{AskPage, LinkPage, MailedPage};
use super::{Entry, Taken, ask, find_link, take_code, take_link};
use crate::auth::entity::Browser;
use crate::auth::pages::StaleLinkPage;
use crate::auth::routes::{Next, proceed};
use crate::auth::rules::EmailAddress;
use crate::crypto::is_token;
use crate::error::{FieldErrors, Result};
use crate::http::{Access, Form, Level, Routes, Visit, VisitCookie};

const ASK: &str = "/accounts/login/mail";
const CODE: &str = "/accounts/login/mail/code";
const LINK: &str = "/accounts/login/mail/{token}";

pub(in crate::auth) fn routes() -> Routes {
    Routes::new()
        .get(ASK, Access::Public, show_ask)
        .post(ASK, Access::Public, send)
        .get(CODE, Access::Public, show_code)
        .post(CODE, Access::Public, code)
        .get(LINK, Access::Public, show_link)
        .post(LINK, Access::Public, link)
}

async fn show_ask(visit: Visit, Query(Next { next }): Query<Next>) -> Result<Response> {
    // Whoever has signed in comes here to show once more who he is.
    let email = visit.principal().map(|own| own.email.clone());
    visit.render(&AskPage {
        email: email.unwrap_or_default(),
        next,
        errors: FieldErrors::default(),
    })
}

#[derive(Deserialize)]
struct AskForm {
    email: String,
    #[serde(default)]
    next: String,
}

async fn send(visit: Visit, Form(form): Form<AskForm>) -> Result<Response> {
    let email = match EmailAddress::parse(&form.email) {
        Ok(email) => email,
        Err(why) => {
            let page = AskPage {
                email: form.email,
                next: form.next,
                errors: FieldErrors::one("email", why),
            };
            return visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
    };
    let held = ask(visit.core(), &email, &form.next, &Browser::of(&visit)).await?;
    let mut response = visit.redirect(CODE);
    visit.set_cookie(&mut response, VisitCookie::MagicLink, &held, None);
    Ok(response)
}

async fn show_code(visit: Visit) -> Result<Response> {
    match visit.cookie(VisitCookie::MagicLink) {
        Some(_) => visit.render(&MailedPage::default()),
        None => Ok(visit.redirect(ASK)),
    }
}

#[derive(Deserialize)]
struct CodeForm {
    code: String,
}

async fn code(visit: Visit, Form(form): Form<CodeForm>) -> Result<Response> {
    let held = visit.cookie(VisitCookie::MagicLink).unwrap_or_default();
    match take_code(visit.core(), &held, &form.code, &Browser::of(&visit)).await? {
        Taken::Done(entry) => enter(&visit, entry),
        Taken::Wrong => {
            let errors = FieldErrors::one("code", "This is not the code of the mail.");
            visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &MailedPage { errors })
        }
        Taken::Dead => {
            let text = "That took too long, or too many codes were wrong. Ask for another mail.";
            let mut response = visit.redirect_with(ASK, Level::Warning, text);
            visit.clear_cookie(&mut response, VisitCookie::MagicLink);
            Ok(response)
        }
    }
}

async fn show_link(visit: Visit, Path(token): Path<String>) -> Result<Response> {
    let email = match is_token(&token) {
        true => find_link(visit.core(), &token).await?,
        false => None,
    };
    match email {
        Some(email) => visit.render(&LinkPage { token, email }),
        None => stale(&visit),
    }
}

async fn link(visit: Visit, Path(token): Path<String>) -> Result<Response> {
    if !is_token(&token) {
        return stale(&visit);
    }
    match take_link(visit.core(), &token, &Browser::of(&visit)).await? {
        Taken::Done(entry) => enter(&visit, entry),
        Taken::Wrong | Taken::Dead => stale(&visit),
    }
}

fn stale(visit: &Visit) -> Result<Response> {
    visit.render_with(StatusCode::NOT_FOUND, &StaleLinkPage {})
}

fn enter(visit: &Visit, entry: Entry) -> Result<Response> {
    let note = "Your address is confirmed now. The password that was set before does not work any more: ask for a new \
                one with “Forgot your password?” if you want one.";
    let note = entry.lost_password.then_some((Level::Info, note));
    let mut response = proceed(visit, entry.sign_in, (&entry.next, note))?;
    visit.clear_cookie(&mut response, VisitCookie::MagicLink);
    Ok(response)
}

//! The pages of this domain.

use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use secrecy::SecretString;
use serde::Deserialize;

use super::actions::{self, PasswordChange, SignIn, SignUp, Token};
use super::entity::Browser;
use super::mailed::CHECK_MAIL;
use super::pages::{ConfirmPage, DashboardPage, PasswordPage, SignInPage, SignOutPage, SignUpPage};
use super::rules::{EmailAddress, Password};
use super::{Accounts, Registration, acting, door, second_factor};
use crate::error::{FieldErrors, Result};
use crate::http::{Access, Form, Level, Principal, Routes, Visit, VisitCookie, local_path};
use crate::module::PanelPlace;

pub(super) fn routes(registration: Registration) -> Routes {
    let routes = Routes::new()
        .get("/dashboard", Access::SignedIn, dashboard)
        .get("/accounts/login", Access::Public, show_sign_in)
        .post("/accounts/login", Access::Public, sign_in)
        .get("/accounts/logout", Access::Public, show_sign_out)
        .post("/accounts/logout", Access::Public, sign_out)
        .get("/accounts/confirm", Access::SignedIn, show_confirm)
        .post("/accounts/confirm", Access::SignedIn, confirm)
        .get("/accounts/password/change", Access::SignedIn, show_password)
        .post(
            "/accounts/password/change",
            Access::SignedIn,
            change_password,
        );
    match registration {
        Registration::Closed | Registration::Invitation => routes,
        Registration::Open => routes
            .get("/accounts/signup", Access::Public, show_sign_up)
            .post("/accounts/signup", Access::Public, sign_up),
    }
}

const HOME: &str = "/dashboard";

#[derive(Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    pub next: String,
}

/// Where a sign-in leads: to the page that asked for it, or to the dashboard.
pub(super) fn destination(next: &str) -> &str {
    match local_path(next) {
        "/" => HOME,
        path => path,
    }
}

/// Sends the browser on with the token of its new session.
pub(super) fn enter(visit: &Visit, token: &Token, response: Response) -> Result<Response> {
    let mut response = response;
    let life = visit.core().state::<Accounts>()?.settings.session_life();
    visit.set_cookie(
        &mut response,
        VisitCookie::Session,
        &token.0,
        Some(life.absolute),
    );
    Ok(response)
}

async fn show_sign_up(visit: Visit, Query(Next { next }): Query<Next>) -> Result<Response> {
    if visit.principal().is_some() {
        return Ok(visit.redirect(destination(&next)));
    }
    visit.render(&SignUpPage {
        next,
        ..SignUpPage::default()
    })
}

#[derive(Deserialize)]
struct SignUpForm {
    email: String,
    password: String,
    #[serde(default)]
    next: String,
}

async fn sign_up(visit: Visit, Form(form): Form<SignUpForm>) -> Result<Response> {
    let errors = match check_account(&form.email, &form.password, visit.core().name()) {
        Err(errors) => errors,
        Ok((email, password)) => {
            let browser = Browser::of(&visit);
            match actions::sign_up(visit.core(), email, &password, &browser).await? {
                SignUp::Done(token) => {
                    let to = destination(&form.next);
                    let welcome =
                        visit.redirect_with(to, Level::Success, "Welcome! Your account is ready.");
                    return enter(&visit, &token, welcome);
                }
                SignUp::Mailed => return Ok(visit.redirect(CHECK_MAIL)),
                SignUp::Taken => FieldErrors::one(
                    "email",
                    "There is an account with this address. Sign in instead.",
                ),
            }
        }
    };
    let page = SignUpPage {
        email: form.email,
        next: form.next,
        errors,
    };
    visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

/// An address and the password that its account is to have.
pub(super) fn check_account(
    email: &str,
    password: &str,
    site: &str,
) -> Result<(EmailAddress, Password), FieldErrors> {
    let email = EmailAddress::parse(email).map_err(|why| FieldErrors::one("email", why))?;
    let password = Password::new(password, &email, site);
    let password = password.map_err(|why| FieldErrors::one("password", why))?;
    Ok((email, password))
}

async fn show_sign_in(visit: Visit, Query(Next { next }): Query<Next>) -> Result<Response> {
    if visit.principal().is_some() {
        return Ok(visit.redirect(destination(&next)));
    }
    let page = sign_in_page(&visit, next).await?;
    visit.render(&page)
}

async fn sign_in_page(visit: &Visit, next: String) -> Result<SignInPage> {
    let core = visit.core();
    let accounts = core.state::<Accounts>()?;
    let place = PanelPlace::SignIn { next: next.clone() };
    Ok(SignInPage {
        next,
        ways: core.panels(visit, &place).await?,
        registration_is_open: accounts.settings.registration == Registration::Open,
        magic_links: accounts.settings.magic_links,
        ..SignInPage::default()
    })
}

#[derive(Deserialize)]
struct SignInForm {
    email: String,
    password: SecretString,
    #[serde(default)]
    next: String,
}

async fn sign_in(visit: Visit, Form(form): Form<SignInForm>) -> Result<Response> {
    let browser = Browser::of(&visit);
    let done = actions::sign_in(visit.core(), &form.email, form.password, &browser).await?;
    let why = match done {
        SignIn::Done(_) | SignIn::Challenge(_) => return proceed(&visit, done, (&form.next, None)),
        SignIn::Refused => "The e-mail address or the password is not right.",
        SignIn::Unverified => UNVERIFIED,
        SignIn::Deactivated => DEACTIVATED,
    };
    let page = SignInPage {
        email: form.email,
        errors: FieldErrors::one("form", why),
        ..sign_in_page(&visit, form.next).await?
    };
    visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

/// What comes of a sign-in by another way than the password: its answer, with a note for the next page.
pub(super) fn proceed(
    visit: &Visit,
    sign_in: SignIn,
    (next, note): (&str, Option<(Level, &str)>),
) -> Result<Response> {
    let why = match sign_in {
        SignIn::Done(token) => {
            let response = send_on(visit, destination(next), note);
            return enter(visit, &token, response);
        }
        SignIn::Challenge(token) => {
            let (to, cookie) = (code_page(next), VisitCookie::Challenge);
            let mut response = send_on(visit, &to, note);
            visit.set_cookie(&mut response, cookie, &token, None);
            return Ok(response);
        }
        SignIn::Refused => "You could not be signed in. Try again.",
        SignIn::Unverified => UNVERIFIED,
        SignIn::Deactivated => DEACTIVATED,
    };
    Ok(visit.redirect_with("/accounts/login", Level::Danger, why))
}

const UNVERIFIED: &str = "Confirm your address first: we have just sent you a mail with a link.";
const DEACTIVATED: &str =
    "This account has been deactivated. Ask us if you think that it should not be.";

fn send_on(visit: &Visit, to: &str, note: Option<(Level, &str)>) -> Response {
    match note {
        Some((level, text)) => visit.redirect_with(to, level, text),
        None => visit.redirect(to),
    }
}

/// Where the code is asked for.
fn code_page(next: &str) -> String {
    let query = serde_urlencoded::to_string([("next", next)]).unwrap_or_default();
    format!("{}?{query}", second_factor::CODE)
}

async fn show_sign_out(visit: Visit) -> Result<Response> {
    match visit.principal() {
        Some(_) => visit.render(&SignOutPage {}),
        None => Ok(visit.redirect("/")),
    }
}

async fn sign_out(visit: Visit) -> Result<Response> {
    if let Some(principal) = visit.principal() {
        acting::end_in(visit.core(), &principal.session, &visit.client_address()).await?;
        actions::sign_out(visit.core(), &principal.session.clone().into()).await?;
    }
    let mut response = visit.redirect_with("/", Level::Success, "You have signed out.");
    visit.clear_cookie(&mut response, VisitCookie::Session);
    Ok(response)
}

async fn show_confirm(
    visit: Visit,
    principal: Principal,
    Query(Next { next }): Query<Next>,
) -> Result<Response> {
    let page = confirm_page(&visit, &principal, next).await?;
    visit.render(&page)
}

async fn confirm_page(visit: &Visit, principal: &Principal, next: String) -> Result<ConfirmPage> {
    let core = visit.core();
    let account = door::account(core, &principal.id).await?;
    let place = PanelPlace::Confirm { next: next.clone() };
    Ok(ConfirmPage {
        next,
        has_password: account.is_none_or(|account| account.has_password),
        magic_links: core.state::<Accounts>()?.settings.magic_links,
        ways: core.panels(visit, &place).await?,
        errors: FieldErrors::default(),
    })
}

#[derive(Deserialize)]
struct ConfirmForm {
    password: SecretString,
    #[serde(default)]
    next: String,
}

async fn confirm(
    visit: Visit,
    principal: Principal,
    Form(form): Form<ConfirmForm>,
) -> Result<Response> {
    let (core, address) = (visit.core(), visit.client_address());
    match actions::confirm(core, &principal, form.password, &address).await? {
        Some(token) => {
            let response = visit.redirect(destination(&form.next));
            enter(&visit, &token, response)
        }
        None => {
            let page = ConfirmPage {
                errors: FieldErrors::one("password", "This is not your password."),
                ..confirm_page(&visit, &principal, form.next).await?
            };
            visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}

async fn show_password(visit: Visit) -> Result<Response> {
    visit.render(&PasswordPage::default())
}

#[derive(Deserialize)]
struct PasswordForm {
    current_password: SecretString,
    password: String,
}

async fn change_password(
    visit: Visit,
    principal: Principal,
    Form(form): Form<PasswordForm>,
) -> Result<Response> {
    let refuse = |field, why| {
        let errors = FieldErrors::one(field, why);
        visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &PasswordPage { errors })
    };
    let core = visit.core();
    let email = EmailAddress::parse(&principal.email).map_err(anyhow::Error::msg)?;
    let new = match Password::new(&form.password, &email, core.name()) {
        Ok(new) => new,
        Err(why) => return refuse("password", why),
    };
    let browser = Browser::of(&visit);
    let passwords = (form.current_password, &new);
    match actions::change_password(core, &principal, passwords, &browser).await? {
        PasswordChange::Refused => refuse("current_password", "This is not your current password."),
        PasswordChange::Done(token) => {
            let text = "Your password has been changed. Every other device has been signed out.";
            let response = visit.redirect_with("/accounts/profile", Level::Success, text);
            enter(&visit, &token, response)
        }
    }
}

async fn dashboard(visit: Visit) -> Result<Response> {
    let panels = visit.core().panels(&visit, &PanelPlace::Dashboard).await?;
    visit.render(&DashboardPage { panels })
}

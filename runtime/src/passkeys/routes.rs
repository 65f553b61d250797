//! The pages of passkeys. A script fetches a question for the device, and sends the form with its answer.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;

use super::actions::{self, Added};
use super::ceremony::{self, Answer, Purpose};
use super::pages::{NewPage, PasskeyPage};
use super::rules::Name;
use super::store::PasskeyId;
use crate::auth::door::{self, Admission, Debtor};
use crate::error::{Error, FieldErrors, Result};
use crate::http::{Access, Form, Level, Principal, Routes, Visit, VisitCookie};

const LOGIN: &str = "/accounts/login";
const CODE: &str = "/accounts/login/code";
const SECURITY: &str = "/accounts/security";
const NEW: &str = "/accounts/passkeys/new";
const ONE: &str = "/accounts/passkeys/{id}";

pub(super) fn routes() -> Routes {
    let (public, signed_in) = (Access::Public, Access::SignedIn);
    let fresh = signed_in.fresh();
    Routes::new()
        .post("/accounts/login/passkey/question", public, ask_sign_in)
        .post("/accounts/login/passkey", public, sign_in)
        .post("/accounts/login/code/passkey/question", public, ask_factor)
        .post("/accounts/login/code/passkey", public, factor)
        .post("/accounts/confirm/passkey/question", signed_in, ask_confirm)
        .post("/accounts/confirm/passkey", signed_in, confirm)
        .get(NEW, fresh, show_new)
        .post("/accounts/passkeys/new/question", fresh, ask_new)
        .post(NEW, fresh, add)
        .get(ONE, fresh, show)
        .post(ONE, fresh, rename)
        .post("/accounts/passkeys/{id}/remove", fresh, remove)
}

const LATE: &str =
    "That took too long, or was done before. Passkeys need JavaScript; try again with it.";
const WRONG: &str = "This passkey was not taken. Try again, or go another way.";

async fn ask_sign_in(visit: Visit) -> Result<Json<Value>> {
    door::count_question(&visit).await?;
    ceremony::ask_to_sign(visit.core(), Purpose::SignIn)
        .await
        .map(Json)
}

#[derive(Deserialize)]
struct AnswerForm {
    #[serde(default)]
    ticket: String,
    /// What the device says, as JSON.
    #[serde(default)]
    answer: String,
    #[serde(default)]
    next: String,
}

async fn sign_in(visit: Visit, Form(form): Form<AnswerForm>) -> Result<Response> {
    door::count(&visit).await?;
    let sent = (&*form.ticket, &*form.answer);
    let answer = actions::sign_in(&visit, sent).await?;
    proceed(&visit, answer, (&form.next, LOGIN))
}

/// On to `next`, or back to `page` with a reason.
fn proceed(
    visit: &Visit,
    answer: Answer<Admission>,
    (next, page): (&str, &str),
) -> Result<Response> {
    let why = match answer {
        Answer::Right(admission) => return door::proceed(visit, admission, next, None),
        Answer::Late => LATE,
        Answer::Wrong => WRONG,
    };
    let query = serde_urlencoded::to_string([("next", next)]).map_err(Error::internal)?;
    let page = match next {
        "" => page.to_owned(),
        _ => format!("{page}?{query}"),
    };
    Ok(visit.redirect_with(&page, Level::Danger, why))
}

async fn debtor(visit: &Visit) -> Result<Debtor> {
    let text = "That took too long. Sign in again.";
    let late = || Error::conflict("sign_in_again", text);
    Debtor::of(visit).await?.ok_or_else(late)
}

async fn ask_factor(visit: Visit) -> Result<Json<Value>> {
    door::count_question(&visit).await?;
    let debtor = debtor(&visit).await?;
    let purpose = Purpose::SecondFactor(&debtor.user);
    ceremony::ask_to_sign(visit.core(), purpose).await.map(Json)
}

async fn factor(visit: Visit, Form(form): Form<AnswerForm>) -> Result<Response> {
    door::count(&visit).await?;
    let Some(debtor) = Debtor::of(&visit).await? else {
        let text = "That took too long. Sign in again.";
        return Ok(visit.redirect_with(LOGIN, Level::Warning, text));
    };
    let sent = (&*form.ticket, &*form.answer);
    let answer = actions::second_factor(&visit, &debtor, sent).await?;
    let is_over = matches!(answer, Answer::Right(_));
    let mut response = proceed(&visit, answer, (&form.next, CODE))?;
    if is_over {
        visit.clear_cookie(&mut response, VisitCookie::Challenge);
    }
    Ok(response)
}

async fn ask_confirm(visit: Visit, principal: Principal) -> Result<Json<Value>> {
    door::count_question(&visit).await?;
    let purpose = Purpose::Confirm(&principal.id);
    ceremony::ask_to_sign(visit.core(), purpose).await.map(Json)
}

async fn confirm(
    visit: Visit,
    principal: Principal,
    Form(form): Form<AnswerForm>,
) -> Result<Response> {
    let sent = (&*form.ticket, &*form.answer);
    let answer = actions::confirm(visit.core(), &principal, sent).await?;
    proceed(&visit, answer, (&form.next, "/accounts/confirm"))
}

const CONFIRM_FIRST: &str = "Confirm your address first; then add a passkey.";

async fn show_new(visit: Visit, principal: Principal) -> Result<Response> {
    match actions::may_add(visit.core(), &principal.id).await? {
        true => visit.render(&NewPage::default()),
        false => Ok(visit.redirect_with("/accounts/verify", Level::Warning, CONFIRM_FIRST)),
    }
}

async fn ask_new(visit: Visit, principal: Principal) -> Result<Json<Value>> {
    door::count_question(&visit).await?;
    ceremony::ask_to_add(visit.core(), &principal)
        .await
        .map(Json)
}

#[derive(Deserialize)]
struct NewForm {
    name: String,
    #[serde(default)]
    ticket: String,
    #[serde(default)]
    answer: String,
}

async fn add(visit: Visit, principal: Principal, Form(form): Form<NewForm>) -> Result<Response> {
    let refuse = |field, why: &str| {
        let page = NewPage {
            name: form.name.clone(),
            errors: FieldErrors::one(field, why),
        };
        visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
    };
    let name = match Name::parse(&form.name) {
        Ok(name) => name,
        Err(why) => return refuse("name", why),
    };
    match actions::add(&visit, &principal, (&form.ticket, &form.answer, &name)).await? {
        Added::Done(admission, Some(codes)) => door::show_codes(&visit, admission, codes),
        Added::Done(admission, None) => {
            let text = format!("You can sign in with “{}” from now on.", name.as_str());
            let note = Some((Level::Success, &*text));
            door::proceed(&visit, admission, SECURITY, note)
        }
        Added::Late => refuse("form", LATE),
        Added::Wrong => refuse("form", "This passkey was not taken. Try again."),
        Added::Taken => refuse("form", "This passkey is somebody's already."),
        Added::TooMany => refuse(
            "form",
            "There are as many passkeys as there may be. Remove one first.",
        ),
        Added::NotVerified => refuse("form", CONFIRM_FIRST),
    }
}

async fn show(visit: Visit, principal: Principal, Path(id): Path<String>) -> Result<Response> {
    let id = id.parse::<PasskeyId>()?;
    let passkey = actions::find(visit.core(), &principal.id, &id).await?;
    visit.render(&PasskeyPage::new(&passkey))
}

#[derive(Deserialize)]
struct RenameForm {
    name: String,
}

async fn rename(
    visit: Visit,
    principal: Principal,
    Path(id): Path<String>,
    Form(form): Form<RenameForm>,
) -> Result<Response> {
    let id = id.parse::<PasskeyId>()?;
    match Name::parse(&form.name) {
        Ok(name) => {
            actions::rename(&visit, &principal, (&id, &name)).await?;
            let text = format!("The passkey is called “{}” now.", name.as_str());
            Ok(visit.redirect_with(SECURITY, Level::Success, text))
        }
        Err(why) => {
            let passkey = actions::find(visit.core(), &principal.id, &id).await?;
            let page = PasskeyPage {
                name: form.name,
                errors: FieldErrors::one("name", why),
                ..PasskeyPage::new(&passkey)
            };
            visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}

async fn remove(visit: Visit, principal: Principal, Path(id): Path<String>) -> Result<Response> {
    let id = id.parse::<PasskeyId>()?;
    match actions::remove(&visit, &principal, &id).await? {
        Some(admission) => {
            let text = "The passkey does not sign you in any more. Delete it on your device, too.";
            door::proceed(&visit, admission, SECURITY, Some((Level::Success, text)))
        }
        None => {
            let text = "This passkey is your only way to sign in. Choose a password or add another way first.";
            Ok(visit.redirect_with(SECURITY, Level::Warning, text))
        }
    }
}

//! The pages on which somebody takes his data along, and leaves.

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde::Deserialize;

use super::pages::{ExportPage, LeavePage};
use super::zip::Archive;
use crate::auth::audit::Actor;
use crate::auth::rules::EmailAddress;
use crate::auth::{Accounts, limits};
use crate::error::{Error, FieldErrors, Result};
use crate::http::{Access, Form, Level, Principal, Routes, Visit, VisitCookie};
use crate::personal::PersonalFiles;

pub(in crate::auth) fn routes() -> Routes {
    Routes::new()
        .get("/accounts/export", Access::SignedIn.fresh(), show_export)
        .post("/accounts/export", Access::SignedIn.fresh(), export)
        .get("/accounts/delete", Access::SignedIn.fresh(), show_leave)
        .post("/accounts/delete", Access::SignedIn.fresh(), leave)
}

async fn show_export(visit: Visit) -> Result<Response> {
    visit.render(&ExportPage {})
}

async fn export(visit: Visit, principal: Principal) -> Result<Response> {
    let core = visit.core();
    let settings = &core.state::<Accounts>()?.settings;
    limits::count(core, &limits::export(settings, &principal.id)).await?;
    let archive = Archive::new(core.now());
    let files = core.personal_data(&principal.id);
    let headers = [
        (header::CONTENT_TYPE, "application/zip"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"my-data.zip\"",
        ),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(parts(archive, files))).into_response())
}

/// The archive, part by part. A fault in the middle breaks the connection off, so that nobody takes half for whole.
fn parts(
    archive: Archive,
    files: PersonalFiles,
) -> impl futures_util::Stream<Item = Result<Vec<u8>>> + Send + 'static {
    stream::try_unfold(Some((archive, files)), |state| async move {
        let Some((mut archive, mut files)) = state else {
            return Ok(None);
        };
        match files.next().await.transpose()? {
            Some(file) => {
                let part = archive.add(&file)?;
                Ok::<_, Error>(Some((part, Some((archive, files)))))
            }
            None => Ok(Some((archive.finish()?, None))),
        }
    })
    .inspect_err(|error| tracing::error!(%error, "somebody's data cannot be put together"))
}

fn leave_page(visit: &Visit, principal: &Principal, errors: FieldErrors) -> Result<LeavePage> {
    Ok(LeavePage {
        email: principal.email.clone(),
        days: visit
            .core()
            .state::<Accounts>()?
            .settings
            .deletion_grace_days,
        errors,
    })
}

async fn show_leave(visit: Visit, principal: Principal) -> Result<Response> {
    visit.render(&leave_page(&visit, &principal, FieldErrors::default())?)
}

#[derive(Deserialize)]
struct LeaveForm {
    email: String,
}

async fn leave(
    visit: Visit,
    principal: Principal,
    Form(form): Form<LeaveForm>,
) -> Result<Response> {
    let key = |text: &str| EmailAddress::parse(text).map(|email| email.key());
    let is_his = key(&form.email).is_ok_and(|typed| key(&principal.email) == Ok(typed));
    let errors = match is_his {
        false => FieldErrors::one("email", "This is not your address."),
        true => match super::ask(visit.core(), &Actor::of(&visit)?, &principal).await {
            Ok(due) => {
                let text = format!(
                    "You have been signed out. Your account goes on {}. Sign in before to keep it.",
                    principal.times.writer().human(due)
                );
                let mut response = visit.redirect_with("/", Level::Info, text);
                visit.clear_cookie(&mut response, VisitCookie::Session);
                return Ok(response);
            }
            Err(why) if why.status() == StatusCode::CONFLICT => {
                FieldErrors::one("form", why.problem().detail.clone())
            }
            Err(why) => return Err(why),
        },
    };
    let page = leave_page(&visit, &principal, errors)?;
    visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

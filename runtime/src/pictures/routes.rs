//! Sending, serving and removing pictures.

use axum::extract::Path;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::pages::PicturePage;
use super::{Settings, Studio, actions, panels};
use crate::auth::audit::Actor;
use crate::error::{Error, FieldErrors, Result};
use crate::http::{
    Access, Level, Permission, Principal, Routes, Staff, Upload, Visit, may, permitted,
};
use crate::ids::UserId;

const PROFILE: &str = "/accounts/profile";
/// What a form takes beside its file.
const FORM: usize = 64 * 1024;

pub(super) fn routes(settings: &Settings) -> Routes {
    // A file that is somewhat too large gets a sentence beside the form, a huge one is not read at all.
    let most = Access::SignedIn.body_limit(settings.max_bytes() * 2 + FORM);
    Routes::new()
        .post("/accounts/picture", most, change)
        .post("/accounts/picture/remove", Access::SignedIn, remove)
        .get("/pictures/{id}/{digest}", Access::SignedIn, serve)
        .post("/admin/users/{id}/picture/remove", permitted(), remove_of)
}

async fn change(visit: Visit, principal: Principal, upload: Upload) -> Result<Response> {
    let core = visit.core();
    let mut files = upload.files.into_iter();
    let file = files.find(|file| file.field == "picture");
    let bytes = file.map(|file| file.bytes);
    let Err(refused) = actions::put(core, &principal.id, bytes).await? else {
        let text = "This is your picture now.";
        return Ok(visit.redirect_with(PROFILE, Level::Success, text));
    };
    let most = core.state::<Studio>()?.settings.max_megabytes;
    let errors = FieldErrors::one("picture", refused.sentence(most));
    let page = PicturePage {
        form: panels::form(&visit, errors)?,
    };
    visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

async fn remove(visit: Visit, principal: Principal) -> Result<Response> {
    actions::remove(visit.core(), &principal.id).await?;
    Ok(visit.redirect_with(PROFILE, Level::Success, "Your picture has been removed."))
}

async fn remove_of(visit: Staff<may::ManageUsers>, Path(id): Path<String>) -> Result<Response> {
    let user = id.parse::<UserId>()?;
    actions::remove_of(visit.core(), &user, &Actor::of(&visit)?).await?;
    let path = format!("/admin/users/{user}");
    Ok(visit.redirect_with(&path, Level::Success, "The picture has been removed."))
}

/// Nothing in it runs, wherever it is opened; and no proxy keeps it. Its address changes with it, so that browsers may.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_TYPE, "image/jpeg"),
    (
        header::CACHE_CONTROL,
        "private, max-age=31536000, immutable",
    ),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'; sandbox",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// To whom it shows, and to the staff.
async fn serve(
    visit: Visit,
    principal: Principal,
    Path((id, digest)): Path<(String, String)>,
) -> Result<Response> {
    let user = id.parse::<UserId>()?;
    if user != principal.id && !visit.may(Permission::ViewUsers) {
        return Err(Error::not_found());
    }
    let jpeg = actions::find(visit.core(), &user, &digest).await?;
    Ok((HEADERS, jpeg).into_response())
}

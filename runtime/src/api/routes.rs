//! The pages of keys, the description and its page.

use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::actions::{self, Made};
use super::document;
use super::entity::{ApiKey, KeyId, NewKey};
use super::key::Secret;
use super::pages::docs::DocsPage;
use super::pages::keys::{KeyForm, KeyRow, KeysPage, NewKeyPage, field};
use super::rules;
use crate::auth::audit::Actor;
use crate::clock::Timestamp;
use crate::crypto::random_token;
use crate::error::{Error, FieldErrors, Result};
use crate::http::{Access, Form, Level, Principal, Routes, Scope, Upload, Visit};

const KEYS: &str = "/accounts/api-keys";

pub(super) fn routes() -> Routes {
    Routes::new()
        .get(KEYS, Access::SignedIn.fresh(), keys)
        .post(KEYS, Access::SignedIn.fresh(), create)
        .post(
            "/accounts/api-keys/{id}/rotate",
            Access::SignedIn.fresh(),
            rotate,
        )
        .post(
            "/accounts/api-keys/{id}/revoke",
            Access::SignedIn.fresh(),
            revoke,
        )
        .get("/api/openapi.json", Access::Machine, openapi)
        .get("/api/docs", Access::Public, docs)
}

fn scopes(visit: &Visit) -> Vec<&'static Scope> {
    document::scopes(visit.core().endpoints())
}

async fn page(visit: &Visit, form: KeyForm, errors: FieldErrors) -> Result<KeysPage> {
    let user = &visit.require_principal()?.id;
    let now = visit.core().now();
    let keys = actions::list_keys(visit.core(), user).await?;
    let rows = keys.iter().map(|key| KeyRow::new(key, now, random_token()));
    Ok(KeysPage::new(rows.collect(), form, errors))
}

async fn keys(visit: Visit) -> Result<Response> {
    let mut form = KeyForm::new(&scopes(&visit), |_| true);
    form.form_key = random_token();
    let page = page(&visit, form, FieldErrors::default()).await?;
    visit.render(&page)
}

async fn create(visit: Visit, principal: Principal, upload: Upload) -> Result<Response> {
    let text = |name: &str| {
        let field = upload.fields.iter().find(|(known, _)| known == name);
        field.map_or("", |(_, value)| value.as_str())
    };
    let now = visit.core().now();
    let form_key = rules::form_key(text("form_key"))?;
    let (name, expires_at) = (
        rules::name(text("name")),
        rules::expiry(text("expiry"), now),
    );
    let all = scopes(&visit);
    let chosen = all.iter().filter(|scope| !text(&field(scope)).is_empty());
    let chosen: Vec<_> = chosen.map(|scope| scope.name.to_owned()).collect();
    let mut errors = FieldErrors::default();
    if let Err(why) = name {
        errors.add("name", why);
    }
    if let Err(why) = expires_at {
        errors.add("expiry", why);
    }
    if chosen.is_empty() {
        errors.add(
            "form",
            "Choose at least one thing that the key may be used for.",
        );
    }
    if let (Ok(name), Ok(expires_at), true) = (name, expires_at, errors.is_empty()) {
        let new = NewKey {
            name: name.to_owned(),
            scopes: chosen,
            expires_at,
            form_key: form_key.clone(),
        };
        match actions::create(visit.core(), &Actor::of(&visit)?, &principal.id, &new).await? {
            Made::Key(secret) => return show(&visit, name, &secret, None),
            Made::Before => return Ok(shown_before(&visit)),
            Made::TooMany => errors = rules::too_many_keys(),
        }
    }
    let mut form = KeyForm::new(&all, |field| !text(field).is_empty());
    form.name = text("name").to_owned();
    form.expiry = text("expiry").to_owned();
    form.form_key = random_token();
    let page = page(&visit, form, errors).await?;
    visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

fn show(
    visit: &Visit,
    name: &str,
    secret: &Secret,
    old_ends_at: Option<Timestamp>,
) -> Result<Response> {
    let url = visit.core().config().url.trim_end_matches('/');
    visit.render(&NewKeyPage::new(name, secret.expose(), url, old_ends_at))
}

fn shown_before(visit: &Visit) -> Response {
    let why = "This key has been made and shown already. If you have lost it, revoke it and make another.";
    visit.redirect_with(KEYS, Level::Warning, why)
}

#[derive(Deserialize)]
struct Rotation {
    overlap: String,
    form_key: String,
}

async fn rotate(
    visit: Visit,
    principal: Principal,
    Path(id): Path<String>,
    Form(rotation): Form<Rotation>,
) -> Result<Response> {
    let (core, id) = (visit.core(), id.parse::<KeyId>()?);
    let overlap = rules::overlap(&rotation.overlap).map_err(Error::unprocessable)?;
    let form_key = rules::form_key(&rotation.form_key)?;
    let (by, key) = (Actor::of(&visit)?, (&principal.id, &id));
    let made = actions::rotate(core, &by, key, (overlap, &form_key)).await?;
    match made {
        Made::Key(secret) => {
            let old = find(&visit, &principal, &id).await?;
            let end = old.expires_at.filter(|end| *end > core.now());
            show(&visit, &old.name, &secret, end)
        }
        Made::Before => Ok(shown_before(&visit)),
        Made::TooMany => {
            let errors = rules::too_many_keys();
            let mut form = KeyForm::new(&scopes(&visit), |_| true);
            form.form_key = random_token();
            let page = page(&visit, form, errors).await?;
            visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}

async fn find(visit: &Visit, principal: &Principal, id: &KeyId) -> Result<ApiKey> {
    let keys = actions::list_keys(visit.core(), &principal.id).await?;
    let key = keys.into_iter().find(|key| key.id == *id);
    key.ok_or_else(Error::not_found)
}

async fn revoke(visit: Visit, principal: Principal, Path(id): Path<String>) -> Result<Response> {
    actions::revoke(
        visit.core(),
        &Actor::of(&visit)?,
        &principal.id,
        &id.parse()?,
    )
    .await?;
    Ok(visit.redirect_with(KEYS, Level::Success, "The key does not work any more."))
}

async fn openapi(visit: Visit) -> Result<Response> {
    let document = document::cached(visit.core())?;
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    Ok((headers, document.to_string()).into_response())
}

async fn docs(visit: Visit) -> Result<Response> {
    let document = document::cached(visit.core())?;
    visit.render(&DocsPage::new(&document))
}

//! The page on which somebody says who he is and what he wants.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::pages::ProfilePage;
use super::{choose_mails, preferences, save};
use crate::auth::rules::DisplayName;
use crate::error::{FieldErrors, Result};
use crate::http::{Access, Form, Level, Principal, Routes, Visit};
use crate::module::PanelPlace;
use crate::times::{Locale, TimeStyle, TimeZone};

const PROFILE: &str = "/accounts/profile";

pub(in crate::auth) fn routes() -> Routes {
    Routes::new()
        .get(PROFILE, Access::SignedIn, show)
        .post(PROFILE, Access::SignedIn, change)
        .post("/accounts/profile/mails", Access::SignedIn, change_mails)
}

async fn show(visit: Visit, principal: Principal) -> Result<Response> {
    let page = page(&visit, &principal).await?;
    visit.render(&page)
}

async fn page(visit: &Visit, principal: &Principal) -> Result<ProfilePage> {
    let core = visit.core();
    let chosen = preferences(core, &principal.id).await?;
    Ok(ProfilePage {
        panels: core.panels(visit, &PanelPlace::Profile).await?,
        ..ProfilePage::new(core, principal, &chosen)
    })
}

#[derive(Deserialize)]
struct ProfileForm {
    name: String,
    time_zone: Option<String>,
    locale: Option<String>,
}

async fn change(
    visit: Visit,
    principal: Principal,
    Form(form): Form<ProfileForm>,
) -> Result<Response> {
    let errors = match check(&form, principal.times) {
        Ok((name, times)) => {
            save(visit.core(), &principal.id, (&name, times)).await?;
            let text = "Your profile has been saved.";
            return Ok(visit.redirect_with(PROFILE, Level::Success, text));
        }
        Err(errors) => errors,
    };
    let page = ProfilePage {
        name: form.name,
        errors,
        ..page(&visit, &principal).await?
    };
    visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

/// What a form leaves out stays as it is.
fn check(form: &ProfileForm, now: TimeStyle) -> Result<(DisplayName, TimeStyle), FieldErrors> {
    let mut errors = FieldErrors::default();
    let name = DisplayName::parse(&form.name).map_err(|why| errors.add("name", why));
    let zone = match &form.time_zone {
        None => Some(now.zone),
        Some(name) => TimeZone::parse(name),
    };
    if zone.is_none() {
        errors.add("time_zone", "Choose a time zone from the list.");
    }
    let locale = match &form.locale {
        None => Some(now.locale),
        Some(tag) => Locale::parse(tag),
    };
    if locale.is_none() {
        errors.add("locale", "Choose one from the list.");
    }
    match (name, zone, locale) {
        (Ok(name), Some(zone), Some(locale)) => Ok((name, TimeStyle { zone, locale })),
        _ => Err(errors),
    }
}

async fn change_mails(
    visit: Visit,
    principal: Principal,
    Form(form): Form<BTreeMap<String, String>>,
) -> Result<Response> {
    let wanted = form.into_keys().collect();
    choose_mails(visit.core(), &principal.id, &wanted).await?;
    let text = "We will mail you what you chose.";
    Ok(visit.redirect_with(PROFILE, Level::Success, text))
}

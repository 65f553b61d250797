//! The public pages.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::pages::{About, Contact, ContactForm, Home, Pricing};
use super::{CONTACT_FORM, PRICING_PAGE, actions};
use crate::app::Core;
use crate::error::{Error, Result};
use crate::http::{Access, Form, Level, Routes, Visit, VisitCookie};
use crate::module::PanelPlace;

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/", Access::Public, home)
        .get("/about", Access::Public, about)
        .get("/pricing", Access::Public.when(&PRICING_PAGE), pricing)
        .get("/contact", Access::Public.when(&CONTACT_FORM), contact)
        .post(
            "/contact",
            Access::Public.when(&CONTACT_FORM),
            leave_message,
        )
        .post(
            "/preferences/color-scheme",
            Access::Public,
            choose_color_scheme,
        )
        .get("/health/live", Access::Machine, live)
        .get("/health/ready", Access::Machine, ready)
}

async fn home(visit: Visit) -> Result<Response> {
    visit.render(&Home {})
}

async fn about(visit: Visit) -> Result<Response> {
    visit.render(&About {})
}

async fn pricing(visit: Visit) -> Result<Response> {
    let panels = visit.core().panels(&visit, &PanelPlace::Pricing).await?;
    visit.render(&Pricing { panels })
}

async fn contact(visit: Visit) -> Result<Response> {
    visit.render(&Contact::default())
}

async fn leave_message(visit: Visit, Form(form): Form<ContactForm>) -> Result<Response> {
    match actions::leave_message(visit.core(), &form, visit.client_address()).await? {
        Ok(()) => {
            let thanks = "Thank you. Your message has arrived.";
            Ok(visit.redirect_with("/contact", Level::Success, thanks))
        }
        Err(errors) => {
            visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &Contact { form, errors })
        }
    }
}

#[derive(Deserialize)]
struct ColorScheme {
    scheme: String,
    next: String,
}

const A_YEAR: std::time::Duration = std::time::Duration::from_secs(365 * 24 * 60 * 60);

async fn choose_color_scheme(visit: Visit, Form(form): Form<ColorScheme>) -> Result<Response> {
    let mut response = visit.redirect(crate::http::local_path(&form.next));
    match form.scheme.as_str() {
        scheme @ ("light" | "dark") => {
            visit.set_cookie(&mut response, VisitCookie::Theme, scheme, Some(A_YEAR));
        }
        _ => visit.clear_cookie(&mut response, VisitCookie::Theme),
    }
    Ok(response)
}

async fn live() -> axum::Json<serde_json::Value> {
    axum::Json(json!({ "status": "live" }))
}

/// Ready: the database answers and every migration is applied.
async fn ready(State(core): State<Core>) -> Result<axum::Json<serde_json::Value>> {
    let unready = |why: &str| {
        Error::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "not_ready",
            format!("Not ready: {why}."),
        )
    };
    let status = core.migration_status().await.map_err(|fault| {
        tracing::error!(%fault, "the database does not answer");
        unready("the database does not answer")
    })?;
    if status.iter().any(|one| !one.applied) {
        return Err(unready("migrations are pending"));
    }
    Ok(axum::Json(json!({ "status": "ready" })))
}

//! The page on which somebody sees where he has signed in, and ends what is not his.

use axum::extract::Path;
use axum::response::Response;
use serde::Serialize;

use super::actions;
use super::entity::{SeenSession, SessionId};
use super::{door, rules, second_factor};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::http::{Access, Level, Principal, Routes, Visit};
use crate::module::{Panel, PanelPlace};
use crate::pages::{Page, Sample};

pub(super) const SECURITY: &str = "/accounts/security";

pub(super) fn routes() -> Routes {
    Routes::new()
        .get(SECURITY, Access::SignedIn, show)
        .post(
            "/accounts/security/sessions/{id}/end",
            Access::SignedIn,
            end,
        )
        .post(
            "/accounts/security/sessions/end-others",
            Access::SignedIn,
            end_others,
        )
}

async fn show(visit: Visit, principal: Principal) -> Result<Response> {
    let sessions = actions::sessions(visit.core(), &principal.id).await?;
    let own = SessionId::from(principal.session.clone());
    let row = |session: SeenSession| SessionRow {
        is_current: session.id == own,
        device: rules::device(&session.user_agent),
        address: session.address,
        created_at: session.created_at,
        last_seen_at: session.last_seen_at,
        id: session.id.to_string(),
    };
    let factor = second_factor::status(visit.core(), &principal.id).await?;
    let has_other_factor = second_factor::has_other(visit.core(), &principal.id).await?;
    let account = door::account(visit.core(), &principal.id).await?;
    visit.render(&SecurityPage {
        has_password: account.is_none_or(|account| account.has_password),
        ways: visit.core().panels(&visit, &PanelPlace::Security).await?,
        has_second_factor: factor.is_on,
        has_other_factor,
        codes_left: factor.codes_left,
        sessions: sessions.into_iter().map(row).collect(),
    })
}

async fn end(visit: Visit, principal: Principal, Path(id): Path<String>) -> Result<Response> {
    let session = id.parse::<SessionId>()?;
    actions::end_session(visit.core(), &principal.id, &session).await?;
    let text = "This device has been signed out.";
    Ok(visit.redirect_with(SECURITY, Level::Success, text))
}

async fn end_others(visit: Visit, principal: Principal) -> Result<Response> {
    let ended = actions::end_other_sessions(visit.core(), &principal).await?;
    let text = match ended {
        0 => "You are signed in nowhere else.".to_owned(),
        1 => "One other device has been signed out.".to_owned(),
        many => format!("{many} other devices have been signed out."),
    };
    Ok(visit.redirect_with(SECURITY, Level::Success, text))
}

pub(super) fn samples() -> Vec<Sample> {
    vec![Sample::of::<SecurityPage>()]
}

#[derive(Debug, Serialize)]
struct SecurityPage {
    has_password: bool,
    /// What modules show of the ways to sign in.
    ways: Vec<Panel>,
    /// Codes of an app.
    has_second_factor: bool,
    /// Of a module.
    has_other_factor: bool,
    /// Recovery codes.
    codes_left: i64,
    sessions: Vec<SessionRow>,
}

/// One device.
#[derive(Debug, Serialize)]
struct SessionRow {
    id: String,
    is_current: bool,
    device: String,
    address: String,
    created_at: Timestamp,
    last_seen_at: Timestamp,
}

impl Page for SecurityPage {
    const TEMPLATE: &'static str = "auth/security.html";

    fn sample() -> Self {
        let row = |is_current, device: &str| SessionRow {
            id: "019a0000-0000-7000-8000-000000000000".into(),
            is_current,
            device: device.into(),
            address: "192.0.2.7".into(),
            created_at: Timestamp::from_micros(1_795_251_905_000_000),
            last_seen_at: Timestamp::from_micros(1_795_251_905_000_000),
        };
        Self {
            has_password: true,
            ways: Vec::new(),
            has_second_factor: true,
            has_other_factor: true,
            codes_left: 3,
            sessions: vec![row(true, "Firefox on Linux"), row(false, "An <b>iPhone")],
        }
    }
}

//! What this domain shows on the pages about signing in.

use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;

use super::ceremony::RelyingParty;
use super::store::{self, Passkey};
use crate::auth::door::Debtor;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::http::Visit;
use crate::ids::UserId;
use crate::module::{Panel, PanelPlace};

pub(super) async fn panel(visit: &Visit, place: &PanelPlace) -> Result<Option<Panel>> {
    if !visit.core().state::<RelyingParty>()?.is_there() {
        return Ok(None);
    }
    match place {
        PanelPlace::SignIn { next } => Ok(Some(door(
            "/accounts/login/passkey",
            ("Sign in", true),
            next,
        ))),
        PanelPlace::SecondFactor { next } => {
            let debtor = Debtor::of(visit).await?;
            let user = debtor.map(|debtor| debtor.user);
            let action = "/accounts/login/code/passkey";
            known(visit, user, door(action, ("Go on", false), next)).await
        }
        PanelPlace::Confirm { next } => {
            let user = visit.principal().map(|own| own.id.clone());
            let action = "/accounts/confirm/passkey";
            known(visit, user, door(action, ("Confirm", false), next)).await
        }
        PanelPlace::Security => security(visit).await,
        PanelPlace::Dashboard
        | PanelPlace::Pricing
        | PanelPlace::StaffOverview
        | PanelPlace::StaffUser(_)
        | PanelPlace::Profile => Ok(None),
    }
}

/// A button. `fills_in` is whether the browser offers passkeys where the address is typed, too.
fn door(action: &str, (verb, fills_in): (&str, bool), next: &str) -> Panel {
    Panel {
        template: "passkeys/panels/door.html",
        data: context! { action, verb, fills_in, next },
    }
}

/// `panel`, for whoever has a passkey.
async fn known(visit: &Visit, user: Option<UserId>, panel: Panel) -> Result<Option<Panel>> {
    let Some(user) = user else { return Ok(None) };
    let all = store::of(visit.core().db(), &user).await?;
    Ok((!all.is_empty()).then_some(panel))
}

/// One passkey.
#[derive(Debug, Serialize)]
struct Row {
    id: String,
    name: String,
    created_at: Timestamp,
    used_at: Option<Timestamp>,
}

async fn security(visit: &Visit) -> Result<Option<Panel>> {
    let Some(principal) = visit.principal() else {
        return Ok(None);
    };
    let all = store::of(visit.core().db(), &principal.id).await?;
    let row = |one: Passkey| Row {
        id: one.id.to_string(),
        name: one.name,
        created_at: one.created_at,
        used_at: one.used_at,
    };
    let passkeys: Vec<_> = all.into_iter().map(row).collect();
    Ok(Some(Panel {
        template: "passkeys/panels/security.html",
        data: context! { passkeys => Serde(passkeys) },
    }))
}

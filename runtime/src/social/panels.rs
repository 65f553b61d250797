//! What this domain shows on the pages about signing in.

use minijinja::context;
use minijinja::value::{Serde, Value};
use serde::Serialize;

use super::store::{self, Linked};
use super::{Provider, Providers};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::http::Visit;
use crate::module::{Panel, PanelPlace};

pub(super) async fn panel(visit: &Visit, place: &PanelPlace) -> Result<Option<Panel>> {
    match place {
        PanelPlace::SignIn { next } => sign_in(visit, next),
        PanelPlace::Confirm { next } => confirm(visit, next).await,
        PanelPlace::Security => security(visit).await,
        PanelPlace::SecondFactor { .. }
        | PanelPlace::Dashboard
        | PanelPlace::Pricing
        | PanelPlace::StaffOverview
        | PanelPlace::StaffUser(_)
        | PanelPlace::Profile => Ok(None),
    }
}

/// One way to sign in.
#[derive(Debug, Serialize)]
struct Row {
    name: Option<String>,
    provider: String,
    subject: String,
    label: String,
    used_at: Timestamp,
}

fn button(provider: &Provider) -> Value {
    context! { name => &provider.name, label => &provider.label }
}

fn doors(providers: Vec<Value>, (verb, action): (&str, &str), next: &str) -> Option<Panel> {
    (!providers.is_empty()).then(|| Panel {
        template: "social/panels/doors.html",
        data: context! { providers, verb, action, next },
    })
}

fn sign_in(visit: &Visit, next: &str) -> Result<Option<Panel>> {
    let providers = visit.core().state::<Providers>()?;
    let buttons = providers.all.iter().map(button).collect();
    Ok(doors(buttons, ("Sign in", ""), next))
}

/// The providers that know whoever is signed in.
async fn confirm(visit: &Visit, next: &str) -> Result<Option<Panel>> {
    let Some(principal) = visit.principal() else {
        return Ok(None);
    };
    let providers = visit.core().state::<Providers>()?;
    let linked = store::of(visit.core().db(), &principal.id).await?;
    let is_linked = |provider: &&Provider| has(&linked, provider);
    let known = providers.all.iter().filter(is_linked).map(button).collect();
    Ok(doors(known, ("Confirm", "/confirm"), next))
}

fn has(linked: &[Linked], provider: &Provider) -> bool {
    linked.iter().any(|one| one.issuer == provider.issuer())
}

async fn security(visit: &Visit) -> Result<Option<Panel>> {
    let Some(principal) = visit.principal() else {
        return Ok(None);
    };
    let providers = visit.core().state::<Providers>()?;
    let linked = store::of(visit.core().db(), &principal.id).await?;
    let others = providers.all.iter().filter(|one| !has(&linked, one));
    let others: Vec<_> = others.map(button).collect();
    let row = |one: &Linked| {
        let mut known = providers.all.iter();
        let known = known.find(|provider| provider.issuer() == one.issuer);
        Row {
            // Whoever is not there any more signs nobody in.
            name: known.map(|known| known.name.clone()),
            provider: known.map_or(&one.issuer, |known| &known.label).clone(),
            subject: one.subject.clone(),
            label: one.label.clone(),
            used_at: one.used_at,
        }
    };
    let linked: Vec<_> = linked.iter().map(row).collect();
    Ok((!linked.is_empty() || !others.is_empty()).then(|| Panel {
        template: "social/panels/security.html",
        data: context! { linked => Serde(linked), others },
    }))
}

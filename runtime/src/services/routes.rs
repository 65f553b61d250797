//! The pages of services.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::actions::{self, Patience, Submission, Submitted};
use super::entity::{RunId, RunStatus};
use super::form::{self, Form};
use super::live::Feed;
use super::pages::{RunPage, RunRow, RunsPage, ServiceCard, ServicePage, ServicesPage};
use super::registry::Registry;
use super::rules;
use super::service::AnyService;
use super::stream::{self, Html, last_seen};
use crate::credits::{self, Owner};
use crate::crypto::{is_token, random_token};
use crate::error::{EMAIL_UNCONFIRMED, Error, FieldErrors, Result};
use crate::http::{Access, Level, Principal, Routes, Upload, Visit};

const RUNS_PER_PAGE: usize = 25;
/// How long a browser waits for the result, before it shows how the run goes on.
const PATIENCE: Duration = Duration::from_secs(5);

/// The routes, taking forms of up to `body_limit` bytes.
pub(super) fn routes(body_limit: usize) -> Routes {
    let one = "/services/{name}";
    Routes::new()
        .get("/services", Access::SignedIn, list)
        .get("/services/runs", Access::SignedIn, runs)
        .get("/services/runs/{id}", Access::SignedIn, run)
        .get("/services/runs/{id}/events", Access::SignedIn, events)
        .post("/services/runs/{id}/cancel", Access::SignedIn, cancel)
        .get(one, Access::SignedIn, service)
        .post(one, Access::SignedIn.body_limit(body_limit), submit)
}

async fn balance(visit: &Visit, principal: &Principal) -> Result<credits::Balance> {
    let owner = Owner::User(principal.id.clone());
    credits::actions::balance(visit.core(), &owner).await
}

async fn list(visit: Visit, principal: Principal) -> Result<Response> {
    let registry = visit.core().state::<Registry>()?;
    visit.render(&ServicesPage {
        services: ServiceCard::all(&registry),
        available: balance(&visit, &principal).await?.available.in_words(),
    })
}

fn find(visit: &Visit, name: &str) -> Result<(&'static str, Arc<dyn AnyService>)> {
    let registry = visit.core().state::<Registry>()?;
    registry.find(name).ok_or_else(Error::not_found)
}

async fn service(visit: Visit, principal: Principal, Path(name): Path<String>) -> Result<Response> {
    let (name, service) = find(&visit, &name)?;
    let page = ServicePage::new(
        ServiceCard::new(name, service.as_ref()),
        service.cost(),
        balance(&visit, &principal).await?,
        Form::new(service.input(), None, FieldErrors::default()),
        random_token(),
    );
    visit.render(&page)
}

async fn submit(
    visit: Visit,
    principal: Principal,
    Path(name): Path<String>,
    upload: Upload,
) -> Result<Response> {
    let (name, service) = find(&visit, &name)?;
    let key = upload.fields.iter().find(|(name, _)| name == form::KEY);
    let key = key.map(|(_, key)| key.clone()).filter(|key| is_token(key));
    let key = key
        .ok_or_else(|| Error::unprocessable("The form is incomplete. Reload it and try again."))?;
    let values = form::read(service.input(), &upload);
    drop(upload.files);
    let sent = upload.fields;
    let submission = Submission {
        key: key.clone(),
        input: values,
        patience: Patience::UntilFirstWord(PATIENCE),
    };
    let offered = (name, service.clone());
    let done = actions::run(visit.core(), &principal.id, offered, submission).await;
    let (errors, key) = match done {
        Ok(Submitted::Run(id)) => return Ok(visit.redirect(&format!("/services/runs/{id}"))),
        Ok(Submitted::Invalid(errors)) => (errors, key),
        Ok(Submitted::KeyReused) => (FieldErrors::one("form", rules::KEY_REUSED), random_token()),
        // What was filled in is still there once the address is confirmed.
        Err(why) if why.code() == EMAIL_UNCONFIRMED => {
            (FieldErrors::one("form", why.problem().detail.clone()), key)
        }
        Err(why) => return Err(why),
    };
    let page = ServicePage::new(
        ServiceCard::new(name, service.as_ref()),
        service.cost(),
        balance(&visit, &principal).await?,
        Form::new(service.input(), Some(&sent), errors),
        key,
    );
    visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

async fn run(visit: Visit, principal: Principal, Path(id): Path<String>) -> Result<Response> {
    let run = actions::find_run(visit.core(), &principal.id, &id.parse()?).await?;
    let registry = visit.core().state::<Registry>()?;
    let balance = balance(&visit, &principal).await?;
    let said = actions::said_so_far(visit.core(), &run).await?;
    visit.render(&RunPage::new(&run, said, &registry, balance))
}

#[derive(Deserialize)]
struct Seen {
    after: Option<String>,
}

async fn events(
    visit: Visit,
    principal: Principal,
    Path(id): Path<String>,
    Query(seen): Query<Seen>,
) -> Result<Response> {
    let core = visit.core();
    let run = actions::find_run(core, &principal.id, &id.parse()?).await?;
    let after = last_seen(visit.header("last-event-id"), seen.after.as_deref());
    let feed = Feed::open(core, &principal.id, &run.id, after)?;
    Ok(stream::respond(feed, Html { core: core.clone() }))
}

async fn cancel(visit: Visit, principal: Principal, Path(id): Path<String>) -> Result<Response> {
    let run = actions::cancel(visit.core(), &principal.id, &id.parse()?).await?;
    let path = format!("/services/runs/{}", run.id);
    Ok(match run.status {
        RunStatus::Queued | RunStatus::Running | RunStatus::Cancelled => visit.redirect(&path),
        RunStatus::Succeeded | RunStatus::Failed => visit.redirect_with(
            &path,
            Level::Info,
            "The run had ended before it could be stopped.",
        ),
    })
}

#[derive(Deserialize)]
struct Paging {
    before: Option<String>,
}

async fn runs(
    visit: Visit,
    principal: Principal,
    Query(paging): Query<Paging>,
) -> Result<Response> {
    let before = paging.before.map(|id| id.parse::<RunId>()).transpose()?;
    let page = actions::list_runs(visit.core(), &principal.id, before.as_ref(), RUNS_PER_PAGE);
    let (runs, next) = page.await?;
    let registry = visit.core().state::<Registry>()?;
    visit.render(&RunsPage {
        runs: runs.iter().map(|run| RunRow::new(run, &registry)).collect(),
        is_continued: before.is_some(),
        next: next.map(|id| id.to_string()),
    })
}

//! The pages of services.

use std::time::Duration;

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::actions::{self, Patience, Submission, Submitted};
use super::entity::RunStatus;
use super::form::{self, Form};
use super::live::Feed;
use super::narrowing::{Filter, Listing};
use super::offers;
use super::pages::{RunPage, RunRow, RunsPage, ServiceCard, ServicePage, ServicesPage};
use super::registry::Registry;
use super::rules;
use super::stream::{self, Html, last_seen};
use crate::credits::{self, Owner};
use crate::crypto::{is_token, random_token};
use crate::error::{EMAIL_UNCONFIRMED, Error, FieldErrors, Result};
use crate::http::{Access, Level, Principal, Routes, Upload, Visit};

const RUNS: &str = "/services/runs";
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
    visit.render(&ServicesPage {
        services: ServiceCard::all(&offers::all(visit.core()).await?),
        available: balance(&visit, &principal).await?.available.in_words(),
    })
}

async fn service(visit: Visit, principal: Principal, Path(name): Path<String>) -> Result<Response> {
    let offered = offers::find(visit.core(), &name).await?;
    let form = Form::new(offered.service.input(), None, FieldErrors::default());
    let balance = balance(&visit, &principal).await?;
    visit.render(&ServicePage::new(&offered, balance, form, random_token()))
}

async fn submit(
    visit: Visit,
    principal: Principal,
    Path(name): Path<String>,
    upload: Upload,
) -> Result<Response> {
    let offered = offers::find(visit.core(), &name).await?;
    let key = hidden(&upload, form::KEY).filter(|key| is_token(key));
    let key = key
        .ok_or_else(|| Error::unprocessable("The form is incomplete. Reload it and try again."))?;
    let submission = Submission {
        key: key.clone(),
        input: form::read(offered.service.input(), &upload),
        patience: Patience::UntilFirstWord(PATIENCE),
        is_for_later: false,
    };
    let number = offered.price.version.number.to_string();
    let is_as_shown = hidden(&upload, form::PRICE).is_none_or(|shown| shown == number);
    drop(upload.files);
    let sent = upload.fields;
    let done = match is_as_shown {
        true => actions::run(visit.core(), &principal, offered.clone(), submission).await,
        false => Ok(Submitted::Invalid(FieldErrors::one(
            "form",
            rules::other_price(offered.price.amount),
        ))),
    };
    let (errors, key) = match done {
        Ok(Submitted::Run { run, .. }) => {
            return Ok(visit.redirect(&format!("/services/runs/{}", run.id)));
        }
        Ok(Submitted::Invalid(errors)) => (errors, key),
        Ok(Submitted::KeyReused) => (FieldErrors::one("form", rules::KEY_REUSED), random_token()),
        Ok(Submitted::SwitchedOff) => (FieldErrors::one("form", rules::SWITCHED_OFF), key),
        // What was filled in is still there once the address is confirmed.
        Err(why) if why.code() == EMAIL_UNCONFIRMED => {
            (FieldErrors::one("form", why.problem().detail.clone()), key)
        }
        Err(why) => return Err(why),
    };
    let form = Form::new(offered.service.input(), Some(&sent), errors);
    let balance = balance(&visit, &principal).await?;
    let page = ServicePage::new(&offered, balance, form, key);
    visit.render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

/// A value that the form itself put there.
fn hidden(upload: &Upload, name: &str) -> Option<String> {
    let mut fields = upload.fields.iter();
    let field = fields.find(|(known, _)| known == name);
    field.map(|(_, value)| value.clone())
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

async fn runs(
    visit: Visit,
    principal: Principal,
    Query(listing): Query<Listing>,
) -> Result<Response> {
    let core = visit.core();
    let filter = listing.filter()?;
    let (runs, next) = actions::list_runs(core, &principal.id, &filter, RUNS_PER_PAGE).await?;
    let registry = core.state::<Registry>()?;
    let is_continued = filter.before.is_some();
    let older = next.map(|next| listing.address(RUNS, Some(&next)));
    visit.render(&RunsPage {
        runs: runs.iter().map(|run| RunRow::new(run, &registry)).collect(),
        is_narrow: listing.is_narrow(),
        newest: is_continued.then(|| listing.address(RUNS, None)),
        older,
        filter: Filter::new(&offers::all(core).await?, listing),
    })
}

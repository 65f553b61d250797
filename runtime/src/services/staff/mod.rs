//! The staff's pages of services: everybody's runs, how much each service is used, its price, and its switch.

mod pages;
mod panels;
mod services;

pub(super) use panels::panel;

use axum::extract::{Path, Query};
use axum::response::Response;

use super::actions;
use super::entity::RunSummary;
use super::narrowing::{Filter, Listing};
use super::offers;
use super::registry::Registry;
use crate::auth::EmailAddress;
use crate::auth::actions::{emails, find_user_by_email};
use crate::error::{Error, Result};
use crate::http::{Routes, Staff, Visit, may, permitted};
use crate::pages::Sample;
use pages::{StaffRunPage, StaffRunRow, StaffRunsPage};

pub(super) fn routes() -> Routes {
    let one = "/admin/services/{name}";
    Routes::new()
        .get("/admin/services", permitted(), services::list)
        .get("/admin/services/runs", permitted(), runs)
        .get("/admin/services/runs/{id}", permitted(), run)
        .get(one, permitted(), services::show)
        .post(
            "/admin/services/{name}/price",
            permitted().fresh(),
            services::set_price,
        )
        .post(
            "/admin/services/{name}/switch",
            permitted(),
            services::switch,
        )
}

pub(super) fn samples() -> Vec<Sample> {
    pages::samples()
}

const RUNS: &str = "/admin/services/runs";
const RUNS_PER_PAGE: usize = 50;

async fn runs(visit: Staff<may::ViewRuns>, Query(listing): Query<Listing>) -> Result<Response> {
    let core = visit.core();
    let filter = listing.filter()?;
    let is_continued = filter.before.is_some();
    let user = match EmailAddress::parse(&listing.user) {
        Ok(email) => find_user_by_email(core, &email).await?.map(|user| user.id),
        Err(_) => None,
    };
    let is_about_nobody = user.is_none() && !listing.user.is_empty();
    let (runs, next) = match is_about_nobody {
        true => (Vec::new(), None),
        false => actions::runs_of(core, user.as_ref(), &filter, RUNS_PER_PAGE).await?,
    };
    let newest = Listing {
        before: None,
        ..listing.clone()
    };
    visit.render(&StaffRunsPage {
        runs: rows(&visit, &runs).await?,
        newest: is_continued.then(|| newest.address(RUNS, None)),
        older: next.map(|next| newest.address(RUNS, Some(&next))),
        filter: Filter::new(&offers::all(core).await?, listing),
    })
}

/// Runs as lists show them.
async fn rows(visit: &Visit, runs: &[RunSummary]) -> Result<Vec<StaffRunRow>> {
    let registry = visit.core().state::<Registry>()?;
    let owners = runs.iter().map(|run| run.user.clone());
    let emails = emails(visit.core(), owners).await?;
    let rows = runs
        .iter()
        .map(|run| StaffRunRow::new(run, &registry, emails.get(&run.user)));
    Ok(rows.collect())
}

async fn run(visit: Staff<may::ViewRuns>, Path(id): Path<String>) -> Result<Response> {
    let run = actions::run_of_anybody(visit.core(), &id.parse()?).await?;
    let mut rows = rows(&visit, &[run.summary()]).await?;
    let row = rows.pop().ok_or_else(Error::not_found)?;
    visit.render(&StaffRunPage::new(&run, row))
}

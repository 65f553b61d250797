//! The staff's pages of services: everybody's runs, how much each service is used, its price, and its switch.

mod pages;
mod panels;
mod services;

pub(super) use panels::panel;

use axum::extract::{Path, Query};
use axum::response::Response;
use serde::Deserialize;

use super::actions;
use super::entity::{Run, RunId, RunStatus};
use super::narrowing::{self, narrowed};
use super::offers;
use super::registry::Registry;
use super::store::staff::RunQuery;
use crate::auth::EmailAddress;
use crate::auth::actions::{emails, find_user_by_email};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::http::{Routes, Staff, Visit, may, permitted};
use crate::pages::Sample;
use pages::{Filter, StaffRunPage, StaffRunRow, StaffRunsPage};

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
const RUNS_PER_PAGE: i64 = 50;

/// Which runs are asked for, as the form sends it. A field that is empty narrows nothing down.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Listing {
    service: String,
    status: String,
    /// An address.
    user: String,
    from: String,
    /// The last day, included.
    until: String,
    before: Option<String>,
}

impl Listing {
    /// What is asked for, but for whose runs.
    ///
    /// # Errors
    /// 404 for what no form of ours sends.
    fn query(&self) -> Result<RunQuery> {
        Ok(RunQuery {
            service: narrowed(&self.service, narrowing::service)?,
            status: narrowed(&self.status, RunStatus::parse)?,
            user: None,
            from: narrowed(&self.from, Timestamp::of_day)?,
            until: narrowed(&self.until, narrowing::after_day)?,
            before: self
                .before
                .as_deref()
                .map(str::parse::<RunId>)
                .transpose()?,
            limit: RUNS_PER_PAGE,
        })
    }

    /// The address of the list from `before` on.
    fn address(&self, before: Option<&RunId>) -> Result<String> {
        let pairs = [
            ("service", self.service.as_str()),
            ("status", &self.status),
            ("user", &self.user),
            ("from", &self.from),
            ("until", &self.until),
            ("before", before.map_or("", RunId::as_str)),
        ];
        narrowing::address(RUNS, &pairs)
    }
}

async fn runs(visit: Staff<may::ViewRuns>, Query(listing): Query<Listing>) -> Result<Response> {
    let core = visit.core();
    let mut query = listing.query()?;
    let is_continued = query.before.is_some();
    let mut is_known = true;
    if !listing.user.is_empty() {
        query.user = match EmailAddress::parse(&listing.user) {
            Ok(email) => find_user_by_email(core, &email).await?.map(|user| user.id),
            Err(_) => None,
        };
        is_known = query.user.is_some();
    }
    let (runs, next) = match is_known {
        true => actions::runs_of_all(core, query).await?,
        false => (Vec::new(), None),
    };
    let newest = Listing {
        before: None,
        ..listing.clone()
    };
    visit.render(&StaffRunsPage {
        runs: rows(&visit, &runs).await?,
        newest: is_continued.then(|| newest.address(None)).transpose()?,
        older: next.map(|next| newest.address(Some(&next))).transpose()?,
        filter: Filter::new(&offers::all(core).await?, listing),
    })
}

/// Runs as lists show them.
async fn rows(visit: &Visit, runs: &[Run]) -> Result<Vec<StaffRunRow>> {
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
    let mut rows = rows(&visit, std::slice::from_ref(&run)).await?;
    let row = rows.pop().ok_or_else(Error::not_found)?;
    visit.render(&StaffRunPage::new(&run, row))
}

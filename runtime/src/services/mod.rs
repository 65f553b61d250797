//! Services that users pay for by the run: the registry, forms made from types, runs with their history.
//!
//! Invariants: nothing is charged without a result; one run and one charge a key; a run is found by its user only.

mod actions;
mod api;
mod context;
pub mod contract;
mod entity;
mod files;
mod form;
mod history;
mod input;
mod live;
mod narrowing;
mod offers;
mod pace;
mod pages;
mod panels;
mod personal;
mod registry;
mod routes;
mod rules;
mod service;
mod staff;
mod store;
mod stream;
mod view;
mod wish;

pub use actions::{find_run, list_runs};
pub use context::ServiceContext;
pub use entity::{Run, RunFilter, RunId, RunStatus, RunSummary};
pub use files::{FileInput, FileRule, FileType};
pub use service::{Service, ServiceError};
pub use view::{Field, View};

use std::time::Duration;

use anyhow::bail;

use crate::auth::UserRemoved;
use crate::db::Migration;
use crate::http::{Access, Endpoint, Permission, Routes};
use crate::module::{Install, Module, NavItem, NavPlace};
use crate::pages::Sample;
use live::Live;
use offers::Offers;
use registry::Registry;

/// The module's options, as `quickscale.yml` has them.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many days results of runs in the background are kept.
    pub result_days: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { result_days: 30 }
    }
}

impl Settings {
    fn kept_for(&self) -> Duration {
        Duration::from_secs(u64::from(self.result_days) * 24 * 60 * 60)
    }
}

/// The module, without services yet.
pub fn module(settings: Settings) -> Services {
    Services {
        settings,
        registry: Registry::new(TIME_LIMIT),
        faults: Vec::new(),
    }
}

/// How long a run may take unless the module is told otherwise.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// How often results are removed whose time is up.
const TIDYING: Duration = Duration::from_secs(60 * 60);
/// What a form may have beside its values: names, boundaries, hidden fields.
const FORM_OVERHEAD: usize = 64 * 1024;

/// The module with its services.
pub struct Services {
    settings: Settings,
    registry: Registry,
    faults: Vec<String>,
}

impl Services {
    /// Offers `service` under `name`, which stands in its address: `/services/NAME`.
    #[must_use]
    pub fn service(mut self, name: &'static str, service: impl Service) -> Self {
        let added = service::erase(service).and_then(|service| self.registry.add(name, service));
        if let Err(fault) = added {
            self.faults.push(format!("service {name}: {fault:#}"));
        }
        self
    }

    /// How long a run may take.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.registry.time_limit = limit;
        self
    }
}

impl Module for Services {
    fn name(&self) -> &'static str {
        "services"
    }

    fn requires(&self) -> &'static [&'static str] {
        &["credits"]
    }

    fn migrations(&self) -> Vec<Migration> {
        vec![
            Migration::portable("0001_runs", include_str!("migrations/0001_runs.sql")),
            Migration::portable(
                "0002_under_way",
                include_str!("migrations/0002_under_way.sql"),
            ),
            Migration::portable(
                "0003_background",
                include_str!("migrations/0003_background.sql"),
            ),
            Migration::portable("0004_offers", include_str!("migrations/0004_offers.sql")),
            Migration::portable("0005_results", include_str!("migrations/0005_results.sql")),
            Migration::portable("0006_by_id", include_str!("migrations/0006_by_id.sql")),
            Migration::by_dialect(
                "0007_lookups",
                "-- SQLite keeps no such statistics.",
                include_str!("migrations/0007_lookups.postgres.sql"),
            ),
        ]
    }

    fn routes(&self) -> Routes {
        routes::routes(self.registry.max_bytes() + FORM_OVERHEAD).merge(staff::routes())
    }

    fn endpoints(&self) -> Vec<Endpoint> {
        // Base64 makes four letters of three bytes.
        let body_limit = self.registry.max_bytes() / 3 * 4 + FORM_OVERHEAD;
        api::endpoints(&self.registry, body_limit)
    }

    fn navigation(&self) -> Vec<NavItem> {
        let item = |path, place, access, order| NavItem {
            label: "Services",
            path,
            place,
            access,
            flag: None,
            order,
        };
        let staff = Access::Staff(Permission::ViewRuns);
        vec![
            item("/services", NavPlace::Main, Access::SignedIn, 10),
            item("/admin/services", NavPlace::Staff, staff, 30),
        ]
    }

    fn samples(&self) -> Vec<Sample> {
        let mut samples = pages::samples();
        samples.extend(staff::samples());
        samples
    }

    fn install(&self, install: &mut Install) -> anyhow::Result<()> {
        if !self.faults.is_empty() {
            bail!("{}", self.faults.join("; "));
        }
        install.state(self.registry.clone());
        install.state(Live::default());
        install.state(self.settings.clone());
        install.every("services.tidy", TIDYING, |core| {
            Box::pin(actions::forget_results(core))
        });
        install.personal_data(personal::files);
        install.on::<UserRemoved>(|core, tx, gone| Box::pin(personal::forget(core, tx, gone)));
        install.state(Offers::default());
        install.panel(20, |visit, place| Box::pin(panels::panel(visit, place)));
        install.job(|core, job: actions::WorkOn| {
            Box::pin(async move { actions::work_on(core, &job.run).await })
        });
        install.at_start(|core| Box::pin(actions::sweep(core, None)));
        install.at_start(|core| Box::pin(async { offers::all(core).await.map(drop) }));
        Ok(())
    }
}

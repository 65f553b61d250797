//! Pictures of people. Invariants: what is kept and served was written here, from points of colour alone: no byte of what
//! somebody sent; one picture a person, under an address that ends with it; only its owner and the staff see it.

mod actions;
mod pages;
mod panels;
mod personal;
mod routes;
mod rules;
mod store;

use std::time::Duration;

use tokio::sync::Semaphore;

use crate::auth::{TakenBack, UserRemoved};
use crate::db::Migration;
use crate::http::Routes;
use crate::http::limits::Limit;
use crate::module::{Install, Module};
use crate::pages::Sample;

/// The module's options, as `quickscale.yml` has them.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How large a file may be, in MiB.
    pub max_megabytes: u32,
    /// How many files one person may send in an hour.
    pub uploads_per_hour: u32,
}

impl Default for Settings {
    /// As a project is born.
    fn default() -> Self {
        Self {
            max_megabytes: 10,
            uploads_per_hour: 20,
        }
    }
}

impl Settings {
    fn max_bytes(&self) -> usize {
        self.max_megabytes as usize * 1024 * 1024
    }

    fn limit(&self) -> Limit {
        Limit {
            name: "pictures",
            count: self.uploads_per_hour,
            window: Duration::from_secs(60 * 60),
        }
    }
}

/// The module.
pub fn module(settings: Settings) -> impl Module {
    Pictures { settings }
}

struct Pictures {
    settings: Settings,
}

/// What this domain's handlers share.
struct Studio {
    settings: Settings,
    /// One picture is read after the other: each takes a good deal of memory for a moment.
    bench: Semaphore,
}

impl Module for Pictures {
    fn name(&self) -> &'static str {
        "pictures"
    }

    fn requires(&self) -> &'static [&'static str] {
        &["auth"]
    }

    fn migrations(&self) -> Vec<Migration> {
        vec![Migration::by_dialect(
            "0001_pictures",
            include_str!("migrations/0001_pictures.sqlite.sql"),
            include_str!("migrations/0001_pictures.postgres.sql"),
        )]
    }

    fn routes(&self) -> Routes {
        routes::routes(&self.settings)
    }

    fn samples(&self) -> Vec<Sample> {
        pages::samples()
    }

    fn install(&self, install: &mut Install) -> anyhow::Result<()> {
        install.state(Studio {
            settings: self.settings.clone(),
            bench: Semaphore::new(1),
        });
        install.portrait(|core, user| Box::pin(actions::address(core, user)));
        install.panel(0, |visit, place| Box::pin(panels::panel(visit, place)));
        install.personal_data(personal::files);
        install.on::<UserRemoved>(|_, tx, removed| Box::pin(store::delete(tx, &removed.user)));
        install.on::<TakenBack>(|_, tx, taken| Box::pin(store::delete(tx, &taken.user)));
        Ok(())
    }
}

//! The API for programs: keys, the door to the endpoints that modules offer, their description and its page.
//!
//! Invariants: a key opens the door only while it and its owner are in force; of a key only a digest is stored; a
//! request with an `Idempotency-Key` happens once; the description is made of the routes themselves.

mod actions;
mod commands;
mod document;
mod entity;
mod gate;
mod key;
mod me;
mod once;
mod pages;
mod personal;
mod routes;
mod rules;
mod store;

pub use actions::list_keys;
pub use document::document;
pub use entity::{ApiKey, KeyId, KeyState};

use std::time::Duration;

use crate::auth::{TakenBack, UserRemoved};
use crate::db::Migration;
use crate::http::{Access, Endpoint, Routes};
use crate::module::{Command, Install, Module, NavItem, NavPlace};
use crate::pages::Sample;

/// The module's options, as `quickscale.yml` has them.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How often one key may call within a minute.
    pub requests_per_minute: u32,
    /// Sites whose pages may call from browsers, with commas between them; empty for none.
    pub cors_origins: String,
}

/// How often the answers to requests that may come again are looked through for old ones.
const SWEEP_PERIOD: Duration = Duration::from_secs(60 * 60);

/// The module.
pub fn module(settings: Settings) -> impl Module {
    Api { settings }
}

struct Api {
    settings: Settings,
}

impl Module for Api {
    fn name(&self) -> &'static str {
        "api"
    }

    fn requires(&self) -> &'static [&'static str] {
        &["auth"]
    }

    fn migrations(&self) -> Vec<Migration> {
        vec![
            Migration::portable("0001_keys", include_str!("migrations/0001_keys.sql")),
            Migration::portable(
                "0002_answer_headers",
                include_str!("migrations/0002_answer_headers.sql"),
            ),
        ]
    }

    fn routes(&self) -> Routes {
        routes::routes()
    }

    fn endpoints(&self) -> Vec<Endpoint> {
        vec![me::endpoint()]
    }

    fn navigation(&self) -> Vec<NavItem> {
        let item = |label, path, place, access| NavItem {
            label,
            path,
            place,
            access,
            flag: None,
            order: 20,
        };
        vec![
            item(
                "API keys",
                "/accounts/api-keys",
                NavPlace::Account,
                Access::SignedIn,
            ),
            item("API", "/api/docs", NavPlace::Footer, Access::Public),
        ]
    }

    fn commands(&self) -> Vec<Command> {
        commands::commands()
    }

    fn samples(&self) -> Vec<Sample> {
        pages::samples()
    }

    fn install(&self, install: &mut Install) -> anyhow::Result<()> {
        install.gate(gate::Door::new(self.settings.requests_per_minute));
        install.cross_origin(self.settings.cors_origins.parse()?);
        install.state(document::Cache::default());
        install.personal_data(personal::files);
        install.on::<UserRemoved>(|_, tx, removed| Box::pin(personal::forget(tx, removed)));
        install.on::<TakenBack>(|core, tx, taken| {
            Box::pin(store::keys::revoke_all(tx, &taken.user, core.now()))
        });
        install.every("api.sweep", SWEEP_PERIOD, |core| {
            Box::pin(once::sweep(core))
        });
        Ok(())
    }
}

//! Passkeys (WebAuthn): signing in with a device that knows its owner, alone or after the password. Invariants: a question
//! is put once, to one purpose and, but at sign-in, to one person; it is answered once, within its time; a device has always
//! made sure of its owner; a count that does not grow is refused; whoever has a passkey gives it, or a code, at every door.

mod actions;
mod ceremony;
mod letters;
mod pages;
mod panels;
mod personal;
mod routes;
mod rules;
mod store;

use std::time::Duration;

use crate::auth::{CountWays, FactorsTakenAway, TakenBack, UserRemoved};
use crate::config::{Config, Fault};
use crate::db::Migration;
use crate::http::Routes;
use crate::mail::MailSample;
use crate::module::{Install, Module};
use crate::pages::Sample;
use ceremony::RelyingParty;

/// The module's options, as `quickscale.yml` has them: none. Which site passkeys are of says `APP_URL`.
#[derive(Debug, Clone)]
pub struct Settings {}

/// The module.
pub fn module(_: Settings) -> impl Module {
    Passkeys
}

/// The module's name, under which accounts know that there is a second factor.
const NAME: &str = "passkeys";
const AN_HOUR: Duration = Duration::from_secs(60 * 60);

struct Passkeys;

impl Module for Passkeys {
    fn name(&self) -> &'static str {
        NAME
    }

    fn requires(&self) -> &'static [&'static str] {
        &["auth"]
    }

    fn migrations(&self) -> Vec<Migration> {
        vec![Migration::portable(
            "0001_passkeys",
            include_str!("migrations/0001_passkeys.sql"),
        )]
    }

    fn routes(&self) -> Routes {
        routes::routes()
    }

    fn samples(&self) -> Vec<Sample> {
        pages::samples()
    }

    fn mail_samples(&self) -> Vec<MailSample> {
        letters::samples()
    }

    fn weaknesses(&self, config: &Config) -> Vec<Fault> {
        let party = RelyingParty::read(config);
        party.err().map_or_else(Vec::new, |faults| faults.0)
    }

    fn install(&self, install: &mut Install) -> anyhow::Result<()> {
        let party = RelyingParty::read(install.config()?)?;
        install.state(party);
        install.personal_data(personal::files);
        install.every("passkeys.sweep_questions", AN_HOUR, |core| {
            Box::pin(actions::sweep(core))
        });
        install.on::<UserRemoved>(|_, tx, removed| Box::pin(store::forget(tx, &removed.user)));
        install.on::<TakenBack>(|core, tx, taken| Box::pin(actions::forget(core, tx, &taken.user)));
        install.on::<FactorsTakenAway>(|core, tx, taken| {
            Box::pin(actions::forget(core, tx, &taken.user))
        });
        install.on::<CountWays>(|_, tx, ways| Box::pin(actions::count(tx, ways)));
        install.panel(5, |visit, place| Box::pin(panels::panel(visit, place)));
        Ok(())
    }
}

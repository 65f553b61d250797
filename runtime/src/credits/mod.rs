//! The ledger of credits: accounts, lots with their own remainder, an append-only journal, holds.
//!
//! Invariants: the entries of an account add up to what it owns (available and held) less its debt; so do its lots;
//! every lot is amount = remaining + held + spent + expired + revoked; no spend makes a debt; one entry a
//! key, one grant a source; no row of the journal ever changes. [`verify`] checks them all.

pub mod actions;
mod amount;
mod api;
mod chart;
mod commands;
mod entity;
mod export;
mod foresight;
mod journal;
mod ledger;
mod letters;
mod pages;
mod panels;
mod personal;
mod request;
mod routes;
mod rules;
mod store;
pub mod verify;

pub use actions::{Adjustment, Cursor, HistoryFilter, HistoryPage};
pub use amount::{AmountError, Change, Credits, Net};
pub use api::INSUFFICIENT;
pub use entity::{
    Account, AccountId, Actor, Balance, Entry, EntryKind, Grant, Hold, HoldId, HoldState,
    HoldTerms, Holdings, Lot, LotId, LotKind, LotRef, Note, Owner, Price, PriceVersion,
};
pub use ledger::{Ledger, Reserved};

use std::time::Duration;

use crate::app::Core;
use crate::auth::UserCreated;
use crate::db::Migration;
use crate::error::Result;
use crate::http::{Access, Endpoint, Routes};
use crate::jobs::give_up;
use crate::mail::MailSample;
use crate::module::{Command, Install, Module, NavItem, NavPlace};
use crate::pages::Sample;

/// What `quickscale.yml` says about this module.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What somebody who signs up is given.
    pub signup_grant: Credits,
    /// How many hours credits can be used that come back after they had expired.
    pub renewed_hours: u32,
    /// From which share of what an account came to when credits were last put in its owner is warned, in per cent; 0
    /// for when it is empty only.
    pub low_balance_percent: u32,
    /// Whether its owner is warned by mail, too.
    pub low_balance_mail: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            signup_grant: Credits::whole(100),
            renewed_hours: 24,
            low_balance_percent: 20,
            low_balance_mail: true,
        }
    }
}

impl Settings {
    fn renewed_for(&self) -> Duration {
        Duration::from_secs(u64::from(self.renewed_hours) * 60 * 60)
    }
}

/// The module `credits`.
pub fn module(settings: Settings) -> impl Module {
    CreditsModule { settings }
}

struct CreditsModule {
    settings: Settings,
}

impl Module for CreditsModule {
    fn name(&self) -> &'static str {
        "credits"
    }

    fn requires(&self) -> &'static [&'static str] {
        &["auth"]
    }

    fn migrations(&self) -> Vec<Migration> {
        vec![
            Migration::portable("0001_ledger", include_str!("migrations/0001_ledger.sql")),
            Migration::by_dialect(
                "0002_append_only",
                include_str!("migrations/0002_append_only.sqlite.sql"),
                include_str!("migrations/0002_append_only.postgres.sql"),
            ),
            Migration::portable("0003_notices", include_str!("migrations/0003_notices.sql")),
            Migration::by_dialect(
                "0004_ends",
                include_str!("migrations/0004_ends.sqlite.sql"),
                include_str!("migrations/0004_ends.postgres.sql"),
            ),
            Migration::portable(
                "0005_price_hashes",
                include_str!("migrations/0005_price_hashes.sql"),
            ),
            Migration::by_dialect(
                "0006_lookups",
                include_str!("migrations/0006_lookups.sqlite.sql"),
                include_str!("migrations/0006_lookups.postgres.sql"),
            ),
        ]
    }

    fn commands(&self) -> Vec<Command> {
        commands::commands()
    }

    fn routes(&self) -> Routes {
        routes::routes()
    }

    fn endpoints(&self) -> Vec<Endpoint> {
        api::endpoints()
    }

    fn navigation(&self) -> Vec<NavItem> {
        vec![NavItem {
            label: "Credits",
            path: "/credits",
            place: NavPlace::Main,
            access: Access::SignedIn,
            flag: None,
            order: 15,
        }]
    }

    fn samples(&self) -> Vec<Sample> {
        pages::samples()
    }

    fn mail_samples(&self) -> Vec<MailSample> {
        letters::samples()
    }

    fn install(&self, install: &mut Install) -> anyhow::Result<()> {
        let gift = self.settings.signup_grant;
        install.state(self.settings.clone());
        install.every("credits.sweep", SWEEP, |core| {
            Box::pin(async move {
                actions::sweep(core).await?;
                Ok(())
            })
        });
        install.every("credits.verify", VERIFY, |core| Box::pin(nightly(core)));
        install.job::<actions::Notice>(|core, job| Box::pin(actions::notify(core, job)));
        install.personal_data(personal::files);
        if self.settings.low_balance_mail {
            install.mail_topic(letters::LOW_BALANCE);
        }
        install.panel(10, |visit, place| Box::pin(panels::panel(visit, place)));
        install.on::<UserCreated>(move |core, tx, created| {
            Box::pin(async move {
                let owner = Owner::User(created.user.clone());
                actions::welcome(core, tx, &owner, gift).await
            })
        });
        Ok(())
    }
}

/// How often what has run out is booked. No balance depends on it.
const SWEEP: Duration = Duration::from_secs(5 * 60);
/// The night ends a day in UTC.
const VERIFY: Duration = Duration::from_secs(24 * 60 * 60);

/// Lets the auditor look at every account. What it finds is in the log, and leaves the night's work on the list of what
/// failed for good, where the staff sees it; the next night looks again.
async fn nightly(core: &Core) -> Result<()> {
    let report = verify::verify(core).await?;
    let verify::Report {
        accounts,
        entries,
        findings,
    } = &report;
    for finding in findings {
        tracing::error!(
            account = finding.account,
            entry = finding.entry,
            what = finding.what,
            "the ledger does not add up"
        );
    }
    tracing::info!(
        accounts,
        entries,
        faults = findings.len(),
        "the ledger was verified"
    );
    match report.verdict() {
        None => Ok(()),
        Some(verdict) => Err(give_up(anyhow::anyhow!(
            "{verdict}; `credits verify` names what it is"
        ))),
    }
}

//! Money: what can be bought, who bought it, what was paid and what went back. Owns customers, orders, subscriptions,
//! payments and the provider's events; grants and takes credits only through the ledger's verbs.
//!
//! Invariants: nothing is granted but from a stored event of a signed or own provider; one grant for each line of each
//! of the provider's objects; what goes back takes the same share of credits, once; amounts of two currencies are
//! never added.

pub mod actions;
mod born;
mod catalogue;
mod commands;
mod effects;
mod entity;
mod figures;
mod inbox;
mod letters;
mod money;
mod objects;
mod offers;
mod pages;
mod panels;
mod personal;
pub mod provider;
mod receipt;
mod routes;
mod rules;
pub mod sandbox;
mod setup;
mod store;
mod sync;
pub mod upkeep;
mod verify;

pub use catalogue::{
    Catalogue, CatalogueSource, Interval, Item, ItemKind, Pack, Plan, Prices, Terms,
};
pub use entity::{
    Customer, CustomerId, EventState, Order, OrderId, OrderState, Payment, PaymentId, PaymentKind,
    PaymentState, Price, RefundRow, RefundState, StoredEvent, SubscriptionRow,
};
pub use money::{Currency, Money, NotMoney};
pub use rules::Standing;

use std::time::Duration;

use entity::PaidLot;
use setup::Billing;

use crate::app::Core;
use crate::auth::{RemovalAsked, UserRemoved};
use crate::credits::{Grant, Ledger, Note};
use crate::db::{Migration, Tx};
use crate::error::Result;
use crate::http::{Access, Permission, Routes};
use crate::mail::MailSample;
use crate::module::{Command, Install, Module, NavItem, NavPlace};
use crate::pages::Sample;

/// What `quickscale.yml` says about this module.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it is said what can be bought.
    pub catalogue: CatalogueSource,
    /// For how many days a subscription can be used after its renewal failed.
    pub grace_days: u32,
    pub packs: Vec<Pack>,
    pub plans: Vec<Plan>,
    /// Whether the payment page takes coupon codes.
    pub promotion_codes: bool,
    /// Whether the provider adds taxes by the buyer's place.
    pub automatic_tax: bool,
}

impl Settings {
    fn grace(&self) -> Duration {
        Duration::from_secs(u64::from(self.grace_days) * 24 * 60 * 60)
    }
}

/// The module `billing`.
pub fn module(settings: Settings) -> impl Module {
    BillingModule { settings }
}

struct BillingModule {
    settings: Settings,
}

impl Module for BillingModule {
    fn name(&self) -> &'static str {
        "billing"
    }

    fn requires(&self) -> &'static [&'static str] {
        &["auth", "credits"]
    }

    fn migrations(&self) -> Vec<Migration> {
        vec![
            Migration::portable("0001_billing", include_str!("migrations/0001_billing.sql")),
            Migration::portable(
                "0002_catalogue",
                include_str!("migrations/0002_catalogue.sql"),
            ),
            Migration::portable("0003_changes", include_str!("migrations/0003_changes.sql")),
            Migration::portable(
                "0004_removals",
                include_str!("migrations/0004_removals.sql"),
            ),
            Migration::portable("0005_orders", include_str!("migrations/0005_orders.sql")),
            Migration::portable("0006_ends", include_str!("migrations/0006_ends.sql")),
        ]
    }

    fn routes(&self) -> Routes {
        routes::routes()
    }

    fn navigation(&self) -> Vec<NavItem> {
        let staff = |label, path, order| NavItem {
            label,
            path,
            place: NavPlace::Staff,
            access: Access::Staff(Permission::ViewPayments),
            flag: None,
            order,
        };
        vec![
            NavItem {
                label: "Billing",
                path: "/billing",
                place: NavPlace::Account,
                access: Access::SignedIn,
                flag: None,
                order: 20,
            },
            staff("Payments", "/admin/payments", 30),
            staff("Subscriptions", "/admin/subscriptions", 31),
            staff("Revenue", "/admin/revenue", 32),
            staff("Events", "/admin/events", 33),
        ]
    }

    fn commands(&self) -> Vec<Command> {
        commands::commands()
    }

    fn samples(&self) -> Vec<Sample> {
        pages::samples()
    }

    fn mail_samples(&self) -> Vec<MailSample> {
        letters::samples()
    }

    fn install(&self, install: &mut Install) -> anyhow::Result<()> {
        let billing = Billing::new(self.settings.clone(), install.config()?)?;
        install.state(billing);
        install.job::<inbox::WorkOff>(|core, job| Box::pin(inbox::work_off(core, job)));
        install.job::<actions::SendChange>(|core, job| Box::pin(actions::send_change(core, job)));
        install.job::<actions::SendRefund>(|core, job| Box::pin(actions::send_refund(core, job)));
        install.personal_data(personal::files);
        install.mail_topic(letters::PAYMENTS);
        install.on::<RemovalAsked>(|core, tx, asked| {
            Box::pin(personal::check_removal(core, tx, asked))
        });
        install.job::<personal::DeleteCustomer>(|core, job| Box::pin(personal::delete(core, job)));
        install
            .on::<UserRemoved>(|core, tx, removed| Box::pin(personal::forget(core, tx, removed)));
        install.panel(20, |visit, place| Box::pin(panels::panel(visit, place)));
        Ok(())
    }
}

/// Puts in what a payment brought, once for its source. Credits of a period that is over are noted and not put in.
async fn put_in(
    core: &Core,
    tx: &mut Tx,
    customer: &Customer,
    (lot, grant, why): (&PaidLot, Grant, &str),
) -> Result<()> {
    let now = core.now();
    if !store::insert_paid_lot(tx, lot, now).await? || lot.is_over {
        return Ok(());
    }
    let note = Note::system(lot.source.clone(), why);
    let grant = grant.from_source(&lot.source);
    Ledger::new(core, tx, now)
        .grant(&customer.credits_owner(), &grant, &note)
        .await?;
    Ok(())
}

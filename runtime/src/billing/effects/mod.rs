//! What the provider's events do here. Each effect is keyed by the object of the business and happens in the transaction
//! in which the event is marked done, so that any order and any number of deliveries end in the same state.

mod catalogue;
mod invoices;
mod losses;
mod periods;
mod rehearsal;
mod sessions;
mod subscriptions;

pub use rehearsal::{Taking, rehearse};

use serde_json::Value;

use super::entity::EventState;
use super::objects::Event;
use super::provider::Kind;
use super::{Billing, store};
use crate::app::Core;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::in_transaction;

/// How often an object is read again because somebody else took it in meanwhile.
const READS: u32 = 5;

/// What an event is about.
enum Effect {
    Session,
    Subscription,
    InvoicePaid,
    InvoiceFailed,
    Charge,
    Refund,
    Dispute,
    Product,
    Price,
    CustomerGone,
    Nothing,
}

fn effect(kind: &str) -> Effect {
    match kind {
        "checkout.session.completed"
        | "checkout.session.async_payment_succeeded"
        | "checkout.session.async_payment_failed"
        | "checkout.session.expired" => Effect::Session,
        "invoice.paid" => Effect::InvoicePaid,
        "invoice.payment_failed"
        | "invoice.payment_action_required"
        | "invoice.voided"
        | "invoice.marked_uncollectible" => Effect::InvoiceFailed,
        "charge.refunded" => Effect::Charge,
        "charge.refund.updated" | "refund.created" | "refund.updated" | "refund.failed" => {
            Effect::Refund
        }
        "customer.deleted" => Effect::CustomerGone,
        _ if kind.starts_with("customer.subscription.") => Effect::Subscription,
        _ if kind.starts_with("charge.dispute.") => Effect::Dispute,
        _ if kind.starts_with("product.") => Effect::Product,
        _ if kind.starts_with("price.") => Effect::Price,
        _ => Effect::Nothing,
    }
}

/// Applies a stored event and marks it done.
///
/// # Errors
/// When the provider or the database does not answer, or something that it names is not known here: nothing was done.
pub async fn apply(core: &Core, id: &str, event: &Event) -> Result<()> {
    let closing = Closing { core, id };
    match effect(&event.kind) {
        Effect::Session => sessions::apply(&closing, event).await,
        Effect::Subscription => {
            let Event { object, body, .. } = event;
            subscriptions::apply(&closing, object, Some(body)).await
        }
        Effect::InvoicePaid => invoices::paid(&closing, &event.body).await,
        Effect::InvoiceFailed => invoices::failed(&closing, &event.body).await,
        Effect::Charge => losses::charge(&closing, &event.object, &event.body).await,
        Effect::Refund => losses::refund(&closing, &event.body).await,
        Effect::Dispute => losses::dispute(&closing, &event.object, &event.body).await,
        Effect::Product => catalogue::apply(&closing, Kind::Product, &event.object).await,
        Effect::Price => catalogue::apply(&closing, Kind::Price, &event.object).await,
        Effect::CustomerGone => customer_gone(&closing, &event.object).await,
        Effect::Nothing => ignore(&closing).await,
    }
}

/// Takes an object in as it is now, without an event: after a change of ours, and for what was missed.
///
/// # Errors
/// As for [`apply`].
pub async fn take_in(core: &Core, kind: Kind, object: &Value) -> Result<()> {
    let closing = Closing { core, id: "" };
    let id = object.get("id").and_then(Value::as_str).unwrap_or_default();
    match kind {
        Kind::Product | Kind::Price => catalogue::apply(&closing, kind, id).await,
        Kind::Session => sessions::take_in(&closing, object).await,
        Kind::Subscription => subscriptions::apply(&closing, id, Some(object)).await,
        Kind::Invoice => invoices::take_in(&closing, object).await,
        Kind::Charge => losses::charge(&closing, id, object).await,
        // What it stands for tells of it.
        Kind::Intent | Kind::Customer => Ok(()),
        Kind::Dispute => losses::dispute(&closing, id, object).await,
        Kind::Refund => losses::refund(&closing, object).await,
    }
}

/// The event that an effect ends; none while there is no event.
struct Closing<'a> {
    core: &'a Core,
    id: &'a str,
}

impl Closing<'_> {
    fn billing(&self) -> Result<std::sync::Arc<Billing>> {
        self.core.state::<Billing>()
    }

    /// Has the event for itself; no when it was worked off by somebody else.
    async fn begin(&self, tx: &mut Tx) -> Result<bool> {
        if self.id.is_empty() {
            return Ok(true);
        }
        store::lock_event(tx.conn(), self.id).await
    }

    async fn end(&self, tx: &mut Tx, state: EventState) -> Result<()> {
        if self.id.is_empty() {
            return Ok(());
        }
        store::close_event(tx, self.id, state, self.core.now()).await
    }

    /// The object as it is at the provider now; where it is gone from there, what the newest of its events said.
    async fn fresh(&self, kind: Kind, id: &str, told: &Value) -> Result<Value> {
        let billing = self.billing()?;
        let provider = billing.provider()?;
        if let Some(read) = provider.read(self.core, kind, id).await? {
            return Ok(read);
        }
        let newest = store::last_told(self.core.db(), provider.name(), id).await?;
        Ok(newest.unwrap_or_else(|| told.clone()))
    }
}

async fn ignore(closing: &Closing<'_>) -> Result<()> {
    in_transaction!(closing.core.db(), tx => {
        if closing.begin(tx).await? {
            closing.end(tx, EventState::Ignored).await?;
        }
        Ok(())
    })
}

async fn customer_gone(closing: &Closing<'_>, customer: &str) -> Result<()> {
    let provider = closing.billing()?.provider()?.name();
    in_transaction!(closing.core.db(), tx => {
        if closing.begin(tx).await? {
            store::detach_customer(tx, provider, customer).await?;
            closing.end(tx, EventState::Done).await?;
        }
        Ok(())
    })
}

/// Somebody else took the object in between our reading and our writing.
fn outpaced() -> Error {
    Error::conflict("outpaced", "The object changed meanwhile.")
}

fn is_outpaced(error: &Error) -> bool {
    error.code() == "outpaced"
}

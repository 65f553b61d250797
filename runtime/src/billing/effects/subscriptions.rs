//! Subscriptions, taken in as they are at the provider now, whatever was told of them and in which order.

use serde_json::Value;

use super::super::entity::{EventState, SubscriptionRow};
use super::super::objects::{Subscription, is_deleted};
use super::super::provider::Kind;
use super::super::{rules, store};
use super::{Closing, READS, is_outpaced, outpaced, periods};
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::Result;
use crate::in_transaction;

pub(super) async fn apply(closing: &Closing<'_>, id: &str, told: Option<&Value>) -> Result<()> {
    let told = told.cloned().unwrap_or_default();
    let mut reads = 1;
    loop {
        let version = store::version_of(closing.core.db(), id).await?;
        let fresh = closing.fresh(Kind::Subscription, id, &told).await?;
        let subscription = Subscription::read(&fresh)?;
        let end = end_of(closing, &subscription).await?;
        match keep(closing, (&subscription, &end), version).await {
            Err(error) if is_outpaced(&error) && reads < READS => reads += 1,
            done => return done,
        }
    }
}

/// What comes of a subscription that ended before its period did.
#[derive(Debug, Default)]
struct End {
    /// When its credits end with it.
    credits_end: Option<Timestamp>,
    /// The provider has deleted the customer, which nobody may have been told of.
    is_customer_gone: bool,
}

/// Whether a subscription ended before its period did, so that its credits end with it. They stay where the provider has
/// deleted the customer himself, whose subscriptions ended with him.
async fn end_of(closing: &Closing<'_>, told: &Subscription) -> Result<End> {
    let Some(at) = told.ended_at.filter(|at| *at < told.period.1) else {
        return Ok(End::default());
    };
    if told.status != "canceled" {
        return Ok(End::default());
    }
    let core = closing.core;
    let mut snapshot = core.db().snapshot().await?;
    let known = store::credits_end(snapshot.conn(), &told.id).await?;
    drop(snapshot);
    if known.is_some() {
        return Ok(End {
            credits_end: known,
            is_customer_gone: false,
        });
    }
    let billing = closing.billing()?;
    let provider = billing.provider()?;
    let customer = provider.read(core, Kind::Customer, &told.customer).await?;
    let is_there = customer.is_some_and(|customer| !is_deleted(&customer));
    Ok(End {
        credits_end: is_there.then_some(at),
        is_customer_gone: !is_there,
    })
}

async fn keep(
    closing: &Closing<'_>,
    (told, end): (&Subscription, &End),
    version: i64,
) -> Result<()> {
    let core = closing.core;
    let provider = closing.billing()?.provider()?.name();
    in_transaction!(core.db(), tx => {
        if !closing.begin(tx).await? {
            return Ok(());
        }
        let Some(customer) = store::customer_named(tx.conn(), provider, &told.customer).await? else {
            tracing::warn!(subscription = told.id, "a subscription belongs to nobody here");
            return closing.end(tx, EventState::Ignored).await;
        };
        let customer = store::lock_customer(tx, &customer.id).await?;
        if !store::advance_version(tx, &told.id, version).await? {
            return Err(outpaced());
        }
        let before = store::subscription(tx.conn(), &told.id).await?;
        let row = row_of(told, customer.id.clone(), before.as_ref());
        if row.is_alert {
            tracing::error!(subscription = told.id, status = told.status, "a subscription has an unknown status");
        }
        store::keep_subscription(tx, &row, core.now()).await?;
        if let Some(at) = end.credits_end {
            periods::cut_short(core, tx, &customer, (&told.id, at)).await?;
        }
        if end.is_customer_gone {
            store::detach_customer(tx, provider, &told.customer).await?;
        }
        refresh(tx, &told.id).await?;
        closing.end(tx, EventState::Done).await
    })
}

/// The row that follows from what is told and what was known. What is over stays over, and an unknown status changes
/// nothing but raises an alert.
fn row_of(
    told: &Subscription,
    customer: super::super::entity::CustomerId,
    before: Option<&SubscriptionRow>,
) -> SubscriptionRow {
    let is_alert = !rules::is_known(&told.status);
    let status = match before {
        Some(before) if before.status == "canceled" || is_alert => before.status.clone(),
        _ => told.status.clone(),
    };
    SubscriptionRow {
        subscription: told.id.clone(),
        customer,
        status,
        price: told.price.clone(),
        element: told.element.clone(),
        quantity: told.quantity,
        period: told.period,
        trial_end: told.trial_end,
        cancels_at_end: told.cancels_at_end,
        is_paused: told.is_paused,
        ended_at: told.ended_at.or(before.and_then(|before| before.ended_at)),
        paid_until: None,
        failing_since: None,
        is_alert,
        started_at: told.started_at,
        schedule: told.schedule.clone(),
        next: told.next.clone(),
    }
}

/// Works out anew what a subscription's payments say about it.
pub(super) async fn refresh(tx: &mut Tx, id: &str) -> Result<()> {
    let lots = store::lots_of_subscription(tx.conn(), id).await?;
    let paid_until = lots
        .iter()
        .filter_map(|lot| lot.period)
        .map(|(_, end)| end)
        .max();
    let failing_since = store::failing_since(tx.conn(), id).await?;
    store::keep_standing(tx, id, paid_until, failing_since).await
}

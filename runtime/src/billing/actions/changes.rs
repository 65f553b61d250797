//! A change of a subscription is written down first, sent to the provider under the key of what was written, and settled
//! with what the provider has then. What broke off on the way is sent again, under the same key, by a job.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::app::Core;
use crate::auth::audit::{Actor, AuditEntry};
use crate::billing::entity::{ChangeId, ChangeRow, ChangeVerb, RefundState, SubscriptionRow};
use crate::billing::provider::{Change, Kind};
use crate::billing::rules::Begin;
use crate::billing::setup::Billing;
use crate::billing::{effects, store};
use crate::error::{Error, Result};
use crate::in_transaction;
use crate::jobs::{Job, give_up};

/// Who wants a change, and why.
pub(super) struct Asked<'a> {
    pub by: &'a str,
    pub reason: &'a str,
    /// The form's: sent twice, it happens once.
    pub key: &'a str,
}

/// How long whoever asked has to carry a change out before a job does.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends one change that was written down.
#[derive(Debug, Serialize, Deserialize)]
pub struct SendChange {
    change: String,
}

impl Job for SendChange {
    const NAME: &'static str = "billing.change";
}

fn verb(change: &Change) -> ChangeVerb {
    match change {
        Change::Terms { at_once: true, .. } => ChangeVerb::TermsNow,
        Change::Terms { at_once: false, .. } => ChangeVerb::TermsLater,
        Change::Stay => ChangeVerb::Stay,
        Change::CancelAtEnd => ChangeVerb::CancelAtEnd,
        Change::CancelNow { .. } => ChangeVerb::CancelNow,
        Change::GoOn => ChangeVerb::GoOn,
        Change::Pause => ChangeVerb::Pause,
        Change::Unpause => ChangeVerb::Unpause,
    }
}

fn row_of(core: &Core, subscription: &str, change: &Change, asked: &Asked<'_>) -> ChangeRow {
    let (element, price, quantity) = match change {
        Change::Terms {
            element,
            price,
            quantity,
            ..
        } => (element.clone(), price.price.clone(), *quantity),
        _ => (String::new(), String::new(), 0),
    };
    let now = core.now();
    ChangeRow {
        id: ChangeId::new(now),
        subscription: subscription.to_owned(),
        verb: verb(change),
        element,
        price,
        quantity,
        reason: asked.reason.to_owned(),
        state: RefundState::Asked,
        asked_by: asked.by.to_owned(),
        error: String::new(),
        created_at: now,
    }
}

/// Writes a change down, has the provider make it and takes in what the subscription is then.
pub(super) async fn carry_out(
    core: &Core,
    row: &SubscriptionRow,
    change: &Change,
    asked: &Asked<'_>,
) -> Result<()> {
    let new = row_of(core, &row.subscription, change, asked);
    let due = new.created_at.plus(PATIENCE);
    let written = in_transaction!(core.db(), tx => {
        store::lock_customer(tx, &row.customer).await?;
        if let Some(known) = store::change_by_key(tx.conn(), &row.subscription, asked.key).await? {
            return if is_same(&known, &new) { Ok(known) } else { Err(Error::idempotency_key_reused()) };
        }
        if store::change_under_way(tx.conn(), &row.subscription).await?.is_some() {
            let sentence = "A change of this subscription is under way already. Look again in a minute.";
            return Err(Error::conflict("change_under_way", sentence));
        }
        store::insert_change(tx, &new, asked.key).await?;
        core.enqueue_at(tx, &SendChange { change: new.id.to_string() }, due).await?;
        Ok(new.clone())
    })?;
    resume(core, &written).await
}

/// Goes on with a change that was written down, from where it is.
async fn resume(core: &Core, written: &ChangeRow) -> Result<()> {
    match written.state {
        RefundState::Done => Ok(()),
        RefundState::Failed => Err(Error::conflict("refused", written.error.clone())),
        RefundState::Asked => send(core, written).await.map_err(still_tried),
    }
}

/// Answers a form for other terms that was sent before as it was answered then; none for a form that was not.
pub(super) async fn answer_again(
    core: &Core,
    row: &SubscriptionRow,
    (price, quantity): (&str, i64),
    key: &str,
) -> Result<Option<Begin>> {
    let mut snapshot = core.db().snapshot().await?;
    let known = store::change_by_key(snapshot.conn(), &row.subscription, key).await?;
    drop(snapshot);
    let Some(known) = known else {
        return Ok(None);
    };
    let begin = match known.verb {
        ChangeVerb::TermsNow => Begin::AtOnce,
        ChangeVerb::TermsLater => Begin::WithTheNextPeriod,
        _ => return Ok(None),
    };
    if known.price != price || known.quantity != quantity {
        return Err(Error::idempotency_key_reused());
    }
    resume(core, &known).await.map(|()| Some(begin))
}

/// Whether two changes are one request. Who answers a form may have forgotten what it was for.
fn is_same(known: &ChangeRow, new: &ChangeRow) -> bool {
    let what = |row: &ChangeRow| (row.verb, row.price.clone(), row.quantity);
    what(known) == what(new)
}

/// An answer that was lost is not a change that was refused.
fn still_tried(why: Error) -> Error {
    if why.status().is_client_error() {
        return why;
    }
    tracing::warn!(fault = %why, "a change of a subscription is tried again");
    let sentence = "The payment service does not answer. Your change is written down and is tried again by itself; \
        look here again in some minutes.";
    Error::new(
        axum::http::StatusCode::SERVICE_UNAVAILABLE,
        "change_under_way",
        sentence,
    )
}

/// Sends a change under its own key, as often as it takes.
pub async fn send_change(core: &Core, job: SendChange) -> Result<()> {
    let mut snapshot = core.db().snapshot().await?;
    let row = store::change(snapshot.conn(), &job.change).await?;
    drop(snapshot);
    let row = row.ok_or_else(|| give_up(anyhow::anyhow!("there is no such change")))?;
    if row.state != RefundState::Asked {
        return Ok(());
    }
    match send(core, &row).await {
        // It is written down as refused.
        Err(why) if why.status().is_client_error() => Ok(()),
        done => done,
    }
}

async fn send(core: &Core, row: &ChangeRow) -> Result<()> {
    let done = make(core, row).await;
    let (state, error) = match &done {
        Ok(()) => (RefundState::Done, String::new()),
        Err(why) if why.status().is_client_error() => {
            (RefundState::Failed, why.problem().detail.clone())
        }
        Err(_) => return done,
    };
    let now = core.now();
    in_transaction!(core.db(), tx => store::close_change(tx, row.id.as_str(), (state, &error), now).await)?;
    done
}

async fn make(core: &Core, row: &ChangeRow) -> Result<()> {
    let billing = core.state::<Billing>()?;
    let provider = billing.provider()?;
    let mut snapshot = core.db().snapshot().await?;
    let now = store::subscription(snapshot.conn(), &row.subscription)
        .await?
        .ok_or_else(Error::not_found)?;
    drop(snapshot);
    let key = format!("change:{}", row.id);
    let change = change_of(core, row).await?;
    let is_in_the_way = matches!(change, Change::Terms { .. } | Change::CancelAtEnd);
    if now.schedule.is_some() && is_in_the_way {
        // The provider changes nothing directly that a schedule has a say in.
        let key = format!("{key}:stay");
        provider
            .change(core, &row.subscription, &Change::Stay, &key)
            .await?;
    }
    let changed = provider
        .change(core, &row.subscription, &change, &key)
        .await?;
    let taken_in = effects::take_in(core, Kind::Subscription, &changed).await;
    taken_in.map_err(|why| {
        // The provider has made it: whatever goes wrong from here on is no refusal, and is tried again.
        Error::internal(anyhow::anyhow!(
            "a change that was made was not taken in: {why}"
        ))
    })
}

async fn change_of(core: &Core, row: &ChangeRow) -> Result<Change> {
    let at_once = match row.verb {
        ChangeVerb::TermsNow => true,
        ChangeVerb::TermsLater => false,
        ChangeVerb::Stay => return Ok(Change::Stay),
        ChangeVerb::CancelAtEnd => return Ok(Change::CancelAtEnd),
        ChangeVerb::CancelNow => {
            let reason = row.reason.clone();
            return Ok(Change::CancelNow { reason });
        }
        ChangeVerb::GoOn => return Ok(Change::GoOn),
        ChangeVerb::Pause => return Ok(Change::Pause),
        ChangeVerb::Unpause => return Ok(Change::Unpause),
    };
    let provider = core.state::<Billing>()?.provider()?.name();
    let prices = store::prices(core.db(), provider).await?;
    let price = prices.into_iter().find(|price| price.price == row.price);
    Ok(Change::Terms {
        element: row.element.clone(),
        price: price.ok_or_else(Error::not_found)?,
        quantity: row.quantity,
        at_once,
    })
}

/// Records what staff wants with somebody's subscription, before it is tried.
pub(super) async fn note_by_staff(
    core: &Core,
    (by, action): (&Actor, &'static str),
    row: &SubscriptionRow,
    details: serde_json::Value,
) -> Result<()> {
    let now = core.now();
    in_transaction!(core.db(), tx => {
        let entry = AuditEntry::new(by, action, ("subscription", &row.subscription));
        let details = json!({"status": row.status, "asked": details.clone()});
        entry.details(details).record(tx, now).await
    })
}

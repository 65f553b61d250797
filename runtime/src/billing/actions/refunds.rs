//! Money that goes back as staff asks for it: written down, sent by a job under the key of what was written, and settled
//! with what the provider says it came to.

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::AnyConnection;

use super::staff::name_of_actor;
use crate::app::Core;
use crate::auth::audit::{Actor, AuditEntry};
use crate::billing::effects::Taking;
use crate::billing::entity::{Payment, PaymentState, RefundId, RefundRow, RefundState};
use crate::billing::provider::{Kind, RefundRequest};
use crate::billing::setup::Billing;
use crate::billing::store::Part;
use crate::billing::{Money, effects, store};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::in_transaction;
use crate::jobs::{Job, give_up};

/// What can still be given back of a payment, by the movements of money by which it came.
pub(super) async fn left(connection: &mut AnyConnection, payment: &Payment) -> Result<Vec<Part>> {
    if matches!(payment.state, PaymentState::Pending | PaymentState::Failed) {
        return Ok(Vec::new());
    }
    store::parts_left(connection, payment).await
}

/// From which movements so much is given back: the greatest first.
fn spread(left: Vec<Part>, amount: i64) -> Vec<Part> {
    let mut missing = amount;
    let parts = left.into_iter().map(|part| {
        let amount = part.amount.min(missing);
        missing -= amount;
        Part { amount, ..part }
    });
    parts.filter(|part| part.amount > 0).collect()
}

/// What giving `amount` of a payment back will take of its owner's credits, as things stand now. What is under way is
/// given back before.
///
/// # Errors
/// 404 when there is no such payment.
pub async fn preview(core: &Core, payment: &str, amount: i64) -> Result<Taking> {
    let mut tx = core.db().begin().await?;
    let taking = rehearse(core, &mut tx, (payment, amount)).await;
    tx.roll_back().await?;
    taking
}

async fn rehearse(core: &Core, tx: &mut Tx, (id, amount): (&str, i64)) -> Result<Taking> {
    let payment = store::payment(tx.conn(), id).await?;
    let payment = payment.ok_or_else(Error::not_found)?;
    let left = left(tx.conn(), &payment).await?;
    let mut under_way = store::parts_of(tx.conn(), &payment).await?;
    for part in &mut under_way {
        part.amount = store::refunds_under_way(tx.conn(), &payment.id, &part.intent).await?;
    }
    let parts = spread(left, amount);
    effects::rehearse(core, tx, &payment, (&under_way, &parts)).await
}

/// A refund as staff asks for it.
#[derive(Debug, Clone)]
pub struct RefundWish {
    pub payment: String,
    /// In minor units of the payment's currency.
    pub amount: i64,
    pub reason: String,
    pub by: Actor,
    /// The form's: sent twice, it is one refund.
    pub key: String,
}

/// Whether the provider gives so much back at all.
///
/// # Errors
/// 422 where it takes only other amounts of the currency.
pub fn check_amount(core: &Core, amount: Money) -> Result<()> {
    let billing = core.state::<Billing>()?;
    match billing.provider()?.refuses(amount) {
        Some(why) => Err(Error::unprocessable(format!("{why}."))),
        None => Ok(()),
    }
}

/// Writes a refund down and has it sent. It is several where the payment came by several movements of money and it is more
/// than is left of one.
///
/// # Errors
/// 404 when there is no such payment, 422 above what is left of it and as for [`check_amount`].
pub async fn ask_refund(core: &Core, wish: &RefundWish) -> Result<()> {
    in_transaction!(core.db(), tx => {
        let payment = store::payment(tx.conn(), &wish.payment).await?.ok_or_else(Error::not_found)?;
        store::lock_customer(tx, &payment.customer).await?;
        let payment = store::payment(tx.conn(), &wish.payment).await?.ok_or_else(Error::not_found)?;
        if store::is_asked(tx.conn(), &payment.id, &wish.key).await? {
            return Ok(());
        }
        let left = left(tx.conn(), &payment).await?;
        let all: i64 = left.iter().map(|part| part.amount).sum();
        if wish.amount <= 0 || wish.amount > all {
            let left = Money::new(all, payment.currency());
            return Err(Error::unprocessable(format!("At most {left} of this payment can be given back.")));
        }
        check_amount(core, Money::new(wish.amount, payment.currency()))?;
        for (number, part) in spread(left, wish.amount).into_iter().enumerate() {
            write_down(core, tx, (&payment, wish), (number, part)).await?;
        }
        Ok(())
    })
}

async fn write_down(
    core: &Core,
    tx: &mut Tx,
    (payment, wish): (&Payment, &RefundWish),
    (number, part): (usize, Part),
) -> Result<()> {
    let now = core.now();
    let new = RefundRow {
        id: RefundId::new(now),
        payment: payment.id.clone(),
        intent: Some(part.intent),
        money: Money::new(part.amount, payment.currency()),
        reason: wish.reason.clone(),
        state: RefundState::Asked,
        refund: None,
        asked_by: name_of_actor(&wish.by),
        error: String::new(),
        created_at: now,
    };
    // Whichever is the first has the form's own key, by which a second click is known.
    let is_first = !store::is_asked(tx.conn(), &payment.id, &wish.key).await?;
    let key = if is_first {
        wish.key.clone()
    } else {
        format!("{}:{number}", wish.key)
    };
    store::insert_refund(tx, &new, &key).await?;
    let details = json!({
        "amount": new.money, "reason": wish.reason, "refund": new.id.as_str(), "object": payment.object,
    });
    let entry = AuditEntry::new(
        &wish.by,
        "payment.refunded",
        ("payment", payment.id.as_str()),
    );
    entry.details(details).record(tx, now).await?;
    let refund = new.id.to_string();
    core.enqueue(tx, &SendRefund { refund }).await
}

/// Sends one refund to the provider.
#[derive(Debug, Serialize, Deserialize)]
pub struct SendRefund {
    refund: String,
}

impl Job for SendRefund {
    const NAME: &'static str = "billing.refund";
}

/// Sends a refund under its own key, as often as it takes, and takes in what came of it.
pub async fn send_refund(core: &Core, job: SendRefund) -> Result<()> {
    let mut snapshot = core.db().snapshot().await?;
    let row = store::refund(snapshot.conn(), &job.refund)
        .await?
        .ok_or_else(Error::not_found)?;
    let payment = store::payment(snapshot.conn(), row.payment.as_str())
        .await?
        .ok_or_else(Error::not_found)?;
    drop(snapshot);
    if row.state != RefundState::Asked {
        return Ok(());
    }
    let customer = store::customer_by_id(core.db(), &payment.customer).await?;
    let intent = row.intent.or(payment.intent);
    let request = RefundRequest {
        customer: customer.customer.clone().unwrap_or_default(),
        intent: intent.ok_or_else(|| give_up(anyhow::anyhow!("nothing was charged")))?,
        amount: row.money.minor,
        record: row.id.to_string(),
        asked_at: row.created_at,
    };
    let billing = core.state::<Billing>()?;
    let key = format!("refund:{}", row.id);
    match billing.provider()?.refund(core, &request, &key).await {
        Ok(refund) => effects::take_in(core, Kind::Refund, &refund).await,
        Err(why) if why.status().is_client_error() => {
            let (now, text) = (core.now(), why.problem().detail.clone());
            let outcome = (RefundState::Failed, None, text.as_str());
            in_transaction!(core.db(), tx => store::close_refund(tx, row.id.as_str(), outcome, now).await)
        }
        Err(why) => Err(why),
    }
}

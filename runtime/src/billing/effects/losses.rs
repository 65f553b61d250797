//! Money that goes back: refunds and disputes take the credits along that it had bought, in proportion, and bring them
//! back with it.

use serde_json::Value;

use super::super::entity::{EventState, PaidLot, Payment, PaymentState, RefundState};
use super::super::objects::{Charge, Dispute, Refund};
use super::super::provider::Kind;
use super::super::rules::{self, Move};
use super::super::store;
use super::{Closing, READS, is_outpaced, outpaced};
use crate::app::Core;
use crate::credits::{Credits, Grant, Ledger, LotRef, Note, Owner};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::in_transaction;

/// A charge of which more, or less, was refunded.
pub(super) async fn charge(closing: &Closing<'_>, id: &str, told: &Value) -> Result<()> {
    let mut reads = 1;
    loop {
        let version = store::version_of(closing.core.db(), id).await?;
        let charge = Charge::read(&closing.fresh(Kind::Charge, id, told).await?)?;
        match keep_charge(closing, &charge, version).await {
            Err(error) if is_outpaced(&error) && reads < READS => reads += 1,
            done => return done,
        }
    }
}

async fn keep_charge(closing: &Closing<'_>, charge: &Charge, version: i64) -> Result<()> {
    let core = closing.core;
    in_transaction!(core.db(), tx => {
        if !closing.begin(tx).await? {
            return Ok(());
        }
        if !store::advance_version(tx, &charge.id, version).await? {
            return Err(outpaced());
        }
        take_charge(core, tx, charge).await?;
        closing.end(tx, EventState::Done).await
    })
}

/// Keeps what of a charge was refunded, and takes the credits along.
pub(super) async fn take_charge(core: &Core, tx: &mut Tx, charge: &Charge) -> Result<()> {
    if let Some(intent) = &charge.intent {
        store::lock_name(tx, &format!("intent:{intent}")).await?;
    }
    store::keep_charge(tx, charge, core.now()).await?;
    match &charge.intent {
        Some(intent) => settle(core, tx, intent).await,
        None => Ok(()),
    }
}

/// A refund of ours, or one that was made at the provider, that moved on.
pub(super) async fn refund(closing: &Closing<'_>, told: &Value) -> Result<()> {
    let core = closing.core;
    let refund = Refund::read(told)?;
    let refund = Refund::read(&closing.fresh(Kind::Refund, &refund.id, told).await?)?;
    let (charge, version) = match &refund.charge {
        None => (None, 0),
        Some(id) => {
            let version = store::version_of(core.db(), id).await?;
            let body = closing.fresh(Kind::Charge, id, &Value::Null).await?;
            (
                (!body.is_null()).then(|| Charge::read(&body)).transpose()?,
                version,
            )
        }
    };
    in_transaction!(core.db(), tx => {
        if !closing.begin(tx).await? {
            return Ok(());
        }
        if let Some(record) = &refund.record {
            let state = RefundState::told(&refund.status);
            store::close_refund(tx, record, (state, Some(&refund.id), ""), core.now()).await?;
        }
        if let Some(charge) = &charge {
            if !store::advance_version(tx, &charge.id, version).await? {
                return Err(outpaced());
            }
            take_charge(core, tx, charge).await?;
        }
        closing.end(tx, EventState::Done).await
    })
}

/// A dispute that was opened or moved on.
pub(super) async fn dispute(closing: &Closing<'_>, id: &str, told: &Value) -> Result<()> {
    let mut reads = 1;
    loop {
        let version = store::version_of(closing.core.db(), id).await?;
        let dispute = Dispute::read(&closing.fresh(Kind::Dispute, id, told).await?)?;
        match keep_dispute(closing, &dispute, version).await {
            Err(error) if is_outpaced(&error) && reads < READS => reads += 1,
            done => return done,
        }
    }
}

async fn keep_dispute(closing: &Closing<'_>, dispute: &Dispute, version: i64) -> Result<()> {
    let core = closing.core;
    in_transaction!(core.db(), tx => {
        if !closing.begin(tx).await? {
            return Ok(());
        }
        if !store::advance_version(tx, &dispute.id, version).await? {
            return Err(outpaced());
        }
        if let Some(intent) = &dispute.intent {
            store::lock_name(tx, &format!("intent:{intent}")).await?;
        }
        store::keep_dispute(tx, dispute, core.now()).await?;
        if let Some(intent) = &dispute.intent {
            settle(core, tx, intent).await?;
        }
        closing.end(tx, EventState::Done).await
    })
}

/// Brings everything that was paid with one movement of money in line with what of it went back.
pub async fn settle(core: &Core, tx: &mut Tx, intent: &str) -> Result<()> {
    for payment in store::payments_by_intent(tx.conn(), intent).await? {
        settle_payment(core, tx, &payment).await?;
    }
    Ok(())
}

/// The same for one payment.
pub(super) async fn settle_payment(core: &Core, tx: &mut Tx, payment: &Payment) -> Result<()> {
    if payment.intent.is_none() {
        return Ok(());
    }
    if matches!(payment.state, PaymentState::Pending | PaymentState::Failed) {
        return Ok(());
    }
    let customer = store::lock_customer(tx, &payment.customer).await?;
    let (refunded, disputed) = store::losses(tx.conn(), payment).await?;
    let state = rules::paid_state(payment.money.minor, refunded, disputed);
    store::keep_loss(tx, payment, state, (refunded, disputed), core.now()).await?;
    let lots = store::lots_of(tx.conn(), &payment.id).await?;
    for root in lots.iter().filter(|lot| lot.restores.is_none()) {
        let family: Vec<_> = lots
            .iter()
            .filter(|lot| lot.source == root.source || lot.restores.as_ref() == Some(&root.source))
            .collect();
        let target = rules::share(root.credits, refunded + disputed, payment.money.minor);
        let owner = customer.credits_owner();
        match rules::settle(&family, target) {
            None => {}
            Some(Move::Take(parts)) => take(core, tx, &owner, (&family, parts)).await?,
            Some(Move::Restore(amount)) => restore(core, tx, &owner, (&family, amount)).await?,
        }
    }
    Ok(())
}

async fn take(
    core: &Core,
    tx: &mut Tx,
    owner: &Owner,
    (family, parts): (&[&PaidLot], Vec<(String, Credits)>),
) -> Result<()> {
    for (source, amount) in parts {
        let Some(lot) = family.iter().find(|lot| lot.source == source) else {
            continue;
        };
        let there = still_there(core, tx, owner, (lot, amount)).await?;
        let revoked = revoke(core, tx, owner, (lot, there)).await?;
        store::take_of_lot(tx, &source, amount, revoked).await?;
    }
    Ok(())
}

async fn revoke(
    core: &Core,
    tx: &mut Tx,
    owner: &Owner,
    (lot, amount): (&PaidLot, Credits),
) -> Result<Credits> {
    if amount.is_zero() {
        return Ok(Credits::ZERO);
    }
    let (source, taken) = (&lot.source, lot.taken.as_milli());
    let note = Note::system(format!("back:{source}:{taken}"), "The payment went back");
    let revoked = Ledger::new(core, tx, core.now())
        .revoke(owner, (LotRef::Source(source), amount), &note)
        .await;
    match revoked {
        Ok(entry) => Ok(entry.change.amount()),
        Err(why) if is_nothing_left(&why) => Ok(Credits::ZERO),
        Err(why) => Err(why),
    }
}

/// What of a lot is to be taken from what its owner has, so that `amount` more of it is gone: what ran out unused is gone
/// already, so that a refund comes to the same before the end of a period and after it.
async fn still_there(
    core: &Core,
    tx: &mut Tx,
    owner: &Owner,
    (lot, amount): (&PaidLot, Credits),
) -> Result<Credits> {
    let ran_out = Ledger::new(core, tx, core.now())
        .ran_out(owner, LotRef::Source(&lot.source))
        .await?;
    let counted = lot.taken.less(lot.revoked);
    Ok(amount.less(ran_out.less(counted)))
}

/// Everything of it ran out, or it brought nothing because its period was over.
fn is_nothing_left(error: &Error) -> bool {
    error.code() == "nothing_to_revoke" || error.status() == axum::http::StatusCode::NOT_FOUND
}

async fn restore(
    core: &Core,
    tx: &mut Tx,
    owner: &Owner,
    (family, amount): (&[&PaidLot], Credits),
) -> Result<()> {
    let Some(root) = family.first() else {
        return Ok(());
    };
    let sum =
        |of: fn(&PaidLot) -> Credits| family.iter().map(|lot| of(lot).as_milli()).sum::<i64>();
    let restored: i64 = family
        .iter()
        .filter(|lot| lot.restores.is_some())
        .map(|lot| lot.credits.as_milli())
        .sum();
    let there = (sum(|lot| lot.revoked) - restored).max(0).unsigned_abs();
    let there = amount.min(Credits::from_milli(there));
    let is_over = root.is_over || root.period.is_some_and(|(_, end)| end <= core.now());
    let lot = PaidLot {
        source: format!("{}:restored:{}", root.source, family.len()),
        restores: Some(root.source.clone()),
        credits: amount,
        taken: Credits::ZERO,
        revoked: Credits::ZERO,
        is_over: is_over || there.is_zero(),
        ..(*root).clone()
    };
    let now = core.now();
    if !store::insert_paid_lot(tx, &lot, now).await? || lot.is_over {
        return Ok(());
    }
    let grant = match root.period {
        Some((_, end)) => Grant::subscription(there, end),
        None => Grant::purchase(there),
    };
    let note = Note::system(lot.source.clone(), "The payment stays after all");
    Ledger::new(core, tx, now)
        .grant(owner, &grant.from_source(&lot.source), &note)
        .await?;
    Ok(())
}

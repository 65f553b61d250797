//! What the periods of a subscription bring, and when that is over: with the period, when the next one begins, or at once
//! where the subscription ends before its time.

use super::super::entity::{Customer, PaidLot, Payment};
use super::super::{put_in, rules, store};
use crate::app::Core;
use crate::clock::Timestamp;
use crate::credits::{Grant, Ledger, LotRef, Note};
use crate::db::Tx;
use crate::error::Result;

/// Puts in what a period brings, ends what earlier periods of the subscription left, and brings nothing where a later
/// period has begun or the subscription has ended.
pub(super) async fn put_in_period(
    core: &Core,
    tx: &mut Tx,
    customer: &Customer,
    (payment, grant): (&Payment, &rules::Grant),
) -> Result<()> {
    let subscription = payment.subscription.clone().unwrap_or_default();
    let others = store::lots_of_subscription(tx.conn(), &subscription).await?;
    let (start, end) = grant.period;
    let is_followed = others
        .iter()
        .filter_map(|lot| lot.period)
        .any(|(next, _)| next >= end);
    let cut_short = store::credits_end(tx.conn(), &subscription).await?;
    let is_cut_short = cut_short.is_some_and(|at| at < end);
    let lot = PaidLot {
        source: grant.source.clone(),
        payment: payment.id.clone(),
        subscription: Some(subscription),
        restores: None,
        credits: grant.credits,
        taken: Default::default(),
        revoked: Default::default(),
        period: Some(grant.period),
        is_over: is_followed || is_cut_short || end <= core.now(),
    };
    let granted = Grant::subscription(grant.credits, end);
    put_in(core, tx, customer, (&lot, granted, &payment.description)).await?;
    let is_past = |lot: &PaidLot| lot.period.is_some_and(|(_, old_end)| old_end <= start);
    let past = others.iter().filter(|lot| is_past(lot));
    end_lots(core, tx, customer, (past, "The next period has begun")).await
}

/// Ends at once what is left of a subscription's credits beyond `at`, when it ended.
pub(super) async fn cut_short(
    core: &Core,
    tx: &mut Tx,
    customer: &Customer,
    (subscription, at): (&str, Timestamp),
) -> Result<()> {
    store::end_credits(tx, subscription, at).await?;
    let lots = store::lots_of_subscription(tx.conn(), subscription).await?;
    let is_beyond = |lot: &PaidLot| lot.period.is_some_and(|(_, end)| end > at);
    let beyond = lots.iter().filter(|lot| is_beyond(lot));
    end_lots(core, tx, customer, (beyond, "The subscription has ended")).await
}

async fn end_lots(
    core: &Core,
    tx: &mut Tx,
    customer: &Customer,
    (lots, why): (impl Iterator<Item = &PaidLot>, &str),
) -> Result<()> {
    let owner = customer.credits_owner();
    for lot in lots.filter(|lot| !lot.is_over) {
        let note = Note::system(format!("end:{}", lot.source), why);
        let source = LotRef::Source(&lot.source);
        Ledger::new(core, tx, core.now())
            .end(&owner, source, &note)
            .await?;
        store::mark_lot_over(tx, &lot.source).await?;
    }
    Ok(())
}

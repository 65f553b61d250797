//! What an account has at an instant, whether or not what has run out by then is booked: the ledger's own rules about
//! ends, played through without a database.

use std::time::Duration;

use super::amount::Credits;
use super::entity::{Account, Holdings, Lot, LotId, LotKind};
use super::store::{NEVER, OverdueHold};
use crate::clock::Timestamp;

/// An account as it is kept.
pub struct Kept {
    pub account: Account,
    /// Every lot of which something remains or is held.
    pub lots: Vec<Lot>,
    /// Open holds whose time is up, in the order in which it was.
    pub overdue: Vec<OverdueHold>,
}

/// What there is at `now`, and the lots that can be used then, in the order of use.
pub fn foresee(kept: Kept, renewed_for: Duration, now: Timestamp) -> Holdings {
    let Kept {
        account,
        mut lots,
        overdue,
    } = kept;
    let mut balance = account.balance();
    for hold in overdue {
        for part in hold.parts {
            balance.held = balance.held.less(part.amount);
            let place = lots.iter().position(|lot| lot.id == part.lot);
            match place.map(|at| &mut lots[at]) {
                Some(lot) if !lot.has_run_out(hold.expires_at) => {
                    lot.remaining = sum(lot.remaining, part.amount);
                }
                _ => lots.push(renewed(part.amount, hold.expires_at.plus(renewed_for))),
            }
        }
        pay(&mut balance.debt, &mut lots, hold.expires_at);
    }
    lots.retain(|lot| !lot.remaining.is_zero() && !lot.has_run_out(now));
    lots.sort_by_key(in_order_of_use);
    balance.available = lots
        .iter()
        .fold(Credits::ZERO, |all, lot| sum(all, lot.remaining));
    Holdings {
        balance,
        lots,
        full: account.full,
    }
}

fn in_order_of_use(lot: &Lot) -> (i64, Timestamp, i64) {
    (lot.priority, lot.expires_at.unwrap_or(NEVER), lot.seq)
}

/// What came back to a lot that had run out, as it will be booked: newer than every other lot.
fn renewed(amount: Credits, until: Timestamp) -> Lot {
    Lot {
        id: LotId::from(String::new()),
        kind: LotKind::Promotion,
        priority: LotKind::Promotion.priority(),
        expires_at: Some(until),
        amount,
        remaining: amount,
        seq: i64::MAX,
    }
}

/// Pays a debt from the lots that can be used at `at`.
fn pay(debt: &mut Credits, lots: &mut [Lot], at: Timestamp) {
    let mut usable: Vec<_> = lots.iter_mut().filter(|lot| !lot.has_run_out(at)).collect();
    usable.sort_by_key(|lot| in_order_of_use(lot));
    for lot in usable {
        let paid = lot.remaining.min(*debt);
        lot.remaining = lot.remaining.less(paid);
        *debt = debt.less(paid);
    }
}

/// Lots of one account together never exceed the bound.
fn sum(one: Credits, other: Credits) -> Credits {
    one.checked_add(other).unwrap_or(Credits::MAX)
}

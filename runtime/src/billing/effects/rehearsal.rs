//! What a refund will take, before it is made: it is done in a transaction as it will be done, looked at, and undone by
//! whoever opened the transaction. So what is shown cannot differ from what happens.

use std::collections::BTreeSet;

use super::super::entity::Payment;
use super::super::objects::Charge;
use super::super::store::{self, Part};
use super::losses;
use crate::app::Core;
use crate::credits::{Credits, Ledger, LotRef};
use crate::db::Tx;
use crate::error::Result;

/// What becomes of the credits that go back with money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taking {
    /// Taken from what is left of what the payment brought.
    pub own: Credits,
    /// Used by now, and taken from what else their owner has.
    pub others: Credits,
    /// Used by now, and owed from then on.
    pub debt: Credits,
    /// They ran out, or never came in because their period was over: nothing is taken for them.
    pub ran_out: Credits,
}

impl Taking {
    /// What is taken in all.
    pub fn total(&self) -> Credits {
        let parts = [self.own, self.others, self.debt];
        credits(parts.map(Credits::as_milli).iter().sum())
    }
}

/// So many thousandths, as far as an account can hold.
fn credits(milli: i64) -> Credits {
    Credits::from_milli(milli.clamp(0, Credits::MAX.as_milli()).unsigned_abs())
}

/// Gives back what is under way of a payment, then `parts` of it, and says what these took. The transaction is to be
/// rolled back.
pub async fn rehearse(
    core: &Core,
    tx: &mut Tx,
    payment: &Payment,
    (under_way, parts): (&[Part], &[Part]),
) -> Result<Taking> {
    // In the order in which whoever settles a payment locks them.
    let intents: BTreeSet<_> = under_way
        .iter()
        .chain(parts)
        .map(|part| &part.intent)
        .collect();
    for intent in intents {
        store::lock_name(tx, &format!("intent:{intent}")).await?;
    }
    give_back(core, tx, payment, ("under_way", under_way)).await?;
    let before = Seen::of(core, tx, payment).await?;
    give_back(core, tx, payment, ("rehearsal", parts)).await?;
    let after = Seen::of(core, tx, payment).await?;
    Ok(before.until(&after))
}

/// Has each of the movements lose so much more than it did, by a charge of its own.
async fn give_back(
    core: &Core,
    tx: &mut Tx,
    payment: &Payment,
    (name, parts): (&str, &[Part]),
) -> Result<()> {
    for part in parts.iter().filter(|part| part.amount > 0) {
        let charge = Charge {
            id: format!("{name}:{}", part.intent),
            intent: Some(part.intent.clone()),
            customer: None,
            is_made: true,
            currency: payment.currency(),
            amount: part.amount,
            refunded: part.amount,
        };
        losses::take_charge(core, tx, &charge).await?;
    }
    Ok(())
}

/// How things stand between a payment and the ledger, in thousandths.
struct Seen {
    remaining: i64,
    debt: i64,
    /// Of what the payment brought: what was to be taken, and what was there to be taken.
    taken: i64,
    revoked: i64,
}

impl Seen {
    async fn of(core: &Core, tx: &mut Tx, payment: &Payment) -> Result<Self> {
        let customer = store::lock_customer(tx, &payment.customer).await?;
        let owner = customer.credits_owner();
        let lots = store::lots_of(tx.conn(), &payment.id).await?;
        let mut ledger = Ledger::new(core, tx, core.now());
        let account = ledger.bring_up_to_date(&owner).await?;
        let mut remaining = 0;
        for lot in &lots {
            let source = LotRef::Source(&lot.source);
            remaining += ledger.remaining(&owner, source).await?.as_milli();
        }
        Ok(Self {
            remaining,
            debt: account.map_or(0, |account| account.debt.as_milli()),
            taken: lots.iter().map(|lot| lot.taken.as_milli()).sum(),
            revoked: lots.iter().map(|lot| lot.revoked.as_milli()).sum(),
        })
    }

    fn until(&self, after: &Self) -> Taking {
        let own = self.remaining - after.remaining;
        let debt = after.debt - self.debt;
        let revoked = after.revoked - self.revoked;
        Taking {
            own: credits(own),
            others: credits(revoked - own - debt),
            debt: credits(debt),
            ran_out: credits(after.taken - self.taken - revoked),
        }
    }
}

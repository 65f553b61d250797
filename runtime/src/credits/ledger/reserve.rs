//! Credits for work that begins and ends within one transaction: the locked account stands for a hold.

use super::super::amount::Credits;
use super::super::entity::{Account, Note, Owner};
use super::super::rules;
use super::super::store::{self, Taking, Use};
use super::{Booking, Ledger};
use crate::error::Result;

/// Credits that were taken from an account's sums and from none of its lots. Before the transaction ends they are spent or put
/// back, by a ledger at the same instant: what could be used then still can.
#[must_use]
#[derive(Debug)]
pub struct Reserved {
    account: Account,
    amount: Credits,
}

impl Ledger<'_> {
    /// Makes sure that the owner has `amount`, which nobody else takes before the transaction ends.
    ///
    /// # Errors
    /// 402 `insufficient_credits` when there is less.
    pub async fn reserve(&mut self, owner: &Owner, amount: Credits) -> Result<Reserved> {
        let taking = Taking::for_good(rules::some(amount)?, Use::Spent);
        let account = self.take(owner, &taking).await?;
        Ok(Reserved { account, amount })
    }

    /// Spends up to what was reserved; the rest becomes available again. Gives what is available then.
    ///
    /// # Errors
    /// 422 when it is more than was reserved.
    pub async fn spend_reserved(
        &mut self,
        reserved: Reserved,
        amount: Credits,
        note: &Note,
    ) -> Result<Credits> {
        let booking = Booking::to_spend(rules::some(amount)?, note);
        let rest = reserved.amount.checked_sub(amount);
        let rest = rest.ok_or_else(rules::more_than_held)?;
        let mut account = reserved.account;
        if !rest.is_zero() {
            self.come_back(&mut account, rest)?;
            store::save_account(self.tx, &account).await?;
        }
        self.draw(&mut account, booking, Use::Spent).await?;
        Ok(account.available)
    }

    /// Makes all of it available again: the account is as it was. Gives what is available then.
    pub async fn put_back(&mut self, reserved: Reserved) -> Result<Credits> {
        let mut account = reserved.account;
        self.come_back(&mut account, reserved.amount)?;
        account.last_seq -= 1;
        store::save_account(self.tx, &account).await?;
        Ok(account.available)
    }

    /// Adds to the account's sums what was taken from them before. It is still in its lots.
    fn come_back(&self, account: &mut Account, amount: Credits) -> Result<()> {
        account.used -= amount.as_milli();
        self.come_in(account, amount, None)
    }
}

//! Giving back what was spent, and taking back what was granted.

use super::super::amount::{Change, Credits};
use super::super::entity::{Account, Entry, EntryKind, LotRef, Note, Owner, Part};
use super::super::journal::Allocation;
use super::super::request::Request;
use super::super::rules;
use super::super::store::{self, KnownLot, Use};
use super::{Booking, Ledger, broken};
use crate::error::{Error, Result};

impl Ledger<'_> {
    /// Gives back `amount` of what the entry with the key `of` spent, to the lots it came from, those used last
    /// first. Several refunds of one entry may not come to more than it spent.
    ///
    /// # Errors
    /// 404 when the owner has no such entry or it spent nothing, 422 `more_than_spent`.
    pub async fn refund(
        &mut self,
        owner: &Owner,
        (of, amount): (&str, Credits),
        note: &Note,
    ) -> Result<Entry> {
        let account = self.bring_up_to_date(owner).await?;
        let mut account = account.ok_or_else(Error::not_found)?;
        let spent = store::entry_by_key(self.tx.conn(), owner, of).await?;
        let spent = spent.map(|(entry, _)| entry);
        let spent = spent.filter(|entry| entry.kind == EntryKind::Spend);
        let spent = spent.ok_or_else(Error::not_found)?;
        let known = store::returnable(self.tx, &account.id, spent.seq).await?;
        let mut lacking = rules::some(amount)?;
        let mut returned = Vec::new();
        for part in known {
            let amount = part.amount.min(lacking);
            lacking = lacking.less(amount);
            let part = Part { amount, ..part };
            if !amount.is_zero() {
                let end = store::unspend(self.tx, &part).await?;
                self.come_in(&mut account, amount, end)?;
                returned.push((part, end));
            }
        }
        if !lacking.is_zero() {
            return Err(rules::more_than_spent());
        }
        account.used -= amount.as_milli();
        account.last_seq += 1;
        let booking = Booking {
            kind: EntryKind::Refund,
            change: Change::Up(amount),
            note,
            digest: Request::to_refund(of, amount, note).digest(),
            refers_to: Some(spent.seq),
        };
        let allocations = returned.iter().map(|(part, _)| Allocation::up(part));
        let allocations = allocations.collect();
        let entry = self.record(&mut account, booking, allocations).await?;
        let now = self.now;
        self.take_back_in(&mut account, returned, now).await?;
        account.due_at = store::next_due(self.tx, &account.id, now).await?;
        store::save_account(self.tx, &account).await?;
        Ok(entry)
    }

    /// Takes back up to `amount` of what a grant brought: from its own lot, then from others in the order of use;
    /// what was spent meanwhile becomes a debt. What ran out unused is not taken a second time.
    ///
    /// # Errors
    /// 404 when the owner has no such lot, 409 `nothing_to_revoke` when everything of it was taken back before or
    /// ran out.
    pub async fn revoke(
        &mut self,
        owner: &Owner,
        (which, amount): (LotRef<'_>, Credits),
        note: &Note,
    ) -> Result<Entry> {
        rules::some(amount)?;
        let account = self.bring_up_to_date(owner).await?;
        let mut account = account.ok_or_else(Error::not_found)?;
        let known = store::find_lot(self.tx, &account.id, which).await?;
        let KnownLot { lot, expired } = known.ok_or_else(Error::not_found)?;
        let before = store::taken_back(self.tx, &account.id, lot.seq).await?;
        let left = lot.amount.less(expired).less(before);
        let taken = amount.min(left);
        if taken.is_zero() {
            return Err(rules::nothing_to_revoke());
        }
        let own = Part {
            lot: lot.id,
            amount: taken.min(lot.remaining),
        };
        account.last_seq += 1;
        let parts = self.take_lots(&mut account, own, taken).await?;
        let booking = Booking {
            kind: EntryKind::Revocation,
            change: Change::Down(taken),
            note,
            digest: Request::to_revoke(which, amount, note).digest(),
            refers_to: Some(lot.seq),
        };
        let allocations = parts.iter().map(Allocation::down).collect();
        let entry = self.record(&mut account, booking, allocations).await?;
        store::save_account(self.tx, &account).await?;
        Ok(entry)
    }

    /// How much of a lot ran out unused so far; nothing of one that the owner does not have.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn ran_out(&mut self, owner: &Owner, which: LotRef<'_>) -> Result<Credits> {
        let known = self.known(owner, which).await?;
        Ok(known.map_or(Credits::ZERO, |known| known.expired))
    }

    /// How much of a lot can still be used; nothing of one that the owner does not have.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn remaining(&mut self, owner: &Owner, which: LotRef<'_>) -> Result<Credits> {
        let known = self.known(owner, which).await?;
        Ok(known.map_or(Credits::ZERO, |known| known.lot.remaining))
    }

    async fn known(&mut self, owner: &Owner, which: LotRef<'_>) -> Result<Option<KnownLot>> {
        let Some(account) = self.bring_up_to_date(owner).await? else {
            return Ok(None);
        };
        store::find_lot(self.tx, &account.id, which).await
    }

    /// Takes `own` from its lot, then the rest of `amount` from the others; what they lack is owed from now on.
    async fn take_lots(
        &mut self,
        account: &mut Account,
        own: Part,
        amount: Credits,
    ) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        if !own.amount.is_zero() {
            store::move_remaining(self.tx, &own, Use::Revoked).await?;
            account.available = account.available.less(own.amount);
        }
        let rest = amount.less(own.amount);
        let from_others = rest.min(account.available);
        if !from_others.is_zero() {
            parts = self.find_lots(account, from_others, self.now).await?;
            for part in &parts {
                store::move_remaining(self.tx, part, Use::Revoked).await?;
            }
            account.available = account.available.less(from_others);
        }
        let debt = account.debt.checked_add(rest.less(from_others));
        account.debt = debt.ok_or_else(|| broken("a debt without bounds"))?;
        if !own.amount.is_zero() {
            parts.insert(0, own);
        }
        Ok(parts)
    }
}

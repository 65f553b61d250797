//! What has run out by now: holds whose time is up, lots past their end. Until it is booked here it is foreseen
//! wherever a balance is read, so that it makes no difference when, or whether, somebody books it.

use super::super::amount::{Change, Credits};
use super::super::entity::{Account, Entry, EntryKind, Grant, LotRef, Note, Owner, Part};
use super::super::journal::{Allocation, LotEnd};
use super::super::request::Request;
use super::super::rules;
use super::super::store::{self, Use};
use super::{Booking, Ledger, broken};
use crate::clock::Timestamp;
use crate::error::{Error, Result};

impl Ledger<'_> {
    /// Books what has run out by now and gives the account, if the owner has one.
    pub async fn bring_up_to_date(&mut self, owner: &Owner) -> Result<Option<Account>> {
        let Some(mut account) = store::lock_account(self.tx, owner).await? else {
            return Ok(None);
        };
        self.book_due(owner, &mut account).await?;
        Ok(Some(account))
    }

    /// Books everything of a locked account that has run out by now, so that its sums can be relied on.
    async fn book_due(&mut self, owner: &Owner, account: &mut Account) -> Result<()> {
        if account.due_at > self.now {
            return Ok(());
        }
        // Holds first, each as of its own instant: lots that have run out since then are among those below.
        for hold in store::overdue_holds(self.tx.conn(), &account.id, self.now).await? {
            self.time_out(owner, &hold.id, hold.expires_at).await?;
        }
        *account = store::lock_account_by_id(self.tx, &account.id).await?;
        for part in store::expired_lots(self.tx, &account.id, self.now).await? {
            self.expire(account, &part).await?;
        }
        account.due_at = store::next_due(self.tx, &account.id, self.now).await?;
        store::save_account(self.tx, account).await
    }

    /// Ends a lot now, whatever it said before: a subscription's old credits when the new ones come. Gives the
    /// entry, unless nothing remained. What is held of it can still be captured.
    ///
    /// # Errors
    /// 404 when the owner has no such lot, 422 for one that was bought: those have no end.
    pub async fn end(
        &mut self,
        owner: &Owner,
        which: LotRef<'_>,
        note: &Note,
    ) -> Result<Option<Entry>> {
        let account = self.bring_up_to_date(owner).await?;
        let mut account = account.ok_or_else(Error::not_found)?;
        let known = store::find_lot(self.tx, &account.id, which).await?;
        let lot = known.ok_or_else(Error::not_found)?.lot;
        rules::may_end(lot.kind)?;
        if lot.has_run_out(self.now) {
            return Ok(None);
        }
        let end = LotEnd {
            lot: lot.id.as_str().to_owned(),
            seq: account.last_seq,
            was: lot.expires_at.map(Timestamp::as_micros),
            ended_at: self.now.as_micros(),
        };
        store::end_lot(self.tx, &account.id, &end).await?;
        if lot.remaining.is_zero() {
            return Ok(None);
        }
        let part = Part {
            lot: lot.id,
            amount: lot.remaining,
        };
        let digest = Request::to_end(which, note).digest();
        let entry = self
            .expire_with(&mut account, &part, (note, digest))
            .await?;
        store::save_account(self.tx, &account).await?;
        Ok(Some(entry))
    }

    pub(super) async fn expire(&mut self, account: &mut Account, part: &Part) -> Result<()> {
        let key = format!("expiry:{}:{}", part.lot, account.last_seq + 1);
        let note = Note::system(key, "Expired");
        let digest = Request::own("expire", part.amount, &note).digest();
        self.expire_with(account, part, (&note, digest)).await?;
        Ok(())
    }

    async fn expire_with(
        &mut self,
        account: &mut Account,
        part: &Part,
        (note, digest): (&Note, String),
    ) -> Result<Entry> {
        store::move_remaining(self.tx, part, Use::Expired).await?;
        let available = account.available.checked_sub(part.amount);
        account.available = available.ok_or_else(|| {
            let what = format!("account {} has less than its lots", account.id);
            broken(what)
        })?;
        account.last_seq += 1;
        let booking = Booking {
            kind: EntryKind::Expiry,
            change: Change::Down(part.amount),
            note,
            digest,
            refers_to: None,
        };
        self.record(account, booking, vec![Allocation::down(part)])
            .await
    }

    /// After credits came back into their lots at `at`: those of lots that had run out by then are given anew for a
    /// while, for work that failed must cost nothing; and a debt is paid. Keeps the account if that changed it.
    pub(super) async fn take_back_in(
        &mut self,
        account: &mut Account,
        returned: Vec<(Part, Option<Timestamp>)>,
        at: Timestamp,
    ) -> Result<()> {
        let mut is_changed = false;
        for (part, end) in &returned {
            if end.is_some_and(|end| end <= at) {
                self.renew(account, part, at).await?;
                is_changed = true;
            }
        }
        if !account.debt.is_zero() && !returned.is_empty() {
            self.pay_debt(account, at).await?;
            is_changed = true;
        }
        if is_changed {
            store::save_account(self.tx, account).await?;
        }
        Ok(())
    }

    async fn renew(&mut self, account: &mut Account, part: &Part, at: Timestamp) -> Result<()> {
        self.expire(account, part).await?;
        let until = at.plus(self.settings()?.renewed_for());
        let grant = Grant::promotion(part.amount, Some(until));
        let key = format!("renewal:{}:{}", part.lot, account.last_seq + 1);
        let note = Note::system(key, "Came back after they had expired");
        let booking = Booking {
            kind: EntryKind::Grant,
            change: Change::Up(part.amount),
            note: &note,
            digest: Request::to_grant(&grant, &note).digest(),
            refers_to: None,
        };
        self.add_lot(account, &grant, booking).await?;
        Ok(())
    }

    /// Pays what is owed from lots that could be used at `at`, in the order of use. The balance stays.
    pub(super) async fn pay_debt(&mut self, account: &mut Account, at: Timestamp) -> Result<()> {
        let amount = account.debt.min(account.available);
        if amount.is_zero() {
            return Ok(());
        }
        account.last_seq += 1;
        let parts = self.find_lots(account, amount, at).await?;
        for part in &parts {
            store::move_remaining(self.tx, part, Use::Revoked).await?;
        }
        account.available = account.available.less(amount);
        account.debt = account.debt.less(amount);
        let key = format!("settlement:{}", account.last_seq);
        let note = Note::system(key, format!("{} went into the debt", amount.in_words()));
        let booking = Booking {
            kind: EntryKind::Settlement,
            change: Change::Up(Credits::ZERO),
            digest: Request::own("settle", amount, &note).digest(),
            note: &note,
            refers_to: None,
        };
        let allocations = parts.iter().map(Allocation::down).collect();
        self.record(account, booking, allocations).await?;
        Ok(())
    }
}

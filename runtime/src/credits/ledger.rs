//! The ledger inside a transaction that somebody else opened: each verb locks the account, books what has run
//! out, and keeps the sums of account, lots and journal equal.
//!
//! A key that was used before makes the verb, and so the transaction, fail; `actions` then looks the first
//! answer up. Lots are touched only after their account is locked.

use std::time::Duration;

use super::amount::{Change, Credits};
use super::entity::{
    Account, AccountId, Entry, EntryKind, Grant, Hold, HoldId, HoldState, HoldTerms, Lot, LotId,
    LotKind, Note, Owner, Part,
};
use super::rules;
use super::store::{self, ClosedHold, NewEntry, NewHold, Taking, Use};
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, Result};

/// How many lots are looked at together.
const LOTS_AT_ONCE: i64 = 16;
/// How long credits can be used that come back after their lot has run out.
const RENEWED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// The verbs, at one instant.
pub struct Ledger<'t> {
    tx: &'t mut Tx,
    now: Timestamp,
}

/// What an entry is made of, beside the account and the lots.
struct Booking<'a> {
    kind: EntryKind,
    change: Change,
    note: &'a Note,
    digest: String,
}

impl<'t> Ledger<'t> {
    pub fn new(tx: &'t mut Tx, now: Timestamp) -> Self {
        Self { tx, now }
    }

    /// Makes sure that the owner has an account. Says whether it is new.
    pub async fn open(&mut self, owner: &Owner) -> Result<bool> {
        store::insert_account(self.tx, owner, self.now).await
    }

    /// Puts a new lot in, opening the account where there is none.
    pub async fn grant(&mut self, owner: &Owner, grant: &Grant, note: &Note) -> Result<Entry> {
        let booking = Booking {
            kind: EntryKind::Grant,
            change: Change::Up(rules::some(grant.amount)?),
            note,
            digest: rules::digest_of_grant(grant, note),
        };
        if grant.expires_at.is_some_and(|at| at <= self.now) {
            return Err(rules::has_expired());
        }
        let mut account = self.lock(owner).await?;
        let entry = self.put_in(&mut account, grant, booking).await?;
        store::save_account(self.tx, &account).await?;
        Ok(entry)
    }

    /// Takes credits for good.
    ///
    /// # Errors
    /// 402 `insufficient_credits` when there are too few; nothing is taken then.
    pub async fn spend(&mut self, owner: &Owner, amount: Credits, note: &Note) -> Result<Entry> {
        let booking = Booking {
            kind: EntryKind::Spend,
            change: Change::Down(rules::some(amount)?),
            note,
            digest: rules::digest("spend", amount.as_milli(), note),
        };
        self.take_out(owner, booking, Use::Spent).await
    }

    /// Corrects a balance: up with a new lot, down from the lots in the order of use.
    ///
    /// # Errors
    /// 402 when there is less than is to be taken.
    pub async fn adjust(&mut self, owner: &Owner, change: Change, note: &Note) -> Result<Entry> {
        let booking = Booking {
            kind: EntryKind::Adjustment,
            change,
            note,
            digest: rules::digest("adjust", change.as_milli(), note),
        };
        match change {
            Change::Up(amount) => {
                let grant = Grant {
                    kind: LotKind::Adjustment,
                    amount: rules::some(amount)?,
                    expires_at: None,
                };
                let mut account = self.lock(owner).await?;
                let entry = self.put_in(&mut account, &grant, booking).await?;
                store::save_account(self.tx, &account).await?;
                Ok(entry)
            }
            Change::Down(amount) => {
                rules::some(amount)?;
                self.take_out(owner, booking, Use::Revoked).await
            }
        }
    }

    /// Sets credits aside for work under way.
    ///
    /// # Errors
    /// 402 `insufficient_credits` when there are too few; nothing is set aside then.
    pub async fn hold(
        &mut self,
        owner: &Owner,
        amount: Credits,
        terms: &HoldTerms,
    ) -> Result<Hold> {
        let hold = Hold {
            id: HoldId::new(self.now),
            amount: rules::some(amount)?,
            state: HoldState::Open,
            expires_at: self.now.plus(terms.lasts),
        };
        let taking = Taking {
            amount,
            held: amount,
            entries: 0,
            due_at: hold.expires_at,
        };
        let account = self.take(owner, &taking).await?;
        let parts = self.use_lots(&account.id, amount, Use::Held).await?;
        let new = NewHold {
            account: &account.id,
            hold: &hold,
            parts: &parts,
            key: &terms.key,
            digest: &rules::digest_of_hold(amount, terms),
        };
        store::insert_hold(self.tx, new, self.now).await?;
        Ok(hold)
    }

    /// Spends up to what is held; the rest becomes available again.
    ///
    /// # Errors
    /// 409 `hold_closed` when the hold was captured or released before, or its time is up.
    pub async fn capture(
        &mut self,
        owner: &Owner,
        hold: &HoldId,
        amount: Credits,
        note: &Note,
    ) -> Result<Entry> {
        rules::some(amount)?;
        let closed = self.close(owner, hold, amount).await?;
        let settled = rules::settle(closed.parts.clone(), amount);
        let mut account = self.give_back(&closed, amount).await?;
        let spent: Vec<_> = settled
            .iter()
            .filter(|one| !one.spent.is_zero())
            .map(|one| Part {
                lot: one.part.lot.clone(),
                amount: one.spent,
            })
            .collect();
        let booking = Booking {
            kind: EntryKind::Spend,
            change: Change::Down(amount),
            note,
            digest: rules::digest("capture", amount.as_milli(), note),
        };
        let entry = self.record(&account, booking, &spent).await?;
        self.settle_lots(&mut account, &settled).await?;
        Ok(entry)
    }

    /// Makes everything that is held available again.
    ///
    /// # Errors
    /// 409 `hold_closed` when the hold was captured or released before.
    pub async fn release(&mut self, owner: &Owner, hold: &HoldId) -> Result<()> {
        let closed = self.close(owner, hold, Credits::ZERO).await?;
        let mut account = self.give_back(&closed, Credits::ZERO).await?;
        let settled = rules::settle(closed.parts, Credits::ZERO);
        self.settle_lots(&mut account, &settled).await
    }

    /// Books what has run out by now and gives the account, if the owner has one.
    pub async fn bring_up_to_date(&mut self, owner: &Owner) -> Result<Option<Account>> {
        let Some(mut account) = store::lock_account(self.tx, owner).await? else {
            return Ok(None);
        };
        self.book_due(owner, &mut account).await?;
        Ok(Some(account))
    }

    /// The owner's account, locked and up to date; a new one where there is none.
    async fn lock(&mut self, owner: &Owner) -> Result<Account> {
        if let Some(account) = self.bring_up_to_date(owner).await? {
            return Ok(account);
        }
        store::insert_account(self.tx, owner, self.now).await?;
        let account = store::lock_account(self.tx, owner).await?;
        account.ok_or_else(|| Error::internal(anyhow::anyhow!("a new account is not there")))
    }

    async fn put_in(
        &mut self,
        account: &mut Account,
        grant: &Grant,
        booking: Booking<'_>,
    ) -> Result<Entry> {
        let lot = Lot {
            id: LotId::new(self.now),
            kind: grant.kind,
            priority: grant.kind.priority(),
            expires_at: grant.expires_at,
            amount: grant.amount,
            remaining: grant.amount,
        };
        let available = account.available.checked_add(grant.amount);
        account.available = available.ok_or_else(rules::too_many)?;
        account.last_seq += 1;
        account.due_at = account.due_at.min(grant.expires_at.unwrap_or(store::NEVER));
        store::insert_lot(self.tx, account, &lot, self.now).await?;
        let part = Part {
            lot: lot.id,
            amount: grant.amount,
        };
        self.record(account, booking, &[part]).await
    }

    async fn take_out(&mut self, owner: &Owner, booking: Booking<'_>, into: Use) -> Result<Entry> {
        let amount = booking.change.amount();
        let taking = Taking {
            amount,
            held: Credits::ZERO,
            entries: 1,
            due_at: store::NEVER,
        };
        let account = self.take(owner, &taking).await?;
        let parts = self.use_lots(&account.id, amount, into).await?;
        self.record(&account, booking, &parts).await
    }

    /// Takes from the account's sums; its lots follow. What has run out is booked first where there is any.
    async fn take(&mut self, owner: &Owner, taking: &Taking) -> Result<Account> {
        let taken = store::take_available(self.tx, owner, taking, self.now).await?;
        if let Some(account) = taken {
            return Ok(account);
        }
        let account = self.bring_up_to_date(owner).await?;
        let available = account.map_or(Credits::ZERO, |account| account.available);
        if available < taking.amount {
            return Err(rules::insufficient(taking.amount, available));
        }
        let taken = store::take_available(self.tx, owner, taking, self.now).await?;
        taken.ok_or_else(|| Error::internal(anyhow::anyhow!("a locked account has changed")))
    }

    async fn use_lots(
        &mut self,
        account: &AccountId,
        amount: Credits,
        into: Use,
    ) -> Result<Vec<Part>> {
        let mut lacking = amount;
        let mut parts = Vec::new();
        while !lacking.is_zero() {
            let lots = store::usable_lots(self.tx, account, self.now, LOTS_AT_ONCE).await?;
            let (taken, rest) = rules::take(lacking, &lots);
            if taken.is_empty() {
                let broken = anyhow::anyhow!("the lots of account {account} lack {lacking}");
                return Err(Error::internal(broken));
            }
            for part in &taken {
                store::move_remaining(self.tx, part, into).await?;
            }
            parts.extend(taken);
            lacking = rest;
        }
        Ok(parts)
    }

    /// Adds the entry that the account's `last_seq` already counts.
    async fn record(
        &mut self,
        account: &Account,
        booking: Booking<'_>,
        parts: &[Part],
    ) -> Result<Entry> {
        let owned = account.available.checked_add(account.held);
        let entry = Entry {
            seq: account.last_seq,
            kind: booking.kind,
            change: booking.change,
            balance_after: owned.ok_or_else(rules::too_many)?,
            actor: booking.note.actor.clone(),
            reason: booking.note.reason.clone(),
            reference: booking.note.reference.clone(),
            created_at: self.now,
        };
        let new = NewEntry {
            account: &account.id,
            entry: &entry,
            key: &booking.note.key,
            digest: &booking.digest,
        };
        store::insert_entry(self.tx, new).await?;
        for part in parts {
            store::insert_allocation(self.tx, &account.id, &entry, part).await?;
        }
        Ok(entry)
    }
}

/// Closing holds, and what runs out.
impl Ledger<'_> {
    async fn close(&mut self, owner: &Owner, id: &HoldId, captured: Credits) -> Result<ClosedHold> {
        let closed = store::close_hold(self.tx, (owner, id), captured, self.now).await?;
        if let Some(closed) = closed {
            return Ok(closed);
        }
        let hold = store::find_hold(self.tx.conn(), owner, id).await?;
        Err(match hold {
            None => Error::not_found(),
            Some(hold) if hold.amount < captured => rules::more_than_held(),
            Some(_) => rules::hold_is_closed(),
        })
    }

    /// Takes a closed hold off its account, counting the entry of what was captured.
    async fn give_back(&mut self, closed: &ClosedHold, captured: Credits) -> Result<Account> {
        let returned = closed.amount.less(captured);
        store::close_hold_on(self.tx, &closed.account, closed.amount, returned).await
    }

    async fn settle_lots(
        &mut self,
        account: &mut Account,
        settled: &[rules::Settled],
    ) -> Result<()> {
        let mut renewed = false;
        for one in settled {
            let expires_at = store::settle_lot(self.tx, one).await?;
            let has_run_out = expires_at.is_some_and(|at| at <= self.now);
            if has_run_out && !one.returned.is_zero() {
                let returned = Part {
                    lot: one.part.lot.clone(),
                    amount: one.returned,
                };
                self.renew(account, &returned).await?;
                renewed = true;
            }
        }
        if renewed {
            store::save_account(self.tx, account).await?;
        }
        Ok(())
    }

    /// Work that failed must cost nothing, so credits that come back to a lot that has run out meanwhile are
    /// given anew for a short time.
    async fn renew(&mut self, account: &mut Account, part: &Part) -> Result<()> {
        self.expire(account, part).await?;
        let grant = Grant {
            kind: LotKind::Promotion,
            amount: part.amount,
            expires_at: Some(self.now.plus(RENEWED_FOR)),
        };
        let key = format!("renewal:{}:{}", part.lot, account.last_seq);
        let note = Note::system(key, "Came back after they had expired");
        let booking = Booking {
            kind: EntryKind::Grant,
            change: Change::Up(part.amount),
            note: &note,
            digest: rules::digest_of_grant(&grant, &note),
        };
        self.put_in(account, &grant, booking).await?;
        Ok(())
    }

    async fn expire(&mut self, account: &mut Account, part: &Part) -> Result<()> {
        store::move_remaining(self.tx, part, Use::Expired).await?;
        let available = account.available.checked_sub(part.amount);
        let broken = || anyhow::anyhow!("account {} has less than its lots", account.id);
        account.available = available.ok_or_else(|| Error::internal(broken()))?;
        account.last_seq += 1;
        let key = format!("expiry:{}:{}", part.lot, account.last_seq);
        let note = Note::system(key, "Expired");
        let booking = Booking {
            kind: EntryKind::Expiry,
            change: Change::Down(part.amount),
            note: &note,
            digest: rules::digest("expire", part.amount.as_milli(), &note),
        };
        self.record(account, booking, std::slice::from_ref(part))
            .await?;
        Ok(())
    }

    /// Books everything of a locked account that has run out by now, so that its sums can be relied on.
    async fn book_due(&mut self, owner: &Owner, account: &mut Account) -> Result<()> {
        if account.due_at > self.now {
            return Ok(());
        }
        for hold in store::overdue_holds(self.tx, &account.id, self.now).await? {
            self.release(owner, &hold).await?;
        }
        *account = store::lock_account_by_id(self.tx, &account.id).await?;
        for part in store::expired_lots(self.tx, &account.id, self.now).await? {
            self.expire(account, &part).await?;
        }
        account.due_at = store::next_due(self.tx, account).await?;
        store::save_account(self.tx, account).await
    }
}

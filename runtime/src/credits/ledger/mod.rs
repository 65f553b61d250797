//! The ledger inside a transaction that somebody else opened: each verb locks the account, books what has run
//! out, and keeps the sums of account, lots and journal equal.
//!
//! A key that was used before makes the verb, and so the transaction, fail; `actions` then looks the first
//! answer up. Rows are locked in one order: the account, then its holds, then its lots.

mod back;
mod due;
mod holds;
mod reserve;

pub use reserve::Reserved;

use std::time::Duration;

use super::actions::Notice;
use super::amount::{Change, Credits};
use super::entity::{
    Account, Entry, EntryKind, FillLevel, Grant, Lot, LotId, LotKind, Note, Owner, Part,
};
use super::journal::{Allocation, Brought, JournalRow, LotTerms};
use super::request::Request;
use super::store::{self, Taking, Use};
use super::{Settings, rules};
use crate::app::Core;
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, Result};

/// How many lots are looked at together.
const LOTS_AT_ONCE: i64 = 16;

/// The verbs, at one instant.
pub struct Ledger<'t> {
    core: &'t Core,
    tx: &'t mut Tx,
    now: Timestamp,
}

/// What an entry is made of, beside the account and the lots.
struct Booking<'a> {
    kind: EntryKind,
    change: Change,
    note: &'a Note,
    digest: String,
    refers_to: Option<i64>,
}

impl<'a> Booking<'a> {
    fn to_spend(amount: Credits, note: &'a Note) -> Self {
        Self {
            kind: EntryKind::Spend,
            change: Change::Down(amount),
            note,
            digest: Request::to_spend(amount, note).digest(),
            refers_to: None,
        }
    }
}

impl<'t> Ledger<'t> {
    pub fn new(core: &'t Core, tx: &'t mut Tx, now: Timestamp) -> Self {
        Self { core, tx, now }
    }

    /// Makes sure that the owner has an account. Says whether it is new.
    pub async fn open(&mut self, owner: &Owner) -> Result<bool> {
        store::insert_account(self.tx, owner, self.now).await
    }

    /// Puts a new lot in, opening the account where there is none. A debt is paid from it.
    pub async fn grant(&mut self, owner: &Owner, grant: &Grant, note: &Note) -> Result<Entry> {
        let booking = Booking {
            kind: EntryKind::Grant,
            change: Change::Up(rules::some(grant.amount)?),
            note,
            digest: Request::to_grant(grant, note).digest(),
            refers_to: None,
        };
        rules::may_grant(grant, self.now)?;
        let mut account = self.lock(owner).await?;
        self.put_in(&mut account, grant, booking).await
    }

    /// Takes credits for good.
    ///
    /// # Errors
    /// 402 `insufficient_credits` when there are too few; nothing is taken then.
    pub async fn spend(&mut self, owner: &Owner, amount: Credits, note: &Note) -> Result<Entry> {
        let booking = Booking::to_spend(rules::some(amount)?, note);
        self.take_out(owner, booking, Use::Spent).await
    }

    /// Corrects a balance: up with a new lot, which may have an end, down from the lots in the order of use.
    ///
    /// # Errors
    /// 402 when there is less than is to be taken.
    pub async fn adjust(
        &mut self,
        owner: &Owner,
        (change, lasts): (Change, Option<Duration>),
        note: &Note,
    ) -> Result<Entry> {
        let booking = Booking {
            kind: EntryKind::Adjustment,
            change,
            note,
            digest: Request::to_adjust(change, lasts, note).digest(),
            refers_to: None,
        };
        match change {
            Change::Up(amount) => {
                let grant = Grant {
                    kind: LotKind::Adjustment,
                    amount: rules::some(amount)?,
                    expires_at: lasts.map(|lasts| self.now.plus(lasts)),
                    source: None,
                };
                rules::may_grant(&grant, self.now)?;
                let mut account = self.lock(owner).await?;
                self.put_in(&mut account, &grant, booking).await
            }
            Change::Down(amount) => {
                rules::some(amount)?;
                self.take_out(owner, booking, Use::Revoked).await
            }
        }
    }

    /// The owner's account, locked and up to date; a new one where there is none.
    async fn lock(&mut self, owner: &Owner) -> Result<Account> {
        if let Some(account) = self.bring_up_to_date(owner).await? {
            return Ok(account);
        }
        store::insert_account(self.tx, owner, self.now).await?;
        let account = store::lock_account(self.tx, owner).await?;
        account.ok_or_else(|| broken("a new account is not there"))
    }

    /// Adds a lot with its entry, lets it pay what is owed, and keeps the account.
    async fn put_in(
        &mut self,
        account: &mut Account,
        grant: &Grant,
        booking: Booking<'_>,
    ) -> Result<Entry> {
        let entry = self.add_lot(account, grant, booking).await?;
        self.pay_debt(account, self.now).await?;
        account.full = account.net().at_least_zero();
        account.told = FillLevel::Enough;
        store::save_account(self.tx, account).await?;
        Ok(entry)
    }

    async fn add_lot(
        &mut self,
        account: &mut Account,
        grant: &Grant,
        booking: Booking<'_>,
    ) -> Result<Entry> {
        account.last_seq += 1;
        let lot = Lot {
            id: LotId::new(self.now),
            kind: grant.kind,
            priority: grant.kind.priority(),
            expires_at: grant.expires_at,
            amount: grant.amount,
            remaining: grant.amount,
            seq: account.last_seq,
        };
        self.come_in(account, grant.amount, grant.expires_at)?;
        let source = grant.source.as_deref();
        store::insert_lot(self.tx, account, (&lot, source), self.now).await?;
        let (terms, last_hash) = store::terms_of(self.tx, account).await?;
        account.last_hash = last_hash;
        let brought = Brought {
            lot: LotTerms {
                kind: lot.kind.as_str().into(),
                priority: lot.priority,
                source: grant.source.clone(),
                expires_at: lot.expires_at.map(Timestamp::as_micros),
                created_at: self.now.as_micros(),
            },
            account: terms,
        };
        let part = Part {
            lot: lot.id,
            amount: grant.amount,
        };
        let touched = (vec![Allocation::up(&part)], Some(brought));
        self.write(account, booking, touched).await
    }

    /// Adds to the account's sums what can be used until `expires_at`.
    fn come_in(
        &self,
        account: &mut Account,
        amount: Credits,
        expires_at: Option<Timestamp>,
    ) -> Result<()> {
        let available = account.available.checked_add(amount);
        let available = available.filter(|sum| sum.checked_add(account.held).is_some());
        account.available = available.ok_or_else(rules::too_many)?;
        account.due_at = account.due_at.min(expires_at.unwrap_or(store::NEVER));
        Ok(())
    }

    async fn take_out(&mut self, owner: &Owner, booking: Booking<'_>, into: Use) -> Result<Entry> {
        let taking = Taking::for_good(booking.change.amount(), into);
        let mut account = self.take(owner, &taking).await?;
        self.draw(&mut account, booking, into).await
    }

    /// Takes from the lots what was taken from the account's sums, and writes the entry.
    async fn draw(
        &mut self,
        account: &mut Account,
        booking: Booking<'_>,
        into: Use,
    ) -> Result<Entry> {
        let amount = booking.change.amount();
        let parts = self.find_lots(account, amount, self.now).await?;
        for part in &parts {
            store::move_remaining(self.tx, part, into).await?;
        }
        let allocations = parts.iter().map(Allocation::down).collect();
        self.record(account, booking, allocations).await
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
        taken.ok_or_else(|| broken("a locked account has changed"))
    }

    /// Where `amount` is to be taken from, of a locked account that has as much in lots that are usable at `at`.
    async fn find_lots(
        &mut self,
        account: &mut Account,
        amount: Credits,
        at: Timestamp,
    ) -> Result<Vec<Part>> {
        let mut limit = LOTS_AT_ONCE;
        loop {
            let before = (&account.id, account.last_seq - 1);
            let (lots, hash) = store::usable_lots(self.tx, before, at, limit).await?;
            if account.last_hash.is_none() {
                account.last_hash = hash;
            }
            let (parts, lacking) = rules::take(amount, &lots);
            if lacking.is_zero() {
                return Ok(parts);
            }
            if i64::try_from(lots.len()).is_ok_and(|all| all < limit) {
                let lot = format!("the lots of account {} lack {lacking}", account.id);
                return Err(broken(lot));
            }
            limit *= 8;
        }
    }

    /// Adds the entry that the account's `last_seq` already counts, and that brings no lot.
    async fn record(
        &mut self,
        account: &mut Account,
        booking: Booking<'_>,
        allocations: Vec<Allocation>,
    ) -> Result<Entry> {
        self.write(account, booking, (allocations, None)).await
    }

    /// As [`Ledger::record`], with what the entry brings.
    async fn write(
        &mut self,
        account: &mut Account,
        booking: Booking<'_>,
        (allocations, brought): (Vec<Allocation>, Option<Brought>),
    ) -> Result<Entry> {
        let note = booking.note;
        let entry = Entry {
            seq: account.last_seq,
            kind: booking.kind,
            change: booking.change,
            balance_after: account.net(),
            debt_after: account.debt,
            actor: note.actor.clone(),
            reason: note.reason.clone(),
            reference: note.reference.clone(),
            refers_to: booking.refers_to,
            price: note.price.clone(),
            created_at: self.now,
        };
        let row = JournalRow {
            seq: entry.seq,
            kind: entry.kind.as_str().into(),
            amount: entry.change.as_milli(),
            balance_after: entry.balance_after.as_milli(),
            debt_after: entry.debt_after.as_milli(),
            used_after: account.used,
            actor: entry.actor.as_column(),
            reason: entry.reason.clone(),
            reference: entry.reference.clone(),
            refers_to: entry.refers_to,
            price_item: entry.price.as_ref().map(|price| price.item.clone()),
            price_version: entry.price.as_ref().map(|price| price.number),
            key: note.key.clone(),
            digest: booking.digest,
            created_at: entry.created_at.as_micros(),
            allocations,
            brought,
        };
        let previous = match account.last_hash.take() {
            Some(hash) => hash,
            None => store::hash_of(self.tx, &account.id, entry.seq - 1).await?,
        };
        let hash = row.hash(account.id.as_str(), &previous);
        store::insert_entry(self.tx, &account.id, &row, &hash).await?;
        account.last_hash = Some(hash);
        self.give_notice(account, &entry).await?;
        Ok(entry)
    }

    /// Has the owner told by mail when this entry made the account fall to where that is due.
    async fn give_notice(&mut self, account: &Account, entry: &Entry) -> Result<()> {
        let settings = self.settings()?;
        let before = entry.balance_after.less(entry.change);
        let [before, after] = [before, entry.balance_after].map(|balance| {
            let percent = settings.low_balance_percent;
            rules::level(balance.at_least_zero(), account.full, percent)
        });
        if settings.low_balance_mail && after > before && after > account.told {
            let owner = store::owner_of(self.tx, &account.id).await?;
            self.core.enqueue(self.tx, &Notice::to(&owner)).await?;
        }
        Ok(())
    }

    fn settings(&self) -> Result<std::sync::Arc<Settings>> {
        self.core.state::<Settings>()
    }
}

/// 500: the ledger's tables contradict each other.
fn broken(what: impl Into<String>) -> Error {
    Error::internal(anyhow::anyhow!(what.into()))
}

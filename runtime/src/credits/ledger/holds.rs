//! Setting credits aside, and closing what was set aside.

use super::super::amount::{Change, Credits};
use super::super::entity::{
    Account, Entry, EntryKind, Hold, HoldId, HoldState, HoldTerms, Note, Owner, Part,
};
use super::super::journal::Allocation;
use super::super::request::{Request, digest_of_hold};
use super::super::rules::{self, Settled};
use super::super::store::{self, ClosedHold, Closing, NewHold, Taking};
use super::{Booking, Ledger};
use crate::clock::Timestamp;
use crate::error::{Error, Result};

impl Ledger<'_> {
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
        let id = HoldId::new(self.now);
        self.hold_as(id, owner, amount, terms).await
    }

    /// As [`Ledger::hold`], under an identifier that was chosen before: a row that names the hold can be written
    /// first, so that whoever waits for that row does not keep the account from others meanwhile.
    pub async fn hold_as(
        &mut self,
        id: HoldId,
        owner: &Owner,
        amount: Credits,
        terms: &HoldTerms,
    ) -> Result<Hold> {
        let hold = Hold {
            id,
            amount: rules::some(amount)?,
            state: HoldState::Open,
            expires_at: self.now.plus(terms.lasts),
        };
        let taking = Taking {
            amount,
            held: amount,
            entries: 0,
            used: Credits::ZERO,
            due_at: hold.expires_at,
        };
        let mut account = self.take(owner, &taking).await?;
        let parts = self.find_lots(&mut account, amount, self.now).await?;
        let new = NewHold {
            account: &account.id,
            hold: &hold,
            parts: &parts,
            key: &terms.key,
            digest: &digest_of_hold(amount.as_milli(), terms.lasts),
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
        let closing = Closing {
            owner,
            hold,
            captured: rules::some(amount)?,
            at: self.now,
            booked_until: self.now,
        };
        let (mut account, settled) = self.close(&closing).await?;
        let spent = settled.iter().filter(|one| !one.spent.is_zero());
        let spent = spent.map(|one| {
            Allocation::down(&Part {
                lot: one.part.lot.clone(),
                amount: one.spent,
            })
        });
        let booking = Booking {
            kind: EntryKind::Spend,
            change: Change::Down(amount),
            note,
            digest: Request::to_capture(hold, amount, note).digest(),
            refers_to: None,
        };
        let ends = self.settle_lots(&mut account, &settled).await?;
        let entry = self.record(&mut account, booking, spent.collect()).await?;
        let returned = returned(settled, ends);
        self.take_back_in(&mut account, returned, self.now).await?;
        Ok(entry)
    }

    /// Makes everything that is held available again.
    ///
    /// # Errors
    /// 409 `hold_closed` when the hold was captured or released before.
    pub async fn release(&mut self, owner: &Owner, hold: &HoldId) -> Result<()> {
        let closing = Closing {
            owner,
            hold,
            captured: Credits::ZERO,
            at: self.now,
            booked_until: self.now,
        };
        if let Some(closed) = store::close_hold(self.tx, &closing).await? {
            return self.give_back(closed, self.now).await;
        }
        let known = store::find_hold(self.tx.conn(), owner, hold).await?;
        let known = known.ok_or_else(Error::not_found)?;
        if known.state != HoldState::Open {
            return Err(rules::hold_is_closed());
        }
        self.bring_up_to_date(owner).await?;
        if let Some(closed) = store::close_hold(self.tx, &closing).await? {
            return self.give_back(closed, self.now).await;
        }
        // The account is locked by now. Its time was up, so that it was among what has just been booked, unless
        // somebody captured it in between.
        let known = store::find_hold(self.tx.conn(), owner, hold).await?;
        match known.map(|known| known.state) {
            Some(HoldState::Released) => Ok(()),
            Some(HoldState::Open | HoldState::Captured) | None => Err(rules::hold_is_closed()),
        }
    }

    /// Releases a hold as of the instant at which its time was up.
    pub(super) async fn time_out(
        &mut self,
        owner: &Owner,
        hold: &HoldId,
        at: Timestamp,
    ) -> Result<()> {
        let closing = Closing {
            owner,
            hold,
            captured: Credits::ZERO,
            at,
            booked_until: Timestamp::from_micros(i64::MIN),
        };
        match store::close_hold(self.tx, &closing).await? {
            Some(closed) => self.give_back(closed, at).await,
            None => Err(rules::hold_is_closed()),
        }
    }

    async fn give_back(&mut self, closed: ClosedHold, at: Timestamp) -> Result<()> {
        let mut account = closed.account;
        let settled = rules::settle(closed.parts, Credits::ZERO);
        let ends = self.settle_lots(&mut account, &settled).await?;
        let returned = returned(settled, ends);
        self.take_back_in(&mut account, returned, at).await
    }

    /// Closes a hold for a capture and takes it off its account, after what has run out was booked.
    async fn close(&mut self, closing: &Closing<'_>) -> Result<(Account, Vec<Settled>)> {
        let mut closed = store::close_hold(self.tx, closing).await?;
        if closed.is_none() {
            self.bring_up_to_date(closing.owner).await?;
            closed = store::close_hold(self.tx, closing).await?;
        }
        if let Some(closed) = closed {
            let settled = rules::settle(closed.parts, closing.captured);
            return Ok((closed.account, settled));
        }
        let hold = store::find_hold(self.tx.conn(), closing.owner, closing.hold).await?;
        Err(match hold {
            None => Error::not_found(),
            Some(hold) if hold.amount < closing.captured => rules::more_than_held(),
            Some(_) => rules::hold_is_closed(),
        })
    }

    /// Settles every part with its lot. Gives when each lot runs out.
    async fn settle_lots(
        &mut self,
        account: &mut Account,
        settled: &[Settled],
    ) -> Result<Vec<Option<Timestamp>>> {
        let mut ends = Vec::new();
        for one in settled {
            let before = (&account.id, account.last_seq - 1);
            let (end, hash) = store::settle_lot(self.tx, one, before).await?;
            ends.push(end);
            // Only a capture counts its entry before, and only it needs the hash of the one before that.
            if settled.iter().any(|one| !one.spent.is_zero()) {
                account.last_hash = hash;
            }
        }
        Ok(ends)
    }
}

/// What came back to which lot, and when that lot runs out.
fn returned(settled: Vec<Settled>, ends: Vec<Option<Timestamp>>) -> Vec<(Part, Option<Timestamp>)> {
    let parts = settled.into_iter().zip(ends);
    let parts = parts.filter(|(one, _)| !one.returned.is_zero());
    parts
        .map(|(one, end)| {
            let part = Part {
                lot: one.part.lot,
                amount: one.returned,
            };
            (part, end)
        })
        .collect()
}

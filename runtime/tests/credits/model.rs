//! The ledger's rules once more, as plainly as can be: a few lists in memory, and events in the order of time.

use std::time::Duration;

use quickscale_runtime::clock::Timestamp;
use quickscale_runtime::credits::{HoldId, LotKind};

pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);
pub const FOREVER: Timestamp = Timestamp::from_micros(i64::MAX);

/// One account. Amounts are thousandths.
#[derive(Default)]
pub struct Model {
    pub lots: Vec<ModelLot>,
    pub holds: Vec<ModelHold>,
    pub spends: Vec<ModelSpend>,
    pub debt: u64,
}

#[derive(Clone)]
pub struct ModelLot {
    pub kind: LotKind,
    pub expires_at: Timestamp,
    pub amount: u64,
    pub remaining: u64,
    pub expired: u64,
    /// What was taken back by somebody who named this lot.
    pub revoked: u64,
    /// What the lot was put in for; renewed ones have none.
    pub source: Option<String>,
}

/// Which lots, and how much of each.
pub type Parts = Vec<(usize, u64)>;

pub struct ModelHold {
    pub id: HoldId,
    pub parts: Parts,
    pub expires_at: Timestamp,
    pub is_open: bool,
}

pub struct ModelSpend {
    pub key: String,
    /// What was not given back yet.
    pub parts: Parts,
}

impl ModelLot {
    /// Its place in the order of use.
    pub fn order(&self) -> (i64, Timestamp) {
        (self.kind.priority(), self.expires_at)
    }
}

impl Model {
    pub fn put_in(
        &mut self,
        (kind, expires_at): (LotKind, Timestamp),
        amount: u64,
        source: Option<String>,
    ) {
        self.lots.push(ModelLot {
            kind,
            expires_at,
            amount,
            remaining: amount,
            expired: 0,
            revoked: 0,
            source,
        });
        self.pay();
    }

    pub fn available(&self) -> u64 {
        self.lots.iter().map(|lot| lot.remaining).sum()
    }

    pub fn held(&self) -> u64 {
        let open = self.holds.iter().filter(|hold| hold.is_open);
        open.flat_map(|hold| &hold.parts)
            .map(|(_, amount)| amount)
            .sum()
    }

    /// Takes from the lots one thousandth at a time, each from the lot that comes first.
    pub fn take(&mut self, amount: u64) -> Option<Parts> {
        if self.available() < amount {
            return None;
        }
        let mut order: Vec<_> = (0..self.lots.len()).collect();
        order.sort_by_key(|at| (self.lots[*at].order(), *at));
        let mut parts: Parts = Vec::new();
        for _ in 0..amount {
            let at = *order.iter().find(|at| self.lots[**at].remaining > 0)?;
            self.lots[at].remaining -= 1;
            match parts.last_mut() {
                Some((lot, amount)) if *lot == at => *amount += 1,
                _ => parts.push((at, 1)),
            }
        }
        Some(parts)
    }

    pub fn spend(&mut self, key: &str, amount: u64) -> bool {
        let parts = self.take(amount);
        let spend = parts.map(|parts| ModelSpend {
            key: key.into(),
            parts,
        });
        let is_done = spend.is_some();
        self.spends.extend(spend);
        is_done
    }

    /// Gives back what the spend at `at` took, the last thousandth first.
    pub fn refund(&mut self, at: usize, amount: u64, now: Timestamp) -> bool {
        let rest = &mut self.spends[at].parts;
        if rest.iter().map(|(_, amount)| amount).sum::<u64>() < amount {
            return false;
        }
        let mut returned: Parts = Vec::new();
        for _ in 0..amount {
            let last = rest.iter_mut().rev().find(|(_, amount)| *amount > 0);
            let (lot, amount) = last.expect("it was counted before");
            *amount -= 1;
            returned.push((*lot, 1));
        }
        self.give_back(returned, now);
        true
    }

    /// Takes back what a lot brought; says how much that comes to.
    pub fn revoke(&mut self, at: usize, amount: u64) -> u64 {
        let lot = &mut self.lots[at];
        let taken =
            amount.min(lot.amount - lot.expired - lot.revoked.min(lot.amount - lot.expired));
        lot.revoked += taken;
        let own = taken.min(lot.remaining);
        lot.remaining -= own;
        let others = (taken - own).min(self.available());
        self.take(others);
        self.debt += taken - own - others;
        taken
    }

    /// Ends a lot now.
    pub fn end(&mut self, at: usize, now: Timestamp) {
        let lot = &mut self.lots[at];
        lot.expires_at = lot.expires_at.min(now);
        lot.expired += lot.remaining;
        lot.remaining = 0;
    }

    fn give_back(&mut self, parts: Parts, now: Timestamp) {
        let mut renewed: Parts = Vec::new();
        for (lot, amount) in parts.into_iter().filter(|(_, amount)| *amount > 0) {
            if self.lots[lot].expires_at > now {
                self.lots[lot].remaining += amount;
                continue;
            }
            self.lots[lot].expired += amount;
            match renewed.iter_mut().find(|(known, _)| *known == lot) {
                Some((_, sum)) => *sum += amount,
                None => renewed.push((lot, amount)),
            }
        }
        for (_, amount) in renewed {
            self.lots.push(ModelLot {
                kind: LotKind::Promotion,
                expires_at: now.plus(DAY),
                amount,
                remaining: amount,
                expired: 0,
                revoked: 0,
                source: None,
            });
        }
        self.pay();
    }

    fn pay(&mut self) {
        let paid = self.debt.min(self.available());
        self.take(paid);
        self.debt -= paid;
    }

    /// Closes a hold that is open and still has time; says whether it did.
    pub fn close(&mut self, at: usize, (key, captured): (&str, u64), now: Timestamp) -> bool {
        if !self.holds[at].is_open {
            return false;
        }
        self.holds[at].is_open = false;
        let mut rest = captured;
        let (mut spent, mut returned) = (Vec::new(), Vec::new());
        for &(lot, amount) in &self.holds[at].parts {
            let part = rest.min(amount);
            rest -= part;
            spent.push((lot, part));
            returned.push((lot, amount - part));
        }
        if captured > 0 {
            self.spends.push(ModelSpend {
                key: key.into(),
                parts: spent,
            });
        }
        self.give_back(returned, now);
        true
    }

    /// Lets everything happen that happens by itself until `now`, one thing after the other. What ends at the
    /// instant at which a hold comes back has ended before.
    pub fn tick(&mut self, now: Timestamp) {
        loop {
            let lots = self.lots.iter().enumerate();
            let ending = lots.filter(|(_, lot)| lot.remaining > 0);
            let ending = ending.map(|(at, lot)| (lot.expires_at, 0, at));
            let holds = self.holds.iter().enumerate();
            let closing = holds.filter(|(_, hold)| hold.is_open);
            let closing = closing.map(|(at, hold)| (hold.expires_at, 1, at));
            match ending.chain(closing).min() {
                Some((when, 0, at)) if when <= now => self.end(at, when),
                Some((when, _, at)) if when <= now => {
                    self.close(at, ("", 0), when);
                }
                _ => return,
            }
        }
    }
}

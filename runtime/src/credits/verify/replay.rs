//! A journal while it is played through, and what comes out of it against the sums that are kept.

use std::collections::{BTreeMap, BTreeSet};

use super::super::entity::{AccountId, EntryKind};
use super::super::journal::JournalRow;
use super::super::store::{KeptAccount, KeptLot, KeptRow};
use super::{FINDINGS, Finding};

/// A lot as the journal tells it. What remains and what is held cannot be told apart by it: `remaining` stands for both.
#[derive(Debug, Default, PartialEq, Eq)]
struct ToldLot {
    seq: i64,
    amount: i128,
    remaining: i128,
    spent: i128,
    expired: i128,
    revoked: i128,
}

impl From<&KeptLot> for ToldLot {
    fn from(lot: &KeptLot) -> Self {
        Self {
            seq: lot.seq,
            amount: lot.amount.into(),
            remaining: i128::from(lot.remaining) + i128::from(lot.held),
            spent: lot.spent.into(),
            expired: lot.expired.into(),
            revoked: lot.revoked.into(),
        }
    }
}

pub fn sum(amounts: impl IntoIterator<Item = i64>) -> i128 {
    amounts.into_iter().map(i128::from).sum()
}

/// A journal while it is played through. Amounts are thousandths.
pub struct Replay {
    pub account: String,
    pub seq: i64,
    balance: i128,
    debt: i128,
    used: i128,
    hash: String,
    lots: BTreeMap<String, ToldLot>,
    /// What was taken back of an entry.
    back: BTreeMap<i64, i128>,
    /// What each spend took from which lot and has not come back.
    spends: BTreeMap<i64, BTreeMap<String, i128>>,
    /// What the account came to when credits were last put in.
    full: i128,
    /// The hashes of the entries that something else names.
    named: BTreeMap<i64, String>,
    pub findings: Vec<Finding>,
}

impl Replay {
    pub fn new(id: &AccountId) -> Self {
        Self {
            account: id.as_str().to_owned(),
            seq: 0,
            balance: 0,
            debt: 0,
            used: 0,
            hash: String::new(),
            lots: BTreeMap::new(),
            back: BTreeMap::new(),
            spends: BTreeMap::new(),
            full: 0,
            named: BTreeMap::new(),
            findings: Vec::new(),
        }
    }

    /// Keeps the hashes of these entries when they come by.
    pub fn look_for(&mut self, entries: impl Iterator<Item = i64>) {
        self.named = entries.map(|seq| (seq, String::new())).collect();
    }

    /// The hash of an entry that was looked for; of none for the number 0.
    pub fn hash_of(&self, seq: i64) -> &str {
        self.named.get(&seq).map_or("", String::as_str)
    }

    pub fn tell(&mut self, entry: Option<i64>, what: impl Into<String>) {
        if self.findings.len() < FINDINGS {
            self.findings.push(Finding {
                account: Some(self.account.clone()),
                entry,
                what: what.into(),
            });
        }
    }

    fn check(&mut self, row: &JournalRow, holds: bool, what: &str) {
        if !holds {
            self.tell(Some(row.seq), what);
        }
    }

    pub fn step(&mut self, kept: &KeptRow) {
        let KeptRow {
            row,
            hash,
            is_numbered,
        } = kept;
        self.check(
            row,
            row.seq == self.seq + 1,
            "entries before it are missing",
        );
        let computed = row.hash(&self.account, &self.hash);
        self.check(
            row,
            computed == *hash,
            "it was changed: its hash does not fit",
        );
        self.check(row, *is_numbered, "its allocations are out of order");
        let balance = self.balance + i128::from(row.amount);
        self.check(
            row,
            i128::from(row.balance_after) == balance,
            "its balance does not follow",
        );
        let allocated = sum(row.allocations.iter().map(|one| one.amount));
        let owed = i128::from(row.debt_after) - self.debt;
        let adds_up = i128::from(row.amount) == allocated - owed;
        self.check(row, adds_up, "its allocations and its debt do not add up");
        match EntryKind::parse(&row.kind) {
            Some(kind) => {
                self.apply(kind, row);
                self.remember(kind, row);
            }
            None => self.tell(Some(row.seq), format!("its kind is {:?}", row.kind)),
        }
        self.check(
            row,
            i128::from(row.used_after) == self.used,
            "its sum of use does not follow",
        );
        self.seq = row.seq;
        self.balance = row.balance_after.into();
        self.debt = row.debt_after.into();
        self.used = row.used_after.into();
        hash.clone_into(&mut self.hash);
        if let Some(named) = self.named.get_mut(&row.seq) {
            hash.clone_into(named);
        }
    }

    /// What the account came to after credits were put in; what only came back does not count.
    fn remember(&mut self, kind: EntryKind, row: &JournalRow) {
        let came_back =
            row.key.starts_with("renewal:") && row.key.ends_with(&format!(":{}", row.seq));
        let puts_in = matches!(kind, EntryKind::Grant | EntryKind::Adjustment) && row.amount > 0;
        if puts_in && !came_back {
            self.full = i128::from(row.balance_after).max(0);
        }
    }

    /// What an entry of this kind does to the lots, and what it may not do.
    fn apply(&mut self, kind: EntryKind, row: &JournalRow) {
        let amount = i128::from(row.amount);
        let owed = i128::from(row.debt_after) - self.debt;
        let fits = match kind {
            EntryKind::Grant | EntryKind::Refund => amount > 0 && owed == 0,
            // Nobody gets into debt by spending.
            EntryKind::Spend | EntryKind::Expiry => {
                amount < 0 && owed == 0 && sum([row.balance_after, row.debt_after]) >= 0
            }
            EntryKind::Adjustment => owed == 0,
            EntryKind::Revocation => amount < 0 && owed >= 0,
            EntryKind::Settlement => amount == 0 && owed < 0,
        };
        self.check(row, fits, "no entry of its kind does that");
        match kind {
            EntryKind::Spend => {
                self.used -= amount;
                let taken = row.allocations.iter();
                let taken = taken.map(|one| (one.lot.clone(), -i128::from(one.amount)));
                self.spends.insert(row.seq, taken.collect());
            }
            EntryKind::Refund => {
                self.used -= amount;
                self.give_back(row);
            }
            EntryKind::Grant
            | EntryKind::Adjustment
            | EntryKind::Expiry
            | EntryKind::Revocation
            | EntryKind::Settlement => {}
        }
        if let Some(of) = row.refers_to {
            *self.back.entry(of).or_default() += amount.abs();
        }
        for one in &row.allocations {
            self.allocate(kind, row, (&one.lot, one.amount.into()));
        }
    }

    /// A refund gives each lot no more than its own spend took from it, whatever others took.
    fn give_back(&mut self, row: &JournalRow) {
        let spend = row.refers_to.and_then(|of| self.spends.get_mut(&of));
        let Some(left) = spend else {
            self.tell(Some(row.seq), "it refunds what was no spend");
            return;
        };
        let mut is_covered = true;
        for one in &row.allocations {
            let left = left.entry(one.lot.clone()).or_default();
            *left -= i128::from(one.amount);
            is_covered &= *left >= 0;
        }
        self.check(row, is_covered, "it gives back more than was spent");
    }

    fn allocate(&mut self, kind: EntryKind, row: &JournalRow, (id, amount): (&str, i128)) {
        let brings = amount > 0 && matches!(kind, EntryKind::Grant | EntryKind::Adjustment);
        let is_known = self.lots.contains_key(id);
        self.check(
            row,
            brings != is_known,
            "it puts into a lot that it should not",
        );
        let lot = self.lots.entry(id.to_owned()).or_default();
        lot.remaining += amount;
        match kind {
            EntryKind::Grant | EntryKind::Adjustment if amount > 0 => {
                lot.seq = row.seq;
                lot.amount = amount;
            }
            EntryKind::Spend | EntryKind::Refund => lot.spent -= amount,
            EntryKind::Expiry => lot.expired -= amount,
            EntryKind::Grant
            | EntryKind::Adjustment
            | EntryKind::Revocation
            | EntryKind::Settlement => lot.revoked -= amount,
        }
        let sound = lot.remaining >= 0 && lot.remaining <= lot.amount && lot.spent >= 0;
        self.check(row, sound, "it leaves a lot with what it cannot have");
    }

    /// Every lot as the journal tells it against the lot as it is kept, and what is held of it against the holds.
    pub fn compare_lots(
        &mut self,
        kept: &BTreeMap<String, KeptLot>,
        held: &BTreeMap<String, i128>,
    ) {
        let told = std::mem::take(&mut self.lots);
        let ids: BTreeSet<_> = told.keys().chain(kept.keys()).chain(held.keys()).collect();
        for id in ids {
            let (Some(told), Some(lot)) = (told.get(id), kept.get(id)) else {
                self.tell(
                    None,
                    format!("lot {id} is not both in the journal and kept"),
                );
                continue;
            };
            if *told != ToldLot::from(lot) {
                let what = format!("lot {id} is {lot:?}, and the journal tells {told:?}");
                self.tell(None, what);
            }
            let parts = [lot.remaining, lot.held, lot.spent, lot.expired, lot.revoked];
            if i128::from(lot.amount) != sum(parts) || parts.iter().any(|part| *part < 0) {
                self.tell(None, format!("lot {id} does not add up: {lot:?}"));
            }
            let held = held.get(id).copied().unwrap_or_default();
            if i128::from(lot.held) != held {
                let what = format!("of lot {id} {} is held, and by holds {held}", lot.held);
                self.tell(None, what);
            }
        }
        let back: Vec<_> = self.back.iter().map(|(seq, sum)| (*seq, *sum)).collect();
        for (seq, sum) in back {
            let lot = told.values().find(|lot| lot.seq == seq);
            if lot.is_some_and(|lot| sum > lot.amount) {
                self.tell(Some(seq), "more was taken back than it brought");
            }
        }
    }

    /// The sums of the account against those of the journal and of the lots.
    pub fn compare_sums(&mut self, account: &KeptAccount, lots: &BTreeMap<String, KeptLot>) {
        let remaining = sum(lots.values().map(|lot| lot.remaining));
        let held = sum(lots.values().map(|lot| lot.held));
        let debt = i128::from(account.debt);
        let balance = sum([account.available, account.held]) - debt;
        for (what, kept, told) in [
            (
                "the number of entries",
                account.last_seq.into(),
                self.seq.into(),
            ),
            ("the balance", balance, self.balance),
            ("the debt", debt, self.debt),
            ("the sum of use", account.used.into(), self.used),
            ("what it came to", account.full.into(), self.full),
            ("what is available", account.available.into(), remaining),
            ("what is held", account.held.into(), held),
            (
                "the lots less the debt",
                remaining + held - debt,
                self.balance,
            ),
        ] {
            if kept != told {
                self.tell(None, format!("{what} is {kept}, and should be {told}"));
            }
        }
        if account.available > 0 && account.debt > 0 {
            self.tell(None, "something is available while something is owed");
        }
    }
}

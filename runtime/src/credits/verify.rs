//! The auditor: plays every journal through from its first entry and compares what comes out with what is kept.
//! It shares no sum with the verbs.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::entity::{AccountId, EntryKind, Owner};
use super::journal::JournalRow;
use super::store::{self, KeptAccount, KeptLot};
use crate::app::Core;
use crate::error::Result;

/// How many accounts, and how many entries of one, are read together.
const ACCOUNTS: i64 = 200;
const ENTRIES: i64 = 2000;
/// How many findings of one account are told.
const FINDINGS: usize = 20;

/// What the auditor saw.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    pub accounts: u64,
    pub entries: u64,
    pub findings: Vec<Finding>,
}

impl Report {
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Something that does not add up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub account: String,
    /// The entry at which it shows, if it is one.
    pub entry: Option<i64>,
    pub what: String,
}

/// Checks every account.
pub async fn verify(core: &Core) -> Result<Report> {
    let mut report = Report::default();
    let mut after = String::new();
    loop {
        let batch = store::all_owners(core.db(), &after, ACCOUNTS).await?;
        let Some((last, _)) = batch.last() else {
            return Ok(report);
        };
        after = last.as_str().to_owned();
        for (id, _) in &batch {
            check_account(core, id, &mut report).await?;
        }
    }
}

/// Checks one owner's account; finds nothing where there is none.
pub async fn verify_owner(core: &Core, owner: &Owner) -> Result<Report> {
    let mut report = Report::default();
    if let Some(account) = store::find_account(core.db().reader(), owner).await? {
        check_account(core, &account.id, &mut report).await?;
    }
    Ok(report)
}

/// Reads one account as of one instant, so that nothing that goes on meanwhile looks like a fault.
async fn check_account(core: &Core, id: &AccountId, report: &mut Report) -> Result<()> {
    let mut snapshot = core.db().snapshot().await?;
    let account = store::kept_account(&mut snapshot, id).await?;
    let mut replay = Replay::new(id);
    loop {
        let rows = store::journal_rows(&mut snapshot, id, replay.seq, ENTRIES).await?;
        if rows.is_empty() {
            break;
        }
        for (row, hash) in rows {
            report.entries += 1;
            replay.step(&row, &hash);
        }
    }
    for twice in store::repeated(&mut snapshot, id).await? {
        replay.tell(None, format!("{twice} was used more than once"));
    }
    let lots = store::kept_lots(&mut snapshot, id).await?;
    let held = store::held_by_lot(&mut snapshot, id).await?;
    replay.compare_lots(&lots, &held);
    replay.compare_sums(&account, &lots);
    report.accounts += 1;
    report.findings.extend(replay.findings);
    Ok(())
}

/// A journal while it is played through. Amounts are thousandths.
struct Replay {
    account: String,
    seq: i64,
    balance: i64,
    debt: i64,
    used: i64,
    hash: String,
    lots: BTreeMap<String, KeptLot>,
    /// What was taken back of an entry.
    back: BTreeMap<i64, i64>,
    spends: BTreeSet<i64>,
    findings: Vec<Finding>,
}

impl Replay {
    fn new(id: &AccountId) -> Self {
        Self {
            account: id.as_str().to_owned(),
            seq: 0,
            balance: 0,
            debt: 0,
            used: 0,
            hash: String::new(),
            lots: BTreeMap::new(),
            back: BTreeMap::new(),
            spends: BTreeSet::new(),
            findings: Vec::new(),
        }
    }

    fn tell(&mut self, entry: Option<i64>, what: impl Into<String>) {
        if self.findings.len() < FINDINGS {
            self.findings.push(Finding {
                account: self.account.clone(),
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

    fn step(&mut self, row: &JournalRow, hash: &str) {
        self.check(
            row,
            row.seq == self.seq + 1,
            "entries before it are missing",
        );
        let computed = row.hash(&self.account, &self.hash);
        self.check(
            row,
            computed == hash,
            "it was changed: its hash does not fit",
        );
        let balance = self.balance + row.amount;
        self.check(
            row,
            row.balance_after == balance,
            "its balance does not follow",
        );
        let allocated: i64 = row.allocations.iter().map(|one| one.amount).sum();
        let owed = row.debt_after - self.debt;
        let adds_up = row.amount == allocated - owed;
        self.check(row, adds_up, "its allocations and its debt do not add up");
        match EntryKind::parse(&row.kind) {
            Some(kind) => self.apply(kind, row),
            None => self.tell(Some(row.seq), format!("its kind is {:?}", row.kind)),
        }
        self.check(
            row,
            row.used_after == self.used,
            "its sum of use does not follow",
        );
        self.seq = row.seq;
        self.balance = row.balance_after;
        self.debt = row.debt_after;
        self.used = row.used_after;
        hash.clone_into(&mut self.hash);
    }

    /// What an entry of this kind does to the lots, and what it may not do.
    fn apply(&mut self, kind: EntryKind, row: &JournalRow) {
        let (amount, owed) = (row.amount, row.debt_after - self.debt);
        let fits = match kind {
            EntryKind::Grant | EntryKind::Refund => amount > 0 && owed == 0,
            // Nobody gets into debt by spending.
            EntryKind::Spend | EntryKind::Expiry => {
                amount < 0 && owed == 0 && row.balance_after + row.debt_after >= 0
            }
            EntryKind::Adjustment => owed == 0,
            EntryKind::Revocation => amount < 0 && owed >= 0,
            EntryKind::Settlement => amount == 0 && owed < 0,
        };
        self.check(row, fits, "no entry of its kind does that");
        match kind {
            EntryKind::Spend => {
                self.used -= amount;
                self.spends.insert(row.seq);
            }
            EntryKind::Refund => {
                self.used -= amount;
                let of = row.refers_to.unwrap_or_default();
                self.check(
                    row,
                    self.spends.contains(&of),
                    "it refunds what was no spend",
                );
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
            self.allocate(kind, row, (&one.lot, one.amount));
        }
    }

    fn allocate(&mut self, kind: EntryKind, row: &JournalRow, (id, amount): (&str, i64)) {
        let brings = amount > 0 && matches!(kind, EntryKind::Grant | EntryKind::Adjustment);
        let is_known = self.lots.contains_key(id);
        self.check(
            row,
            brings != is_known,
            "it puts into a lot that it should not",
        );
        let lot = self.lots.entry(id.to_owned()).or_default();
        // What remains and what is held cannot be told apart by the journal: `remaining` stands for both here.
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
    fn compare_lots(&mut self, kept: &BTreeMap<String, KeptLot>, held: &BTreeMap<String, i64>) {
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
            let together = KeptLot {
                remaining: lot.remaining + lot.held,
                held: 0,
                ..lot.clone()
            };
            if *told != together {
                let what = format!("lot {id} is {lot:?}, and the journal tells {told:?}");
                self.tell(None, what);
            }
            let parts = [lot.remaining, lot.held, lot.spent, lot.expired, lot.revoked];
            if lot.amount != parts.iter().sum::<i64>() || parts.iter().any(|part| *part < 0) {
                self.tell(None, format!("lot {id} does not add up: {lot:?}"));
            }
            let held = held.get(id).copied().unwrap_or_default();
            if lot.held != held {
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
    fn compare_sums(&mut self, account: &KeptAccount, lots: &BTreeMap<String, KeptLot>) {
        let remaining: i64 = lots.values().map(|lot| lot.remaining).sum();
        let held: i64 = lots.values().map(|lot| lot.held).sum();
        let balance = account.available + account.held - account.debt;
        for (what, kept, told) in [
            ("the number of entries", account.last_seq, self.seq),
            ("the balance", balance, self.balance),
            ("the debt", account.debt, self.debt),
            ("the sum of use", account.used, self.used),
            ("what is available", account.available, remaining),
            ("what is held", account.held, held),
            (
                "the lots less the debt",
                remaining + held - account.debt,
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

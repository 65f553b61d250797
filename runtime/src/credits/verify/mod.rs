//! The auditor: plays every journal through from its first entry and compares what comes out with what is kept.
//! It shares no sum with the verbs, and adds in 128 bits: whatever stands in a table, no sum of its numbers overflows.

mod replay;
mod terms;

use std::collections::BTreeMap;

use serde::Serialize;

use super::entity::{AccountId, Owner};
use super::journal::{PriceRow, covers_lot};
use super::store::{self, KeptHold};
use crate::app::Core;
use crate::error::Result;
use replay::Replay;

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

    /// How many faults there are, in a sentence; none where there are none.
    pub(super) fn verdict(&self) -> Option<String> {
        match self.findings.len() {
            0 => None,
            1 => Some("the ledger has 1 fault".into()),
            faults => Some(format!("the ledger has {faults} faults")),
        }
    }
}

/// Something that does not add up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// None where it is about a price.
    pub account: Option<String>,
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
            check_prices(core, &mut report).await?;
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
    let lots = store::kept_lots(&mut snapshot, id).await?;
    let ends = store::kept_ends(&mut snapshot, id).await?;
    let mut brought = terms::brought(&account, &lots, &ends);
    let mut replay = Replay::new(id);
    replay.look_for(ends.iter().map(|(end, _)| end.seq));
    loop {
        let rows = store::journal_rows(&mut snapshot, id, replay.seq, ENTRIES).await?;
        if rows.is_empty() {
            break;
        }
        for mut kept in rows {
            report.entries += 1;
            if covers_lot(&kept.hash) {
                kept.row.brought = brought.remove(&kept.row.seq);
            }
            replay.step(&kept);
        }
    }
    for twice in store::repeated(&mut snapshot, id).await? {
        replay.tell(None, format!("{twice} was used more than once"));
    }
    for seq in store::unknown_prices(&mut snapshot, id).await? {
        replay.tell(Some(seq), "its price was never set");
    }
    let holds = store::open_holds(&mut snapshot, id).await?;
    replay.compare_lots(&lots, &held_by_lot(&holds));
    replay.compare_sums(&account, &lots);
    replay.compare_ends(&lots, &ends);
    replay.compare_holds(&holds);
    replay.compare_memory(&account, (&lots, &holds));
    report.accounts += 1;
    report.findings.extend(replay.findings);
    Ok(())
}

/// Plays the versions of every price through.
async fn check_prices(core: &Core, report: &mut Report) -> Result<()> {
    let mut snapshot = core.db().snapshot().await?;
    let rows = store::price_rows(&mut snapshot).await?;
    let mut before: Option<&PriceRow> = None;
    for row in &rows {
        let previous = before.filter(|before| before.item == row.item);
        let follows = row.version == previous.map_or(1, |before| before.version + 1);
        let is_sound = match &row.hash {
            Some(hash) => row.hash(previous) == *hash,
            None => previous.is_none_or(|before| before.hash.is_none()),
        };
        if !follows || !is_sound {
            let PriceRow { item, version, .. } = row;
            report.findings.push(Finding {
                account: None,
                entry: None,
                what: format!(
                    "version {version} of the price of {item} was changed: its hash does not fit"
                ),
            });
        }
        before = Some(row);
    }
    Ok(())
}

/// What open holds hold of each lot.
fn held_by_lot(holds: &[KeptHold]) -> BTreeMap<String, i128> {
    let mut held = BTreeMap::new();
    for (lot, amount) in holds.iter().flat_map(|hold| &hold.parts) {
        *held.entry(lot.clone()).or_default() += i128::from(*amount);
    }
    held
}

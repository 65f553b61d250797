//! What is kept beside the sums: what was said of lots when they were put in, when they were ended, what holds say of
//! themselves, and what an account remembers.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::entity::FillLevel;
use super::super::journal::{Brought, LotEnd};
use super::super::request::digest_of_hold;
use super::super::store::{KeptAccount, KeptHold, KeptLot};
use super::replay::{Replay, sum};

/// What each entry brought, by its number, as it should stand in its hash: the lot as it is kept, with the end that it had
/// before it was ended.
pub fn brought(
    account: &KeptAccount,
    lots: &BTreeMap<String, KeptLot>,
    ends: &[(LotEnd, String)],
) -> BTreeMap<i64, Brought> {
    let was: BTreeMap<_, _> = ends.iter().map(|(end, _)| (&end.lot, end.was)).collect();
    let brought = lots.iter().map(|(id, lot)| {
        let mut terms = lot.terms.clone();
        if let Some(was) = was.get(id) {
            terms.expires_at = *was;
        }
        let brought = Brought {
            lot: terms,
            account: account.terms.clone(),
        };
        (lot.seq, brought)
    });
    brought.collect()
}

impl Replay {
    /// Every lot that was ended runs out when it was, and the record of that is as it was written.
    pub fn compare_ends(&mut self, lots: &BTreeMap<String, KeptLot>, ends: &[(LotEnd, String)]) {
        for (end, hash) in ends {
            let id = &end.lot;
            if end.hash(&self.account, self.hash_of(end.seq)) != *hash {
                let what = format!("the end of lot {id} was changed: its hash does not fit");
                self.tell(None, what);
            }
            let runs_out = lots.get(id).map(|lot| lot.terms.expires_at);
            if runs_out != Some(Some(end.ended_at)) {
                let what = format!("lot {id} runs out at another time than it was ended");
                self.tell(None, what);
            }
        }
    }

    /// Every open hold is what was asked for, and has nothing yet of what comes with its end.
    pub fn compare_holds(&mut self, holds: &[KeptHold]) {
        for hold in holds {
            let lasts = hold.expires_at.saturating_sub(hold.created_at);
            let lasts = u64::try_from(lasts).map(Duration::from_micros);
            let asked = lasts.map(|lasts| digest_of_hold(hold.amount, lasts));
            let is_open = hold.captured == 0 && hold.closed_at.is_none();
            let parts = sum(hold.parts.iter().map(|(_, amount)| *amount));
            if !is_open || parts != i128::from(hold.amount) || asked.as_ref() != Ok(&hold.digest) {
                let what = format!("hold {} is not what was asked for", hold.id);
                self.tell(None, what);
            }
        }
    }

    /// An account knows when something of it runs out at the latest, and of what its owner was told.
    pub fn compare_memory(
        &mut self,
        account: &KeptAccount,
        (lots, holds): (&BTreeMap<String, KeptLot>, &[KeptHold]),
    ) {
        let usable = lots.values().filter(|lot| lot.remaining > 0);
        let ends = usable.filter_map(|lot| lot.terms.expires_at);
        let due = ends.chain(holds.iter().map(|hold| hold.expires_at)).min();
        if due.is_some_and(|due| due < account.due_at) {
            self.tell(None, "something runs out before it looks for that");
        }
        if FillLevel::from_column(account.told).is_none() {
            self.tell(None, "what its owner was told is nothing known");
        }
    }
}

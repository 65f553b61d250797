//! Work that goes on by itself: booking what has run out.

use super::super::ledger::Ledger;
use super::super::store;
use crate::app::Core;
use crate::error::Result;
use crate::in_transaction;

/// How many accounts are looked at together.
const BATCH: i64 = 500;

/// Books what has run out by now, in every account; says in how many. It changes nobody's balance: what has run out
/// does not count from its instant on.
pub async fn sweep(core: &Core) -> Result<usize> {
    let now = core.now();
    let (mut after, mut done) = (String::new(), 0);
    loop {
        let batch = store::overdue_owners(core.db(), now, &after, BATCH).await?;
        let Some((last, _)) = batch.last() else {
            return Ok(done);
        };
        after = last.as_str().to_owned();
        for (_, owner) in &batch {
            in_transaction!(core.db(), tx => {
                Ledger::new(core, tx, now).bring_up_to_date(owner).await
            })?;
            done += 1;
        }
    }
}

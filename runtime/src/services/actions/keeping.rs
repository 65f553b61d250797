//! How long results are kept.

use super::super::Settings;
use super::super::store::results;
use crate::app::Core;
use crate::error::Result;
use crate::in_transaction;

/// How many runs one transaction forgets the results of.
const BATCH: i64 = 500;

/// Removes the results of runs in the background whose time is up. The runs and what they cost stay.
pub(in super::super) async fn forget_results(core: &Core) -> Result<()> {
    let now = core.now();
    let until = now.minus(core.state::<Settings>()?.kept_for());
    loop {
        let removed =
            in_transaction!(core.db(), tx => results::remove(tx, until, now, BATCH).await)?;
        if removed == 0 {
            return Ok(());
        }
        tracing::info!(removed, "results whose time was up were removed");
    }
}

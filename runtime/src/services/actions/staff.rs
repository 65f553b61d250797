//! What the staff does with services and sees of their runs.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::json;

use super::super::entity::{Run, RunId};
use super::super::store::usage::Usage;
use super::super::store::{self, switches};
use super::super::{offers, rules};
use super::ending::give_up;
use crate::app::Core;
use crate::auth::audit::{Actor, AuditEntry};
use crate::credits::{self, Credits, Price, PriceVersion};
use crate::error::Result;
use crate::in_transaction;

/// A run, whosever it is.
///
/// # Errors
/// 404 when there is none of this identifier.
pub(in super::super) async fn run_of_anybody(core: &Core, id: &RunId) -> Result<Run> {
    let run = store::find(core.db(), id).await?;
    if !run.is_overdue(core.now()) {
        return Ok(run);
    }
    give_up(core, &run).await?;
    store::find(core.db(), id).await
}

/// How much each service was used in the last `period`, by its name.
pub(in super::super) async fn usage(
    core: &Core,
    period: Duration,
) -> Result<HashMap<String, Usage>> {
    store::usage::usage(core.db(), core.now().minus(period)).await
}

/// Sets what a run of the service `name` costs from now on; runs under way cost what they were begun for. `seen` is the
/// version that whoever sets it has looked at.
///
/// # Errors
/// 409 `price_changed` when somebody else has set it since.
pub(in super::super) async fn set_price(
    core: &Core,
    (name, seen): (&str, i64),
    amount: Credits,
    by: &Actor,
) -> Result<Price> {
    let seen = PriceVersion {
        item: rules::item(name),
        number: seen,
    };
    let act = AuditEntry::new(by, "service.price_set", ("service", name));
    let price = credits::actions::set_price(core, &seen, amount, act).await;
    offers::forget(core)?;
    price
}

/// Switches the service `name` on or off. What waits or is under way goes on.
pub(in super::super) async fn switch(
    core: &Core,
    name: &str,
    is_on: bool,
    by: &Actor,
) -> Result<()> {
    let now = core.now();
    let done = in_transaction!(core.db(), tx => {
        if !switches::set(tx, name, is_on, now).await? {
            return Ok(());
        }
        let act = match is_on {
            true => "service.switched_on",
            false => "service.switched_off",
        };
        let record = AuditEntry::new(by, act, ("service", name))
            .change(json!({ "on": !is_on }), json!({ "on": is_on }));
        record.record(tx, now).await
    });
    offers::forget(core)?;
    done
}

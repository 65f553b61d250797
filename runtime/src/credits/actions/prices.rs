//! What things cost. A price is never changed: it gets another version, and each entry says which was in force.

use std::collections::BTreeMap;

use serde_json::json;

use super::super::amount::Credits;
use super::super::entity::{Actor, Price, PriceVersion};
use super::super::rules;
use super::super::store::{self, KnownPrice};
use super::acting;
use crate::app::Core;
use crate::auth::audit::AuditEntry;
use crate::clock::Timestamp;
use crate::config::Environment;
use crate::db::is_unique_violation;
use crate::error::{Error, Result};
use crate::in_transaction;

/// What `item` costs now; none when nobody ever said.
pub async fn price(core: &Core, item: &str) -> Result<Option<Price>> {
    let newest = store::prices(core.db().reader(), item, 1).await?;
    Ok(newest.into_iter().next().map(|known| known.price))
}

/// What every item costs now whose name begins with `prefix`, such as `service:`, by name.
pub async fn prices_of(core: &Core, prefix: &str) -> Result<BTreeMap<String, Price>> {
    let newest = store::newest_prices(core.db().reader(), prefix).await?;
    let prices = newest.into_iter().map(|known| known.price);
    Ok(prices
        .map(|price| (price.version.item.clone(), price))
        .collect())
}

/// What `item` costs and cost before, the newest first, with who said so (none: the application) and when.
pub async fn price_history(
    core: &Core,
    item: &str,
    limit: u32,
) -> Result<Vec<(Price, Actor, Timestamp)>> {
    let known = store::prices(core.db().reader(), item, limit.into()).await?;
    Ok(known
        .into_iter()
        .map(|known| (known.price, known.by, known.since))
        .collect())
}

/// Says what the application's code thinks that `item` costs. It becomes the price where there is none, and where the
/// code says an amount that it never said before; a price that the staff has set stays.
///
/// An amount from before is taken for that of an older release, of which a process is started again beside a newer
/// one's or in its place: else the price would be that of whichever was started last. So code that returns to an old
/// amount changes nothing, which the log says; the staff can set that price. In development the code's amount always
/// counts, as there is one release only.
pub async fn declare_price(core: &Core, item: &str, amount: Credits) -> Result<Price> {
    loop {
        let reader = core.db().reader();
        let newest = store::prices(reader, item, 1).await?.into_iter().next();
        let number = match newest {
            Some(KnownPrice { price, by, .. }) => {
                if by != Actor::System || price.amount == amount {
                    return Ok(price);
                }
                let is_development = core.config().environment == Environment::Development;
                if !is_development && store::was_declared(reader, item, amount).await? {
                    let holds = price.amount;
                    tracing::warn!(item, says = %amount, %holds, "the code says a price from before: it stays as it is");
                    return Ok(price);
                }
                price.version.number + 1
            }
            None => 1,
        };
        let price = numbered(item, number, amount);
        let now = core.now();
        let done = in_transaction!(core.db(), tx => {
            store::insert_price(tx, &price, &Actor::System, now).await
        });
        match done {
            Ok(()) => return Ok(price),
            // Another process said something at the same time.
            Err(error) if was_outrun(core, &price, &error).await? => {}
            Err(error) => return Err(error),
        }
    }
}

/// Sets what the item of `seen` costs from now on. `seen` is the version that whoever sets it has looked at, number 0
/// where there was none. `act` says who does it and what it is called in the record. The same amount again changes
/// nothing.
///
/// # Errors
/// 409 `price_changed` when `seen` is not the newest version any more.
pub async fn set_price(
    core: &Core,
    seen: &PriceVersion,
    amount: Credits,
    act: AuditEntry<'_>,
) -> Result<Price> {
    let newest = price(core, &seen.item).await?;
    if newest.as_ref().map_or(0, |known| known.version.number) != seen.number {
        return Err(rules::price_changed());
    }
    if let Some(known) = newest.as_ref().filter(|known| known.amount == amount) {
        return Ok(known.clone());
    }
    let price = numbered(&seen.item, seen.number + 1, amount);
    let now = core.now();
    let before = newest.map(|known| known.amount);
    let by = acting(act.actor());
    let record = act
        .change(json!({ "price": before }), json!({ "price": amount }))
        .details(json!({ "version": price.version.number }));
    let done = in_transaction!(core.db(), tx => {
        store::insert_price(tx, &price, &by, now).await?;
        record.record(tx, now).await
    });
    match done {
        Ok(()) => Ok(price),
        Err(error) if was_outrun(core, &price, &error).await? => Err(rules::price_changed()),
        Err(error) => Err(error),
    }
}

fn numbered(item: &str, number: i64, amount: Credits) -> Price {
    Price {
        version: PriceVersion {
            item: item.to_owned(),
            number,
        },
        amount,
    }
}

/// Whether `error` comes of somebody else having taken the version's number.
async fn was_outrun(core: &Core, price: &Price, error: &Error) -> Result<bool> {
    if is_unique_violation(error) {
        return Ok(true);
    }
    let newest = self::price(core, &price.version.item).await?;
    Ok(newest.is_some_and(|newest| newest.version.number >= price.version.number))
}

//! What holds money and ledger together over time: taking in what was missed, and bringing the catalogue to the provider.

use serde_json::Value;

use super::provider::{Kind, Listed, Listing};
use super::setup::Billing;
use super::{effects, store};
use crate::app::Core;
use crate::error::Result;
use crate::in_transaction;

pub use super::verify::{Finding, Report, verify};

/// In this order what comes first explains what comes later; any order would do.
const KINDS: [Kind; 8] = [
    Kind::Product,
    Kind::Price,
    Kind::Subscription,
    Kind::Session,
    Kind::Invoice,
    Kind::Charge,
    Kind::Dispute,
    Kind::Refund,
];

/// Takes in every object of the provider that was made since `since` (seconds since 1970), as it is now. Says how many
/// there were.
///
/// # Errors
/// When the provider does not answer, or something that it names is not known here.
pub async fn sync(core: &Core, since: i64) -> Result<u64> {
    let mut count = 0;
    for kind in KINDS {
        let since = match kind {
            // What was made long ago may have changed since, and only its own list tells.
            Kind::Product | Kind::Price | Kind::Subscription | Kind::Dispute => 0,
            Kind::Session | Kind::Invoice | Kind::Charge | Kind::Refund => since,
        };
        for object in all(core, kind, since).await? {
            effects::take_in(core, kind, &object).await?;
            count += 1;
        }
    }
    Ok(count)
}

/// Every object of a kind that was made since then.
pub(super) async fn all(core: &Core, kind: Kind, since: i64) -> Result<Vec<Value>> {
    let billing = core.state::<Billing>()?;
    let provider = billing.provider()?;
    let mut found: Vec<Value> = Vec::new();
    loop {
        let after = found
            .last()
            .and_then(|last| last.get("id")?.as_str())
            .map(str::to_owned);
        let listing = Listing {
            kind,
            after: after.as_deref(),
            since,
        };
        let Listed { objects, has_more } = provider.list(core, &listing).await?;
        let is_last = !has_more || objects.is_empty();
        found.extend(objects);
        if is_last {
            return Ok(found);
        }
    }
}

/// Brings the catalogue to Stripe. Says for each price whether it is new.
///
/// # Errors
/// When Stripe does not answer, or refuses; or payments are not taken there.
pub async fn push(core: &Core) -> Result<Vec<super::provider::Pushed>> {
    let billing = core.state::<Billing>()?;
    let stripe = billing.stripe()?;
    let items = &billing.declared()?.items;
    let all: Vec<_> = items
        .iter()
        .flat_map(|item| item.prices().map(move |money| (item.clone(), money)))
        .collect();
    let mut done = Vec::new();
    for (item, money) in all {
        let pushed = super::provider::push(stripe, &item, money).await?;
        let now = core.now();
        in_transaction!(core.db(), tx => store::keep_price(tx, "stripe", &pushed.price, now).await)?;
        done.push(pushed);
    }
    Ok(done)
}

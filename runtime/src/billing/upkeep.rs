//! What holds money and ledger together over time: taking in what was missed, and bringing the catalogue to the provider.

use super::setup::Billing;
use super::store;
use crate::app::Core;
use crate::error::Result;
use crate::in_transaction;

pub use super::sync::{Synced, sync};
pub use super::verify::{Finding, Report, verify};

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

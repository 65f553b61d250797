//! Changing the one subscription in place.

use super::checkout::check_quantity;
use super::customer;
use crate::app::Core;
use crate::billing::entity::SubscriptionRow;
use crate::billing::provider::{Change, Kind};
use crate::billing::setup::Billing;
use crate::billing::{effects, rules, store};
use crate::error::{Error, Result};
use crate::http::Principal;

/// Another plan, or another number of seats.
#[derive(Debug, Clone)]
pub struct PlanChange {
    pub item: String,
    pub quantity: i64,
    /// The form's: sent twice, it happens once.
    pub key: String,
}

/// When a change of plan takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    AtOnce,
    WithTheNextPeriod,
}

/// The customer's subscription that is not over, if he has one.
pub(super) async fn live(core: &Core, person: &Principal) -> Result<SubscriptionRow> {
    let customer = customer(core, person).await?;
    let all = store::subscriptions_of(core.db(), &customer.id).await?;
    all.into_iter()
        .find(|row| rules::is_live(&row.status))
        .ok_or_else(Error::not_found)
}

/// Moves the subscription to another plan or quantity: what costs more at once, with the difference paid for the rest
/// of the period; what costs less with the next period. Says which.
///
/// # Errors
/// 404 without a subscription, 402 when the card does not pay, 409 for a change that cannot be made in place.
pub async fn change_plan(core: &Core, person: &Principal, wish: &PlanChange) -> Result<Begin> {
    let billing = core.state::<Billing>()?;
    let row = live(core, person).await?;
    let provider = billing.provider()?;
    let known = store::prices(core.db(), provider.name()).await?;
    let before = known
        .iter()
        .find(|price| price.price == row.price)
        .ok_or_else(Error::not_found)?;
    let catalogue = billing.catalogue(core).await?;
    let item = catalogue.item(&wish.item).ok_or_else(Error::not_found)?;
    let terms = item.terms().ok_or_else(Error::not_found)?;
    check_quantity(item, wish.quantity)?;
    let price = provider.price(core, item, before.money.currency).await?;
    if price.price == row.price && wish.quantity == row.quantity {
        return Err(Error::conflict("no_change", "That is what you have."));
    }
    let months = |period: Option<&str>| if period == Some("year") { 12 } else { 1 };
    let (old_months, new_months) = (months(before.period.as_deref()), terms.interval.months());
    if new_months < old_months {
        let sentence =
            "A yearly plan runs to its end. Cancel it, then take a monthly one when it is over.";
        return Err(Error::conflict("shorter_period", sentence));
    }
    let a_year = |minor: i64, quantity: i64, months: i64| {
        i128::from(minor) * i128::from(quantity) * i128::from(12 / months)
    };
    let old_cost = a_year(before.money.minor, row.quantity, old_months);
    let new_cost = a_year(price.money.minor, wish.quantity, new_months);
    let at_once = new_months > old_months || new_cost > old_cost;
    let change = Change::Terms {
        element: row.element.clone(),
        price,
        quantity: wish.quantity,
        at_once,
    };
    carry_out(core, &row.subscription, &change, &wish.key).await?;
    Ok(if at_once {
        Begin::AtOnce
    } else {
        Begin::WithTheNextPeriod
    })
}

/// Cancels, resumes or pauses the subscription.
///
/// # Errors
/// 404 without a subscription.
pub async fn manage(core: &Core, person: &Principal, change: &Change, key: &str) -> Result<()> {
    let row = live(core, person).await?;
    carry_out(core, &row.subscription, change, key).await
}

/// Has the provider change a subscription and takes in what it is then.
pub(super) async fn carry_out(
    core: &Core,
    subscription: &str,
    change: &Change,
    key: &str,
) -> Result<()> {
    let billing = core.state::<Billing>()?;
    let key = format!("change:{subscription}:{key}");
    let changed = billing
        .provider()?
        .change(core, subscription, change, &key)
        .await?;
    effects::take_in(core, Kind::Subscription, &changed).await
}

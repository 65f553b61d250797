//! Changing the one subscription in place.

use super::changes::{Asked, answer_again, carry_out};
use super::checkout::check_quantity;
use super::customer;
use crate::app::Core;
use crate::billing::entity::SubscriptionRow;
use crate::billing::provider::Change;
use crate::billing::setup::Billing;
use crate::billing::{rules, store};
use crate::error::{Error, Result};
use crate::http::Principal;

pub use crate::billing::rules::Begin;

/// Another plan, or another number of seats.
#[derive(Debug, Clone)]
pub struct PlanChange {
    pub item: String,
    pub quantity: i64,
    /// The form's: sent twice, it happens once.
    pub key: String,
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
/// 404 without a subscription, 402 when the card does not pay, 409 for a change that cannot be made.
pub async fn change_plan(core: &Core, person: &Principal, wish: &PlanChange) -> Result<Begin> {
    let row = live(core, person).await?;
    let asked = Asked {
        by: person.id.as_str(),
        reason: "",
        key: &wish.key,
    };
    change_terms(core, &row, wish, &asked).await
}

/// The same for any subscription.
pub(super) async fn change_terms(
    core: &Core,
    row: &SubscriptionRow,
    wish: &PlanChange,
    asked: &Asked<'_>,
) -> Result<Begin> {
    let billing = core.state::<Billing>()?;
    let provider = billing.provider()?;
    let known = store::prices(core.db(), provider.name()).await?;
    let before = known
        .iter()
        .find(|price| price.price == row.price)
        .ok_or_else(Error::not_found)?;
    let catalogue = billing.catalogue(core).await?;
    let item = catalogue
        .item(&wish.item)
        .filter(|item| item.terms().is_some())
        .ok_or_else(Error::not_found)?;
    check_quantity(item, wish.quantity)?;
    let price = provider.price(core, item, before.money.currency).await?;
    let terms = (price.price.as_str(), wish.quantity);
    if let Some(begin) = answer_again(core, row, terms, asked.key).await? {
        return Ok(begin);
    }
    let is_same = price.price == row.price && wish.quantity == row.quantity;
    if is_same && row.next.is_none() {
        return Err(Error::conflict("no_change", "That is what you have."));
    }
    let begin = rules::begin((before, row.quantity), (&price, wish.quantity));
    let change = if is_same {
        // Nothing else is to begin any more.
        Change::Stay
    } else {
        Change::Terms {
            element: row.element.clone(),
            price,
            quantity: wish.quantity,
            at_once: begin == Begin::AtOnce,
        }
    };
    carry_out(core, row, &change, asked).await?;
    Ok(begin)
}

/// Cancels, resumes or pauses the subscription, or takes back what was to begin with its next period.
///
/// # Errors
/// 404 without a subscription.
pub async fn manage(core: &Core, person: &Principal, change: &Change, key: &str) -> Result<()> {
    let row = live(core, person).await?;
    let asked = Asked {
        by: person.id.as_str(),
        reason: "",
        key,
    };
    carry_out(core, &row, change, &asked).await
}

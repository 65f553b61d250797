//! Changing the one subscription in place.

use super::changes::{Asked, answer_again, carry_out};
use super::checkout::check_quantity;
use super::{Own, customer};
use crate::app::Core;
use crate::billing::catalogue::Item;
use crate::billing::entity::{Price, SubscriptionRow};
use crate::billing::objects::{Invoice, Reason};
use crate::billing::provider::{Change, NewTerms};
use crate::billing::setup::Billing;
use crate::billing::{Money, rules, store};
use crate::credits::Credits;
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

/// What a change that begins at once costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    pub money: Money,
    /// What comes with the payment.
    pub credits: Credits,
    /// Whether the provider said so, taxes and discounts included; else it is worked out here, without them.
    pub is_told: bool,
}

/// What a change costs now; none where nothing is paid now: in a trial, and for what begins later.
///
/// # Errors
/// When the database does not answer.
pub async fn cost(core: &Core, own: &Own, item: &Item) -> Result<Option<Cost>> {
    let Some(before) = &own.price else {
        return Ok(None);
    };
    let is_by_seat = item.terms().is_some_and(|terms| terms.per_seat);
    let quantity = if is_by_seat { own.row.quantity } else { 1 };
    let billing = core.state::<Billing>()?;
    let provider = billing.provider()?;
    let price = provider.price(core, item, before.money.currency).await?;
    let (from, to) = ((before, own.row.quantity), (&price, quantity));
    let is_same = price.price == before.price && quantity == own.row.quantity;
    if is_same || own.row.status == "trialing" || rules::begin(from, to) != Begin::AtOnce {
        return Ok(None);
    }
    let worked_out = rules::difference(from, to, own.row.period, core.now());
    let terms = NewTerms {
        element: own.row.element.clone(),
        price: price.clone(),
        quantity,
    };
    let invoice = provider.preview(core, &own.row.subscription, &terms).await;
    let told = invoice.and_then(|body| told(&body, &[before.clone(), price]));
    let (money, credits, is_told) = match told {
        Ok((money, credits)) => (money, credits, true),
        Err(fault) => {
            tracing::warn!(%fault, "what a change costs is worked out without the provider");
            (worked_out.0, worked_out.1, false)
        }
    };
    Ok((money.minor > 0).then_some(Cost {
        money,
        credits,
        is_told,
    }))
}

/// What an invoice of a change asks for and brings.
fn told(body: &serde_json::Value, prices: &[Price]) -> Result<(Money, Credits)> {
    let invoice = Invoice {
        reason: Reason::Update,
        ..Invoice::read(body)?
    };
    let grants =
        rules::grants(&invoice, prices).map_err(|fault| Error::internal(anyhow::anyhow!(fault)))?;
    let milli = grants
        .iter()
        .map(|grant| grant.credits.as_milli())
        .sum::<i64>();
    Ok((
        Money::new(invoice.amount_due.max(0), invoice.currency),
        Credits::from_milli(milli.unsigned_abs()),
    ))
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

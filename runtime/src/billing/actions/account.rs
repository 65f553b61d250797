//! What somebody sees of his own money.

use super::{Search, customer, name_of};
use crate::app::Core;
use crate::billing::entity::{Order, Payment, Price, SubscriptionRow};
use crate::billing::rules::{self, Standing};
use crate::billing::setup::Billing;
use crate::billing::{CustomerId, store};
use crate::error::{Error, Result};
use crate::http::Principal;
use crate::ids::UserId;

/// Somebody's subscription with what its price stands for.
#[derive(Debug, Clone)]
pub struct Own {
    pub row: SubscriptionRow,
    pub price: Option<Price>,
    /// What begins with its next period.
    pub next: Option<(Price, i64)>,
    pub standing: Standing,
}

/// Somebody's money at a glance.
#[derive(Debug, Clone, Default)]
pub struct Overview {
    /// The subscription that is not over; else the last one.
    pub subscription: Option<Own>,
    /// The newest first.
    pub payments: Vec<Payment>,
}

/// How many payments the overview has.
const RECENT: i64 = 5;

/// # Errors
/// When the database does not answer.
pub async fn overview(core: &Core, user: &UserId) -> Result<Overview> {
    let billing = core.state::<Billing>()?;
    let Ok(provider) = billing.provider() else {
        return Ok(Overview::default());
    };
    let Some(customer) = store::customer_of(core.db(), provider.name(), user).await? else {
        return Ok(Overview::default());
    };
    let mut all = store::subscriptions_of(core.db(), &customer.id).await?;
    let at = all
        .iter()
        .position(|row| rules::is_live(&row.status))
        .unwrap_or_default();
    let row = if all.is_empty() {
        None
    } else {
        Some(all.swap_remove(at))
    };
    let prices = store::prices(core.db(), provider.name()).await?;
    let price = |id: &str| prices.iter().find(|price| price.price == id).cloned();
    let subscription = row.map(|row| Own {
        price: price(&row.price),
        next: row
            .next
            .as_ref()
            .and_then(|(id, quantity)| price(id).zip(Some(*quantity))),
        standing: rules::standing(&row, billing.settings.grace(), core.now()),
        row,
    });
    let payments =
        store::payments_of(core.db(), &customer.id, (crate::ids::AFTER_ALL, RECENT)).await?;
    Ok(Overview {
        subscription,
        payments,
    })
}

/// Whether somebody may use what subscribers may: none without a subscription.
///
/// # Errors
/// When the database does not answer.
pub async fn standing(core: &Core, user: &UserId) -> Result<Option<Standing>> {
    Ok(overview(core, user)
        .await?
        .subscription
        .map(|own| own.standing))
}

/// Those of somebody's payments that are asked for, the newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn payments(core: &Core, user: &UserId, search: Search) -> Result<Vec<Payment>> {
    let billing = core.state::<Billing>()?;
    let Ok(provider) = billing.provider() else {
        return Ok(Vec::new());
    };
    match store::customer_of(core.db(), provider.name(), user).await? {
        Some(customer) => {
            let customer = Some(customer.id);
            store::search_payments(core.db(), &Search { customer, ..search }).await
        }
        None => Ok(Vec::new()),
    }
}

/// One of somebody's own orders.
///
/// # Errors
/// 404 when he has no such order.
pub async fn my_order(core: &Core, user: &UserId, id: &str) -> Result<Order> {
    let mut snapshot = core.db().snapshot().await?;
    let order = store::order_by_id(snapshot.conn(), id)
        .await?
        .ok_or_else(Error::not_found)?;
    drop(snapshot);
    refuse_others(core, user, &order.customer).await?;
    Ok(order)
}

/// One of somebody's own payments.
///
/// # Errors
/// 404 when he has no such payment.
pub async fn my_payment(core: &Core, user: &UserId, id: &str) -> Result<Payment> {
    let mut snapshot = core.db().snapshot().await?;
    let payment = store::payment(snapshot.conn(), id)
        .await?
        .ok_or_else(Error::not_found)?;
    drop(snapshot);
    refuse_others(core, user, &payment.customer).await?;
    Ok(payment)
}

/// What is another customer's is as if it were not there.
async fn refuse_others(core: &Core, user: &UserId, customer: &CustomerId) -> Result<()> {
    let customer = store::customer_by_id(core.db(), customer).await?;
    if customer.owner == *user {
        Ok(())
    } else {
        Err(Error::not_found())
    }
}

/// The address of the provider's page for cards and invoices.
///
/// # Errors
/// 503 when the provider does not answer.
pub async fn portal(core: &Core, person: &Principal) -> Result<String> {
    let billing = core.state::<Billing>()?;
    let customer = customer(core, person).await?;
    let back = format!("{}/billing", core.config().url);
    billing
        .provider()?
        .portal(core, name_of(&customer)?, &back)
        .await
}

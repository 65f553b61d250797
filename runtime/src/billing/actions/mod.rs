//! What other domains, pages and commands may ask of billing.

mod account;
mod changes;
mod checkout;
mod plans;
mod refunds;
mod staff;

pub use super::effects::Taking;
pub use account::{Overview, Own, my_order, my_payment, overview, payments, portal, standing};
pub(super) use changes::{SendChange, send_change};
pub use checkout::{Wish, buy};
pub use plans::{Begin, Cost, PlanChange, change_plan, cost, manage};
pub use refunds::{RefundWish, ask_refund, check_amount, preview};
pub(super) use refunds::{SendRefund, send_refund};
pub use staff::{
    Detail, Found, Search, SubscriptionDetail, SubscriptionFound, SubscriptionSearch,
    cancel_subscription, change_subscription, detail, search, subscription_detail, subscriptions,
};

use crate::app::Core;
use crate::billing::entity::Customer;
use crate::billing::objects::is_deleted;
use crate::billing::provider::{Kind, NewCustomer};
use crate::billing::setup::Billing;
use crate::billing::store;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::http::Principal;
use crate::in_transaction;

/// The customer that somebody is, known to the provider; made where he is none yet.
///
/// # Errors
/// 503 while nobody takes money, or the provider does not answer.
async fn customer(core: &Core, person: &Principal) -> Result<Customer> {
    let billing = core.state::<Billing>()?;
    let provider = billing.provider()?;
    let (name, now) = (provider.name(), core.now());
    let found = match store::customer_of(core.db(), name, &person.id).await? {
        Some(found) => found,
        None => {
            let new = new_customer(person, now);
            in_transaction!(core.db(), tx => store::insert_customer(tx, name, &new, now).await)?;
            let made = store::customer_of(core.db(), name, &person.id).await?;
            made.ok_or_else(Error::not_found)?
        }
    };
    if found.customer.is_some() {
        return Ok(found);
    }
    let new = NewCustomer {
        email: found.email.clone(),
        id: found.id.to_string(),
    };
    // Two tabs at once use one key, and so get one customer.
    let key = format!("customer:{}:{}", found.id, found.version);
    let named = provider.create_customer(core, &new, &key).await?;
    in_transaction!(core.db(), tx => {
        store::name_customer(tx, &found.id, &named).await?;
        store::lock_customer(tx, &found.id).await
    })
}

/// The customer that somebody is from now on, where the provider has deleted the one that he was, and nobody was told.
async fn renewed(core: &Core, person: &Principal, old: &Customer) -> Result<Option<Customer>> {
    let billing = core.state::<Billing>()?;
    let (provider, name) = (billing.provider()?, name_of(old)?);
    let read = provider.read(core, Kind::Customer, name).await?;
    if read.is_some_and(|read| !is_deleted(&read)) {
        return Ok(None);
    }
    in_transaction!(core.db(), tx => store::detach_customer(tx, provider.name(), name).await)?;
    customer(core, person).await.map(Some)
}

fn new_customer(person: &Principal, now: Timestamp) -> Customer {
    Customer {
        id: crate::billing::CustomerId::new(now),
        owner: person.id.clone(),
        email: person.email.clone(),
        customer: None,
        version: 0,
    }
}

/// The provider's name for a customer who has one.
///
/// # Errors
/// 404 when he has none.
fn name_of(customer: &Customer) -> Result<&str> {
    customer.customer.as_deref().ok_or_else(Error::not_found)
}

//! What the staff sees of other people's money, and what it does with other people's subscriptions.

use serde_json::json;

use super::changes::{Asked, carry_out, note_by_staff};
use super::plans::{PlanChange, change_terms};
use super::refunds;
use crate::app::Core;
use crate::auth::audit::Actor;
use crate::billing::entity::{
    ChangeRow, Customer, PaidLot, Payment, PaymentKind, PaymentState, Price, RefundRow,
    SubscriptionRow,
};
use crate::billing::provider::Change;
use crate::billing::rules::Begin;
use crate::billing::setup::Billing;
use crate::billing::{Currency, CustomerId, Money, store};
use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// Which payments a list shows. What is empty narrows nothing down.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// A part of an e-mail address, of a description, or of one of the provider's names.
    pub text: String,
    pub kind: Option<PaymentKind>,
    pub state: Option<PaymentState>,
    pub from: Option<Timestamp>,
    /// Not included.
    pub until: Option<Timestamp>,
    pub currency: Option<Currency>,
    /// In thousandths of the unit, which every currency's amounts are whole numbers of.
    pub least: Option<i64>,
    pub most: Option<i64>,
    /// Only those of one customer.
    pub customer: Option<CustomerId>,
    /// The last payment of the page before.
    pub before: Option<String>,
    pub limit: i64,
}

/// A payment with whose it is.
#[derive(Debug, Clone)]
pub struct Found {
    pub payment: Payment,
    pub email: String,
}

/// The payments that are asked for, the newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn search(core: &Core, search: &Search) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for payment in store::search_payments(core.db(), search).await? {
        let customer = store::customer_by_id(core.db(), &payment.customer).await?;
        found.push(Found {
            payment,
            email: customer.email,
        });
    }
    Ok(found)
}

/// Everything about one payment.
#[derive(Debug, Clone)]
pub struct Detail {
    pub payment: Payment,
    pub customer: Customer,
    pub lots: Vec<PaidLot>,
    pub refunds: Vec<RefundRow>,
    /// What can still be given back.
    pub left: Money,
}

/// # Errors
/// 404 when there is no such payment.
pub async fn detail(core: &Core, id: &str) -> Result<Detail> {
    let mut snapshot = core.db().snapshot().await?;
    let payment = store::payment(snapshot.conn(), id)
        .await?
        .ok_or_else(Error::not_found)?;
    let lots = store::lots_of(snapshot.conn(), &payment.id).await?;
    let refunds = store::refunds_of(snapshot.conn(), &payment.id).await?;
    let left = refunds::left(snapshot.conn(), &payment).await?;
    drop(snapshot);
    let customer = store::customer_by_id(core.db(), &payment.customer).await?;
    let left = Money::new(
        left.iter().map(|part| part.amount).sum(),
        payment.currency(),
    );
    Ok(Detail {
        payment,
        customer,
        lots,
        refunds,
        left,
    })
}

/// A subscription with whose it is.
#[derive(Debug, Clone)]
pub struct SubscriptionFound {
    pub row: SubscriptionRow,
    pub customer: Customer,
    pub item: String,
}

/// Which subscriptions a list shows. What is empty narrows nothing down.
#[derive(Debug, Clone, Default)]
pub struct SubscriptionSearch {
    /// A part of an e-mail address or of one of the provider's names.
    pub text: String,
    pub status: String,
    /// The last subscription of the page before.
    pub after: String,
    pub limit: i64,
}

/// The subscriptions that are asked for, the newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn subscriptions(
    core: &Core,
    search: &SubscriptionSearch,
) -> Result<Vec<SubscriptionFound>> {
    let billing = core.state::<Billing>()?;
    let Ok(provider) = billing.provider() else {
        return Ok(Vec::new());
    };
    let prices = store::prices(core.db(), provider.name()).await?;
    let catalogue = billing.catalogue(core).await?;
    let mut found = Vec::new();
    for row in store::search_subscriptions(core.db(), search).await? {
        let customer = store::customer_by_id(core.db(), &row.customer).await?;
        let price = prices.iter().find(|price| price.price == row.price);
        let item = price.map_or_else(|| row.price.clone(), |price| catalogue.name_of(&price.item));
        found.push(SubscriptionFound {
            row,
            customer,
            item,
        });
    }
    Ok(found)
}

/// The subscription called so.
///
/// # Errors
/// 404 when there is no such subscription.
async fn subscription_row(core: &Core, subscription: &str) -> Result<SubscriptionRow> {
    let mut snapshot = core.db().snapshot().await?;
    let row = store::subscription(snapshot.conn(), subscription).await?;
    row.ok_or_else(Error::not_found)
}

/// Everything about one subscription.
#[derive(Debug, Clone)]
pub struct SubscriptionDetail {
    pub found: SubscriptionFound,
    pub price: Option<Price>,
    /// What its next period is to.
    pub next: Option<(Price, i64)>,
    pub changes: Vec<ChangeRow>,
    pub payments: Vec<Payment>,
}

/// How many changes and payments a subscription is shown with.
const RECENT: i64 = 20;

/// # Errors
/// 404 when there is no such subscription.
pub async fn subscription_detail(core: &Core, subscription: &str) -> Result<SubscriptionDetail> {
    let row = subscription_row(core, subscription).await?;
    let billing = core.state::<Billing>()?;
    let catalogue = billing.catalogue(core).await?;
    let prices = store::prices(core.db(), billing.provider()?.name()).await?;
    let price = |id: &str| prices.iter().find(|price| price.price == id).cloned();
    let customer = store::customer_by_id(core.db(), &row.customer).await?;
    let now = price(&row.price);
    let next = row.next.as_ref();
    Ok(SubscriptionDetail {
        next: next.and_then(|(id, quantity)| price(id).zip(Some(*quantity))),
        changes: store::changes_of(core.db(), subscription, RECENT).await?,
        payments: store::payments_for(core.db(), subscription, RECENT).await?,
        found: SubscriptionFound {
            item: now
                .as_ref()
                .map_or_else(|| row.price.clone(), |price| catalogue.name_of(&price.item)),
            row,
            customer,
        },
        price: now,
    })
}

/// Ends somebody's subscription now or with its period, and records who did it and why.
///
/// # Errors
/// 404 when there is no such subscription.
pub async fn cancel_subscription(
    core: &Core,
    (subscription, at_once): (&str, bool),
    (by, reason): (&Actor, &str),
    key: &str,
) -> Result<()> {
    let row = subscription_row(core, subscription).await?;
    let change = if at_once {
        Change::CancelNow {
            reason: reason.to_owned(),
        }
    } else {
        Change::CancelAtEnd
    };
    // Written down first: what staff tried is known even if the provider does not answer.
    let details = json!({"reason": reason, "at_once": at_once});
    note_by_staff(core, (by, "subscription.cancelled"), &row, details).await?;
    let by = name_of_actor(by);
    let asked = Asked {
        by: &by,
        reason,
        key,
    };
    carry_out(core, &row, &change, &asked).await
}

/// Moves somebody's subscription to another plan or quantity, and records who did it and why.
///
/// # Errors
/// As for a change by its owner.
pub async fn change_subscription(
    core: &Core,
    (subscription, wish): (&str, &PlanChange),
    (by, reason): (&Actor, &str),
) -> Result<Begin> {
    let row = subscription_row(core, subscription).await?;
    let details = json!({"reason": reason, "item": wish.item, "quantity": wish.quantity});
    note_by_staff(core, (by, "subscription.changed"), &row, details).await?;
    let by = name_of_actor(by);
    let asked = Asked {
        by: &by,
        reason,
        key: &wish.key,
    };
    change_terms(core, &row, wish, &asked).await
}

pub(super) fn name_of_actor(by: &Actor) -> String {
    by.user()
        .map_or("command line".to_owned(), ToString::to_string)
}

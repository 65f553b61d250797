//! What the staff sees of other people's money and does with it. A refund is written down, sent by a job under the key
//! of what was written, and settled with what the provider says it came to.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::changes::{Asked, carry_out, note_by_staff};
use super::plans::{PlanChange, change_terms};
use crate::app::Core;
use crate::auth::audit::{Actor, AuditEntry};
use crate::billing::entity::{
    ChangeRow, Customer, PaidLot, Payment, PaymentKind, PaymentState, Price, RefundId, RefundRow,
    RefundState, SubscriptionRow,
};
use crate::billing::provider::{Change, Kind, RefundRequest};
use crate::billing::rules::Begin;
use crate::billing::setup::Billing;
use crate::billing::{Currency, CustomerId, Money, effects, rules, store};
use crate::clock::Timestamp;
use crate::credits::Credits;
use crate::error::{Error, Result};
use crate::in_transaction;
use crate::jobs::{Job, give_up};

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
    let under_way = store::refunds_under_way(snapshot.conn(), &payment.id).await?;
    drop(snapshot);
    let customer = store::customer_by_id(core.db(), &payment.customer).await?;
    let left = Money::new(left_of(&payment, under_way), payment.currency());
    Ok(Detail {
        payment,
        customer,
        lots,
        refunds,
        left,
    })
}

fn left_of(payment: &Payment, under_way: i64) -> i64 {
    let was_made = !matches!(payment.state, PaymentState::Pending | PaymentState::Failed);
    if was_made && payment.intent.is_some() {
        (payment.left() - under_way).max(0)
    } else {
        0
    }
}

/// How many credits a refund of `amount` takes, as things stand.
pub fn preview(detail: &Detail, amount: i64) -> Credits {
    let lost = detail.payment.lost();
    let roots = detail.lots.iter().filter(|lot| lot.restores.is_none());
    let milli: i64 = roots
        .map(|lot| {
            let share =
                |lost| rules::share(lot.credits, lost, detail.payment.money.minor).as_milli();
            share(lost + amount) - share(lost)
        })
        .sum();
    Credits::from_milli(milli.max(0).unsigned_abs())
}

/// A refund as staff asks for it.
#[derive(Debug, Clone)]
pub struct RefundWish {
    pub payment: String,
    /// In minor units of the payment's currency.
    pub amount: i64,
    pub reason: String,
    pub by: Actor,
    /// The form's: sent twice, it is one refund.
    pub key: String,
}

/// Writes a refund down and has it sent.
///
/// # Errors
/// 404 when there is no such payment, 422 above what is left of it.
pub async fn ask_refund(core: &Core, wish: &RefundWish) -> Result<()> {
    let now = core.now();
    let asked_by = name_of_actor(&wish.by);
    in_transaction!(core.db(), tx => {
        let payment = store::payment(tx.conn(), &wish.payment).await?.ok_or_else(Error::not_found)?;
        store::lock_customer(tx, &payment.customer).await?;
        let payment = store::payment(tx.conn(), &wish.payment).await?.ok_or_else(Error::not_found)?;
        let new = RefundRow {
            id: RefundId::new(now),
            payment: payment.id.clone(),
            money: Money::new(wish.amount, payment.currency()),
            reason: wish.reason.clone(),
            state: RefundState::Asked,
            refund: None,
            asked_by: asked_by.clone(),
            error: String::new(),
            created_at: now,
        };
        let under_way = store::refunds_under_way(tx.conn(), &payment.id).await?;
        let is_known = store::is_asked(tx.conn(), &payment.id, &wish.key).await?;
        if is_known {
            return Ok(());
        }
        let left = left_of(&payment, under_way);
        if wish.amount <= 0 || wish.amount > left {
            let left = Money::new(left, payment.currency());
            return Err(Error::unprocessable(format!("At most {left} of this payment can be given back.")));
        }
        store::insert_refund(tx, &new, &wish.key).await?;
        let details = json!({
            "amount": new.money, "reason": wish.reason, "refund": new.id.as_str(), "object": payment.object,
        });
        let entry = AuditEntry::new(&wish.by, "payment.refunded", ("payment", payment.id.as_str()));
        entry.details(details).record(tx, now).await?;
        core.enqueue(tx, &SendRefund { refund: new.id.to_string() }).await
    })
}

/// Sends one refund to the provider.
#[derive(Debug, Serialize, Deserialize)]
pub struct SendRefund {
    refund: String,
}

impl Job for SendRefund {
    const NAME: &'static str = "billing.refund";
}

/// Sends a refund under its own key, as often as it takes, and takes in what came of it.
pub async fn send_refund(core: &Core, job: SendRefund) -> Result<()> {
    let mut snapshot = core.db().snapshot().await?;
    let row = store::refund(snapshot.conn(), &job.refund)
        .await?
        .ok_or_else(Error::not_found)?;
    let payment = store::payment(snapshot.conn(), row.payment.as_str())
        .await?
        .ok_or_else(Error::not_found)?;
    drop(snapshot);
    if row.state != RefundState::Asked {
        return Ok(());
    }
    let customer = store::customer_by_id(core.db(), &payment.customer).await?;
    let request = RefundRequest {
        customer: customer.customer.clone().unwrap_or_default(),
        intent: payment
            .intent
            .clone()
            .ok_or_else(|| give_up(anyhow::anyhow!("nothing was charged")))?,
        amount: row.money.minor,
        record: row.id.to_string(),
    };
    let billing = core.state::<Billing>()?;
    let key = format!("refund:{}", row.id);
    match billing.provider()?.refund(core, &request, &key).await {
        Ok(refund) => effects::take_in(core, Kind::Refund, &refund).await,
        Err(why) if why.status().is_client_error() => {
            let (now, text) = (core.now(), why.problem().detail.clone());
            let outcome = (RefundState::Failed, None, text.as_str());
            in_transaction!(core.db(), tx => store::close_refund(tx, row.id.as_str(), outcome, now).await)
        }
        Err(why) => Err(why),
    }
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

fn name_of_actor(by: &Actor) -> String {
    by.user()
        .map_or("command line".to_owned(), ToString::to_string)
}

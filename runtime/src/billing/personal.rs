//! What this domain knows of somebody: for that person to take along, and to be forgotten with him. What was paid stays;
//! who paid it does not.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::AnyConnection;

use super::actions::{self, Search};
use super::entity::{Payment, SubscriptionRow};
use super::setup::Billing;
use super::{rules, store};
use crate::app::Core;
use crate::auth::{RemovalAsked, UserRemoved};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::ids::{AFTER_ALL, UserId};
use crate::jobs::Job;
use crate::personal::{PersonalFile, PersonalFiles, paged, together};

const PAGE: i64 = 500;

/// Subscriptions, then payments, the newest first.
pub(super) fn files(core: Core, user: UserId) -> PersonalFiles {
    use futures_util::StreamExt as _;
    let subscriptions = together(subscriptions(core.clone(), user.clone()));
    let payments = paged(AFTER_ALL.to_owned(), move |before, number| {
        let (core, user) = (core.clone(), user.clone());
        async move {
            let payments = actions::payments(
                &core,
                &user,
                Search {
                    before: Some(before),
                    limit: PAGE,
                    ..Search::default()
                },
            )
            .await?;
            let Some(last) = payments.last().map(|payment| payment.id.to_string()) else {
                return Ok((None, None));
            };
            let rows: Vec<_> = payments.iter().map(payment_row).collect();
            let file = PersonalFile::json(format!("billing/payments-{number}.json"), &rows)?;
            Ok((Some(file), Some(last)))
        }
    });
    subscriptions.chain(payments).boxed()
}

async fn subscriptions(core: Core, user: UserId) -> Result<Vec<PersonalFile>> {
    let mut snapshot = core.db().snapshot().await?;
    let all = all_subscriptions(&core, snapshot.conn(), &user).await?;
    let rows: Vec<_> = all.iter().map(subscription_row).collect();
    let file = PersonalFile::json("billing/subscriptions.json", &rows)?;
    Ok(if rows.is_empty() {
        Vec::new()
    } else {
        vec![file]
    })
}

async fn all_subscriptions(
    core: &Core,
    connection: &mut AnyConnection,
    user: &UserId,
) -> Result<Vec<SubscriptionRow>> {
    let billing = core.state::<Billing>()?;
    let Ok(provider) = billing.provider() else {
        return Ok(Vec::new());
    };
    match store::customer_seen(&mut *connection, provider.name(), user).await? {
        Some(customer) => store::subscriptions_seen(connection, &customer.id).await,
        None => Ok(Vec::new()),
    }
}

fn subscription_row(row: &SubscriptionRow) -> Value {
    json!({
        "subscription": row.subscription,
        "status": row.status,
        "price": row.price,
        "quantity": row.quantity,
        "started_at": row.started_at.rfc3339(),
        "period_ends_at": row.period.1.rfc3339(),
        "ended_at": row.ended_at.map(|at| at.rfc3339()),
    })
}

fn payment_row(payment: &Payment) -> Value {
    json!({
        "id": payment.id,
        "number": payment.number,
        "description": payment.description,
        "amount": payment.money,
        "refunded": payment.refunded,
        "state": payment.state.as_str(),
        "created_at": payment.created_at.rfc3339(),
        "paid_at": payment.paid_at.map(|at| at.rfc3339()),
    })
}

/// Nobody goes while he is still charged.
pub(super) async fn check_removal(core: &Core, tx: &mut Tx, asked: &RemovalAsked) -> Result<()> {
    let all = all_subscriptions(core, tx.conn(), &asked.user).await?;
    let goes_on = |row: &SubscriptionRow| rules::is_live(&row.status) && !row.cancels_at_end;
    if all.iter().any(goes_on) {
        return Err(Error::conflict(
            "subscribed",
            "You have a subscription. Cancel it first, so that nothing more is charged.",
        ));
    }
    Ok(())
}

/// Forgets who paid. Amounts, instants and what was bought stay.
pub(super) async fn forget(core: &Core, tx: &mut Tx, removed: &UserRemoved) -> Result<()> {
    for customer in store::forget_customers(tx, &removed.user).await? {
        if let Some(name) = &customer.customer {
            let job = DeleteCustomer {
                provider: customer.provider.clone(),
                customer: name.clone(),
            };
            core.enqueue(tx, &job).await?;
        }
        for (payment, body) in store::bodies_of(tx, &customer).await? {
            let mut body: Value = serde_json::from_str(&body).map_err(Error::internal)?;
            without_person(&mut body);
            store::replace_body(tx, &payment, &body.to_string()).await?;
        }
        for (event, body) in store::event_bodies_of(tx, &customer).await? {
            let mut body: Value = serde_json::from_str(&body).map_err(Error::internal)?;
            without_person(&mut body);
            store::replace_event_body(tx, &event, &body.to_string()).await?;
        }
    }
    Ok(())
}

/// Has the provider delete somebody who left. What he paid stays there, too, as the law wants it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeleteCustomer {
    provider: String,
    customer: String,
}

impl Job for DeleteCustomer {
    const NAME: &'static str = "billing.delete_customer";
}

pub(super) async fn delete(core: &Core, job: DeleteCustomer) -> Result<()> {
    let billing = core.state::<Billing>()?;
    let provider = billing.provider()?;
    // Another provider's customer can be deleted there only, once that one takes the money again.
    if provider.name() == job.provider {
        provider.delete_customer(core, &job.customer).await?;
    }
    Ok(())
}

/// Where the provider's objects say who somebody is (docs.stripe.com/api: checkout sessions, invoices, charges).
const PERSONAL: [&str; 11] = [
    "billing_details",
    "collected_information",
    "customer_address",
    "customer_details",
    "customer_email",
    "customer_name",
    "customer_phone",
    "customer_shipping",
    "receipt_email",
    "shipping",
    "shipping_details",
];

/// Takes out of an object of the provider who somebody is.
pub(super) fn without_person(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let is_customer = members.get("object").is_some_and(|kind| kind == "customer");
            for (name, member) in members.iter_mut() {
                let is_own = ["address", "email", "name", "phone"].contains(&name.as_str());
                if PERSONAL.contains(&name.as_str()) || (is_customer && is_own) {
                    *member = Value::Null;
                } else {
                    without_person(member);
                }
            }
        }
        Value::Array(all) => all.iter_mut().for_each(without_person),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_taken_out_and_money_stays() {
        let mut event = json!({ "data": { "object": {
            "object": "invoice", "amount_paid": 900, "customer_email": "ada@example.com",
            "lines": [{ "description": "small", "billing_details": { "name": "Ada" } }],
            "customer": { "object": "customer", "id": "cus_1", "name": "Ada", "email": "ada@example.com" },
        }}});
        without_person(&mut event);
        let text = event.to_string();
        assert!(!text.contains("Ada") && !text.contains("ada@"), "{text}");
        assert!(
            text.contains("900") && text.contains("small") && text.contains("cus_1"),
            "{text}"
        );
    }
}

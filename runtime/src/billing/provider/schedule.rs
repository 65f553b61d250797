//! What begins with a subscription's next period, as Stripe keeps it: a schedule with two phases, the one that runs and
//! the one that follows, after which the subscription goes on by itself.

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::form::Fields;
use super::kept::Making;
use super::stripe::Stripe;
use crate::error::{Error, Result};

const SCHEDULES: &str = "/v1/subscription_schedules";

impl Stripe {
    /// Has the subscription be to another price and number from its next period on. Gives the subscription.
    pub(super) async fn plan_terms(
        &self,
        subscription: &str,
        (price, quantity): (&str, i64),
        key: &str,
    ) -> Result<Value> {
        let new = Fields::default().with("from_subscription", subscription);
        let making = Making {
            path: SCHEDULES,
            fields: &new,
            key: &format!("{key}:schedule"),
            may_repeat: true,
        };
        let made = self
            .make(making, || self.made_schedule(subscription))
            .await?;
        let id = made.get("id").and_then(Value::as_str);
        let id = id.ok_or_else(|| Error::internal(anyhow::anyhow!("a schedule without an id")))?;
        let fields = phases(&made, (price, quantity))?;
        let path = format!("{SCHEDULES}/{id}");
        self.post(&path, &fields, &format!("{key}:phases")).await?;
        self.with_schedule(subscription).await
    }

    /// Takes back what was to begin with the next period. Gives the subscription.
    pub(super) async fn forget_plan(&self, subscription: &str, key: &str) -> Result<Value> {
        let now = self.with_schedule(subscription).await?;
        let schedule = now.pointer("/schedule/id").and_then(Value::as_str);
        let Some(schedule) = schedule else {
            return Ok(now);
        };
        let path = format!("{SCHEDULES}/{schedule}/release");
        let making = Making {
            path: &path,
            fields: &Fields::default(),
            key: &format!("{key}:release"),
            may_repeat: true,
        };
        self.make(making, || self.without_schedule(subscription))
            .await?;
        self.with_schedule(subscription).await
    }

    /// The schedule of a subscription, if it has one.
    fn made_schedule<'a>(&'a self, subscription: &'a str) -> BoxFuture<'a, Result<Option<Value>>> {
        Box::pin(async move {
            let now = self.with_schedule(subscription).await?;
            Ok(now.get("schedule").filter(|made| made.is_object()).cloned())
        })
    }

    /// A subscription that is to this price and number.
    pub(super) fn changed_to<'a>(
        &'a self,
        subscription: &'a str,
        (price, quantity): (&'a str, i64),
    ) -> BoxFuture<'a, Result<Option<Value>>> {
        Box::pin(async move {
            let now = self.with_schedule(subscription).await?;
            let element = now.pointer("/items/data/0");
            let is_so = element.is_some_and(|element| {
                let id = element.pointer("/price/id").and_then(Value::as_str);
                id == Some(price)
                    && element.get("quantity").and_then(Value::as_i64) == Some(quantity)
            });
            Ok(is_so.then_some(now))
        })
    }

    /// A subscription that has no schedule.
    fn without_schedule<'a>(
        &'a self,
        subscription: &'a str,
    ) -> BoxFuture<'a, Result<Option<Value>>> {
        Box::pin(async move {
            let now = self.with_schedule(subscription).await?;
            Ok(Some(now).filter(|now| now.get("schedule").is_none_or(Value::is_null)))
        })
    }

    async fn with_schedule(&self, subscription: &str) -> Result<Value> {
        let path = format!("/v1/subscriptions/{subscription}");
        let query = Fields::default().with("expand[]", "schedule");
        let found = self.get(&path, &query).await?;
        found.ok_or_else(Error::not_found)
    }
}

/// The phase that runs, which has to be sent as it is, and the one that follows it.
fn phases(made: &Value, (price, quantity): (&str, i64)) -> Result<Fields> {
    let broken = || Error::internal(anyhow::anyhow!("a schedule without a phase that runs"));
    let number = |name: &str| {
        let at = format!("/phases/0/{name}");
        made.pointer(&at).and_then(Value::as_i64)
    };
    let element = made.pointer("/phases/0/items/0").ok_or_else(broken)?;
    let current = element.get("price").and_then(|price| {
        let id = price.as_str().or_else(|| price.get("id")?.as_str());
        id.map(str::to_owned)
    });
    let start = number("start_date").ok_or_else(broken)?;
    let end = number("end_date").ok_or_else(broken)?;
    let count = element.get("quantity").and_then(Value::as_i64).unwrap_or(1);
    let mut fields = Fields::default()
        .with("end_behavior", "release")
        .with("phases[0][items][0][price]", current.ok_or_else(broken)?)
        .with("phases[0][items][0][quantity]", count)
        .with("phases[0][start_date]", start)
        .with("phases[0][end_date]", end);
    // A trial that is not sent along would be over.
    if let Some(trial) = number("trial_end") {
        fields = fields.with("phases[0][trial_end]", trial);
    }
    Ok(fields
        .with("phases[1][items][0][price]", price)
        .with("phases[1][items][0][quantity]", quantity)
        .with("phases[1][iterations]", 1)
        .with("phases[1][proration_behavior]", "none"))
}

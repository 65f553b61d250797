//! A service on its own: without an application, a database or somebody who pays.

use std::path::Path;
use std::sync::Arc;

use anyhow::anyhow;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::clock::Clock;
use crate::config::Config;
use crate::credits::Credits;
use crate::ids::UserId;
use crate::services::context::{Report, ServiceContext, Surroundings};
use crate::services::entity::RunId;
use crate::services::service::{self, Service, ServiceError};

/// Nothing is signed with it.
const KEY: &str = "a-key-for-tests-0123456789abcdef";

/// What a service gives when it is tried out.
#[derive(Debug)]
pub struct Tried {
    output: Value,
    /// What the run would have cost.
    pub cost: Credits,
}

impl Tried {
    /// The output as the service's own type.
    ///
    /// # Errors
    /// When it is another.
    pub fn output<T: DeserializeOwned>(self) -> serde_json::Result<T> {
        serde_json::from_value(self.output)
    }
}

/// Runs `service` on one input: for its own tests. Nobody pays, nothing is kept, and there are no settings but those of
/// tests; what its types do not allow is [`ServiceError::Unusable`].
///
/// # Errors
/// What the service gives in the place of a result.
pub async fn try_out<S: Service>(
    service: S,
    input: &impl Serialize,
) -> Result<Tried, ServiceError> {
    let service = service::erase(service)?;
    let Value::Object(input) = serde_json::to_value(input)? else {
        return Err(anyhow!("an input has fields").into());
    };
    let work = match service.clone().prepare(input) {
        Ok(work) => work,
        Err(errors) => return Err(ServiceError::unusable(format!("{errors:?}"))),
    };
    let vars = [("APP_ENV", "test"), ("APP_SECRET_KEY", KEY)];
    let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = Config::from_vars(vars.into(), Path::new("."))?;
    let now = Clock::System.now();
    let price = service.cost();
    let report = Report::new(1);
    let context = ServiceContext {
        run: RunId::new(now),
        user: UserId::new(now),
        started_at: now,
        price,
        report: report.clone(),
        surroundings: Surroundings(Arc::new(config)),
    };
    let output = work(context).await?;
    let cost = report.cost(price);
    Ok(Tried { output, cost })
}

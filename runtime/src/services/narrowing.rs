//! The form that narrows a list of runs down.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::entity::{RunFilter, RunId, RunStatus};
use super::input::Choice;
use super::offers::Offered;
use super::registry::is_name;
use super::rules;
use crate::clock::Timestamp;
use crate::error::{Error, Result};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const RUNS: &str = "/services/runs";

/// Which of one's runs are asked for, as the form sends it. A field that is empty narrows nothing down.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Listing {
    service: String,
    status: String,
    from: String,
    /// The last day, included.
    until: String,
    before: Option<String>,
}

impl Listing {
    /// # Errors
    /// 404 for what no form of ours sends.
    pub fn filter(&self) -> Result<RunFilter> {
        let before = self.before.as_deref().map(str::parse::<RunId>);
        Ok(RunFilter {
            service: narrowed(&self.service, service)?,
            status: narrowed(&self.status, RunStatus::parse)?,
            from: narrowed(&self.from, Timestamp::of_day)?,
            until: narrowed(&self.until, after_day)?,
            before: before.transpose()?,
        })
    }

    /// Whether anything is narrowed down.
    pub fn is_narrow(&self) -> bool {
        let fields = [&self.service, &self.status, &self.from, &self.until];
        fields.into_iter().any(|field| !field.is_empty())
    }

    /// The address of the list, from `before` on.
    pub fn address(&self, before: Option<&RunId>) -> Result<String> {
        let pairs = [
            ("service", self.service.as_str()),
            ("status", &self.status),
            ("from", &self.from),
            ("until", &self.until),
            ("before", before.map_or("", RunId::as_str)),
        ];
        address(RUNS, &pairs)
    }
}

/// `path` with those of `pairs` that say something.
pub(super) fn address(path: &str, pairs: &[(&str, &str)]) -> Result<String> {
    let pairs = pairs.iter().filter(|(_, value)| !value.is_empty());
    let query = serde_urlencoded::to_string(pairs.collect::<Vec<_>>()).map_err(Error::internal)?;
    Ok(match query.as_str() {
        "" => path.to_owned(),
        query => format!("{path}?{query}"),
    })
}

/// What `parse` makes of a field; none where that is empty.
///
/// # Errors
/// 404 when it makes nothing of it.
pub(super) fn narrowed<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>> {
    if text.is_empty() {
        return Ok(None);
    }
    parse(text).map(Some).ok_or_else(Error::not_found)
}

/// The name of a service, be there one or not.
pub(super) fn service(text: &str) -> Option<String> {
    is_name(text).then(|| text.to_owned())
}

/// The first instant after a day.
pub(super) fn after_day(text: &str) -> Option<Timestamp> {
    Timestamp::of_day(text).map(|day| day.plus(DAY))
}

/// Every service, and none in particular.
pub(super) fn services(offers: &[Offered]) -> Vec<Choice> {
    let services = offers.iter();
    let services = services.map(|one| choice(one.name, one.service.title()));
    [choice("", "Every service")]
        .into_iter()
        .chain(services)
        .collect()
}

/// Every state, and none in particular.
pub(super) fn statuses() -> Vec<Choice> {
    let statuses = RunStatus::ALL.iter();
    let statuses = statuses.map(|status| choice(status.as_str(), rules::status(*status)));
    [choice("", "Any state")]
        .into_iter()
        .chain(statuses)
        .collect()
}

fn choice(value: &str, label: &str) -> Choice {
    Choice {
        value: value.to_owned(),
        label: label.to_owned(),
    }
}

/// The form of one's own list.
#[derive(Debug, Serialize)]
pub(super) struct Filter {
    service: String,
    status: String,
    from: String,
    until: String,
    services: Vec<Choice>,
    statuses: Vec<Choice>,
}

impl Filter {
    pub fn new(offers: &[Offered], listing: Listing) -> Self {
        Self {
            service: listing.service,
            status: listing.status,
            from: listing.from,
            until: listing.until,
            services: services(offers),
            statuses: statuses(),
        }
    }
}

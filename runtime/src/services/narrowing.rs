//! The form that narrows a list of runs down.

use serde::{Deserialize, Serialize};

use super::entity::{RunFilter, RunId, RunStatus};
use super::offers::Offered;
use super::registry::is_name;
use super::rules;
use crate::error::Result;
use crate::listing::{address, days, narrowed};
use crate::pages::Choice;

/// Which runs are asked for, as the form sends it. A field that is empty narrows nothing down.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Listing {
    pub service: String,
    pub status: String,
    /// Whose, by an address. Only the staff's form has it.
    pub user: String,
    pub from: String,
    /// The last day, included.
    pub until: String,
    pub before: Option<String>,
}

impl Listing {
    /// # Errors
    /// 404 for what no form of ours sends.
    pub fn filter(&self) -> Result<RunFilter> {
        let before = self.before.as_deref().map(str::parse::<RunId>);
        let (from, until) = days(&self.from, &self.until)?;
        Ok(RunFilter {
            service: narrowed(&self.service, service)?,
            status: narrowed(&self.status, RunStatus::parse)?,
            from,
            until,
            before: before.transpose()?,
        })
    }

    /// Whether anything is narrowed down.
    pub fn is_narrow(&self) -> bool {
        let fields = [&self.service, &self.status, &self.from, &self.until];
        fields.into_iter().any(|field| !field.is_empty())
    }

    /// The address of the list that stands at `path`, from `before` on.
    pub fn address(&self, path: &str, before: Option<&RunId>) -> String {
        let pairs = [
            ("service", self.service.as_str()),
            ("status", &self.status),
            ("user", &self.user),
            ("from", &self.from),
            ("until", &self.until),
            ("before", before.map_or("", RunId::as_str)),
        ];
        address(path, &pairs)
    }
}

/// The name of a service, be there one or not.
fn service(text: &str) -> Option<String> {
    is_name(text).then(|| text.to_owned())
}

/// Every service, and none in particular.
fn services(offers: &[Offered]) -> Vec<Choice> {
    let services = offers.iter();
    let services = services.map(|one| Choice::new(one.name, one.service.title()));
    Choice::or_all("Every service", services)
}

/// Every state, and none in particular.
fn statuses() -> Vec<Choice> {
    let statuses = RunStatus::ALL.iter();
    let statuses = statuses.map(|status| Choice::new(status.as_str(), rules::status(*status)));
    Choice::or_all("Any state", statuses)
}

/// The form, filled in.
#[derive(Debug, Serialize)]
pub(super) struct Filter {
    service: String,
    status: String,
    user: String,
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
            user: listing.user,
            from: listing.from,
            until: listing.until,
            services: services(offers),
            statuses: statuses(),
        }
    }
}

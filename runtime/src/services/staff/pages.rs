//! What the staff's pages of services are rendered with.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::entity::{Run, RunStatus, RunSummary};
use super::super::narrowing::{Filter, Listing};
use super::super::offers::Offered;
use super::super::registry::Registry;
use super::super::rules;
use super::super::store::usage::Usage;
use super::RUNS;
use crate::clock::Timestamp;
use crate::credits::{self, Credits, Price};
use crate::error::FieldErrors;
use crate::ids::UserId;
use crate::pages::{Page, Sample};

pub(super) fn samples() -> Vec<Sample> {
    vec![
        Sample::of::<StaffServicesPage>(),
        Sample::of::<StaffServicePage>(),
        Sample::of::<StaffRunsPage>(),
        Sample::of::<StaffRunPage>(),
    ]
}

const SAMPLE_TIME: Timestamp = Timestamp::from_micros(1_795_251_905_000_000);

/// How much a service was used lately.
#[derive(Debug, Default, Serialize)]
pub(super) struct UsageView {
    pub runs: i64,
    pub succeeded: i64,
    pub failed: i64,
    pub cancelled: i64,
    pub users: i64,
    /// `120 credits`.
    pub charged: String,
    /// How long a run with a result took on average: `0.4 s`; none without one.
    pub usual_time: Option<String>,
}

impl From<Usage> for UsageView {
    fn from(usage: Usage) -> Self {
        let micros = usage.worked_micros.checked_div(usage.succeeded);
        Self {
            runs: usage.runs,
            succeeded: usage.succeeded,
            failed: usage.failed,
            cancelled: usage.cancelled,
            users: usage.users,
            charged: usage.charged.in_words(),
            usual_time: micros.map(seconds),
        }
    }
}

/// A time in seconds with one decimal place, `0.4 s`, or in milliseconds below that.
fn seconds(micros: i64) -> String {
    match micros.max(0) {
        short if short < 100_000 => format!("{} ms", short / 1000),
        long => format!("{}.{} s", long / 1_000_000, long / 100_000 % 10),
    }
}

/// A service as the staff sees it.
#[derive(Debug, Serialize)]
pub(super) struct StaffServiceRow {
    pub path: String,
    pub title: String,
    pub name: String,
    /// `1 credit`, `Free`.
    pub price: String,
    pub is_on: bool,
    pub usage: UsageView,
    /// The list of its runs.
    pub runs_path: String,
}

impl StaffServiceRow {
    pub fn new(offered: &Offered, usage: UsageView) -> Self {
        Self {
            path: format!("/admin/services/{}", offered.name),
            title: offered.service.title().to_owned(),
            name: offered.name.to_owned(),
            price: rules::price(offered.price.amount),
            is_on: offered.is_on,
            usage,
            runs_path: format!("{RUNS}?service={}", offered.name),
        }
    }

    fn sample(is_on: bool) -> Self {
        let usage = Usage {
            runs: 1204,
            succeeded: 1190,
            failed: 10,
            cancelled: 2,
            users: 37,
            charged: Credits::whole(1190),
            worked_micros: 476_000_000,
        };
        Self {
            path: "/admin/services/sentiment".into(),
            title: "Sentiment & <b>tone</b>".into(),
            name: "sentiment".into(),
            price: "1 credit".into(),
            is_on,
            usage: usage.into(),
            runs_path: "/admin/services/runs?service=sentiment".into(),
        }
    }
}

/// Every service, the cheapest first.
#[derive(Debug, Serialize)]
pub(super) struct StaffServicesPage {
    pub services: Vec<StaffServiceRow>,
}

impl Page for StaffServicesPage {
    const TEMPLATE: &'static str = "services/staff/services.html";

    fn sample() -> Self {
        Self {
            services: vec![
                StaffServiceRow::sample(true),
                StaffServiceRow::sample(false),
            ],
        }
    }
}

/// The form of a price.
#[derive(Debug, Serialize)]
pub(super) struct PriceForm {
    pub amount: String,
    /// The version that whoever fills it in has seen.
    pub seen: i64,
    pub errors: FieldErrors,
}

/// One version of a price.
#[derive(Debug, Serialize)]
pub(super) struct PriceRow {
    number: i64,
    /// `1 credit`, `Free`.
    price: String,
    since: Timestamp,
    by: String,
}

impl PriceRow {
    /// A service's prices, with the addresses of those who set them.
    pub fn all(
        history: &[(Price, credits::Actor, Timestamp)],
        emails: &BTreeMap<UserId, String>,
    ) -> Vec<Self> {
        let rows = history.iter().map(|(price, by, since)| Self {
            number: price.version.number,
            price: rules::price(price.amount),
            since: *since,
            by: match by {
                credits::Actor::System => "The application".into(),
                credits::Actor::User(user) => {
                    let email = emails.get(user).cloned();
                    email.unwrap_or_else(|| user.to_string())
                }
            },
        });
        rows.collect()
    }
}

/// One service.
#[derive(Debug, Serialize)]
pub(super) struct StaffServicePage {
    pub service: StaffServiceRow,
    pub description: String,
    pub is_in_background: bool,
    /// For whoever may change the price and switch it.
    pub form: Option<PriceForm>,
    pub prices: Vec<PriceRow>,
    /// What the code asks for, where that does not count.
    pub unheeded: Option<UnheededPrice>,
    /// Its last runs.
    pub runs: Vec<StaffRunRow>,
}

impl Page for StaffServicePage {
    const TEMPLATE: &'static str = "services/staff/service.html";

    fn sample() -> Self {
        Self {
            service: StaffServiceRow::sample(true),
            description: "Says how a text feels.".into(),
            is_in_background: true,
            form: Some(PriceForm {
                amount: "<b>".into(),
                seen: 2,
                errors: FieldErrors::one("amount", "Enter an amount such as 1 or 0.5."),
            }),
            prices: vec![PriceRow {
                number: 2,
                price: "1 credit".into(),
                since: SAMPLE_TIME,
                by: "ada&<b>@example.com".into(),
            }],
            unheeded: Some(UnheededPrice {
                price: "2 credits".into(),
                is_outvoted: true,
            }),
            runs: StaffRunRow::samples(),
        }
    }
}

/// A price that the code of a service asks for and nobody pays.
#[derive(Debug, Serialize)]
pub(super) struct UnheededPrice {
    /// `2 credits`.
    price: String,
    /// Because the staff has set another; else because the code has asked for it before.
    is_outvoted: bool,
}

impl UnheededPrice {
    /// `history` is the service's prices, the newest first.
    pub fn of(offered: &Offered, history: &[(Price, credits::Actor, Timestamp)]) -> Option<Self> {
        let asked = offered.service.cost();
        (asked != offered.price.amount).then(|| Self {
            price: rules::price(asked),
            is_outvoted: matches!(history.first(), Some((_, credits::Actor::User(_), _))),
        })
    }
}

/// A run in a list.
#[derive(Debug, Serialize)]
pub(super) struct StaffRunRow {
    path: String,
    title: String,
    /// Whose it is.
    email: String,
    /// None where the account is gone.
    user_path: Option<String>,
    status: RunStatus,
    /// `1 credit`, `Free`, `Not charged`.
    price: String,
    started_at: Timestamp,
}

impl StaffRunRow {
    pub fn new(run: &RunSummary, registry: &Registry, email: Option<&String>) -> Self {
        Self {
            path: format!("{RUNS}/{}", run.id),
            title: registry.title_of(&run.service),
            email: email
                .map_or("An account that is gone", String::as_str)
                .into(),
            user_path: email.map(|_| format!("/admin/users/{}", run.user)),
            status: run.status,
            price: rules::charge(run.status, run.cost),
            started_at: run.started_at,
        }
    }

    fn sample(status: RunStatus) -> Self {
        Self {
            path: "/admin/services/runs/1".into(),
            title: "Sentiment & <b>tone</b>".into(),
            email: "ada&<b>@example.com".into(),
            user_path: Some("/admin/users/1".into()),
            status,
            price: "1 credit".into(),
            started_at: SAMPLE_TIME,
        }
    }

    fn samples() -> Vec<Self> {
        RunStatus::ALL.into_iter().map(Self::sample).collect()
    }
}

/// Runs of everybody.
#[derive(Debug, Serialize)]
pub(super) struct StaffRunsPage {
    pub runs: Vec<StaffRunRow>,
    pub filter: Filter,
    /// Where the list begins; none there.
    pub newest: Option<String>,
    /// Where it goes on; none at its end.
    pub older: Option<String>,
}

impl Page for StaffRunsPage {
    const TEMPLATE: &'static str = "services/staff/runs.html";

    fn sample() -> Self {
        Self {
            runs: StaffRunRow::samples(),
            filter: Filter::new(
                &[],
                Listing {
                    user: "\"<b>".into(),
                    ..Listing::default()
                },
            ),
            newest: Some("/admin/services/runs?status=failed".into()),
            older: Some("/admin/services/runs?status=failed&before=1".into()),
        }
    }
}

/// One run: what became of it, not what was sent and what came back.
#[derive(Debug, Serialize)]
pub(super) struct StaffRunPage {
    pub run: StaffRunRow,
    pub id: String,
    pub service_path: String,
    pub price_version: Option<i64>,
    /// How long it took: `0.4 s`; none while it is under way.
    pub took: Option<String>,
    pub error: Option<String>,
    pub is_cancelling: bool,
}

impl StaffRunPage {
    pub fn new(run: &Run, row: StaffRunRow) -> Self {
        let took = run
            .finished_at
            .map(|end| end.as_micros().saturating_sub(run.started_at.as_micros()));
        Self {
            run: row,
            id: run.id.to_string(),
            service_path: format!("/admin/services/{}", run.service),
            price_version: run.price_version,
            took: took.map(seconds),
            error: run.error.clone(),
            is_cancelling: run.is_cancelling && !run.status.is_over(),
        }
    }
}

impl Page for StaffRunPage {
    const TEMPLATE: &'static str = "services/staff/run.html";

    fn sample() -> Self {
        Self {
            run: StaffRunRow::sample(RunStatus::Failed),
            id: "019a0000-0000-7000-8000-000000000000".into(),
            service_path: "/admin/services/sentiment".into(),
            price_version: Some(2),
            took: Some("0.4 s".into()),
            error: Some("The service <b>failed</b>.".into()),
            is_cancelling: true,
        }
    }
}

/// On the staff's overview.
#[derive(Debug, Serialize)]
pub(super) struct StaffOverviewPanel {
    runs: i64,
    failed: i64,
    charged: String,
}

impl StaffOverviewPanel {
    pub fn of(usage: impl Iterator<Item = Usage>) -> Self {
        let mut charged = Credits::ZERO;
        let mut panel = Self {
            runs: 0,
            failed: 0,
            charged: String::new(),
        };
        for one in usage {
            panel.runs += one.runs;
            panel.failed += one.failed;
            charged = charged.checked_add(one.charged).unwrap_or(Credits::MAX);
        }
        panel.charged = charged.in_words();
        panel
    }
}

/// On the staff's page of a user.
#[derive(Debug, Serialize)]
pub(super) struct StaffUserPanel {
    pub runs: Vec<StaffRunRow>,
    /// The list of all of them.
    pub path: String,
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn times_are_told_in_seconds() {
        assert_eq!(seconds(-1), "0 ms");
        assert_eq!(seconds(99_999), "99 ms");
        assert_eq!(seconds(449_999), "0.4 s");
        assert_eq!(seconds(61_500_000), "61.5 s");
    }
}

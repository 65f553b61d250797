//! What the pages and panels of services are rendered with.

use serde::Serialize;
use serde_json::Value;

use super::actions::SoFar;
use super::entity::{Run, RunStatus, RunSummary};
use super::form::Form;
use super::input::{InputSchema, Kind};
use super::narrowing::{Filter, Listing};
use super::offers::Offered;
use super::registry::Registry;
use super::rules;
use super::view::{Field, View, humanise};
use crate::clock::Timestamp;
use crate::credits::Balance;
use crate::error::FieldErrors;
use crate::pages::{Choice, Page, Sample};

pub(super) fn samples() -> Vec<Sample> {
    vec![
        Sample::of::<ServicesPage>(),
        Sample::of::<ServicePage>(),
        Sample::of::<RunPage>(),
        Sample::of::<RunsPage>(),
    ]
}

const SAMPLE_TIME: Timestamp = Timestamp::from_micros(1_795_251_905_000_000);

/// A service in a list.
#[derive(Debug, Serialize)]
pub(super) struct ServiceCard {
    pub path: String,
    pub title: String,
    pub description: String,
    /// `1 credit`, `Free`.
    pub price: String,
    pub is_free: bool,
}

impl ServiceCard {
    /// Every service that can be had, the cheapest first.
    pub fn all(offers: &[Offered]) -> Vec<Self> {
        let on = offers.iter().filter(|offered| offered.is_on);
        on.map(Self::from).collect()
    }

    fn sample() -> Self {
        Self {
            path: "/services/sentiment".into(),
            title: "Sentiment & <b>tone</b>".into(),
            description: "Says how a text feels.".into(),
            price: "1 credit".into(),
            is_free: false,
        }
    }
}

impl From<&Offered> for ServiceCard {
    fn from(offered: &Offered) -> Self {
        let cost = offered.price.amount;
        Self {
            path: format!("/services/{}", offered.name),
            title: offered.service.title().into(),
            description: offered.service.description().into(),
            price: rules::price(cost),
            is_free: cost.is_zero(),
        }
    }
}

/// Every service.
#[derive(Debug, Serialize)]
pub(super) struct ServicesPage {
    pub services: Vec<ServiceCard>,
    /// `100 credits`.
    pub available: String,
}

impl Page for ServicesPage {
    const TEMPLATE: &'static str = "services/list.html";

    fn sample() -> Self {
        Self {
            services: vec![ServiceCard::sample()],
            available: "100 credits".into(),
        }
    }
}

/// One service with its form.
#[derive(Debug, Serialize)]
pub(super) struct ServicePage {
    pub service: ServiceCard,
    /// `100 credits`.
    pub available: String,
    /// Whether it can be run; else the staff has switched it off.
    pub is_on: bool,
    /// Whether there is enough for a run.
    pub is_affordable: bool,
    pub form: Form,
    /// The version of the price that is shown.
    pub price_version: i64,
    /// Belongs to this one filling-in: sent twice, it is one run.
    pub key: String,
}

impl ServicePage {
    pub fn new(offered: &Offered, balance: Balance, form: Form, key: String) -> Self {
        Self {
            service: offered.into(),
            available: balance.available.in_words(),
            is_on: offered.is_on,
            is_affordable: offered.price.amount <= balance.available,
            form,
            price_version: offered.price.version.number,
            key,
        }
    }
}

impl Page for ServicePage {
    const TEMPLATE: &'static str = "services/service.html";

    fn sample() -> Self {
        let sent = [("text", "<b>not bold</b>"), ("strict", "true")];
        let sent = sent.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let errors = FieldErrors::one(
            "text",
            "“Text” must have at least 20 characters; it has 15.",
        );
        Self {
            service: ServiceCard::sample(),
            available: "0.5 credits".into(),
            is_on: true,
            is_affordable: false,
            form: Form::new(&sample_schema(), Some(&sent), errors),
            price_version: 1,
            key: "a-key".into(),
        }
    }
}

/// A schema with a field of each kind.
fn sample_schema() -> InputSchema {
    use super::files::FileType;
    use super::input::{InputField, TextFormat};
    let field = |name: &str, kind| InputField {
        name: name.into(),
        label: humanise(name),
        help: "What this is for.".into(),
        required: name != "mood",
        default: None,
        kind,
    };
    let text = |format| Kind::Text {
        min: 20,
        max: Some(5000),
        format,
    };
    let mood = Choice::new("bad", "Bad");
    let photo = Kind::File {
        types: vec![FileType::Jpeg],
        max_bytes: 1024,
    };
    let count = Kind::Integer {
        min: Some(1.into()),
        max: None,
    };
    InputSchema {
        fields: vec![
            field("name", text(TextFormat::Line)),
            field("text", text(TextFormat::Long)),
            field("count", count),
            field("mood", Kind::Choice(vec![mood])),
            field("strict", Kind::Flag),
            field("photo", photo),
        ],
        document: Value::Null,
    }
}

/// One run with what came of it.
#[derive(Debug, Serialize)]
pub(super) struct RunPage {
    pub title: String,
    /// Where the service can be run again; none where it is gone.
    pub service_path: Option<String>,
    /// Where the run is; below it `/events` and `/cancel`.
    pub run_path: String,
    pub status: RunStatus,
    /// Whether nothing more happens to it.
    pub is_over: bool,
    /// Whether its end was asked for.
    pub is_cancelling: bool,
    pub progress: Progress,
    /// What there is of the output of a run that has no result.
    pub so_far: String,
    /// The last event that this page knows of.
    pub last_event: i64,
    /// `1 credit`, `Free`.
    pub price: String,
    pub is_free: bool,
    pub input: View,
    pub output: Option<View>,
    /// Whether the result was removed because its time was up.
    pub is_forgotten: bool,
    pub error: Option<String>,
    pub started_at: Timestamp,
    /// What is there now: `99 credits`.
    pub remaining: String,
}

/// How far a run is.
#[derive(Debug, Serialize)]
pub(super) struct Progress {
    pub percent: i64,
    /// What it is doing; empty when it never said.
    pub message: String,
}

impl RunPage {
    pub fn new(run: &Run, so_far: SoFar, registry: &Registry, balance: Balance) -> Self {
        let service = registry.find(&run.service);
        let service = service.as_ref().map(|(_, service)| service);
        let view = |output: &Value| match service {
            Some(service) => service.view(output),
            None => View::of(output, &Value::Null),
        };
        let schema = service.map_or(&Value::Null, |service| &service.input().document);
        Self {
            title: registry.title_of(&run.service),
            service_path: service.map(|_| format!("/services/{}", run.service)),
            run_path: format!("/services/runs/{}", run.id),
            status: run.status,
            is_over: run.status.is_over(),
            is_cancelling: run.is_cancelling,
            progress: Progress {
                percent: so_far.permille / 10,
                message: so_far.message,
            },
            so_far: so_far.output,
            last_event: so_far.last,
            price: rules::price(run.cost),
            is_free: run.cost.is_zero(),
            input: View::of(&run.input, schema),
            output: run.output.as_ref().map(view),
            is_forgotten: run.forgotten_at.is_some(),
            error: run.error.clone(),
            started_at: run.started_at,
            remaining: balance.available.in_words(),
        }
    }
}

impl Page for RunPage {
    const TEMPLATE: &'static str = "services/run.html";

    fn sample() -> Self {
        let field = |label: &str, view| Field {
            label: label.into(),
            help: "Between -1 and 1.".into(),
            view,
        };
        let list = View::List {
            items: vec![View::text("one"), View::text("<i>two</i>")],
        };
        let nested = View::Fields {
            fields: vec![field("Words", list)],
        };
        Self {
            title: "Sentiment & <b>tone</b>".into(),
            service_path: Some("/services/sentiment".into()),
            run_path: "/services/runs/1".into(),
            status: RunStatus::Running,
            is_over: false,
            is_cancelling: false,
            progress: Progress {
                percent: 40,
                message: "Reading <b>page</b> 2".into(),
            },
            so_far: "It <i>begins</i>\nlike this".into(),
            last_event: 7,
            price: "1 credit".into(),
            is_free: false,
            input: View::Fields {
                fields: vec![field("Text", View::text("It's <b>fine</b>\nreally"))],
            },
            output: Some(View::Fields {
                fields: vec![field("Score", View::text("0.4")), field("Details", nested)],
            }),
            is_forgotten: false,
            error: None,
            started_at: SAMPLE_TIME,
            remaining: "99 credits".into(),
        }
    }
}

/// A run in a list.
#[derive(Debug, Serialize)]
pub(super) struct RunRow {
    pub path: String,
    pub title: String,
    pub status: RunStatus,
    pub price: String,
    pub started_at: Timestamp,
}

impl RunRow {
    pub fn new(run: &RunSummary, registry: &Registry) -> Self {
        Self {
            path: format!("/services/runs/{}", run.id),
            title: registry.title_of(&run.service),
            status: run.status,
            price: rules::charge(run.status, run.cost),
            started_at: run.started_at,
        }
    }
}

/// One's own runs.
#[derive(Debug, Serialize)]
pub(super) struct RunsPage {
    pub runs: Vec<RunRow>,
    pub filter: Filter,
    /// Whether only some are asked for.
    pub is_narrow: bool,
    /// Where the list begins; none there.
    pub newest: Option<String>,
    /// Where it goes on; none at its end.
    pub older: Option<String>,
}

impl Page for RunsPage {
    const TEMPLATE: &'static str = "services/runs.html";

    fn sample() -> Self {
        let row = |status| RunRow {
            path: "/services/runs/1".into(),
            title: "Sentiment & <b>tone</b>".into(),
            status,
            price: "1 credit".into(),
            started_at: SAMPLE_TIME,
        };
        Self {
            runs: RunStatus::ALL.into_iter().map(row).collect(),
            filter: Filter::new(&[], Listing::default()),
            is_narrow: true,
            newest: Some("/services/runs?status=failed".into()),
            older: Some("/services/runs?status=failed&before=1".into()),
        }
    }
}

/// The list of services on the dashboard and on the price list.
#[derive(Debug, Serialize)]
pub(super) struct ServicesPanel {
    pub services: Vec<ServiceCard>,
}

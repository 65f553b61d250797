//! What programs see of services and their runs, and how they start one.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use futures_util::FutureExt as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::actions::{self, Patience, Submission, Submitted};
use super::entity::{Run, RunId, RunStatus};
use super::live::Feed;
use super::offers::{self, Offered};
use super::registry::Registry;
use super::rules;
use super::service::AnyService;
use super::stream::{self, Json, last_seen};
use super::wish::Wish;
use crate::app::Core;
use crate::auth;
use crate::credits::{self, Credits, Owner};
use crate::error::{Error, Result};
use crate::http::{
    About, Answer, Call, Endpoint, Headers, Parameter, Place, Refusal, Scope, Shape, Special,
    example_of, type_name,
};

pub(super) static READ: Scope = Scope {
    name: "services:read",
    summary: "see which services there are and what your runs gave",
};
static RUN: Scope = Scope {
    name: "services:run",
    summary: "run services and pay for them with your credits",
};

pub(super) const GROUP: &str = "Services";
const RUNS: &str = "/api/v1/services/{name}/runs";

/// The endpoints for the services of `registry`, taking bodies of up to `body_limit` bytes.
pub(super) fn endpoints(registry: &Registry, body_limit: usize) -> Vec<Endpoint> {
    let about = |id, scope, summary, description| About {
        id,
        group: GROUP,
        summary,
        description,
        scope,
    };
    let list_about = about(
        "list_services",
        &READ,
        "Services",
        "Every service with its price.",
    );
    let service_about = about(
        "get_service",
        &READ,
        "One service",
        "A service with its price and the JSON Schemas of its input and output.",
    );
    let run_about = about(
        "run_service",
        &RUN,
        "Run a service",
        "Runs a service and waits for the result. A service that works in the background, or takes longer than 50 seconds, is \
         answered with 202 before that, and its run is asked for until it has ended. The price is charged only when there is one: a run that fails says \
         why and costs nothing. Send an `Idempotency-Key`, so that a request which is sent again is not paid twice.",
    );
    let result_about = about(
        "get_run",
        &READ,
        "One run",
        "A run with its result, once there is one.",
    );
    let events_about = about(
        "get_run_events",
        &READ,
        "What a run says while it is under way",
        "Server-sent events: `progress` (`fraction` from 0 to 1, `message`), `output` (`text`, more of the output), \
         `restarted` (the work began anew: forget the output so far), and at last `end` with the run as `get_run` gives \
         it. A line that begins with a colon only keeps the connection alive. A connection may end before the run: \
         connect again, with the last `id` as `Last-Event-ID`.",
    );
    let cancel_about = about(
        "cancel_run",
        &RUN,
        "Stop a run",
        "Asks for the end of a run. One that waits ends at once. One under way is told: it may still end with a result, \
         for which it is charged, else it is stopped within seconds and costs nothing. A run that has ended stays as \
         it is.",
    );
    let example = json!({ "text": "What a wonderful day!" });
    let run = Endpoint::post(RUNS, run_about, example, run)
        .parameter(name())
        .status(
            StatusCode::ACCEPTED,
            "Not ended: it waits or is under way. Ask for the run at `Location`, or listen to its events",
        )
        .located("/api/v1/runs/")
        .parameter(super::wish::parameter())
        .refuses(&credits::INSUFFICIENT)
        .refuses(&SWITCHED_OFF)
        .refuses(&auth::UNCONFIRMED)
        .body_limit(body_limit);
    let all = registry.by_cost();
    let run = all.iter().fold(run, |run, (name, service)| {
        run.special(special(name, service.as_ref()))
    });
    vec![
        Endpoint::get("/api/v1/services", list_about, list),
        Endpoint::get("/api/v1/services/{name}", service_about, service).parameter(name()),
        run,
        super::history::endpoint(),
        Endpoint::get("/api/v1/runs/{id}", result_about, find_run).parameter(run_id()),
        Endpoint::events("/api/v1/runs/{id}/events", events_about, EVENTS, events)
            .parameter(run_id())
            .parameter(Parameter {
                name: "Last-Event-ID",
                place: Place::Header,
                description: "The last event that you know of: only what came after it is sent.",
                schema: json!({ "type": "integer", "minimum": 0 }),
                example: json!(0),
            }),
        Endpoint::post("/api/v1/runs/{id}/cancel", cancel_about, json!({}), cancel)
            .parameter(run_id()),
    ]
}

/// How long a program waits for the result, before it is told to ask again.
const PATIENCE: Duration = Duration::from_secs(50);

const EVENTS: &str = "\
id: 1
event: progress
data: {\"fraction\":0.4,\"message\":\"Reading page 2\"}

id: 2
event: output
data: {\"text\":\"It begins like this\"}

event: end
data: {\"id\":\"019ab3f0-5c1e-7c3a-9a51-2f4b8c6d7e80\",\"status\":\"succeeded\"}

";

/// After how long it is worth asking again.
const SWITCHED_OFF_FOR: Duration = Duration::from_secs(5 * 60);

static SWITCHED_OFF: Refusal = Refusal {
    status: StatusCode::CONFLICT,
    code: "service_switched_off",
    detail: rules::SWITCHED_OFF,
    members: &[],
};

fn run_id() -> Parameter {
    Parameter {
        name: "id",
        place: Place::Path,
        description: "The run's identifier.",
        schema: json!({ "type": "string", "format": "uuid" }),
        example: json!("019ab3f0-5c1e-7c3a-9a51-2f4b8c6d7e80"),
    }
}

fn name() -> Parameter {
    Parameter {
        name: "name",
        place: Place::Path,
        description: "The service's name.",
        schema: json!({ "type": "string", "pattern": "^[a-z][a-z0-9_]*$" }),
        example: json!("text_sentiment_analysis"),
    }
}

/// What is known about running one service.
fn special(name: &str, service: &dyn AnyService) -> Special {
    let type_name = type_name(name);
    let (input, output) = (&service.input().document, service.output());
    let mut example = json_of(&RunView::example());
    example["service"] = json!(name);
    example["output"] = example_of(output);
    Special {
        path: RUNS.replace("{name}", name),
        id: format!("run_{name}"),
        summary: format!("Run “{}”", service.title()),
        description: service.description().to_owned(),
        body: (
            Shape::Named(format!("{type_name}Input"), self_contained(input)),
            example_of(input),
        ),
        answer: (
            Shape::refined::<RunView>(format!("{type_name}Run"), "output", self_contained(output)),
            example,
        ),
    }
}

/// `schema`, unless it refers to parts of itself, which stand elsewhere once it is a part: then anything.
fn self_contained(schema: &Value) -> Value {
    if schema.to_string().contains("\"$ref\"") {
        return json!({});
    }
    schema.clone()
}

fn json_of(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// Every service.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ServiceList", extend("additionalProperties" = false))]
struct ServicesView {
    data: Vec<ServiceSummary>,
}

/// One service.
#[derive(Serialize, JsonSchema)]
#[schemars(extend("additionalProperties" = false))]
struct ServiceSummary {
    /// As it stands in addresses.
    name: String,
    title: String,
    description: String,
    /// What a run costs, in credits: a decimal text, exact to a thousandth.
    #[schemars(regex(pattern = r"^\d+(\.\d{1,3})?$"))]
    cost: String,
    /// Whether it can be run now.
    available: bool,
}

/// One service with what it takes and gives.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Service", extend("additionalProperties" = false))]
struct ServiceView {
    /// As it stands in addresses.
    name: String,
    title: String,
    description: String,
    /// What a run costs, in credits: a decimal text, exact to a thousandth.
    #[schemars(regex(pattern = r"^\d+(\.\d{1,3})?$"))]
    cost: String,
    /// Whether it can be run now.
    available: bool,
    /// What the body of a run must fit: a JSON Schema.
    input: Map<String, Value>,
    /// What the output of a run fits: a JSON Schema.
    output: Map<String, Value>,
}

/// One run of a service.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Run", extend("additionalProperties" = false))]
struct RunView {
    #[schemars(extend("format" = "uuid"))]
    id: String,
    /// The service's name.
    service: String,
    status: RunStatus,
    /// What came of it; null unless it has succeeded, and once the result was removed.
    output: Value,
    /// Why there is no result, in a sentence; null unless it has failed or was cancelled.
    error: Option<String>,
    credits: RunCredits,
    #[schemars(extend("format" = "date-time"))]
    created_at: String,
    /// Null while it runs.
    #[schemars(extend("format" = "date-time"))]
    finished_at: Option<String>,
    /// When the result of a run in the background was removed; null while it is kept.
    #[schemars(extend("format" = "date-time"))]
    result_removed_at: Option<String>,
}

/// What a run cost, in credits: decimal texts, exact to a thousandth.
#[derive(Serialize, JsonSchema)]
#[schemars(extend("additionalProperties" = false))]
struct RunCredits {
    /// What was charged; while it runs, what is set aside; nothing when it failed.
    #[schemars(regex(pattern = r"^\d+(\.\d{1,3})?$"))]
    cost: String,
    /// What the account has available now.
    #[schemars(regex(pattern = r"^\d+(\.\d{1,3})?$"))]
    balance: String,
}

impl ServiceSummary {
    fn new(offered: &Offered) -> Self {
        Self {
            name: offered.name.into(),
            title: offered.service.title().into(),
            description: offered.service.description().into(),
            cost: offered.price.amount.to_string(),
            available: offered.is_on,
        }
    }

    fn sentiment() -> Self {
        Self {
            name: "text_sentiment_analysis".into(),
            title: "Sentiment of a text".into(),
            description: "Whether a text is positive, negative or neutral.".into(),
            cost: "1".into(),
            available: true,
        }
    }
}

impl Answer for ServicesView {
    fn example() -> Self {
        let data = vec![ServiceSummary::sentiment()];
        Self { data }
    }
}

impl ServiceView {
    fn new(summary: ServiceSummary, (input, output): (&Value, &Value)) -> Self {
        let ServiceSummary {
            name,
            title,
            description,
            cost,
            available,
        } = summary;
        let object = |schema: &Value| schema.as_object().cloned().unwrap_or_default();
        Self {
            name,
            title,
            description,
            cost,
            available,
            input: object(input),
            output: object(output),
        }
    }
}

impl Answer for ServiceView {
    fn example() -> Self {
        let text = json!({ "type": "object", "properties": { "text": { "type": "string" } } });
        let mood = json!({ "type": "object", "properties": { "mood": { "type": "string" } } });
        Self::new(ServiceSummary::sentiment(), (&text, &mood))
    }
}

impl RunView {
    async fn new(core: &Core, run: Run) -> Result<Self> {
        let owner = Owner::User(run.user.clone());
        let balance = credits::actions::balance(core, &owner).await?;
        Ok(Self::of(run, balance.available))
    }

    fn of(run: Run, available: Credits) -> Self {
        let cost = rules::charged(run.status, run.cost);
        Self {
            id: run.id.to_string(),
            service: run.service,
            status: run.status,
            output: run.output.unwrap_or_default(),
            error: run.error,
            credits: RunCredits {
                cost: cost.to_string(),
                balance: available.to_string(),
            },
            created_at: run.started_at.rfc3339(),
            finished_at: run.finished_at.map(|at| at.rfc3339()),
            result_removed_at: run.forgotten_at.map(|at| at.rfc3339()),
        }
    }
}

impl Answer for RunView {
    fn example() -> Self {
        Self {
            id: "019ab3f0-5c1e-7c3a-9a51-2f4b8c6d7e80".into(),
            service: "text_sentiment_analysis".into(),
            status: RunStatus::Succeeded,
            output: json!({ "mood": "positive" }),
            error: None,
            credits: RunCredits {
                cost: "1".into(),
                balance: "99".into(),
            },
            created_at: "2026-11-21T09:05:00Z".into(),
            finished_at: Some("2026-11-21T09:05:01Z".into()),
            result_removed_at: None,
        }
    }
}

async fn list(call: Call) -> Result<ServicesView> {
    let all = offers::all(call.core()).await?;
    Ok(ServicesView {
        data: all.iter().map(ServiceSummary::new).collect(),
    })
}

async fn service(call: Call) -> Result<ServiceView> {
    let offered = offers::find(call.core(), call.param("name")?).await?;
    let service = &offered.service;
    let schemas = (&service.input().document, service.output());
    Ok(ServiceView::new(ServiceSummary::new(&offered), schemas))
}

async fn run(call: Call, input: Map<String, Value>) -> Result<(StatusCode, Headers, RunView)> {
    let core = call.core();
    let offered = offers::find(core, call.param("name")?).await?;
    let wish = Wish::of(&call);
    let is_later = wish.is_for_later || offered.service.background();
    let submission = Submission {
        key: call.key(),
        input,
        patience: Patience::AtMost(wish.wait.map_or(PATIENCE, |wait| wait.min(PATIENCE))),
        is_for_later: wish.is_for_later,
    };
    let (run, available) = match actions::run(core, &call.caller, offered, submission).await? {
        Submitted::Run { run, available } => (*run, available),
        Submitted::Invalid(errors) => return Err(Error::invalid_fields(&errors)),
        Submitted::KeyReused => return Err(Error::idempotency_key_reused()),
        Submitted::SwitchedOff => {
            let refusal = Error::conflict(SWITCHED_OFF.code, rules::SWITCHED_OFF);
            return Err(refusal.after(SWITCHED_OFF_FOR));
        }
    };
    let status = match run.status {
        RunStatus::Queued | RunStatus::Running => StatusCode::ACCEPTED,
        RunStatus::Succeeded | RunStatus::Failed | RunStatus::Cancelled => StatusCode::OK,
    };
    let is_later = is_later && status == StatusCode::ACCEPTED;
    let headers = wish.applied(is_later, PATIENCE);
    let view = match available {
        Some(available) => RunView::of(run, available),
        None => RunView::new(core, run).await?,
    };
    Ok((status, headers, view))
}

async fn find_run(call: Call) -> Result<RunView> {
    let id: RunId = call.param("id")?.parse()?;
    let run = actions::find_run(call.core(), &call.caller.id, &id).await?;
    RunView::new(call.core(), run).await
}

async fn events(call: Call) -> Result<Response> {
    let (core, user) = (call.core().clone(), call.caller.id.clone());
    let run = actions::find_run(&core, &user, &call.param("id")?.parse()?).await?;
    let after = last_seen(call.header("last-event-id"), None);
    let feed = Feed::open(&core, &user, &run.id, after)?;
    let end = Box::new(move || {
        let (core, user, id) = (core.clone(), user.clone(), run.id.clone());
        async move {
            let run = actions::find_run(&core, &user, &id).await?;
            Ok(json_of(&RunView::new(&core, run).await?))
        }
        .boxed()
    });
    Ok(stream::respond(feed, Json { end }))
}

/// Nothing needs to be said about why.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Cancellation {}

async fn cancel(call: Call, Cancellation {}: Cancellation) -> Result<(StatusCode, RunView)> {
    let id: RunId = call.param("id")?.parse()?;
    let run = actions::cancel(call.core(), &call.caller.id, &id).await?;
    Ok((StatusCode::OK, RunView::new(call.core(), run).await?))
}

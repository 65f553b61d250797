//! One's own runs as a list for programs: in pages, narrowed down.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::actions;
use super::api::{GROUP, READ};
use super::entity::{RunFilter, RunStatus, RunSummary};
use super::registry::is_name;
use super::rules;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::http::{About, Answer, Call, Endpoint, Parameter, Place};

const MOST: usize = 100;
const USUAL: usize = 50;

pub(super) fn endpoint() -> Endpoint {
    let about = About {
        id: "list_runs",
        group: GROUP,
        summary: "Your runs",
        description: "Your runs, the newest first, in pages; without their results.",
        scope: &READ,
    };
    let parameter = |name, description, schema: Value, example: Value| Parameter {
        name,
        place: Place::Query,
        description,
        schema,
        example,
    };
    let instant = || json!({ "type": "string", "format": "date-time" });
    let parameters = [
        parameter(
            "service",
            "Only runs of the service of this name.",
            json!({ "type": "string", "pattern": "^[a-z][a-z0-9_]*$" }),
            json!("text_sentiment_analysis"),
        ),
        parameter(
            "status",
            "Only runs that stand like this.",
            json!({ "type": "string", "enum": RunStatus::ALL.map(RunStatus::as_str) }),
            json!("succeeded"),
        ),
        parameter(
            "since",
            "Only runs that were asked for at this instant or after it.",
            instant(),
            json!("2026-11-21T00:00:00Z"),
        ),
        parameter(
            "until",
            "Only runs that were asked for before this instant.",
            instant(),
            json!("2026-11-22T00:00:00Z"),
        ),
        parameter(
            "cursor",
            "Where the page begins: the `next_cursor` of the page before.",
            json!({ "type": "string", "format": "uuid" }),
            json!("019ab3f0-5c1e-7c3a-9a51-2f4b8c6d7e80"),
        ),
        parameter(
            "limit",
            "How many runs a page has at most.",
            json!({ "type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL }),
            json!(USUAL),
        ),
    ];
    let list = Endpoint::get("/api/v1/runs", about, list);
    parameters.into_iter().fold(list, Endpoint::parameter)
}

/// A page of one's runs.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RunPage", extend("additionalProperties" = false))]
struct RunsView {
    data: Vec<RunSummaryView>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
}

/// A run without what came of it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RunSummary", extend("additionalProperties" = false))]
struct RunSummaryView {
    #[schemars(extend("format" = "uuid"))]
    id: String,
    /// The service's name.
    service: String,
    status: RunStatus,
    /// What was charged, in credits: a decimal text, exact to a thousandth; while it runs, what is set aside; nothing
    /// when it failed.
    #[schemars(regex(pattern = r"^\d+(\.\d{1,3})?$"))]
    cost: String,
    #[schemars(extend("format" = "date-time"))]
    created_at: String,
    /// Null while it runs.
    #[schemars(extend("format" = "date-time"))]
    finished_at: Option<String>,
}

impl From<RunSummary> for RunSummaryView {
    fn from(run: RunSummary) -> Self {
        Self {
            id: run.id.to_string(),
            service: run.service,
            status: run.status,
            cost: rules::charged(run.status, run.cost).to_string(),
            created_at: run.started_at.rfc3339(),
            finished_at: run.finished_at.map(Timestamp::rfc3339),
        }
    }
}

impl Answer for RunsView {
    fn example() -> Self {
        Self {
            data: vec![RunSummaryView {
                id: "019ab3f0-5c1e-7c3a-9a51-2f4b8c6d7e80".into(),
                service: "text_sentiment_analysis".into(),
                status: RunStatus::Succeeded,
                cost: "1".into(),
                created_at: "2026-11-21T09:05:00Z".into(),
                finished_at: Some("2026-11-21T09:05:01Z".into()),
            }],
            next_cursor: Some("019ab3f0-5c1e-7c3a-9a51-2f4b8c6d7e80".into()),
        }
    }
}

async fn list(call: Call) -> Result<RunsView> {
    let instant = |name| call.parsed(name, "an instant of RFC 3339", Timestamp::of_rfc3339);
    let filter = RunFilter {
        service: call.parsed("service", "the name of a service", |name| {
            is_name(name).then(|| name.to_owned())
        })?,
        status: call.parsed("status", "a status of runs", RunStatus::parse)?,
        from: instant("since")?,
        until: instant("until")?,
        before: call.parsed("cursor", "the `next_cursor` of a page", |id| {
            id.parse().ok()
        })?,
    };
    let limit = call.parsed("limit", "a whole number from 1 to 100", |text| {
        let number = text.parse().ok()?;
        (1..=MOST).contains(&number).then_some(number)
    })?;
    let limit = limit.unwrap_or(USUAL);
    let page = actions::list_runs(call.core(), &call.caller.id, &filter, limit);
    let (runs, next) = page.await?;
    Ok(RunsView {
        data: runs.into_iter().map(RunSummaryView::from).collect(),
        next_cursor: next.map(|id| id.to_string()),
    })
}

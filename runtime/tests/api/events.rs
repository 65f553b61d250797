//! Runs that programs watch and stop while they are under way.

use axum::body::Body;
use axum::http::Request;
use quickscale_runtime::testing::TestApp;
use serde_json::{Value, json};

use crate::offered::Strings;
use crate::program::{Program, assert_problem, offering_of, settings};
use crate::support::{column, until};

const RUNS: &str = "/api/v1/services/obedient/runs";

async fn start() -> (TestApp, Strings, Program) {
    let strings = Strings::default();
    let app = offering_of(&strings, settings()).start().await;
    let program = Program::of_new_user(&app, "ada@example.com").await;
    (app, strings, program)
}

/// Has a run begun by somebody who waits for it, and gives its address once it has said something.
async fn begin(app: &TestApp, program: &Program, order: &'static str) -> String {
    let caller = program.clone();
    tokio::spawn(async move { caller.post(RUNS, &json!({ "text": order })).await });
    let spoken = "SELECT run_id FROM service_run_events ORDER BY seq LIMIT 1";
    until("it speaks", async || !column(app, spoken).await.is_empty()).await;
    format!("/api/v1/runs/{}", column(app, spoken).await[0])
}

/// The events of a stream: number, name, data.
fn events(text: &str) -> Vec<(Option<i64>, String, Value)> {
    let blocks = text.split("\n\n").filter(|block| !block.trim().is_empty());
    blocks
        .map(|block| {
            let field = |name: &str| {
                let mut lines = block.lines();
                lines
                    .find_map(|line| line.strip_prefix(name))
                    .map(str::to_owned)
            };
            (
                field("id: ").map(|id| id.parse().unwrap()),
                field("event: ").unwrap(),
                serde_json::from_str(&field("data: ").unwrap()).unwrap(),
            )
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_hears_what_a_run_says_and_at_last_what_came_of_it() {
    let (app, strings, program) = start().await;
    let run = begin(&app, &program, "talk").await;
    let early = program.get(&run).await.json();
    assert_eq!(
        (&early["status"], &early["output"]),
        (&json!("running"), &Value::Null)
    );
    let (watching, path) = (program.clone(), format!("{run}/events"));
    let stream = tokio::spawn(async move { watching.get(&path).await });
    strings.gate.add_permits(1);
    let stream = stream.await.unwrap();
    assert_eq!(stream.headers["content-type"], "text/event-stream");
    let heard = events(&stream.text);
    let progress = json!({ "fraction": 0.256, "message": "half <i>way</i>" });
    assert_eq!(heard[0], (Some(1), "progress".into(), progress));
    let text: String = heard
        .iter()
        .filter(|(_, name, _)| name == "output")
        .map(|(.., data)| data["text"].as_str().unwrap())
        .collect();
    assert_eq!(text, "Hello <b>\n world");
    let (id, name, end) = heard.last().unwrap();
    assert_eq!((id, name.as_str()), (&None, "end"));
    assert_eq!(*end, program.get(&run).await.json());
    assert_eq!(end["output"]["answer"], "talked");

    let last = heard[heard.len() - 2].0.unwrap().to_string();
    let request = Request::get(format!("{run}/events"))
        .header("authorization", format!("Bearer {}", program.key))
        .header("last-event-id", last);
    let rest = program.send(request, Body::empty()).await;
    assert_eq!(events(&rest.text).len(), 1, "{}", rest.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_stops_a_run() {
    let (app, _, program) = start().await;
    let run = begin(&app, &program, "object").await;
    let cancel = format!("{run}/cancel");
    let nobody = Program::of_new_user(&app, "bob@example.com").await;
    assert_problem(&nobody.post(&cancel, &json!({})).await, 404, "not_found");
    let asked = program.post_once(&cancel, &json!({}), "stop-it").await;
    assert_eq!(asked.status, 200, "{}", asked.text);
    let heard = events(&program.get(&format!("{run}/events")).await.text);
    let end = &heard.last().unwrap().2;
    assert_eq!(end["status"], "cancelled", "{end}");
    assert_eq!(end["credits"], json!({ "cost": "0", "balance": "100" }));
    assert_eq!(program.post(&cancel, &json!({})).await.json(), *end);
}

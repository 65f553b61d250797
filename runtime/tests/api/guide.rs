//! The guide to work that takes its time: its service is the one that runs here, and programs are answered as it says.

mod page_count;

use std::path::Path;

use quickscale_runtime::api;
use quickscale_runtime::credits::Credits;
use quickscale_runtime::services::{self, Services};
use quickscale_runtime::testing::TestApp;
use serde_json::json;

use crate::offered::app_with;
use crate::program::{Program, settings};
use crate::support::ledger::assert_sound;
use crate::support::overlay;

const RUNS: &str = "/api/v1/services/page_count/runs";

fn offered() -> Services {
    services::module(services::Settings::default()).service("page_count", page_count::service())
}

async fn start() -> (TestApp, Program) {
    let app = app_with(Credits::whole(100), offered()).module(api::module(settings()));
    let app = TestApp::builder(app).overlay(overlay()).start().await;
    let program = Program::of_new_user(&app, "ada@example.com").await;
    (app, program)
}

/// What the guide shows as `kind`.
fn shown(kind: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let guide = std::fs::read_to_string(root.join("docs/guides/background-services.md")).unwrap();
    let (_, rest) = guide.split_once(&format!("```{kind}\n")).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_service_of_the_guide_is_the_one_that_is_tried_here() {
    assert_eq!(shown("rust,ignore"), include_str!("guide/page_count.rs"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_speaks_and_costs_what_it_says() {
    let (app, program) = start().await;
    let book = json!({ "text": "Once upon\n\na time" });
    let answer = program.post_once(RUNS, &book, "my-book").await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert_eq!(answer.json()["status"], "queued");
    let run = answer.headers["location"].to_str().unwrap().to_owned();
    app.work_jobs().await;
    let events = program.get(&format!("{run}/events")).await.text;
    assert!(events.starts_with(&shown("text")), "{events}");
    assert!(events.contains("event: end\n"), "{events}");
    let ended = program.get(&run).await.json();
    assert_eq!(ended["output"], json!({ "pages": 2, "words": 4 }));
    let credits = json!({ "cost": "2", "balance": "98" });
    assert_eq!(ended["credits"], credits);
    let again = program.post_once(RUNS, &book, "my-book").await;
    assert_eq!(again.text, answer.text);
    assert_sound(&app.core, "after a run of the guide's service").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_waits_is_stopped_for_nothing() {
    let (app, program) = start().await;
    let book = json!({ "text": "Once upon\n\na time" });
    let answer = program.post(RUNS, &book).await;
    let run = answer.headers["location"].to_str().unwrap().to_owned();
    let stopped = program.post(&format!("{run}/cancel"), &json!({})).await;
    assert_eq!(stopped.json()["status"], "cancelled", "{}", stopped.text);
    app.work_jobs().await;
    let credits = json!({ "cost": "0", "balance": "100" });
    assert_eq!(program.get(&run).await.json()["credits"], credits);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_pages_than_the_price_pays_for_are_refused() {
    let (_app, program) = start().await;
    let text = ["page"; 21].join("\n\n");
    let answer = program.post(RUNS, &json!({ "text": text })).await;
    assert_eq!(answer.status, 422, "{}", answer.text);
}

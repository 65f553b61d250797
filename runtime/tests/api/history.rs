//! One's own runs as programs list them: narrowed down, and in pages.

use std::time::Duration;

use quickscale_runtime::testing::TestApp;
use serde_json::{Value, json};

use crate::program::{Program, assert_problem, start};

/// Runs `free`, `obedient` and an `obedient` that fails, a day after each other, the first at the clock's time.
async fn with_runs() -> (TestApp, Program) {
    let (app, _) = start().await;
    let program = Program::of_new_user(&app, "ada@example.com").await;
    for (service, text) in [("free", "hi"), ("obedient", "hi"), ("obedient", "fail")] {
        let path = format!("/api/v1/services/{service}/runs");
        let answer = program.post(&path, &json!({ "text": text })).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        app.clock.advance(Duration::from_secs(24 * 60 * 60));
    }
    (app, program)
}

/// Service, status and cost of each run that is listed.
async fn listed(program: &Program, query: &str) -> Vec<[String; 3]> {
    let page = program.get(&format!("/api/v1/runs{query}")).await.json();
    let runs = page["data"].as_array().unwrap();
    let text = |run: &Value, name: &str| run[name].as_str().unwrap().to_owned();
    runs.iter()
        .map(|run| ["service", "status", "cost"].map(|name| text(run, name)))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_lists_the_runs_that_it_asks_for() {
    let (app, program) = with_runs().await;
    let runs = program.get("/api/v1/runs").await.json();
    // The newest comes first.
    let second = runs["data"][1]["created_at"].as_str().unwrap().to_owned();
    let free = ["free", "succeeded", "0"];
    let paid = ["obedient", "succeeded", "7"];
    let failed = ["obedient", "failed", "0"];
    for (query, expected) in [
        (String::new(), vec![failed, paid, free]),
        ("?service=obedient".into(), vec![failed, paid]),
        ("?service=gone".into(), vec![]),
        ("?status=succeeded".into(), vec![paid, free]),
        ("?status=queued".into(), vec![]),
        (format!("?since={second}"), vec![failed, paid]),
        (format!("?until={second}"), vec![free]),
        (format!("?since={second}&status=succeeded"), vec![paid]),
    ] {
        assert_eq!(listed(&program, &query).await, expected, "{query}");
    }
    let bob = Program::of_new_user(&app, "bob@example.com").await;
    assert!(listed(&bob, "").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_go_on_where_the_one_before_ended() {
    let (_app, program) = with_runs().await;
    let all = program.get("/api/v1/runs").await.json();
    assert_eq!(all["next_cursor"], Value::Null);
    let mut seen = Vec::new();
    let mut path = "/api/v1/runs?limit=1&service=obedient".to_owned();
    loop {
        let page = program.get(&path).await.json();
        seen.extend(page["data"].as_array().unwrap().clone());
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/api/v1/runs?limit=1&service=obedient&cursor={next}");
    }
    assert_eq!(seen, all["data"].as_array().unwrap()[..2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_narrows_nothing_down_is_refused() {
    let (_app, program) = with_runs().await;
    for query in [
        "service=",
        "service=%00",
        "service=No",
        "status=odd",
        "since=yesterday",
        "until=2026-11-21",
        "cursor=x",
        "cursor=%00",
        "limit=0",
        "limit=101",
    ] {
        let answer = program.get(&format!("/api/v1/runs?{query}")).await;
        assert_problem(&answer, 422, "invalid_input");
        let name = query.split('=').next().unwrap();
        let text = &answer.text;
        assert!(text.contains(&format!("`{name}`")), "{query}: {text}");
    }
}

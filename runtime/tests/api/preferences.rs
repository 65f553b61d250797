//! How programs prefer to be answered: at once, or after a while.

use std::sync::atomic::Ordering;

use quickscale_runtime::testing::TestApp;
use serde_json::{Value, json};

use crate::offered::Strings;
use crate::program::{Program, offering_of, settings};
use crate::support::ledger::assert_sound;

const RUNS: &str = "/api/v1/services/obedient/runs";

async fn start() -> (TestApp, Strings, Program) {
    let strings = Strings::default();
    let app = offering_of(&strings, settings()).start().await;
    let program = Program::of_new_user(&app, "ada@example.com").await;
    (app, strings, program)
}

async fn balance(program: &Program) -> (Value, Value) {
    let mut balance = program.get("/api/v1/credits/balance").await.json();
    (balance["available"].take(), balance["held"].take())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_wait_is_answered_at_once_and_the_run_is_done_in_the_background() {
    let (app, strings, program) = start().await;
    let headers = [("prefer", "respond-async"), ("idempotency-key", "once")];
    let body = json!({ "text": "Hello" });
    let answer = program.post_with(RUNS, &body, &headers).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert_eq!(answer.json()["status"], "queued");
    let location = answer.headers["location"].to_str().unwrap().to_owned();
    assert_eq!(balance(&program).await, (json!("93"), json!("7")));
    assert_eq!(strings.worked.load(Ordering::SeqCst), 0);
    let again = program.post_with(RUNS, &body, &headers).await;
    assert_eq!((again.status, &again.text), (answer.status, &answer.text));
    assert_eq!(again.headers["location"], *location);
    for answer in [&answer, &again] {
        assert_eq!(answer.headers["preference-applied"], "respond-async");
    }
    for _ in 0..2 {
        app.work_jobs().await;
        let run = program.get(&location).await.json();
        assert_eq!(run["status"], "succeeded", "{run}");
        assert_eq!(run["output"], json!({ "answer": "Hello" }));
        assert_eq!(balance(&program).await, (json!("93"), json!("0")));
    }
    assert_eq!(strings.worked.load(Ordering::SeqCst), 1);
    assert_sound(&app.core, "after a run in the background").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_no_longer_is_told_of_a_run_under_way() {
    let (_app, strings, program) = start().await;
    let body = json!({ "text": "wait" });
    let answer = program
        .post_with(RUNS, &body, &[("prefer", "wait=0")])
        .await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert_eq!(answer.headers["preference-applied"], "wait=0");
    assert_eq!(answer.json()["status"], "running");
    let location = answer.headers["location"].to_str().unwrap().to_owned();
    strings.gate.add_permits(1);
    let events = program.get(&format!("{location}/events")).await.text;
    assert!(events.contains("\"succeeded\""), "{events}");
    let body = json!({ "text": "Hello" });
    let answer = program
        .post_with(RUNS, &body, &[("prefer", "wait=60")])
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    // Nobody waits as long as that.
    assert!(!answer.headers.contains_key("preference-applied"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_again_says_again_what_was_done_of_the_preference() {
    let (_app, strings, program) = start().await;
    strings.gate.add_permits(1);
    let body = json!({ "text": "wait" });
    let headers = [("prefer", "wait=30"), ("idempotency-key", "once")];
    let first = program.post_with(RUNS, &body, &headers).await;
    assert_eq!(first.status, 200, "{}", first.text);
    assert_eq!(first.headers["preference-applied"], "wait=30");
    // The first answer is what counts, whatever is preferred now.
    let headers = [("prefer", "respond-async"), ("idempotency-key", "once")];
    let again = program.post_with(RUNS, &body, &headers).await;
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.headers["preference-applied"], "wait=30");
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    let refused = json!({ "text": 1 });
    let refused = program
        .post_with(RUNS, &refused, &[("prefer", "wait=30")])
        .await;
    assert_eq!(refused.status, 422);
    assert!(!refused.headers.contains_key("preference-applied"));
}

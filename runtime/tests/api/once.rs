//! Requests that come twice: one after the other, at once, over two processes, after a death.

use std::sync::atomic::Ordering;
use std::time::Duration;

use quickscale_runtime::testing::Answer;
use serde_json::{Value, json};

use crate::program::{Program, assert_problem, offering, settings, start};
use crate::support::ledger::{assert_sound, count};
use crate::support::{column, sign_up_admin};

const PATH: &str = "/api/v1/services/obedient/runs";

fn text(text: &str) -> Value {
    json!({ "text": text })
}

fn is_replay(answer: &Answer) -> bool {
    answer.headers.contains_key("idempotent-replayed")
}

async fn balance(program: &Program) -> String {
    let answer = program.get("/api/v1/credits/balance").await;
    answer.json()["available"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_gives_the_same_answer_and_happens_once() {
    let (app, worked) = start().await;
    let program = Program::of_new_user(&app, "ada@example.com").await;
    let first = program.post_once(PATH, &text("Hello"), "first").await;
    assert_eq!(first.status, 200, "{}", first.text);
    assert_eq!(
        first.json()["credits"],
        json!({ "cost": "7", "balance": "93" })
    );
    program.post(PATH, &text("in between")).await;
    let again = program.post_once(PATH, &text("Hello"), "first").await;
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    assert!(is_replay(&again) && !is_replay(&first));
    assert_eq!(worked.load(Ordering::SeqCst), 2);
    let other = program.post_once(PATH, &text("Goodbye"), "first").await;
    assert_problem(&other, 422, "idempotency_key_reused");
    let elsewhere = program
        .post_once("/api/v1/services/free/runs", &text("Hello"), "first")
        .await;
    assert_problem(&elsewhere, 422, "idempotency_key_reused");
    assert_eq!(balance(&program).await, "86");
    // Another person's keys are his own.
    let eve = Program::of_new_user(&app, "eve@example.com").await;
    let hers = eve.post_once(PATH, &text("Goodbye"), "first").await;
    assert_eq!(hers.status, 200);
    assert!(!is_replay(&hers));
    assert_sound(&app.core, "after requests that came twice").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_fails_costs_nothing_and_its_answer_stays_too() {
    let (app, worked) = start().await;
    let program = Program::of_new_user(&app, "ada@example.com").await;
    for (service, order, sentence) in [
        ("obedient", "refuse", "This text is of no use."),
        ("obedient", "fail", "The service failed. We have been told."),
        (
            "obedient",
            "panic",
            "The service failed. We have been told.",
        ),
        // It never ends, however busy the machine is; the others have time.
        (
            "hurried",
            "hang",
            "The service took too long and was stopped.",
        ),
    ] {
        worked.store(0, Ordering::SeqCst);
        for _ in 0..2 {
            let path = PATH.replace("obedient", service);
            let answer = program.post_once(&path, &text(order), order).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            let run = answer.json();
            assert_eq!(run["status"], "failed");
            assert_eq!(run["error"], sentence);
            assert_eq!(run["output"], Value::Null);
            assert_eq!(run["credits"], json!({ "cost": "0", "balance": "100" }));
        }
        assert_eq!(worked.load(Ordering::SeqCst), 1, "{order}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_an_answer_that_stays() {
    let (app, _) = start().await;
    let program = Program::of_new_user(&app, "ada@example.com").await;
    for _ in 0..14 {
        program.post(PATH, &text("spend")).await;
    }
    let first = program.post_once(PATH, &text("x"), "poor").await;
    assert_problem(&first, 402, "insufficient_credits");
    let again = program.post_once(PATH, &text("x"), "poor").await;
    assert_eq!(again.text, first.text);
    assert!(is_replay(&again));
    let invalid = program.post_once(PATH, &json!({}), "invalid").await;
    assert_problem(&invalid, 422, "invalid_input");
    assert_eq!(invalid.json()["errors"]["text"], "Fill in “Text”.");
}

/// 20 equal requests at once, in turn to each of `programs`; the answers are one answer.
async fn all_at_once(programs: &[Program], key: &'static str) -> Answer {
    let tasks: Vec<_> = (0..20)
        .map(|at| {
            let program = programs[at % programs.len()].clone();
            tokio::spawn(async move { program.post_once(PATH, &text("rest"), key).await })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    let first = answers.pop().unwrap();
    assert_eq!(first.status, 200, "{}", first.text);
    let mut fresh = usize::from(!is_replay(&first));
    for answer in &answers {
        assert_eq!((answer.status, &answer.text), (first.status, &first.text));
        fresh += usize::from(!is_replay(answer));
    }
    assert_eq!(
        fresh, 1,
        "one was answered by work, the others by its answer"
    );
    first
}

#[tokio::test(flavor = "multi_thread")]
async fn of_20_equal_requests_at_once_one_happens() {
    let (app, worked) = start().await;
    let program = Program::of_new_user(&app, "ada@example.com").await;
    all_at_once(std::slice::from_ref(&program), "at-once").await;
    assert_eq!(worked.load(Ordering::SeqCst), 1);
    assert_eq!(balance(&program).await, "93");
    assert_eq!(count(&app.core, "service_runs").await, 1);
    assert_sound(&app.core, "after equal requests at once").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_20_equal_requests_to_two_processes_one_happens() {
    let (app, here) = start().await;
    let (builder, there) = offering(settings());
    let replica = builder.replica_of(&app).await;
    let program = Program::of_new_user(&app, "ada@example.com").await;
    let elsewhere = Program::with_key(&replica, &program.key);
    for key in ["first", "second", "third"] {
        all_at_once(&[program.clone(), elsewhere.clone()], key).await;
    }
    assert_eq!(
        here.load(Ordering::SeqCst) + there.load(Ordering::SeqCst),
        3
    );
    assert_eq!(balance(&elsewhere).await, "79");
    assert_eq!(count(&app.core, "service_runs").await, 3);
    assert_sound(&app.core, "after equal requests to two processes").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_death_the_request_goes_on_and_nothing_happens_twice() {
    let (app, worked) = start().await;
    let program = Program::of_new_user(&app, "ada@example.com").await;
    let first = program.post_once(PATH, &text("Hello"), "killed").await;
    let mut tx = app.core.db().begin().await.unwrap();
    sqlx::query("UPDATE api_requests SET status = NULL, body = NULL")
        .execute(tx.conn())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    app.clock.advance(Duration::from_secs(15));
    let again = program.post_once(PATH, &text("Hello"), "killed").await;
    assert_eq!(again.status, 200);
    assert!(!is_replay(&again), "it was answered anew");
    assert_eq!(again.json()["id"], first.json()["id"], "it is the same run");
    assert_eq!(worked.load(Ordering::SeqCst), 1);
    assert_eq!(balance(&program).await, "93");
    let replay = program.post_once(PATH, &text("Hello"), "killed").await;
    assert_eq!(replay.text, again.text);
    assert!(is_replay(&replay));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_kept_for_a_day() {
    let (app, _) = start().await;
    let program = Program::of_new_user(&app, "ada@example.com").await;
    app.work_jobs().await;
    program.post_once(PATH, &text("Hello"), "old").await;
    app.clock.advance(Duration::from_secs(24 * 60 * 60 - 1));
    let again = program.post_once(PATH, &text("Hello"), "old").await;
    assert!(is_replay(&again));
    program.post_once(PATH, &text("Hello"), "new").await;
    app.clock.advance(Duration::from_secs(60 * 60));
    app.work_jobs().await;
    let keys = column(&app, "SELECT idempotency_key FROM api_requests").await;
    assert_eq!(keys, ["new"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_turned_away_for_a_while_comes_again_with_the_same_key() {
    let (app, worked) = start().await;
    let program = Program::of_new_user(&app, "ada@example.com").await;
    let mut root = sign_up_admin(&app, "root@example.com").await;
    let switch = "/admin/services/obedient/switch";
    root.post(switch, &[("on", "false")]).await;
    for _ in 0..2 {
        let refused = program.post_once(PATH, &text("Hello"), "first").await;
        assert_problem(&refused, 409, "service_switched_off");
        assert!(refused.headers.contains_key("retry-after") && !is_replay(&refused));
    }
    root.post(switch, &[("on", "true")]).await;
    let done = program.post_once(PATH, &text("Hello"), "first").await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert!(!is_replay(&done));
    assert_eq!(worked.load(Ordering::SeqCst), 1);
}

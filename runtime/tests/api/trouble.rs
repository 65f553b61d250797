//! What requests are told when something is the matter on our side, each operation as the description says: a database that
//! is not as it should be, one that does not answer, a request that another process is still at.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use futures_util::future::join_all;
use quickscale_runtime::testing::{Answer, TestApp};
use serde_json::json;
use sqlx::{AnyConnection, Connection as _, Executor as _};

use crate::contract::{Contract, TROUBLE, call, calls};
use crate::offered::Strings;
use crate::program::{Program, parts, settings, start};
use crate::support::{overlay, until};

const PATH: &str = "/api/v1/services/obedient/runs";

/// A process more on the database of `app`, whose requests may take this long.
async fn beside(app: &TestApp, strings: &Strings, limit: Duration) -> TestApp {
    let other = parts(strings, settings()).request_limit(limit);
    TestApp::builder(other)
        .overlay(overlay())
        .replica_of(app)
        .await
}

/// Takes every connection of `app` as it comes free, until this is dropped.
fn take_all(app: &TestApp) -> tokio::task::JoinHandle<()> {
    let db = app.core.db().clone();
    tokio::spawn(async move {
        let mut taken = Vec::new();
        loop {
            taken.extend(db.snapshot().await.ok());
        }
    })
}

async fn execute(app: &TestApp, sql: &'static str) {
    let mut connection = AnyConnection::connect(app.database_url()).await.unwrap();
    connection.execute(sql).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_is_told_as_the_description_says() {
    let (app, _) = start().await;
    let mut contract = Contract::of(&app).await;
    let ada = Program::of_new_user(&app, "ada@example.com").await;
    let run = ada.post(PATH, &json!({ "text": "Hello" })).await;
    let calls = calls(run.json()["id"].as_str().unwrap());

    // A process began these and is still at it, as far as anybody knows: the clock stands still.
    let posts = calls.iter().filter(|(_, (_, body))| body.is_some());
    let posts = posts.map(|(id, (path, body))| (*id, path.as_str(), body.as_ref().unwrap(), *id));
    let mut posts: Vec<_> = posts.collect();
    for (id, path, body, key) in &posts {
        let begun = ada.post_once(path, body, key).await;
        assert!(begun.status.is_success(), "{id}: {}", begun.text);
    }
    execute(
        &app,
        "UPDATE api_requests SET status = NULL, body = NULL, headers = NULL",
    )
    .await;
    let strings = Strings::default();
    let other = beside(&app, &strings, Duration::from_secs(20)).await;
    let program = Program::with_key(&other, &ada.key);
    // And this one is at it.
    let wait = json!({ "text": "wait" });
    let (at_it, body) = (program.clone(), wait.clone());
    let first = tokio::spawn(async move { at_it.post_once(PATH, &body, "same").await });
    until("it works", async || strings.worked.load(SeqCst) == 1).await;
    posts.push(("run_obedient", PATH, &wait, "same"));
    let answers = posts.iter().map(async |(id, path, body, key)| {
        let answer = program.post_once(path, body, key).await;
        (*id, answer)
    });
    for (id, answer) in join_all(answers).await {
        assert_eq!(answer.headers["retry-after"], "5", "{id}");
        check(&mut contract, (id, "request_in_progress"), &answer);
    }
    strings.gate.add_permits(1);
    assert_eq!(first.await.unwrap().status, 200);

    // Nothing is left for a request to ask the database with.
    let starved = beside(&app, &strings, Duration::from_secs(1)).await;
    let program = Program::with_key(&starved, &ada.key);
    let thief = take_all(&starved);
    let answers = calls.iter().map(async |(id, target)| {
        loop {
            let answer = call(&program, target).await;
            if answer.status == 503 {
                return (*id, answer);
            }
        }
    });
    for (id, answer) in join_all(answers).await {
        check(&mut contract, (id, "timed_out"), &answer);
    }
    thief.abort();

    execute(&app, "ALTER TABLE api_keys RENAME TO lost_keys").await;
    for (id, target) in &calls {
        let answer = call(&ada, target).await;
        assert!(!answer.text.contains("api_keys"), "{id}: {}", answer.text);
        check(&mut contract, (id, "internal_error"), &answer);
    }

    let described = contract.operations().into_iter().flat_map(|(id, ..)| {
        let codes = contract.described(&id);
        let codes = codes
            .into_iter()
            .filter(|code| TROUBLE.contains(&code.as_str()));
        codes
            .map(move |code| (id.clone(), code))
            .collect::<Vec<_>>()
    });
    let described: BTreeSet<_> = described.collect();
    assert_eq!(contract.seen, described);
}

#[track_caller]
fn check(contract: &mut Contract, (id, code): (&str, &str), answer: &Answer) {
    assert_eq!(answer.json()["code"], code, "{id}: {}", answer.text);
    contract.check(id, answer);
}

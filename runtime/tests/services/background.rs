//! Runs in the background: answered at once, worked on by whichever process gets them, begun anew when that dies.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::StatusCode;
use quickscale_runtime::credits::Credits;
use quickscale_runtime::testing::{Client, TestApp};

use crate::browser::{fill_in, fresh_key, send};
use crate::charging::balance;
use crate::offered::{Strings, builder};
use crate::support::ledger::{assert_sound, count, number};
use crate::support::{sign_up, until};

const ADA: &str = "ada@example.com";
const PATH: &str = "/services/later";

async fn start() -> (TestApp, Strings, Client) {
    let strings = Strings::default();
    let app = builder(&strings, 100, 7).start().await;
    let ada = sign_up(&app, ADA).await;
    (app, strings, ada)
}

async fn ask(ada: &mut Client, order: &str) -> String {
    let sent = fill_in(ada, PATH, &[("text", order)]).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
    sent.location().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_is_worked_on_and_paid_once() {
    let (app, strings, mut ada) = start().await;
    let key = fresh_key(&mut ada, PATH).await;
    let sent = send(&mut ada, PATH, &key, &[("text", "hi")]).await;
    let page = sent.location().to_owned();
    assert!(ada.get(&page).await.text.contains("waits for its turn"));
    assert_eq!(strings.worked.load(Ordering::SeqCst), 0);
    assert_eq!(balance(&app, ADA).await.held, Credits::whole(7));
    assert_eq!(count(&app.core, "service_run_inputs").await, 1);
    for _ in 0..2 {
        app.work_jobs().await;
        let again = send(&mut ada, PATH, &key, &[("text", "hi")]).await;
        assert_eq!(again.location(), page);
        let text = ada.get(&page).await.text;
        assert!(text.contains("93 credits remaining"), "{text}");
    }
    assert_eq!(strings.worked.load(Ordering::SeqCst), 1);
    assert_eq!(count(&app.core, "service_run_inputs").await, 0);
    assert_sound(&app.core, "after a run in the background").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_costs_nothing_and_is_not_tried_again() {
    let (app, strings, mut ada) = start().await;
    for order in ["refuse", "fail", "panic"] {
        let page = ask(&mut ada, order).await;
        app.work_jobs().await;
        let text = ada.get(&page).await.text;
        assert!(text.contains("Nothing was charged."), "{order}: {text}");
    }
    app.clock.advance(Duration::from_secs(3600));
    app.work_jobs().await;
    assert_eq!(strings.worked.load(Ordering::SeqCst), 3);
    assert_eq!(balance(&app, ADA).await.available, Credits::whole(100));
    assert_sound(&app.core, "after failures").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_waits_is_stopped_at_once() {
    let (app, strings, mut ada) = start().await;
    let page = ask(&mut ada, "hi").await;
    ada.post(&format!("{page}/cancel"), &[]).await;
    let text = ada.get(&page).await.text;
    assert!(text.contains("because you asked for it"), "{text}");
    assert_eq!(balance(&app, ADA).await.available, Credits::whole(100));
    app.work_jobs().await;
    assert_eq!(strings.worked.load(Ordering::SeqCst), 0);
    assert_eq!(count(&app.core, "service_run_inputs").await, 0);
    assert_sound(&app.core, "after a stop").await;
}

/// Works on what there is in a process that dies, as far as the database can tell, once the run has spoken.
async fn work_and_die(app: &TestApp, strings: &Strings, order: &str) -> TestApp {
    let before = strings.worked.load(Ordering::SeqCst);
    let dying = builder(strings, 100, 7).replica_of(app).await;
    let worker = tokio::spawn(async move {
        dying.work_jobs().await;
    });
    until(order, async || {
        let spoken = "SELECT COUNT(*) FROM service_run_events";
        strings.worked.load(Ordering::SeqCst) > before && number(&app.core, spoken).await > 0
    })
    .await;
    worker.abort();
    assert!(worker.await.is_err_and(|end| end.is_cancelled()));
    // Its lease ends.
    app.clock.advance(Duration::from_secs(61));
    builder(strings, 100, 7).replica_of(app).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_loses_no_run_and_charges_none_twice() {
    let (app, strings, mut ada) = start().await;
    let page = ask(&mut ada, "talk").await;
    let other = work_and_die(&app, &strings, "the first works").await;
    strings.gate.add_permits(1);
    other.work_jobs().await;
    let text = ada.get(&page).await.text;
    assert!(
        text.contains("talked") && text.contains("93 credits"),
        "{text}"
    );
    assert_eq!(strings.worked.load(Ordering::SeqCst), 2);
    let events = ada.get(&format!("{page}/events")).await.text;
    assert!(events.contains("hx-swap=\"textContent\""), "{events}");
    assert_sound(&app.core, "after the death of a worker").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_takes_every_worker_along_ends() {
    let (app, strings, mut ada) = start().await;
    let page = ask(&mut ada, "ignore").await;
    for _ in 0..3 {
        work_and_die(&app, &strings, "one more works").await;
    }
    app.work_jobs().await;
    let text = ada.get(&page).await.text;
    assert!(text.contains("interrupted before it was done"), "{text}");
    assert_eq!(strings.worked.load(Ordering::SeqCst), 3);
    assert_eq!(balance(&app, ADA).await.available, Credits::whole(100));
    assert_sound(&app.core, "after three deaths").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_ends_hands_the_run_back() {
    let (app, strings, mut ada) = start().await;
    let page = ask(&mut ada, "talk").await;
    let ending = std::sync::Arc::new(builder(&strings, 100, 7).replica_of(&app).await);
    let working = ending.clone();
    let worker = tokio::spawn(async move { working.work_jobs().await });
    until("it works", async || {
        strings.worked.load(Ordering::SeqCst) == 1
    })
    .await;
    ending.stop().await;
    worker.await.unwrap();
    let text = ada.get(&page).await.text;
    assert!(text.contains("waits for its turn"), "{text}");
    assert_eq!(balance(&app, ADA).await.held, Credits::whole(7));
    app.clock.advance(Duration::from_secs(60));
    strings.gate.add_permits(1);
    app.work_jobs().await;
    let text = ada.get(&page).await.text;
    assert!(
        text.contains("talked") && text.contains("93 credits"),
        "{text}"
    );
    assert_sound(&app.core, "after the end of a process").await;
}

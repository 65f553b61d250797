//! Runs of a service that was over at once the last time: one transaction does for their beginning and their end.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::StatusCode;
use quickscale_runtime::app::Core;
use quickscale_runtime::credits::{Credits, Note, actions as ledger};
use quickscale_runtime::testing::{Client, TestApp};

use crate::browser::{affordable, fresh_key, keys, only_page, run, send, send_together};
use crate::charging::{balance, owner_of};
use crate::offered::{Strings, app_with, builder};
use crate::support::death::{Life, kill_after};
use crate::support::ledger::{assert_sound, count, number};
use crate::support::{PASSWORD, overlay, sign_up, until};

const ADA: &str = "ada@example.com";
const SERVICE: &str = "/services/obedient";
const PRICE: u32 = 7;
/// What Ada has at first: enough for as many runs as a busy machine needs until one is over at once.
const GIFT: u32 = 1_000_000;

async fn start(strings: &Strings) -> (TestApp, Client) {
    let app = builder(strings, GIFT, PRICE).start().await;
    let mut ada = sign_up(&app, ADA).await;
    quicken(&app.core, &mut ada).await;
    (app, ada)
}

async fn holds(core: &Core) -> i64 {
    count(core, "credit_holds").await
}

/// Runs the service until nothing is set aside for a run any more.
async fn quicken(core: &Core, ada: &mut Client) {
    let mut before = -1;
    while before < holds(core).await {
        before = holds(core).await;
        run(ada, SERVICE, &[("text", "hi")]).await;
    }
}

async fn available(app: &TestApp) -> u64 {
    let balance = balance(app, ADA).await;
    assert_eq!(balance.held, Credits::ZERO);
    balance.available.as_milli().unsigned_abs()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_charged_what_it_says_and_never_without_a_result() {
    let (app, mut ada) = start(&Strings::default()).await;
    for (order, status, cost) in [
        ("plain", "succeeded", 7_000),
        ("cheap", "succeeded", 500),
        ("gift", "succeeded", 0),
        ("dear", "succeeded", 7_000),
        ("refuse", "failed", 0),
        ("fail", "failed", 0),
        ("panic", "failed", 0),
    ] {
        quicken(&app.core, &mut ada).await;
        let before = available(&app).await;
        let entries = count(&app.core, "credit_entries").await;
        let held = holds(&app.core).await;
        let page = run(&mut ada, SERVICE, &[("text", order)]).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(before - available(&app).await, cost, "{order}");
        let more = count(&app.core, "credit_entries").await - entries;
        assert_eq!(more, i64::from(cost > 0), "{order}");
        // On a busy machine even this may take too long to be over at once.
        let is_held = holds(&app.core).await > held;
        let newest = format!(
            "SELECT COUNT(*) FROM service_runs WHERE status = '{status}' AND finished_at IS NOT NULL
             AND hold_id IS {} AND id = (SELECT MAX(id) FROM service_runs)",
            if is_held { "NOT NULL" } else { "NULL" }
        );
        assert_eq!(number(&app.core, &newest).await, 1, "{order}");
    }
    assert_sound(&app.core, "after runs that were over at once").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_longer_than_expected_is_set_aside_and_seen_meanwhile() {
    let strings = Strings::default();
    let (app, mut ada) = start(&strings).await;
    let (before, holds_before) = (available(&app).await, holds(&app.core).await);
    let worked = strings.worked.load(Ordering::SeqCst);
    let mut patient = ada.clone();
    let sent = tokio::spawn(async move { run(&mut patient, SERVICE, &[("text", "wait")]).await });
    until("the price is set aside", async || {
        balance(&app, ADA).await.held == Credits::whole(PRICE)
    })
    .await;
    let named = "SELECT COUNT(*) FROM service_runs r JOIN credit_holds h ON h.id = r.hold_id
         WHERE r.status = 'running' AND h.state = 'open'";
    assert_eq!(number(&app.core, named).await, 1);
    // Nobody waits for it, and the next of its kind does not keep the account to itself.
    run(&mut ada, SERVICE, &[("text", "hi")]).await;
    assert_eq!(holds(&app.core).await, holds_before + 2);
    strings.gate.add_permits(1);
    let page = sent.await.unwrap();
    assert!(page.text.contains("waited"), "{}", page.text);
    assert_eq!(before - available(&app).await, 14_000);
    assert_eq!(strings.worked.load(Ordering::SeqCst), worked + 2);
    assert_sound(&app.core, "after a run that took longer").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_too_few_credits_has_no_work_done() {
    let strings = Strings::default();
    let (app, mut ada) = start(&strings).await;
    // All but three runs and one credit.
    let spent = available(&app).await - u64::from(3 * PRICE + 1) * 1_000;
    let spent = Credits::from_milli(spent);
    let note = Note::system("poor", "To have little");
    let owner = owner_of(&app, ADA).await;
    ledger::spend(&app.core, &owner, spent, &note)
        .await
        .unwrap();
    let worked = strings.worked.load(Ordering::SeqCst);
    let sent = send_together(&ada, SERVICE, &keys(12), "hi").await;
    let worked = strings.worked.load(Ordering::SeqCst) - worked;
    assert_eq!((affordable(&sent), worked), (3, 3));
    assert_eq!(available(&app).await, 1_000);
    let key = fresh_key(&mut ada, "/services/free").await;
    let free = send(&mut ada, "/services/free", &key, &[("text", "hi")]).await;
    assert_eq!(free.status, StatusCode::SEE_OTHER);
    assert_sound(&app.core, "after the race").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_20_parallel_submits_of_one_key_one_runs() {
    let strings = Strings::default();
    let (app, mut ada) = start(&strings).await;
    let (before, worked) = (available(&app).await, strings.worked.load(Ordering::SeqCst));
    let key = fresh_key(&mut ada, SERVICE).await;
    only_page(&send_together(&ada, SERVICE, &vec![key; 20], "hi").await);
    assert_eq!(strings.worked.load(Ordering::SeqCst), worked + 1);
    assert_eq!(before - available(&app).await, 7_000);
    assert_sound(&app.core, "after the race").await;
}

const KEY: &str = "AT_ONCE_KEY";

/// Runs the service until it is over at once, then once more under the key that the parent chose.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "the part of another process"]
async fn runs() {
    let app = app_with(Credits::ZERO, Strings::default().services(PRICE));
    let Some(life) = Life::of(app, overlay()).await else {
        return;
    };
    let mut ada = Client::of(life.0.router.clone());
    let fields = [("email", ADA), ("password", PASSWORD)];
    ada.post("/accounts/login", &fields).await;
    quicken(&life.0.core, &mut ada).await;
    let key = std::env::var(KEY).unwrap();
    life.begin();
    send(&mut ada, SERVICE, &key, &[("text", "hi")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_dies_at_any_statement_is_charged_once_when_he_asks_again() {
    let (app, mut ada) = start(&Strings::default()).await;
    let mut statements = 0;
    let mut is_killed = true;
    while is_killed {
        statements += 1;
        let key = fresh_key(&mut ada, SERVICE).await;
        is_killed = kill_after(&app, "at_once::runs", &[(KEY, &key)], statements).await;
        is_paid_for_what_succeeded(&app, statements).await;
        let sent = send(&mut ada, SERVICE, &key, &[("text", "hi")]).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
        is_paid_for_what_succeeded(&app, statements).await;
        // What was not over at once is left behind; usually it is.
        app.clock.advance(Duration::from_secs(120));
        let page = ada.get(sent.location()).await.text;
        let is_over = page.contains("Cost of this run") || page.contains("Nothing was charged");
        assert!(is_over, "after statement {statements}: {page}");
    }
    assert!(statements > 8, "only {statements} statements were seen");
    assert_sound(&app.core, "after all those deaths").await;
}

async fn is_paid_for_what_succeeded(app: &TestApp, statements: u32) {
    let succeeded = "SELECT COUNT(*) FROM service_runs WHERE status = 'succeeded'";
    let succeeded = number(&app.core, succeeded).await;
    let spends = "SELECT COUNT(*) FROM credit_entries WHERE kind = 'spend'";
    assert_eq!(
        number(&app.core, spends).await,
        succeeded,
        "after statement {statements}"
    );
    let now = balance(app, ADA).await;
    let left = i64::from(GIFT) - succeeded * i64::from(PRICE);
    let left = Credits::from_milli(left.unsigned_abs() * 1_000);
    assert_eq!(
        now.available.checked_add(now.held),
        Some(left),
        "after statement {statements}"
    );
}

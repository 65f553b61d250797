//! Workers that die: no run is lost, and none is charged twice.

use std::process::{Child, Stdio};
use std::time::Duration;

use quickscale_runtime::credits::Credits;
use quickscale_runtime::testing::{Client, TestApp, work_off};

use crate::browser::fill_in;
use crate::charging::balance;
use crate::offered::{Strings, app_with, builder};
use crate::support::death::{Life, kill_after, program};
use crate::support::ledger::{assert_sound, number};
use crate::support::{overlay, sign_up, until};

const ADA: &str = "ada@example.com";
/// Longer than a worker that is gone keeps its work from others.
const LEASE: Duration = Duration::from_secs(10 * 60);

async fn life() -> Option<Life> {
    let app = app_with(Credits::ZERO, Strings::default().services(7));
    Life::of(app, overlay()).await
}

async fn start() -> (TestApp, Client) {
    let app = builder(&Strings::default(), 10_000, 7).start().await;
    let ada = sign_up(&app, ADA).await;
    app.work_jobs().await;
    (app, ada)
}

/// Asks for a run in the background; gives its page.
async fn ask(ada: &mut Client, order: &str) -> String {
    let sent = fill_in(ada, "/services/later", &[("text", order)]).await;
    assert!(
        sent.location().starts_with("/services/runs/"),
        "{}",
        sent.text
    );
    sent.location().to_owned()
}

/// Does the work that is due, unless it is killed before that is done.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "the part of another process"]
async fn works() {
    let Some(life) = life().await else { return };
    life.begin();
    work_off(&life.0.core).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_at_any_statement_loses_no_run_and_charges_none_twice() {
    let (app, mut ada) = start().await;
    let mut paid = 0;
    let mut is_killed = true;
    while is_killed {
        let page = ask(&mut ada, "hi").await;
        paid += 1;
        is_killed = kill_after(&app, "deaths::works", &[], paid).await;
        app.clock.advance(LEASE);
        app.work_jobs().await;
        let text = ada.get(&page).await.text;
        assert!(
            text.contains("Cost of this run"),
            "after statement {paid}: {text}"
        );
        let now = balance(&app, ADA).await;
        let left = Credits::whole(10_000 - 7 * paid);
        assert_eq!(
            (now.available, now.held),
            (left, Credits::ZERO),
            "after statement {paid}"
        );
    }
    assert!(paid > 10, "only {paid} statements were seen");
    let spends = "SELECT COUNT(*) FROM credit_entries WHERE kind = 'spend'";
    assert_eq!(number(&app.core, spends).await, i64::from(paid));
    assert_sound(&app.core, "after all those deaths").await;
}

/// Works as the command `worker` does, until it is told to stop.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "the part of another process"]
async fn works_on() {
    let Some(life) = life().await else { return };
    let app = app_with(Credits::ZERO, Strings::default().services(7));
    let mut commands = app.commands().into_iter();
    let worker = commands
        .find(|command| command.cli.get_name() == "worker")
        .unwrap();
    let matches = worker.cli.clone().get_matches_from(["worker"]);
    (worker.run)(life.0.core.clone(), matches).await.unwrap();
}

/// A process that works on the run that was asked for, which does not end by itself.
async fn worker_of(app: &TestApp, attempt: u32) -> Child {
    let mut program = program(app, "deaths::works_on");
    let process = program.stdout(Stdio::null()).spawn().unwrap();
    let sql = format!(
        "SELECT COUNT(*) FROM service_runs r JOIN service_run_events e ON e.run_id = r.id
         WHERE r.attempt = {attempt} AND e.kind = 'output' AND r.finished_at IS NULL"
    );
    until("it works", async || {
        number(&app.core, &sql).await >= i64::from(attempt)
    })
    .await;
    process
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_leaves_its_run_to_the_next() {
    let (app, mut ada) = start().await;
    let page = ask(&mut ada, "ignore").await;
    for attempt in 1..=3 {
        let mut worker = worker_of(&app, attempt).await;
        // On Unix this is SIGKILL.
        worker.kill().unwrap();
        worker.wait().unwrap();
        assert_eq!(
            balance(&app, ADA).await.held,
            Credits::whole(7),
            "{attempt}"
        );
        app.clock.advance(LEASE);
    }
    // Whoever takes three processes along is given up, and costs nothing.
    app.work_jobs().await;
    let text = ada.get(&page).await.text;
    assert!(text.contains("interrupted before it was done"), "{text}");
    let now = balance(&app, ADA).await;
    assert_eq!(
        (now.available, now.held),
        (Credits::whole(10_000), Credits::ZERO)
    );
    assert_sound(&app.core, "after three kills").await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_told_to_stop_hands_its_run_back_before_it_ends() {
    let (app, mut ada) = start().await;
    let page = ask(&mut ada, "ignore").await;
    let mut worker = worker_of(&app, 1).await;
    let pid = worker.id().to_string();
    let told = std::process::Command::new("kill")
        .args(["-TERM", &pid])
        .status();
    assert!(told.unwrap().success());
    let status = tokio::task::spawn_blocking(move || worker.wait())
        .await
        .unwrap();
    assert!(status.unwrap().success());
    let text = ada.get(&page).await.text;
    assert!(text.contains("waits for its turn"), "{text}");
    // The attempt did not count, and what waits can be stopped: then nothing is set aside any more.
    ada.post(&format!("{page}/cancel"), &[]).await;
    let now = balance(&app, ADA).await;
    assert_eq!(
        (now.available, now.held),
        (Credits::whole(10_000), Credits::ZERO)
    );
    assert_sound(&app.core, "after the end of a worker").await;
}

//! Runs of somebody who is forgotten while they wait or are under way: they end, leave nothing and cost nothing.

use std::sync::atomic::Ordering;

use quickscale_runtime::auth::UserRemoved;
use quickscale_runtime::credits::Credits;
use quickscale_runtime::in_transaction;
use quickscale_runtime::testing::TestApp;

use crate::browser::fill_in;
use crate::offered::{Strings, builder};
use crate::support::ledger::{assert_sound, count, number};
use crate::support::{column, sign_up, until};

const ADA: &str = "ada@example.com";

/// Forgets Ada, as is done when her time is up.
async fn forget_ada(app: &TestApp) {
    let users = column(app, "SELECT id FROM users").await;
    let gone = UserRemoved {
        user: users[0].clone().into(),
    };
    let forgotten: quickscale_runtime::Result<()> =
        async { in_transaction!(app.core.db(), tx => app.core.emit(tx, &gone).await) }.await;
    forgotten.unwrap();
}

/// Everything that the tables of runs say of what was asked for and what came of it.
async fn contents(app: &TestApp) -> Vec<String> {
    column(
        app,
        "SELECT input || COALESCE(output, '') || COALESCE(error, '') FROM service_runs
         UNION ALL SELECT body FROM service_run_events UNION ALL SELECT body FROM service_run_inputs",
    )
    .await
}

async fn assert_nothing_left(app: &TestApp, runs: usize, when: &str) {
    assert_eq!(contents(app).await, vec!["{}"; runs], "{when}");
    let spent = "SELECT COUNT(*) FROM credit_entries WHERE kind = 'spend'";
    assert_eq!(number(&app.core, spent).await, 0, "{when}");
    let sums = "SELECT CAST(SUM(held) AS BIGINT) FROM credit_accounts";
    assert_eq!(number(&app.core, sums).await, 0, "{when}");
    let sums = "SELECT CAST(SUM(available) AS BIGINT) FROM credit_accounts";
    let all = Credits::whole(100).as_milli();
    assert_eq!(number(&app.core, sums).await, all, "{when}");
    assert_sound(&app.core, when).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_when_its_user_is_forgotten_writes_nothing_any_more() {
    let strings = Strings::default();
    let app = builder(&strings, 100, 7).start().await;
    let mut ada = sign_up(&app, ADA).await;
    let elsewhere = builder(&strings, 100, 7).replica_of(&app).await;
    let later = fill_in(&mut ada, "/services/later", &[("text", "talk")]).await;
    assert!(later.location().starts_with("/services/runs/"));
    let worker = tokio::spawn(async move { elsewhere.work_jobs().await });
    for path in ["/services/obedient", "/services/free"] {
        let sent = fill_in(&mut ada, path, &[("text", "talk")]).await;
        assert!(sent.location().starts_with("/services/runs/"), "{path}");
    }
    until("all three speak", async || {
        let speaking =
            "SELECT COUNT(DISTINCT run_id) FROM service_run_events WHERE kind = 'output'";
        number(&app.core, speaking).await == 3
    })
    .await;
    assert_eq!(strings.worked.load(Ordering::SeqCst), 3);
    forget_ada(&app).await;
    assert_nothing_left(&app, 3, "while they still work").await;
    // Now each comes to its result, unless it was stopped before.
    strings.gate.add_permits(3);
    worker.await.unwrap();
    app.stop().await;
    assert_nothing_left(&app, 3, "after they ended").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_told_that_its_user_was_forgotten() {
    let strings = Strings::default();
    let app = builder(&strings, 100, 7).start().await;
    let mut ada = sign_up(&app, ADA).await;
    let later = fill_in(&mut ada, "/services/later", &[("text", "heed")]).await;
    assert!(later.location().starts_with("/services/runs/"));
    let elsewhere = builder(&strings, 100, 7).replica_of(&app).await;
    let worker = tokio::spawn(async move { elsewhere.work_jobs().await });
    until("it works", async || {
        count(&app.core, "service_run_events").await == 1
    })
    .await;
    forget_ada(&app).await;
    // It ends only because it is told; its result and its cost go nowhere.
    worker.await.unwrap();
    assert_nothing_left(&app, 1, "after it was told").await;
}

#[tokio::test]
async fn what_waits_when_its_user_is_forgotten_is_never_begun() {
    let strings = Strings::default();
    let app = builder(&strings, 100, 7).start().await;
    let mut ada = sign_up(&app, ADA).await;
    for _ in 0..2 {
        let sent = fill_in(&mut ada, "/services/later", &[("text", "hi")]).await;
        assert!(sent.location().starts_with("/services/runs/"));
    }
    let held = "SELECT CAST(SUM(held) AS BIGINT) FROM credit_accounts";
    assert_eq!(number(&app.core, held).await, 14_000);
    forget_ada(&app).await;
    assert_nothing_left(&app, 2, "before anybody works").await;
    app.work_jobs().await;
    assert_eq!(strings.worked.load(Ordering::SeqCst), 0);
    assert_nothing_left(&app, 2, "after everybody worked").await;
}

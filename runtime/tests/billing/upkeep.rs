//! Taking in what was missed, and comparing everything with everything.

use quickscale_runtime::billing::upkeep::{sync, verify};
use quickscale_runtime::testing::TestApp;

use crate::support::billing::{Shopper, subscribe};
use crate::support::{app, column, run, themed};

async fn execute(app: &TestApp, sql: &'static str) {
    let mut tx = app.core.db().begin().await.unwrap();
    sqlx::query(sql).execute(tx.conn()).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_was_missed_is_taken_in_and_twice_changes_nothing() {
    let app = themed(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    subscribe(&mut ada, "team", 1).await;
    ada.buy("small").await;
    // The application is down: five renewals, a refund and a dispute are told to nobody.
    for _ in 0..5 {
        ada.browser
            .post("/billing/sandbox", &[("do", "renew")])
            .await;
    }
    let charges = column(
        &app,
        "SELECT object FROM billing_sandbox WHERE substr(object, 1, 3) = 'ch_'",
    )
    .await;
    let small = column(
        &app,
        "SELECT object FROM billing_sandbox WHERE body LIKE '%\"amount\":500,%'",
    )
    .await;
    ada.browser
        .post(
            "/billing/sandbox",
            &[("do", "refund"), ("object", &small[0])],
        )
        .await;
    assert_eq!(charges.len(), 7);
    execute(&app, "DELETE FROM billing_events").await;
    execute(&app, "DELETE FROM jobs").await;
    assert_eq!(ada.balance().await, "2300");
    let mut states = Vec::new();
    for _ in 0..2 {
        sync(&app.core, 0).await.unwrap();
        let lots = column(
            &app,
            "SELECT source || CAST(remaining AS TEXT) FROM credit_lots WHERE source IS NOT NULL ORDER BY source",
        )
        .await;
        let entries = column(
            &app,
            "SELECT digest FROM credit_entries ORDER BY account_id, seq",
        )
        .await;
        let payments = column(
            &app,
            "SELECT object || state FROM billing_payments ORDER BY object",
        )
        .await;
        states.push((lots, entries, payments));
    }
    assert_eq!(states[0], states[1]);
    assert_eq!(states[0].2.len(), 7);
    assert_eq!(ada.balance().await, "2200");
    let report = verify(&app.core, true).await.unwrap();
    assert!(
        report.findings.is_empty() && report.payments == 7,
        "{report:?}"
    );
    run(&app, "billing", &["sync"]).await.unwrap();
    run(&app, "billing", &["verify", "--online"]).await.unwrap();
}

#[tokio::test]
async fn every_difference_is_found() {
    for (sql, told) in [
        (
            "UPDATE billing_payments SET refunded = 250",
            "do not follow its money",
        ),
        (
            "UPDATE billing_lots SET credits = credits + 1",
            "brought 200 instead",
        ),
        (
            "UPDATE billing_payments SET state = 'failed'",
            "was not paid and brought",
        ),
        (
            "UPDATE billing_payments SET refunded = 600",
            "more of it went back",
        ),
        (
            "UPDATE billing_payments SET intent = 'pi_other'",
            "no payment is known",
        ),
        (
            "UPDATE billing_subscriptions SET status = 'past_due'",
            "it is active, and past_due is known",
        ),
        (
            "DELETE FROM billing_subscriptions",
            "nothing is known of this subscription",
        ),
    ] {
        let app = themed(app()).start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        ada.buy("small").await;
        subscribe(&mut ada, "team", 1).await;
        let clean = verify(&app.core, true).await.unwrap();
        assert!(clean.findings.is_empty(), "{clean:?}");
        execute(&app, sql).await;
        let report = verify(&app.core, true).await.unwrap();
        let found = report
            .findings
            .iter()
            .any(|finding| finding.what.contains(told));
        assert!(found, "{sql}: {report:?}");
        run(&app, "billing", &["verify", "--online", "--json"])
            .await
            .unwrap_err();
    }
}

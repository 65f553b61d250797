//! Taking in what was missed, and comparing everything with everything.

use quickscale_runtime::auth::audit::Actor;
use quickscale_runtime::billing::actions;
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
        let synced = sync(&app.core, 0).await.unwrap();
        assert!(synced.faults.is_empty(), "{synced:?}");
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

/// Half of the pack is refunded by the staff; the plan is disputed in vain.
async fn give_back(ada: &mut Shopper<'_>) {
    let payments = column(
        ada.app,
        "SELECT id FROM billing_payments WHERE kind = 'pack'",
    )
    .await;
    let wish = actions::RefundWish {
        payment: payments[0].clone(),
        amount: 250,
        reason: "Asked".into(),
        by: Actor::CommandLine,
        key: "k".into(),
    };
    actions::ask_refund(&ada.app.core, &wish).await.unwrap();
    ada.app.work_jobs().await;
    let charges =
        "SELECT object FROM billing_sandbox WHERE substr(object, 1, 3) = 'ch_' ORDER BY object";
    let plan = column(ada.app, charges).await.pop().unwrap();
    ada.sandbox("dispute", &plan).await;
    let dispute = ada.object("dp_").await;
    ada.sandbox("win", &dispute).await;
}

/// What somebody did to the books, and what the auditor says of it; those of one list at once.
const DAMAGES: [&[(&str, &str)]; 7] = [
    &[
        (
            "DELETE FROM billing_subscriptions",
            "nothing is known of this subscription",
        ),
        (
            "DELETE FROM billing_disputes",
            "nothing is known of this dispute",
        ),
        (
            "DELETE FROM billing_refunds",
            "nobody here asked for this refund",
        ),
        ("DELETE FROM billing_lots", "brought nothing"),
    ],
    &[
        (
            "UPDATE billing_subscriptions SET status = 'past_due'",
            "it is active (1 × price_team_eur_2900_2000000_month), and past_due",
        ),
        (
            "UPDATE billing_refunds SET state = 'failed'",
            "it is succeeded, and failed is known",
        ),
        (
            "UPDATE billing_disputes SET status = 'under_review'",
            "it is won, and under_review is known",
        ),
        (
            "UPDATE billing_lots SET credits = credits + 1",
            "brought 200 instead",
        ),
    ],
    &[
        (
            "UPDATE billing_subscriptions SET quantity = 3",
            "and active (3 ×",
        ),
        (
            "UPDATE billing_payments SET amount = amount - 1",
            "were paid, and",
        ),
        (
            "UPDATE billing_charges SET refunded = 0",
            "of it are refunded, and its charges say 0",
        ),
    ],
    &[
        (
            "UPDATE billing_subscriptions SET subscription = 'sub_other'",
            "the provider has no such subscription",
        ),
        (
            "UPDATE billing_payments SET object = object || '-other'",
            "it was paid, which is not known",
        ),
        ("SELECT 1", "the provider says otherwise"),
        (
            "UPDATE credit_accounts SET available = available + 1",
            "the balance",
        ),
    ],
    &[
        (
            "UPDATE billing_payments SET refunded = 300",
            "do not follow its money",
        ),
        (
            "UPDATE billing_disputes SET status = 'lost'",
            "of it are disputed, and its charges say",
        ),
        ("DELETE FROM billing_orders", "it belongs to no order"),
    ],
    &[
        (
            "UPDATE billing_payments SET state = 'failed', refunded = 9000, intent = 'pi_other'",
            "was not paid and brought",
        ),
        ("SELECT 1", "more of it went back"),
        ("SELECT 1", "no payment is known"),
    ],
    &[
        (
            "UPDATE billing_lots SET source = source || '-other'",
            "it is not worth what",
        ),
        ("SELECT 1", "the ledger knows nothing of"),
        (
            "UPDATE billing_payments SET state = 'paid'",
            "it is paid and should be partly_refunded",
        ),
        (
            "UPDATE billing_subscriptions SET period_end = period_end + 1",
            "is known",
        ),
    ],
];

#[tokio::test]
async fn every_difference_is_found() {
    for damages in DAMAGES {
        let app = themed(app()).start().await;
        let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
        ada.buy("small").await;
        subscribe(&mut ada, "team", 1).await;
        give_back(&mut ada).await;
        let clean = verify(&app.core, true).await.unwrap();
        assert!(clean.findings.is_empty(), "{clean:?}");
        for (sql, _) in damages {
            execute(&app, sql).await;
        }
        let report = verify(&app.core, true).await.unwrap();
        for (sql, told) in damages {
            let found = report
                .findings
                .iter()
                .any(|finding| finding.what.contains(told));
            assert!(found, "{sql}: {report:?}");
        }
        run(&app, "billing", &["verify", "--online", "--json"])
            .await
            .unwrap_err();
    }
}

//! What somebody sees of his own past, and what it costs to know his balance however long that past is.

use std::time::Duration;

use axum::http::StatusCode;
use quickscale_runtime::credits::{self, Credits, Note, Owner};
use quickscale_runtime::testing::TestApp;

use crate::support::billing::{Shopper, subscribe};
use crate::support::{app, column, sign_in, themed};

/// The payments that his history shows under these filters, by what they are in the books.
async fn shown(ada: &mut Shopper<'_>, filters: &str) -> Vec<String> {
    let page = ada
        .browser
        .get(&format!("/billing/payments?{filters}"))
        .await;
    assert_eq!(page.status, StatusCode::OK, "{filters}: {}", page.text);
    let all = "SELECT id || ' ' || kind || ' ' || state FROM billing_payments ORDER BY id";
    let all = column(ada.app, all).await;
    let is_there = |line: &&String| {
        page.text
            .contains(&format!("/billing/payments/{}", &line[..36]))
    };
    let there = all.iter().filter(is_there);
    there.map(|line| line[37..].to_owned()).collect()
}

#[tokio::test]
async fn a_history_is_narrowed_by_kind_state_and_date_and_shows_nobody_elses() {
    let app = themed(app()).start().await;
    let mut bob = Shopper::sign_up(&app, "bob@example.com").await;
    bob.buy("large").await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    ada.buy("small").await;
    app.clock.advance(Duration::from_secs(3 * 24 * 60 * 60));
    ada.browser = sign_in(&app, "ada@example.com").await;
    subscribe(&mut ada, "team", 1).await;
    let till = ada.order("large", 1).await.location().to_owned();
    ada.at_till(&till, "later").await;
    let (first, second, third) = ("pack paid", "subscription paid", "pack pending");
    for (filters, expected) in [
        ("", [first, second, third].as_slice()),
        ("kind=pack", &[first, third]),
        ("kind=subscription", &[second]),
        ("kind=change", &[]),
        ("state=paid", &[first, second]),
        ("state=pending", &[third]),
        ("state=refunded", &[]),
        ("kind=pack&state=pending", &[third]),
        ("from=2026-01-01&until=2026-01-01", &[first]),
        ("from=2026-01-02", &[second, third]),
        ("until=2026-01-03", &[first]),
        ("from=2026-01-04&until=2026-01-04&kind=pack", &[third]),
        ("from=2026-01-05", &[]),
    ] {
        assert_eq!(shown(&mut ada, filters).await, expected, "{filters}");
    }
    assert_eq!(shown(&mut bob, "").await, [first]);
    for wrong in [
        "kind=gift",
        "state=lost",
        "from=yesterday",
        "until=2026-13-01",
    ] {
        let path = format!("/billing/payments?{wrong}");
        let page = ada.browser.get(&path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{wrong}");
    }
}

async fn execute(app: &TestApp, sql: String) {
    let mut tx = app.core.db().begin().await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .execute(tx.conn())
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_balance_is_one_row_whatever_came_before() {
    let app = themed(app()).start().await;
    let mut ada = Shopper::sign_up(&app, "ada@example.com").await;
    subscribe(&mut ada, "team", 1).await;
    ada.buy("small").await;
    let owner = Owner::User(ada.id.clone());
    for number in 0..100 {
        let note = Note::system(format!("use {number}"), "A test");
        credits::actions::spend(&app.core, &owner, Credits::whole(1), &note)
            .await
            .unwrap();
    }
    assert_eq!(ada.balance().await, "2200");
    // Nothing of the past is read: it need not even be there.
    let past = [
        "credit_entries",
        "credit_allocations",
        "credit_lots",
        "credit_holds",
        "billing_payments",
        "billing_lots",
        "billing_events",
    ];
    for table in past {
        execute(&app, format!("ALTER TABLE {table} RENAME TO {table}_away")).await;
    }
    assert_eq!(ada.balance().await, "2200");
}

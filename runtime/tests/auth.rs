//! Accounts from outside: what a browser, and somebody who is up to no good, gets to see.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use axum::http::StatusCode;
use quickscale_runtime::auth::Registration;
use sqlx::Row as _;
use support::{PASSWORD, app, app_with, plain, sign_in, sign_up, themed};

use quickscale_runtime::testing::TestApp;

async fn count(app: &TestApp, table: &'static str) -> i64 {
    let sql = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
    let row = sqlx::query(sql)
        .fetch_one(app.core.db().reader())
        .await
        .unwrap();
    row.try_get(0).unwrap()
}

#[tokio::test]
async fn somebody_signs_up_and_out_and_in_again() {
    let app = themed(app()).start().await;
    let mut client = sign_up(&app, "Ada@Example.com").await;
    let dashboard = client.get("/dashboard").await;
    assert!(
        dashboard.text.contains("Hello, Ada@Example.com"),
        "{}",
        dashboard.text
    );
    assert!(dashboard.text.contains("Your account is ready"));

    let answer = client.post("/accounts/logout", &[]).await;
    assert_eq!(answer.location(), "/");
    assert_eq!(count(&app, "sessions").await, 0);
    assert_eq!(
        client.get("/dashboard").await.location(),
        "/accounts/login?next=%2Fdashboard"
    );

    let mut again = sign_in(&app, "ada@example.COM").await;
    assert_eq!(again.get("/dashboard").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_closed_registration_has_no_page_and_no_links() {
    let app = themed(app_with(Registration::Closed)).start().await;
    let mut client = app.client();
    assert_eq!(
        client.get("/accounts/signup").await.status,
        StatusCode::NOT_FOUND
    );
    let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
    assert_eq!(
        client.post("/accounts/signup", &fields).await.status,
        StatusCode::NOT_FOUND
    );
    for path in ["/", "/about", "/accounts/login"] {
        let page = plain(&client.get(path).await);
        assert!(page.contains("/accounts/login"), "{path}: {page}");
        assert!(!page.contains("/accounts/signup"), "{path}: {page}");
    }
}

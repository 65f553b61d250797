//! Signing up, in and out.

mod support;

use app::app;
use quickscale_runtime::Environment;
use quickscale_runtime::testing::TestApp;
use support::{PASSWORD, newcomer, registration_is_open, sign_in};

#[tokio::test]
async fn somebody_new_gets_in_and_out_and_in_again() {
    let app = TestApp::start(app(Environment::Test)).await;
    let mut client = newcomer(&app, "ada@example.com").await;
    assert_eq!(client.get("/dashboard").await.status, 200);

    client.post("/accounts/logout", &[]).await;
    let closed = client.get("/dashboard").await;
    assert_eq!(closed.location(), "/accounts/login?next=%2Fdashboard");

    let mut again = sign_in(&app, "ada@example.com").await;
    assert_eq!(again.get("/dashboard").await.status, 200);
}

#[tokio::test]
async fn a_wrong_password_opens_nothing() {
    let app = TestApp::start(app(Environment::Test)).await;
    newcomer(&app, "ada@example.com").await;
    let mut client = app.client();
    let fields = [("email", "ada@example.com"), ("password", "not this one")];
    let answer = client.post("/accounts/login", &fields).await;
    assert_eq!(answer.status, 422, "{}", answer.text);
    assert!(
        client
            .get("/dashboard")
            .await
            .location()
            .starts_with("/accounts/login")
    );
}

#[tokio::test]
async fn an_account_is_made_by_a_visitor_only_where_registration_is_open() {
    let app = TestApp::start(app(Environment::Test)).await;
    let mut client = app.client();
    let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
    let answer = client.post("/accounts/signup", &fields).await;
    if registration_is_open(&app) {
        assert_eq!(answer.location(), "/dashboard", "{}", answer.text);
    } else {
        assert_eq!(answer.status, 405);
    }
}

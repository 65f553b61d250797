//! What somebody new is given, and who may change it.

mod support;

use app::app;
use quickscale_runtime::Environment;
use quickscale_runtime::credits::{Owner, Settings, actions};
use quickscale_runtime::testing::TestApp;
use support::{account, administrator, newcomer};

async fn balance(app: &TestApp, email: &str) -> String {
    let owner = Owner::User(account(app, email).await.id);
    let balance = actions::balance(&app.core, &owner).await;
    balance.expect("the database answers").available.in_words()
}

#[tokio::test]
async fn a_newcomer_is_given_what_quickscale_yml_says() {
    let app = TestApp::start(app(Environment::Test)).await;
    let settings = app.core.state::<Settings>().expect("credits are on");
    let gift = settings.signup_grant.in_words();
    let mut client = newcomer(&app, "ada@example.com").await;

    let dashboard = client.get("/dashboard").await.text;
    assert!(dashboard.contains(&gift), "{dashboard}");
    assert_eq!(balance(&app, "ada@example.com").await, gift);
}

#[tokio::test]
async fn an_administrator_corrects_a_balance_once_and_nobody_else_does() {
    let app = TestApp::start(app(Environment::Test)).await;
    newcomer(&app, "ada@example.com").await;
    let before = balance(&app, "ada@example.com").await;
    let path = format!(
        "/admin/users/{}/credits",
        account(&app, "ada@example.com").await.id
    );

    let mut staff = administrator(&app, "staff@example.com").await;
    let key = staff
        .get(&path)
        .await
        .input("key")
        .unwrap_or_default()
        .to_owned();
    let fields = [
        ("key", key.as_str()),
        ("amount", "50"),
        ("reason", "Welcome"),
    ];
    staff.post(&path, &fields).await;
    let after = balance(&app, "ada@example.com").await;
    assert_ne!(after, before);
    // The same form sent twice counts once.
    staff.post(&path, &fields).await;
    assert_eq!(balance(&app, "ada@example.com").await, after);

    let mut visitor = app.client();
    visitor.post(&path, &fields).await;
    assert_eq!(balance(&app, "ada@example.com").await, after);
}

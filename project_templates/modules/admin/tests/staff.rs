//! The staff's pages: open to the staff, closed to everybody else.

mod support;

use app::app;
use quickscale_runtime::Environment;
use quickscale_runtime::http::Access;
use quickscale_runtime::testing::TestApp;
use support::{administrator, newcomer, registration_is_open};

fn staff_pages(app: &TestApp) -> Vec<&'static str> {
    let routes = app.core.routes().iter();
    routes
        .filter(|route| route.method == "GET" && matches!(route.access, Access::Staff(_)))
        .filter(|route| !route.path.contains('{'))
        .map(|route| route.path)
        .collect()
}

#[tokio::test]
async fn an_administrator_sees_every_page_of_the_staff() {
    let app = TestApp::start(app(Environment::Test)).await;
    let mut staff = administrator(&app, "staff@example.com").await;
    let pages = staff_pages(&app);
    assert!(pages.contains(&"/admin"));
    for path in pages {
        assert_eq!(staff.get(path).await.status, 200, "{path}");
    }
    let users = staff.get("/admin/users").await.text;
    assert!(users.contains("staff@example.com"), "{users}");
}

#[tokio::test]
async fn nobody_else_sees_any_of_them() {
    let app = TestApp::start(app(Environment::Test)).await;
    let mut visitor = app.client();
    for path in staff_pages(&app) {
        let answer = visitor.get(path).await;
        assert!(answer.location().starts_with("/accounts/login"), "{path}");
    }
    if registration_is_open(&app) {
        let mut user = newcomer(&app, "ada@example.com").await;
        for path in staff_pages(&app) {
            assert_eq!(user.get(path).await.status, 403, "{path}");
        }
    }
}

//! What holds for the whole application, whichever modules it has: pages render, assets are there, and every
//! route asks for what it should.

use app::app;
use quickscale_runtime::Environment;
use quickscale_runtime::http::Access;
use quickscale_runtime::testing::{Client, SamplePages, TestApp};

/// The paths of all routes of this method that need no parameter.
fn paths(app: &TestApp, method: &str, wanted: impl Fn(Access) -> bool) -> Vec<&'static str> {
    let routes = app.core.routes().iter();
    routes
        .filter(|route| route.method == method && wanted(route.access))
        .filter(|route| !route.path.contains('{') && route.flag.is_none())
        .map(|route| route.path)
        .collect()
}

/// Whether the answer shows nothing: a way to the sign-in page, or a refusal.
async fn is_refused(client: &mut Client, method: &str, path: &str) -> bool {
    let answer = match method {
        "GET" => client.get(path).await,
        _ => client.post(path, &[]).await,
    };
    let refused = answer.status == 401 || answer.status == 403;
    refused || answer.location().starts_with("/accounts/login")
}

#[tokio::test]
async fn every_page_renders() {
    let app = TestApp::start(app(Environment::Test).module(SamplePages)).await;
    for (template, path) in SamplePages::of(&app.core) {
        let page = app.client().get(&path).await;
        assert_eq!(page.status, 200, "{template}: {}", page.text);
        assert_eq!(page.text.matches("<h1").count(), 1, "{template}");
    }
}

#[tokio::test]
async fn every_public_page_answers() {
    let app = TestApp::start(app(Environment::Test)).await;
    let public = paths(&app, "GET", |access| access == Access::Public);
    assert!(public.contains(&"/"));
    for path in public {
        let page = app.client().get(path).await;
        assert!(
            page.status.is_success() || page.status.is_redirection(),
            "{path}: {}",
            page.status
        );
    }
}

#[tokio::test]
async fn visitors_are_kept_out_of_everything_else() {
    let app = TestApp::start(app(Environment::Test)).await;
    let mut visitor = app.client();
    for method in ["GET", "POST"] {
        let closed = |access| !matches!(access, Access::Public | Access::Machine);
        for path in paths(&app, method, closed) {
            assert!(is_refused(&mut visitor, method, path).await, "{path}");
        }
    }
}

#[tokio::test]
async fn every_asset_of_the_home_page_is_there() {
    let app = TestApp::start(app(Environment::Test)).await;
    let mut client = app.client();
    let home = client.get("/").await.text;
    let assets: Vec<_> = home
        .split('"')
        .filter(|text| text.starts_with("/static/"))
        .collect();
    assert!(!assets.is_empty(), "{home}");
    for asset in assets {
        let answer = client.get(asset).await;
        assert_eq!(answer.status, 200, "{asset}");
        assert!(!answer.text.is_empty(), "{asset} is empty");
    }
}

#[tokio::test]
async fn an_unknown_address_has_a_page_too() {
    let app = TestApp::start(app(Environment::Test)).await;
    let page = app.client().get("/nothing/here").await;
    assert_eq!(page.status, 404);
    assert!(page.text.contains("<h1"), "{}", page.text);
}

#[tokio::test]
async fn the_application_says_that_it_is_ready() {
    let app = TestApp::start(app(Environment::Test)).await;
    let answer = app.client().get("/health/ready").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

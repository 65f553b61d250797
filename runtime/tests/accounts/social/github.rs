//! GitHub, by a stand-in that answers as its documentation says and takes nothing else.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::{Form, State};
use axum::http::HeaderMap;
use axum::response::Json;
use axum::routing::{get, post};
use axum::{Router, serve};
use quickscale_runtime::auth::Registration;
use quickscale_runtime::testing::TestApp;
use serde_json::{Value, json};

use super::{app, is_in, leaves_to, told};
use crate::support::{column, count};

type Person = (u64, &'static str, bool);

async fn token(Form(form): Form<BTreeMap<String, String>>) -> Json<Value> {
    let is_right = form["client_id"] == "a"
        && form["client_secret"] == "b"
        && form["code"] == "good"
        && form["code_verifier"].len() >= 43
        && form["redirect_uri"] == "http://app.test/accounts/social/github/callback";
    Json(match is_right {
        true => json!({"access_token": "gho_x", "scope": "user:email", "token_type": "bearer"}),
        // As GitHub does it: with status 200.
        false => json!({"error": "bad_verification_code"}),
    })
}

fn check(headers: &HeaderMap) {
    assert_eq!(headers["authorization"], "Bearer gho_x");
    assert!(!headers["user-agent"].is_empty());
}

async fn user(State((id, ..)): State<Person>, headers: HeaderMap) -> Json<Value> {
    check(&headers);
    Json(json!({"login": "ada", "id": id, "name": null, "email": "forged@example.com"}))
}

async fn emails(State((_, email, verified)): State<Person>, headers: HeaderMap) -> Json<Value> {
    check(&headers);
    Json(json!([
        {"email": "old@example.com", "primary": false, "verified": true, "visibility": null},
        {"email": email, "primary": true, "verified": verified, "visibility": "public"},
    ]))
}

async fn start(person: Person) -> TestApp {
    let router = Router::new()
        .route("/login/oauth/access_token", post(token))
        .route("/user", get(user))
        .route("/user/emails", get(emails))
        .with_state(person);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { serve(listener, router).await });
    let app = app(Registration::Open)
        .env("SOCIAL_PROVIDERS", "github")
        .env("SOCIAL_GITHUB_CLIENT_ID", "a")
        .env("SOCIAL_GITHUB_CLIENT_SECRET", "b")
        .env("SOCIAL_GITHUB_URL", &address)
        .env("SOCIAL_GITHUB_API_URL", &address);
    app.start().await
}

/// Comes back from GitHub with a code.
async fn come_back(app: &TestApp, code: &str) -> (quickscale_runtime::testing::Client, String) {
    let mut client = app.client();
    let page = client.post("/accounts/social/github", &[]).await;
    let url = leaves_to(&page);
    assert!(url.contains("/login/oauth/authorize?"), "{url}");
    assert!(url.contains("code_challenge="), "{url}");
    let state = url.split("state=").nth(1).unwrap();
    let state = state.split('&').next().unwrap();
    let back = format!("/accounts/social/github/callback?code={code}&state={state}");
    let location = client.get(&back).await.location().to_owned();
    (client, location)
}

#[tokio::test]
async fn somebody_is_known_by_his_number_and_his_verified_main_address() {
    let app = start((42, "ada@example.com", true)).await;
    let (mut client, location) = come_back(&app, "good").await;
    assert_eq!(location, "/dashboard");
    assert!(is_in(&mut client).await);
    assert_eq!(
        column(&app, "SELECT email FROM users").await,
        ["ada@example.com"]
    );
    let subject = column(&app, "SELECT subject FROM social_identities").await;
    assert_eq!(subject, ["42"]);
}

#[tokio::test]
async fn an_address_that_github_has_not_verified_counts_for_nothing() {
    let app = start((42, "ada@example.com", false)).await;
    let (mut client, _) = come_back(&app, "good").await;
    let page = told(&mut client, "/accounts/login").await;
    assert!(page.contains("GitHub does not vouch"), "{page}");
    assert_eq!(count(&app, "users").await, 0);
}

#[tokio::test]
async fn a_code_that_github_does_not_know_opens_nothing() {
    let app = start((42, "ada@example.com", true)).await;
    let (mut client, location) = come_back(&app, "bad").await;
    assert_eq!(location, "/accounts/login");
    assert!(!is_in(&mut client).await);
}

#[tokio::test]
async fn whoever_leaves_takes_along_who_he_is_there_and_is_forgotten() {
    let app = start((42, "ada@example.com", true)).await;
    let (mut client, _) = come_back(&app, "good").await;
    let archive = client.post("/accounts/export", &[]).await;
    let name = b"social/identities.json";
    assert!(archive.bytes.windows(name.len()).any(|part| part == name));
    client
        .post("/accounts/delete", &[("email", "ada@example.com")])
        .await;
    app.work_jobs().await;
    app.clock.advance(Duration::from_secs(15 * 24 * 60 * 60));
    app.work_jobs().await;
    assert_eq!(count(&app, "social_identities").await, 0);
    come_back(&app, "good").await;
    assert_eq!(count(&app, "users").await, 2, "he comes back as a newcomer");
}

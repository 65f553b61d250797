//! A program that calls the API with a key.

use axum::body::Body;
use axum::http::Request;
use quickscale_runtime::App;
use quickscale_runtime::api;
use quickscale_runtime::credits::Credits;
use quickscale_runtime::testing::{Answer, Client, TestApp, TestAppBuilder};
use serde_json::Value;

use crate::offered::{Counter, Strings, app_with};
use crate::support::{overlay, sign_up};

pub const KEYS: &str = "/accounts/api-keys";

/// An application with services for 7 credits and for nothing; its newcomers get 100.
pub fn offering(settings: api::Settings) -> (TestAppBuilder, Counter) {
    let strings = Strings::default();
    let builder = offering_of(&strings, settings);
    (builder, strings.worked)
}

/// As [`offering`], with services on strings of the test's own.
pub fn offering_of(strings: &Strings, settings: api::Settings) -> TestAppBuilder {
    TestApp::builder(parts(strings, settings)).overlay(overlay())
}

/// The same, to be put together by whoever asks.
pub fn parts(strings: &Strings, settings: api::Settings) -> App {
    app_with(Credits::whole(100), strings.services(7)).module(api::module(settings))
}

pub fn settings() -> api::Settings {
    api::Settings {
        requests_per_minute: 6000,
        cors_origins: String::new(),
    }
}

pub async fn start() -> (TestApp, Counter) {
    let (builder, worked) = offering(settings());
    (builder.start().await, worked)
}

/// Something that calls the API.
#[derive(Clone)]
pub struct Program {
    client: Client,
    pub key: String,
}

impl Program {
    /// A program with a key of its own, which may do everything, of a new user.
    pub async fn of_new_user(app: &TestApp, email: &str) -> Self {
        let mut owner = sign_up(app, email).await;
        let key = make_key(&mut owner, &all_scopes()).await;
        Self::with_key(app, &key)
    }

    pub fn with_key(app: &TestApp, key: &str) -> Self {
        Self::of(app.client(), key)
    }

    pub fn of(client: Client, key: &str) -> Self {
        let key = key.into();
        Self { client, key }
    }

    pub async fn get(&self, path: &str) -> Answer {
        let request = Request::get(path).header("authorization", format!("Bearer {}", self.key));
        self.client.clone().send(request, Body::empty()).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_with(path, body, &[]).await
    }

    /// Posts under an idempotency key.
    pub async fn post_once(&self, path: &str, body: &Value, key: &str) -> Answer {
        self.post_with(path, body, &[("idempotency-key", key)])
            .await
    }

    pub async fn post_with(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let request = Request::post(path)
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json");
        let add = |request: axum::http::request::Builder, (name, value): &(&str, &str)| {
            request.header(*name, *value)
        };
        let request = headers.iter().fold(request, add);
        let body = Body::from(body.to_string());
        self.client.clone().send(request, body).await
    }

    /// Sends anything.
    pub async fn send(&self, request: axum::http::request::Builder, body: Body) -> Answer {
        self.client.clone().send(request, body).await
    }
}

/// The checkboxes of every scope.
pub fn all_scopes() -> Vec<&'static str> {
    vec![
        "scope_account_read",
        "scope_credits_read",
        "scope_services_read",
        "scope_services_run",
    ]
}

/// Makes a key on the page, as a person does, and reads it there.
pub async fn make_key(owner: &mut Client, scopes: &[&str]) -> String {
    let page = owner.get(KEYS).await;
    let form_key = page.input("form_key").unwrap_or_default();
    // The forms of keys that are there already come first.
    let form_key = match page.text.rsplit_once("name=\"form_key\" value=\"") {
        Some((_, rest)) => rest.split('"').next().unwrap().to_owned(),
        None => form_key.to_owned(),
    };
    let mut fields = vec![
        ("form_key", &*form_key),
        ("name", "A test"),
        ("expiry", "30"),
    ];
    fields.extend(scopes.iter().map(|scope| (*scope, "true")));
    let answer = owner.post(KEYS, &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    shown_key(&answer)
}

/// The key that a page shows.
pub fn shown_key(answer: &Answer) -> String {
    let (_, rest) = answer
        .text
        .split_once("id=\"new-key\">")
        .expect("a key is shown");
    rest.split('<').next().unwrap().to_owned()
}

/// The identifier of the key that comes first on the page.
pub async fn first_id(owner: &mut Client) -> String {
    let page = owner.get(KEYS).await;
    let (before, _) = page
        .text
        .split_once("/rotate\"")
        .expect("there is a live key");
    before.rsplit('/').next().unwrap().to_owned()
}

/// That an answer is a problem document with this code.
#[track_caller]
pub fn assert_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    let problem = answer.json();
    assert_eq!(problem["code"], code, "{problem}");
    assert_eq!(problem["status"], status, "{problem}");
}

//! Passkeys: alone, after the password, and as what they are added, named and removed by their owner.

mod device;
mod hostile;
mod keeping;

use std::time::Duration;

use crate::support::{
    PASSWORD, SITE, column, count, settings, sign_in, sign_up, sign_up_admin, themed,
};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use device::Device;
use quickscale_runtime::auth::{self, EmailVerification, Registration};
use quickscale_runtime::testing::{Answer, Client, TestApp, TestAppBuilder};
use quickscale_runtime::{App, Environment, admin, api, passkeys};
use serde_json::Value;

const ADA: &str = "ada@example.com";
const LOGIN: &str = "/accounts/login/passkey";
const FACTOR: &str = "/accounts/login/code/passkey";
const NEW: &str = "/accounts/passkeys/new";
const MINUTE: Duration = Duration::from_secs(60);

fn builder(change: impl FnOnce(&mut auth::Settings)) -> TestAppBuilder {
    let mut settings = settings(Registration::Open);
    change(&mut settings);
    let app = App::builder(SITE, Environment::Test)
        .module(auth::module(settings))
        .module(api::module(api::Settings {
            requests_per_minute: 600,
            cors_origins: String::new(),
        }))
        .module(passkeys::module(passkeys::Settings {}))
        .module(admin::module(admin::Settings {}));
    themed(app)
}

async fn start() -> TestApp {
    builder(|_| ()).start().await
}

/// Fetches a question, as the page's script does.
async fn ask(client: &mut Client, path: &str) -> Answer {
    let page = client.get("/about").await;
    let token = page.input("csrf").unwrap().to_owned();
    let request = Request::post(format!("{path}/question"))
        .header("accept", "application/json")
        .header("x-csrf-token", token);
    client.send(request, Body::empty()).await
}

async fn question(client: &mut Client, path: &str) -> Value {
    let answer = ask(client, path).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()
}

async fn give(client: &mut Client, path: &str, (question, answer): (&Value, &str)) -> Answer {
    let ticket = question["ticket"].as_str().unwrap();
    let fields = [
        ("ticket", ticket),
        ("answer", answer),
        ("next", "/accounts/security?a=1"),
    ];
    client.post(path, &fields).await
}

/// Answers a question of `path` with a device.
async fn go(client: &mut Client, path: &str, device: &Device) -> Answer {
    let question = question(client, path).await;
    let answer = device.sign(&question);
    give(client, path, (&question, &answer)).await
}

/// Adds a passkey of a device.
async fn add(client: &mut Client, device: &mut Device, name: &str) -> Answer {
    let question = question(client, NEW).await;
    let answer = device.create(&question);
    let ticket = question["ticket"].as_str().unwrap();
    let fields = [("ticket", ticket), ("answer", &*answer), ("name", name)];
    client.post(NEW, &fields).await
}

/// Somebody with a passkey, and the recovery codes that came with it.
async fn with_passkey(app: &TestApp, email: &str) -> (Client, Device, Vec<String>) {
    let (mut client, mut device) = (sign_up(app, email).await, Device::new());
    let added = add(&mut client, &mut device, "My phone").await;
    assert_eq!(added.status, StatusCode::OK, "{}", added.text);
    let codes = added.text.split("<li><code>").skip(1);
    let codes = codes.map(|piece| piece.split('<').next().unwrap().to_owned());
    (client, device, codes.collect())
}

/// Changes what is stored.
async fn change(app: &TestApp, sql: &'static str) {
    let mut tx = app.core.db().begin().await.unwrap();
    sqlx::query(sql).execute(tx.conn()).await.unwrap();
    tx.commit().await.unwrap();
}

async fn is_in(client: &mut Client) -> bool {
    client.get("/dashboard").await.status == StatusCode::OK
}

/// Gives the right password.
async fn with_password(app: &TestApp, email: &str) -> (Client, Answer) {
    let mut client = app.client();
    let fields = [("email", email), ("password", PASSWORD)];
    let answer = client.post("/accounts/login", &fields).await;
    (client, answer)
}

#[tokio::test]
async fn a_passkey_alone_signs_in() {
    let app = start().await;
    let (mut ada, device, codes) = with_passkey(&app, ADA).await;
    assert_eq!(codes.len(), 10, "{codes:?}");
    assert!(is_in(&mut ada).await, "the session goes on");
    app.clock.advance(MINUTE);
    let mut client = app.client();
    let page = client.get("/accounts/login").await;
    assert!(page.text.contains("Sign in with a passkey"));
    assert!(page.text.contains("autocomplete=\"username webauthn\""));
    let question = question(&mut client, LOGIN).await;
    assert_eq!(question["publicKey"]["userVerification"], "required");
    // Nobody learns from it who has an account.
    assert_eq!(
        question["publicKey"]["allowCredentials"],
        Value::Array(vec![])
    );
    let answer = give(&mut client, LOGIN, (&question, &device.sign(&question))).await;
    assert_eq!(answer.location(), "/accounts/security?a=1");
    let page = client.get("/accounts/security").await;
    assert!(page.text.contains("My phone") && !page.text.contains("never"));
    // Whoever comes so has just proved who he is.
    assert_eq!(client.get(NEW).await.status, StatusCode::OK);
}

#[tokio::test]
async fn whoever_gives_the_password_is_asked_for_the_passkey_or_a_recovery_code() {
    let app = start().await;
    let (_, device, codes) = with_passkey(&app, ADA).await;
    let (mut client, answer) = with_password(&app, ADA).await;
    assert_eq!(answer.location(), "/accounts/login/code?next=");
    assert!(!is_in(&mut client).await);
    let page = client.get("/accounts/login/code").await;
    assert!(page.text.contains("Go on with a passkey"), "{}", page.text);
    let named = question(&mut client, FACTOR).await;
    assert_eq!(
        named["publicKey"]["allowCredentials"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let answer = go(&mut client, FACTOR, &device).await;
    assert_eq!(answer.location(), "/accounts/security?a=1");
    assert!(is_in(&mut client).await);
    assert!(client.cookie("qs_challenge").is_none());
    // The question of before opens nothing any more.
    let late = give(&mut client, FACTOR, (&named, &device.sign(&named))).await;
    assert_eq!(late.location(), "/accounts/login");
    let (mut client, _) = with_password(&app, ADA).await;
    let answer = client
        .post("/accounts/login/code", &[("code", &codes[0])])
        .await;
    assert_eq!(answer.location(), "/dashboard");
    assert!(is_in(&mut client).await);
}

#[tokio::test]
async fn another_ones_passkey_is_no_second_factor() {
    let app = start().await;
    with_passkey(&app, ADA).await;
    let (mut bob, device, _) = with_passkey(&app, "bob@example.com").await;
    let (mut client, _) = with_password(&app, ADA).await;
    let answer = go(&mut client, FACTOR, &device).await;
    assert!(answer.location().starts_with("/accounts/login/code?next="));
    assert!(!is_in(&mut client).await);
    // Nor does a question that was put to Bob count for Ada.
    let question = question(&mut bob, "/accounts/confirm/passkey").await;
    let signed = device.sign(&question);
    give(&mut client, FACTOR, (&question, &signed)).await;
    assert!(!is_in(&mut client).await);
    // Without a password given there is nobody to ask.
    let nobody = ask(&mut app.client(), FACTOR).await;
    assert_eq!(nobody.status, StatusCode::CONFLICT, "{}", nobody.text);
}

#[tokio::test]
async fn a_passkey_shows_once_more_who_one_is() {
    let app = start().await;
    let (mut ada, device, _) = with_passkey(&app, ADA).await;
    let before = ada.cookie("qs_session").unwrap().to_owned();
    app.clock.advance(11 * MINUTE);
    let asked = ada.get(NEW).await;
    assert!(asked.location().starts_with("/accounts/confirm"));
    let refused = ask(&mut ada, NEW).await;
    assert_eq!(refused.json()["code"], "password_required");
    let page = ada.get(asked.location()).await;
    assert!(
        page.text.contains("Confirm with a passkey"),
        "{}",
        page.text
    );
    go(&mut ada, "/accounts/confirm/passkey", &device).await;
    assert_ne!(ada.cookie("qs_session").unwrap(), before, "a new token");
    assert_eq!(ada.get(NEW).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_passkey_is_the_second_factor_that_the_staff_must_have() {
    let app = builder(|settings| settings.second_factor_for_staff = true);
    let app = app.start().await;
    let mut root = sign_up_admin(&app, ADA).await;
    assert_eq!(root.get("/admin").await.status, StatusCode::SEE_OTHER);
    add(&mut root, &mut Device::new(), "Key").await;
    assert_eq!(root.get("/admin").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_locked_account_and_an_unconfirmed_one_stay_shut() {
    let app = builder(|settings| settings.email_verification = EmailVerification::Optional);
    let app = app.start().await;
    let (_, device, _) = with_passkey(&app, ADA).await;
    let strict = builder(|settings| settings.email_verification = EmailVerification::Mandatory);
    let strict = strict.replica_of(&app).await;
    change(&app, "UPDATE users SET email_verified_at = NULL").await;
    let mut client = strict.client();
    assert_eq!(
        go(&mut client, LOGIN, &device).await.location(),
        "/accounts/login"
    );
    let page = client.get("/accounts/login").await;
    assert!(
        page.text.contains("Confirm your address first"),
        "{}",
        page.text
    );
    change(
        &app,
        "UPDATE users SET email_verified_at = 1, is_active = 0",
    )
    .await;
    go(&mut client, LOGIN, &device).await;
    let page = client.get("/accounts/login").await;
    assert!(page.text.contains("has been deactivated"), "{}", page.text);
    assert!(!is_in(&mut client).await);
}

#[tokio::test]
async fn without_a_name_for_the_site_there_are_none() {
    let app = builder(|_| ()).env("APP_URL", "http://127.0.0.1:8000");
    let app = app.start().await;
    let mut ada = sign_up(&app, ADA).await;
    for path in ["/accounts/login", "/accounts/security"] {
        let page = match path {
            "/accounts/login" => app.client().get(path).await,
            _ => ada.get(path).await,
        };
        assert!(!page.text.contains("asskey"), "{}", page.text);
    }
    assert_eq!(
        ask(&mut app.client(), LOGIN).await.status,
        StatusCode::NOT_FOUND
    );
    let app = App::builder(SITE, Environment::Production)
        .module(auth::module(settings(Registration::Open)))
        .module(passkeys::module(passkeys::Settings {}));
    let app = themed(app).env("APP_URL", "https://192.0.2.1");
    let Err(error) = app.try_start().await else {
        panic!("it started");
    };
    assert!(
        format!("{error:#}").contains("passkeys need a name"),
        "{error:#}"
    );
}

//! Signing in elsewhere, at a real provider of OpenID Connect, at one that lies, and at a stand-in for GitHub.

mod github;
mod hostile;
mod linking;
mod provider;

use crate::support::{SITE, by_one_connection, column, count, settings, sign_up};
use axum::http::StatusCode;
use provider::{Provider, SECRET, Visitor};
use quickscale_runtime::auth::{self, EmailVerification, Registration};
use quickscale_runtime::clock::Clock;
use quickscale_runtime::testing::{Answer, Client, TestApp, TestAppBuilder};
use quickscale_runtime::{App, Environment, social};

const ADA: &str = "ada@example.com";
/// Ada at the provider, which has seen that the address is hers.
const ADA_THERE: &str = "ada|ada@example.com|true";

fn app(registration: Registration) -> TestAppBuilder {
    let settings = auth::Settings {
        email_verification: EmailVerification::Optional,
        ..settings(registration)
    };
    let app = App::builder(SITE, Environment::Test).module(auth::module(settings));
    by_one_connection(app.module(social::module(social::Settings {})))
}

/// An application at a provider: `rsa` and `ec` are names for it, after how it signs, `hostile` for the one that lies.
fn at(builder: TestAppBuilder, provider: &Provider) -> TestAppBuilder {
    let builder = builder.clock(Clock::System);
    let mut builder = builder.env("SOCIAL_PROVIDERS", "rsa,ec,hostile");
    for name in ["RSA", "EC", "HOSTILE"] {
        let issuer = match name {
            "HOSTILE" => format!("{}/hostile", provider.issuer),
            _ => provider.issuer.clone(),
        };
        builder = builder
            .env(&format!("SOCIAL_{name}_ISSUER"), &issuer)
            .env(&format!("SOCIAL_{name}_CLIENT_ID"), &name.to_lowercase())
            .env(&format!("SOCIAL_{name}_CLIENT_SECRET"), SECRET);
    }
    builder
}

async fn start(provider: &Provider) -> TestApp {
    at(app(Registration::Open), provider).start().await
}

/// The address to which a page sends the browser on.
fn leaves_to(page: &Answer) -> String {
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let (_, url) = page.text.split_once("content=\"0; url=").unwrap();
    let url = url.split('"').next().unwrap();
    url.replace("&amp;", "&")
}

/// Goes to a provider by one of its buttons, agrees as `person`, and comes back.
async fn go(client: &mut Client, path: &str, person: &str) -> Answer {
    let fields = [("next", "/accounts/security?a=1")];
    let page = client.post(path, &fields).await;
    let back = Visitor::named(person).agree(&leaves_to(&page)).await;
    client.get(&back).await
}

async fn is_in(client: &mut Client) -> bool {
    client.get("/dashboard").await.status == StatusCode::OK
}

/// Changes what is stored.
async fn change(app: &TestApp, sql: &'static str) {
    let mut tx = app.core.db().begin().await.unwrap();
    sqlx::query(sql).execute(tx.conn()).await.unwrap();
    tx.commit().await.unwrap();
}

/// The newest message that the browser was left with.
async fn told(client: &mut Client, at: &str) -> String {
    client.get(at).await.text
}

/// A browser of Ada, who has an account whose address is confirmed.
async fn ada(app: &TestApp) -> Client {
    sign_up(app, ADA).await
}

#[tokio::test]
async fn a_newcomer_gets_an_account_and_comes_back_to_it() {
    let provider = Provider::start();
    let app = start(&provider).await;
    for name in ["rsa", "ec"] {
        let person = format!("{name}|{name}@example.com|true");
        let path = format!("/accounts/social/{name}");
        let mut client = app.client();
        let first = go(&mut client, &path, &person).await;
        assert_eq!(first.location(), "/accounts/security?a=1", "{}", first.text);
        let page = told(&mut client, "/accounts/security").await;
        assert!(page.contains("Welcome!"), "{page}");
        assert!(page.contains("Your account has no password"), "{page}");
        assert!(client.cookie("qs_social").is_none());
        let mut again = app.client();
        go(&mut again, &path, &person).await;
        assert!(is_in(&mut again).await);
    }
    let users = column(&app, "SELECT email || name FROM users ORDER BY id").await;
    assert_eq!(
        users,
        ["rsa@example.comPerson rsa", "ec@example.comPerson ec"]
    );
    let verified = "SELECT id FROM users WHERE email_verified_at IS NOT NULL";
    assert_eq!(column(&app, verified).await.len(), 2);
    assert_eq!(count(&app, "social_identities").await, 2);
}

#[tokio::test]
async fn nobody_gets_an_account_where_nobody_makes_one_by_himself() {
    let provider = Provider::start();
    let app = at(app(Registration::Closed), &provider).start().await;
    let mut client = app.client();
    let answer = go(&mut client, "/accounts/social/rsa", ADA_THERE).await;
    assert_eq!(answer.location(), "/accounts/login");
    let page = told(&mut client, "/accounts/login").await;
    assert!(page.contains("nobody makes one by himself"), "{page}");
    assert_eq!(count(&app, "users").await, 0);
}

#[tokio::test]
async fn whoever_was_invited_gets_an_account_once() {
    let provider = Provider::start();
    let app = at(app(Registration::Invitation), &provider).start().await;
    change(
        &app,
        "INSERT INTO users (id, email, email_key, name, password_hash, role, is_active, created_at)
         VALUES ('root', 'root@example.com', 'root@example.com', '', 'x', 'admin', 1, 0)",
    )
    .await;
    change(
        &app,
        "INSERT INTO invitations (id, email, email_key, digest, invited_by, created_at, expires_at)
         VALUES ('i', 'Ada@example.com', 'ada@example.com', 'd', 'root', 0, 9000000000000000)",
    )
    .await;
    let mut client = app.client();
    go(
        &mut client,
        "/accounts/social/rsa",
        "bob|bob@example.com|true",
    )
    .await;
    assert!(!is_in(&mut client).await, "he was not invited");
    go(&mut client, "/accounts/social/rsa", ADA_THERE).await;
    assert!(is_in(&mut client).await);
    let open = "SELECT id FROM invitations WHERE used_at IS NULL";
    assert_eq!(column(&app, open).await, [""; 0]);
    assert_eq!(count(&app, "users").await, 2);
}

#[tokio::test]
async fn an_address_that_the_provider_does_not_vouch_for_counts_for_nothing() {
    let provider = Provider::start();
    let app = start(&provider).await;
    ada(&app).await;
    for person in [
        "x|ada@example.com|false",
        "y|nobody@example.com|false",
        "z||true",
    ] {
        let mut client = app.client();
        go(&mut client, "/accounts/social/rsa", person).await;
        let page = told(&mut client, "/accounts/login").await;
        assert!(page.contains("does not vouch for your address"), "{page}");
        assert!(!is_in(&mut client).await);
    }
    assert_eq!(count(&app, "users").await, 1);
    assert_eq!(count(&app, "social_identities").await, 0);
}

#[tokio::test]
async fn whoever_does_not_agree_is_told_so() {
    let provider = Provider::start();
    let app = start(&provider).await;
    let mut client = app.client();
    let answer = go(&mut client, "/accounts/social/rsa", "no").await;
    assert_eq!(answer.location(), "/accounts/login");
    let page = told(&mut client, "/accounts/login").await;
    assert!(page.contains("You did not agree"), "{page}");
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_said_to_be_away() {
    let app = app(Registration::Open)
        .env("SOCIAL_PROVIDERS", "acme")
        .env("SOCIAL_ACME_ISSUER", "http://127.0.0.1:9")
        .env("SOCIAL_ACME_CLIENT_ID", "a")
        .env("SOCIAL_ACME_CLIENT_SECRET", "b");
    let app = app.start().await;
    let mut client = app.client();
    let answer = client.post("/accounts/social/acme", &[]).await;
    assert_eq!(answer.location(), "/accounts/login");
    let page = told(&mut client, "/accounts/login").await;
    assert!(page.contains("acme cannot be reached"), "{page}");
    let unknown = client.post("/accounts/social/other", &[]).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn it_starts_with_every_fault_of_its_configuration_told() {
    let app = app(Registration::Open).env("SOCIAL_PROVIDERS", "google");
    let Err(error) = app.try_start().await else {
        panic!("it started");
    };
    let text = format!("{error:#}");
    for variable in ["SOCIAL_GOOGLE_CLIENT_ID", "SOCIAL_GOOGLE_CLIENT_SECRET"] {
        assert!(text.contains(variable), "{text}");
    }
}

#[tokio::test]
async fn without_providers_nothing_is_shown_of_it() {
    let app = app(Registration::Open).start().await;
    let page = app.client().get("/accounts/login").await;
    assert!(!page.text.contains("social"), "{}", page.text);
}

//! What holds for every service of the application, and what a run costs: shown on two services made for it.

mod support;

use app::app;
use garde::Validate;
use quickscale_runtime::auth::{self, EmailVerification};
use quickscale_runtime::credits::{self, Credits, Owner};
use quickscale_runtime::services::contract::Report;
use quickscale_runtime::services::{self, Service, ServiceContext, ServiceError};
use quickscale_runtime::testing::{Answer, Client, TestApp};
use quickscale_runtime::{App, Environment};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use support::{account, newcomer};

const ADA: &str = "ada@example.com";

#[derive(Deserialize, JsonSchema, Validate)]
struct Input {
    #[garde(length(min = 1))]
    text: String,
}

#[derive(Serialize, JsonSchema)]
struct Output {
    shouted: String,
}

/// Says it louder, for a price.
struct Shout(Credits);

impl Service for Shout {
    type Input = Input;
    type Output = Output;

    fn title(&self) -> &str {
        "Shout"
    }

    fn description(&self) -> &str {
        "Says it louder."
    }

    fn cost(&self) -> Credits {
        self.0
    }

    async fn run(&self, input: Input, _: &ServiceContext) -> Result<Output, ServiceError> {
        let shouted = input.text.to_uppercase();
        Ok(Output { shouted })
    }
}

/// The project's pages around two services, one of which nobody can afford. Newcomers get 10 credits.
async fn shop() -> TestApp {
    let auth = auth::module(auth::Settings {
        email_verification: EmailVerification::None,
        ..auth::Settings::default()
    });
    let credits = credits::module(credits::Settings {
        signup_grant: Credits::whole(10),
        ..credits::Settings::default()
    });
    let services = services::module(services::Settings::default())
        .service("shout", Shout(Credits::whole(3)))
        .service("gold", Shout(Credits::whole(1000)));
    let shop = App::builder("Shop", Environment::Test).module(auth);
    TestApp::start(shop.module(credits).module(services)).await
}

/// Sends the form of a service, as it was shown under `key`.
async fn send(client: &mut Client, service: &str, key: &str, text: &str) -> Answer {
    let fields = [("run_key", key), ("text", text)];
    client.post(&format!("/services/{service}"), &fields).await
}

async fn key(client: &mut Client, service: &str) -> String {
    let page = client.get(&format!("/services/{service}")).await;
    let key = page.input("run_key");
    key.expect("the form has a key").to_owned()
}

async fn left(app: &TestApp) -> Credits {
    let owner = Owner::User(account(app, ADA).await.id);
    let balance = credits::actions::balance(&app.core, &owner).await;
    balance.expect("the database answers").available
}

#[tokio::test]
async fn every_service_has_a_page_with_a_form() {
    let app = TestApp::start(app(Environment::Test)).await;
    let mut client = newcomer(&app, ADA).await;
    let list = client.get("/services").await.text;
    let services = list.split('"').filter(|text| {
        let name = text.strip_prefix("/services/");
        name.is_some_and(|name| name != "runs")
    });
    for path in services {
        let page = client.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.input("run_key").is_some(), "{path}: {}", page.text);
    }
}

#[tokio::test]
async fn every_service_keeps_its_contract() {
    let app = TestApp::start(app(Environment::Test)).await;
    newcomer(&app, ADA).await;
    let ada = account(&app, ADA).await.id;
    let report = Report::make(&app.core, &ada).await;
    let report = report.expect("the services can be tried out");
    assert!(report.is_kept(), "{report}");
}

#[tokio::test]
async fn a_run_is_charged_once_however_often_it_is_sent_and_seen() {
    let app = shop().await;
    let mut client = newcomer(&app, ADA).await;
    let key = key(&mut client, "shout").await;
    let first = send(&mut client, "shout", &key, "hello").await;
    let again = send(&mut client, "shout", &key, "hello").await;
    assert!(first.location().starts_with("/services/runs/"));
    assert_eq!(first.location(), again.location());
    for _ in 0..2 {
        let result = client.get(first.location()).await.text;
        assert!(result.contains("HELLO"), "{result}");
        assert!(result.contains("7 credits remaining"), "{result}");
    }
    assert_eq!(left(&app).await, Credits::whole(7));
}

#[tokio::test]
async fn what_cannot_be_worked_on_is_refused_and_costs_nothing() {
    let app = shop().await;
    let mut client = newcomer(&app, ADA).await;
    let key = key(&mut client, "shout").await;
    let refused = send(&mut client, "shout", &key, "").await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert_eq!(left(&app).await, Credits::whole(10));
}

#[tokio::test]
async fn without_enough_credits_nothing_runs_and_the_page_says_why() {
    let app = shop().await;
    let mut client = newcomer(&app, ADA).await;
    let key = key(&mut client, "gold").await;
    let refused = send(&mut client, "gold", &key, "hello").await;
    assert_eq!(refused.status, 402);
    assert!(refused.text.contains("1000"), "{}", refused.text);
    assert_eq!(left(&app).await, Credits::whole(10));
}

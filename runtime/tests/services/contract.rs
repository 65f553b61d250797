//! The contract that services are held to: the born ones keep it, and one that does not is found out.

use garde::Validate;
use quickscale_runtime::auth::EmailAddress;
use quickscale_runtime::auth::actions::find_user_by_email;
use quickscale_runtime::credits::Credits;
use quickscale_runtime::ids::UserId;
use quickscale_runtime::services::contract::Report;
use quickscale_runtime::services::{self, Service, ServiceContext, ServiceError, Services};
use quickscale_runtime::testing::TestApp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::born;
use crate::offered::app_with;
use crate::support::{sign_up, themed};

/// Panics where it sees markup.
struct Touchy;

#[derive(Deserialize, JsonSchema, Validate)]
struct Input {
    #[garde(length(chars, max = 100))]
    text: String,
}

#[derive(Serialize, JsonSchema)]
struct Output {
    length: usize,
}

impl Service for Touchy {
    type Input = Input;
    type Output = Output;

    fn title(&self) -> &str {
        "Touchy"
    }

    fn description(&self) -> &str {
        "Does not like markup."
    }

    fn cost(&self) -> Credits {
        Credits::whole(2)
    }

    async fn run(&self, input: Input, _: &ServiceContext) -> Result<Output, ServiceError> {
        assert!(!input.text.contains('<'), "markup");
        let length = input.text.len();
        Ok(Output { length })
    }
}

async fn report(services: Services) -> Report {
    let app = themed(app_with(Credits::ZERO, services)).start().await;
    let user = ada(&app).await;
    Report::make(&app.core, &user).await.unwrap()
}

async fn ada(app: &TestApp) -> UserId {
    sign_up(app, "ada@example.com").await;
    let email = EmailAddress::parse("ada@example.com").unwrap();
    let user = find_user_by_email(&app.core, &email).await.unwrap();
    user.unwrap().id
}

#[tokio::test]
async fn the_services_of_every_kind_keep_it() {
    let report = report(born::services()).await;
    assert!(report.is_kept(), "{report}");
    assert!(
        report.findings.iter().all(|finding| finding.tried > 1),
        "{report:?}"
    );
}

#[tokio::test]
async fn a_service_that_panics_on_odd_input_does_not() {
    let report =
        report(services::module(services::Settings::default()).service("touchy", Touchy)).await;
    let faulty: Vec<_> = report
        .findings
        .iter()
        .filter(|one| !one.is_kept())
        .collect();
    assert_eq!(faulty.len(), 1, "{report}");
    assert_eq!(faulty[0].promise, "hostile input");
    assert!(faulty[0].faults[0].contains("markup in “Text”"), "{report}");
}

/// Divides by nothing where no letter was typed.
struct Careless;

#[derive(Serialize, JsonSchema)]
struct Share {
    share: f64,
}

impl Service for Careless {
    type Input = Input;
    type Output = Share;

    fn title(&self) -> &str {
        "Careless"
    }

    fn description(&self) -> &str {
        "How much of a text is said aloud."
    }

    fn cost(&self) -> Credits {
        Credits::ZERO
    }

    async fn run(&self, input: Input, _: &ServiceContext) -> Result<Share, ServiceError> {
        let count = |is: fn(char) -> bool| input.text.chars().filter(|one| is(*one)).count() as f64;
        let share = count(char::is_uppercase) / count(char::is_alphabetic);
        Ok(Share { share })
    }
}

#[tokio::test]
async fn a_service_whose_results_are_not_what_it_says_does_not() {
    let services = services::module(services::Settings::default()).service("careless", Careless);
    let report = report(services).await;
    let faulty = report.findings.iter().filter(|one| !one.is_kept());
    let faulty: Vec<_> = faulty.collect();
    assert_eq!(faulty.len(), 1, "{report}");
    assert_eq!(faulty[0].promise, "schema");
    let fault = "`share` of the result is null, and should be \"number\".";
    assert!(faulty[0].faults[0].starts_with(fault), "{report}");
}

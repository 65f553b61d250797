//! Services for tests: one that does what it is told, one that asks for every kind of field.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use garde::Validate;
use quickscale_runtime::auth::{self, Registration};
use quickscale_runtime::credits::{self, Credits};
use quickscale_runtime::services::{
    self, FileInput, FileRule, FileType, Service, ServiceContext, ServiceError, Services,
};
use quickscale_runtime::testing::TestApp;
use quickscale_runtime::{App, Environment};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::support::{SITE, themed};

/// How long runs may take in tests.
const TIME_LIMIT: Duration = Duration::from_millis(300);

/// How often a service has worked.
pub type Counter = Arc<AtomicUsize>;

/// Does what its text says: succeeds, or fails in one of the ways there are.
pub struct Obedient {
    pub cost: Credits,
    pub worked: Counter,
}

#[derive(Debug, Deserialize, JsonSchema, Validate)]
pub struct Order {
    /// What to do.
    #[garde(length(chars, max = 100))]
    text: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Done {
    /// The text, as it came.
    answer: String,
}

impl Service for Obedient {
    type Input = Order;
    type Output = Done;

    fn title(&self) -> &str {
        "Obedient"
    }

    fn description(&self) -> &str {
        "Does as it is told."
    }

    fn cost(&self) -> Credits {
        self.cost
    }

    async fn run(&self, input: Order, context: &ServiceContext) -> Result<Done, ServiceError> {
        self.worked.fetch_add(1, Ordering::SeqCst);
        match input.text.as_str() {
            "refuse" => Err(ServiceError::unusable("This text is of no use.")),
            "fail" => Err(std::io::Error::other("a secret of ours").into()),
            "panic" => panic!("a secret of ours"),
            "cheap" | "gift" | "dear" => {
                context.costs(match input.text.as_str() {
                    "cheap" => Credits::from_milli(500),
                    "gift" => Credits::ZERO,
                    _ => Credits::whole(1_000_000),
                });
                Ok(Done { answer: input.text })
            }
            "hang" => std::future::pending().await,
            "rest" => {
                tokio::time::sleep(TIME_LIMIT / 3).await;
                Ok(Done {
                    answer: "rested".into(),
                })
            }
            _ => Ok(Done { answer: input.text }),
        }
    }
}

/// Asks for a field of each kind and answers with what it got.
pub struct Curious;

#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[garde(allow_unvalidated)]
pub struct Everything {
    /// One line.
    #[garde(length(chars, min = 2, max = 10), custom(no_shouting))]
    name: String,
    /// Several
    /// lines.
    #[schemars(title = "Story")]
    text: Option<String>,
    #[garde(range(min = 1, max = 10))]
    count: u8,
    #[garde(range(min = -1.5, max = 1.5))]
    #[serde(default = "half")]
    weight: f64,
    mood: Mood,
    second_mood: Option<Mood>,
    strict: bool,
    file: Option<FileInput<Paper>>,
}

fn half() -> f64 {
    0.5
}

fn no_shouting(name: &str, (): &()) -> garde::Result {
    if name.chars().all(char::is_uppercase) {
        return Err(garde::Error::new("Do not shout."));
    }
    Ok(())
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Mood {
    VeryGood,
    /// As it comes.
    #[schemars(title = "So-so")]
    Middling,
}

#[derive(Debug)]
struct Paper;

impl FileRule for Paper {
    const TYPES: &'static [FileType] = &[FileType::Pdf, FileType::Png];
    const MAX_BYTES: usize = 2048;
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Heard {
    all: String,
}

impl Service for Curious {
    type Input = Everything;
    type Output = Heard;

    fn title(&self) -> &str {
        "Curious <b>&</b>"
    }

    fn description(&self) -> &str {
        "Asks for everything."
    }

    fn cost(&self) -> Credits {
        Credits::ZERO
    }

    async fn run(&self, input: Everything, _: &ServiceContext) -> Result<Heard, ServiceError> {
        let file = input.file.map(|file| (file.name, file.bytes.len()));
        let Everything {
            name,
            text,
            count,
            weight,
            mood,
            second_mood,
            strict,
            ..
        } = input;
        let all =
            format!("{name} {text:?} {count} {weight} {mood:?} {second_mood:?} {strict} {file:?}");
        Ok(Heard { all })
    }
}

/// Takes longer than services usually may, and says so.
pub struct Patient;

impl Service for Patient {
    type Input = Order;
    type Output = Done;

    fn title(&self) -> &str {
        "Patient"
    }

    fn description(&self) -> &str {
        "Takes its time."
    }

    fn cost(&self) -> Credits {
        Credits::ZERO
    }

    fn time_limit(&self) -> Option<Duration> {
        Some(TIME_LIMIT * 20)
    }

    async fn run(&self, input: Order, _: &ServiceContext) -> Result<Done, ServiceError> {
        tokio::time::sleep(TIME_LIMIT * 2).await;
        Ok(Done { answer: input.text })
    }
}

/// An application with `services`, whose newcomers get `gift`.
pub fn app_with(gift: Credits, services: Services) -> App {
    let registration = Registration::Open;
    App::builder(SITE, Environment::Test)
        .module(auth::module(crate::support::settings(registration)))
        .module(credits::module(credits::Settings {
            signup_grant: gift,
            ..credits::Settings::default()
        }))
        .module(services)
}

/// An application with `obedient` for `cost`, `free` for nothing, `curious` and `patient`; its newcomers get `gift`.
pub async fn offering(gift: u32, cost: u32) -> (TestApp, Counter) {
    let worked = Counter::default();
    let obedient = |cost| Obedient {
        cost: Credits::whole(cost),
        worked: worked.clone(),
    };
    let services = services::module(services::Settings {})
        .service("obedient", obedient(cost))
        .service("free", obedient(0))
        .service("curious", Curious)
        .service("patient", Patient)
        .time_limit(TIME_LIMIT);
    let app = themed(app_with(Credits::whole(gift), services))
        .start()
        .await;
    (app, worked)
}

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
use quickscale_runtime::testing::{TestApp, TestAppBuilder};
use quickscale_runtime::{App, Environment};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::support::{SITE, themed};

/// How long runs may take in tests: so long that nothing which ends at all takes as much on a busy machine.
const TIME_LIMIT: Duration = Duration::from_secs(60);
/// How long a run may take that is to be stopped.
const SHORT: Duration = Duration::from_millis(50);

/// How often a service has worked.
pub type Counter = Arc<AtomicUsize>;

/// Does what its text says: succeeds, or fails in one of the ways there are.
pub struct Obedient {
    pub cost: Credits,
    pub worked: Counter,
    pub limit: Option<Duration>,
    pub background: bool,
    /// A run that waits goes on for each permit.
    pub gate: Arc<Semaphore>,
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

    fn time_limit(&self) -> Option<Duration> {
        self.limit
    }

    fn background(&self) -> bool {
        self.background
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
                tokio::time::sleep(Duration::from_millis(100)).await;
                Ok(Done {
                    answer: "rested".into(),
                })
            }
            "wait" => {
                self.gate.acquire().await?.forget();
                Ok(Done {
                    answer: "waited".into(),
                })
            }
            "talk" => {
                context.progress(0.256, "half <i>way</i>");
                context.emit("Hello <b>\n");
                self.gate.acquire().await?.forget();
                context.emit(" world");
                Ok(Done {
                    answer: "talked".into(),
                })
            }
            "heed" => {
                context.emit("begun");
                context.cancelled().await;
                context.costs(Credits::whole(2));
                Ok(Done {
                    answer: "as far as I came".into(),
                })
            }
            "object" => {
                context.emit("begun");
                context.cancelled().await;
                Err(ServiceError::unusable("I was not done!"))
            }
            "ignore" => {
                context.emit("begun");
                std::future::pending().await
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

/// Takes longer than services usually may where it is offered, and says so.
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
        Some(TIME_LIMIT)
    }

    async fn run(&self, input: Order, _: &ServiceContext) -> Result<Done, ServiceError> {
        tokio::time::sleep(SHORT * 2).await;
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

/// An application with `patient`, where services may take almost no time.
pub async fn offering_little_time() -> TestApp {
    let services = services::module(services::Settings::default())
        .service("patient", Patient)
        .time_limit(SHORT);
    themed(app_with(Credits::ZERO, services)).start().await
}

/// What an obedient service is held by: how often it has worked, and what lets it go on.
#[derive(Clone)]
pub struct Strings {
    pub worked: Counter,
    pub gate: Arc<Semaphore>,
}

impl Default for Strings {
    fn default() -> Self {
        Self {
            worked: Counter::default(),
            gate: Arc::new(Semaphore::new(0)),
        }
    }
}

impl Strings {
    pub fn obedient(&self, cost: u32) -> Obedient {
        Obedient {
            cost: Credits::whole(cost),
            worked: self.worked.clone(),
            limit: None,
            background: false,
            gate: self.gate.clone(),
        }
    }

    /// `obedient` for `cost`, `hurried` for as much, which may take almost no time, `later` in the background, `free` for nothing, and `curious`.
    pub fn services(&self, cost: u32) -> Services {
        let hurried = Obedient {
            limit: Some(SHORT),
            ..self.obedient(cost)
        };
        let later = Obedient {
            background: true,
            ..self.obedient(cost)
        };
        services::module(services::Settings::default())
            .service("obedient", self.obedient(cost))
            .service("hurried", hurried)
            .service("later", later)
            .service("free", self.obedient(0))
            .service("curious", Curious)
            .time_limit(TIME_LIMIT)
    }
}

/// An application with [`Strings::services`]; its newcomers get `gift`.
pub fn builder(strings: &Strings, gift: u32, cost: u32) -> TestAppBuilder {
    themed(app_with(Credits::whole(gift), strings.services(cost)))
}

/// As [`builder`], started.
pub async fn offering(gift: u32, cost: u32) -> (TestApp, Counter) {
    let strings = Strings::default();
    let app = builder(&strings, gift, cost).start().await;
    (app, strings.worked)
}

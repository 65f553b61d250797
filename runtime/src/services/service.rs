//! What a service is: a title, a price, a typed input, a typed output and work that turns one into the other.
//! Form, checks and documentation come from the types.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use garde::Validate;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::context::ServiceContext;
use super::input::InputSchema;
use super::pace::Pace;
use super::view::View;
use crate::credits::Credits;
use crate::error::FieldErrors;

/// Work that users pay for with credits. One file in `src/services/` defines one.
pub trait Service: Send + Sync + 'static {
    /// What the form asks for: a struct of texts, numbers, choices, flags and files
    /// ([`FileInput`](super::FileInput)). Doc comments on its fields are shown beside them.
    type Input: DeserializeOwned + JsonSchema + Validate<Context: Default> + Send + 'static;
    /// What comes of it. Doc comments on its fields are shown too.
    type Output: Serialize + JsonSchema + Send + 'static;

    /// How people call it.
    fn title(&self) -> &str;

    /// What it does, in one or two sentences.
    fn description(&self) -> &str;

    /// What a run costs. Nothing is charged when a run fails; [`Credits::ZERO`] makes it free.
    fn cost(&self) -> Credits;

    /// How long a run may take; none for what holds for all services: 30 seconds, or 15 minutes in the background.
    fn time_limit(&self) -> Option<Duration> {
        None
    }

    /// Whether runs are worked off one after the other, apart from requests: whoever asks is answered at once and looks
    /// for the result later. Such a run outlives the process that works on it: another one begins it anew.
    fn background(&self) -> bool {
        false
    }

    /// Does the work, within the time limit. What keeps a processor busy for long belongs in
    /// `tokio::task::spawn_blocking`. A run that turns out cheaper says so: [`ServiceContext::costs`]; one that takes
    /// its time may say how far it is and show what it has: [`ServiceContext::progress`], [`ServiceContext::emit`].
    fn run(
        &self,
        input: Self::Input,
        context: &ServiceContext,
    ) -> impl Future<Output = Result<Self::Output, ServiceError>> + Send;

    /// How the page shows an output: as a list of its fields, unless this is overridden.
    fn view(&self, output: &Value, schema: &Value) -> View {
        View::of(output, schema)
    }
}

/// Why a run gives no result. Either way nothing is charged.
#[derive(Debug)]
pub enum ServiceError {
    /// The input cannot be worked on. The user reads the sentence.
    Unusable(String),
    /// A fault of ours. The log gets the cause; the user learns only that it failed.
    Failed(anyhow::Error),
}

impl ServiceError {
    /// The input cannot be worked on, and why.
    pub fn unusable(sentence: impl Into<String>) -> Self {
        Self::Unusable(sentence.into())
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unusable(sentence) => f.write_str(sentence),
            Self::Failed(cause) => write!(f, "{cause:#}"),
        }
    }
}

/// Lets `?` turn any fault into a failed run. For this, `ServiceError` is no `std::error::Error` itself.
impl<E: Into<anyhow::Error>> From<E> for ServiceError {
    fn from(cause: E) -> Self {
        Self::Failed(cause.into())
    }
}

/// Work that is ready to start: its input has passed every check.
pub(super) type Work =
    Box<dyn FnOnce(ServiceContext) -> BoxFuture<'static, Result<Value, ServiceError>> + Send>;

/// A service without its types.
pub(super) trait AnyService: Send + Sync {
    fn title(&self) -> &str;
    fn description(&self) -> &str;
    fn cost(&self) -> Credits;
    fn time_limit(&self) -> Option<Duration>;
    fn background(&self) -> bool;
    fn input(&self) -> &InputSchema;
    /// The schema of its output.
    fn output(&self) -> &Value;
    fn view(&self, output: &Value) -> View;
    fn pace(&self) -> &Pace;

    /// Checks an input against the schema and the type's own rules.
    fn prepare(self: Arc<Self>, input: Map<String, Value>) -> Result<Work, FieldErrors>;
}

struct Typed<S> {
    service: S,
    input: InputSchema,
    output: Value,
    pace: Pace,
}

/// Takes a service's types away.
///
/// # Errors
/// When its input is something that no form can ask for.
pub(super) fn erase<S: Service>(service: S) -> anyhow::Result<Arc<dyn AnyService>> {
    let settings = || {
        SchemaSettings::draft2020_12().with(|settings| {
            settings.inline_subschemas = true;
        })
    };
    let input = settings().for_deserialize().into_generator();
    let output = settings().for_serialize().into_generator();
    Ok(Arc::new(Typed {
        service,
        input: InputSchema::parse(input.into_root_schema_for::<S::Input>().to_value())?,
        output: output.into_root_schema_for::<S::Output>().to_value(),
        pace: Pace::default(),
    }))
}

impl<S: Service> AnyService for Typed<S> {
    fn title(&self) -> &str {
        self.service.title()
    }

    fn description(&self) -> &str {
        self.service.description()
    }

    fn cost(&self) -> Credits {
        self.service.cost()
    }

    fn time_limit(&self) -> Option<Duration> {
        self.service.time_limit()
    }

    fn background(&self) -> bool {
        self.service.background()
    }

    fn input(&self) -> &InputSchema {
        &self.input
    }

    fn output(&self) -> &Value {
        &self.output
    }

    fn view(&self, output: &Value) -> View {
        self.service.view(output, &self.output)
    }

    fn pace(&self) -> &Pace {
        &self.pace
    }

    fn prepare(self: Arc<Self>, input: Map<String, Value>) -> Result<Work, FieldErrors> {
        let errors = self.input.check(&input);
        if !errors.is_empty() {
            return Err(errors);
        }
        let input: S::Input = serde_json::from_value(Value::Object(input))
            .map_err(|fault| FieldErrors::one("form", format!("This cannot be read: {fault}.")))?;
        input
            .validate_with(&Default::default())
            .map_err(|report| self.input.errors_of(&report))?;
        Ok(Box::new(move |context| {
            async move {
                let output = self.service.run(input, &context).await?;
                Ok(serde_json::to_value(output)?)
            }
            .boxed()
        }))
    }
}

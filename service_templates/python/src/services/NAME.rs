//! Keyword extraction. The work is a Python program: `service.py`, in the folder of this service's name in
//! `services/python/`, with its packages in `requirements.txt` beside it.

use std::time::Duration;

use garde::Validate;
use quickscale_runtime::credits::Credits;
use quickscale_runtime::python::Program;
use quickscale_runtime::services::{Service, ServiceContext, ServiceError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The service. Its name is the name of this file.
pub fn service() -> impl Service {
    KeywordExtraction {
        program: Program::of(module_path!())
            .workers(2)
            .memory(Some(512 * 1024 * 1024)),
    }
}

struct KeywordExtraction {
    program: Program,
}

/// What the form asks for, and what `run` in `service.py` gets as `input`.
#[derive(Debug, Deserialize, Serialize, JsonSchema, Validate)]
struct Input {
    /// An article, a report, a few messages of customers.
    #[garde(length(chars, max = 20_000))]
    text: String,
    /// How many keywords you want, at most.
    #[garde(range(min = 1, max = 50))]
    #[serde(default = "ten")]
    most: u8,
}

fn ten() -> u8 {
    10
}

/// What the page shows, and what `run` in `service.py` returns.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
struct Output {
    /// The best first.
    keywords: Vec<Keyword>,
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
struct Keyword {
    phrase: String,
    /// The more its words stand together with others, the higher.
    score: f64,
}

impl Service for KeywordExtraction {
    type Input = Input;
    type Output = Output;

    fn title(&self) -> &str {
        "Keyword extraction"
    }

    fn description(&self) -> &str {
        "Finds the words and phrases that say what an English text is about."
    }

    fn cost(&self) -> Credits {
        Credits::whole(1)
    }

    /// The first run of all waits for the program to be loaded.
    fn time_limit(&self) -> Option<Duration> {
        Some(Duration::from_secs(60))
    }

    async fn run(&self, input: Input, context: &ServiceContext) -> Result<Output, ServiceError> {
        self.program.run(&input, context).await
    }
}

/// They need the program's environment, which `quickscale up` and `quickscale validate-service` make.
#[cfg(test)]
mod tests {
    use quickscale_runtime::services::contract;

    use super::*;

    async fn keywords(text: &str, most: u8) -> Result<Vec<String>, ServiceError> {
        let text = text.to_owned();
        let tried = contract::try_out(service(), &Input { text, most }).await?;
        let output: Output = tried.output()?;
        let keywords = output.keywords.into_iter();
        Ok(keywords.map(|keyword| keyword.phrase).collect())
    }

    #[tokio::test]
    async fn the_words_that_a_text_is_about_are_found() {
        let text =
            "Solar panels turn light into power. The power of solar panels depends on the weather.";
        let found = keywords(text, 2).await.unwrap();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found.contains(&"solar panels turn light".into()),
            "{found:?}"
        );
    }

    #[tokio::test]
    async fn a_text_without_words_of_its_own_is_refused_with_a_sentence() {
        for text in ["and so on", "...", "1234"] {
            match keywords(text, 10).await {
                Err(ServiceError::Unusable(why)) => assert!(why.contains("keywords"), "{why}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}

//! Sentiment analysis of English texts by VADER, a lexicon with rules (Hutto and Gilbert, ICWSM-14).

use std::sync::LazyLock;

use garde::Validate;
use quickscale_runtime::credits::Credits;
use quickscale_runtime::services::{Service, ServiceContext, ServiceError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vader_parity::SentimentIntensityAnalyzer;

/// The service. Its name is the name of this file.
pub fn service() -> impl Service {
    SentimentAnalysis
}

struct SentimentAnalysis;

/// What the form asks for.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
struct Input {
    /// A few sentences in English, such as a review or a message of a customer.
    #[garde(length(chars, max = 5000))]
    text: String,
}

/// What the page shows.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct Output {
    sentiment: Sentiment,
    /// From -1, as negative as can be, to 1, as positive as can be.
    score: f64,
    /// How much of the text is positive, neutral and negative.
    shares: Shares,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
enum Sentiment {
    Positive,
    Neutral,
    Negative,
}

#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct Shares {
    positive: String,
    neutral: String,
    negative: String,
}

impl Service for SentimentAnalysis {
    type Input = Input;
    type Output = Output;

    fn title(&self) -> &str {
        "Sentiment analysis"
    }

    fn description(&self) -> &str {
        "Says whether an English text sounds positive, neutral or negative, and how strongly."
    }

    fn cost(&self) -> Credits {
        Credits::whole(1)
    }

    async fn run(&self, input: Input, _: &ServiceContext) -> Result<Output, ServiceError> {
        Ok(analyse(&input.text))
    }
}

/// The lexicon, read when it is first needed.
static ANALYZER: LazyLock<SentimentIntensityAnalyzer> =
    LazyLock::new(SentimentIntensityAnalyzer::new);

fn analyse(text: &str) -> Output {
    let scores = ANALYZER.polarity_scores(text);
    Output {
        sentiment: sentiment(scores.compound),
        score: scores.compound,
        shares: Shares {
            positive: percent(scores.pos),
            neutral: percent(scores.neu),
            negative: percent(scores.neg),
        },
    }
}

/// From where on a score says something, as VADER's authors recommend.
const THRESHOLD: f64 = 0.05;

fn sentiment(score: f64) -> Sentiment {
    if score >= THRESHOLD {
        Sentiment::Positive
    } else if score <= -THRESHOLD {
        Sentiment::Negative
    } else {
        Sentiment::Neutral
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn praise_is_positive_and_blame_is_negative() {
        for (text, expected) in [
            ("I love this, it is wonderful!", Sentiment::Positive),
            ("This is not good. I hate it.", Sentiment::Negative),
            ("The parcel came on Tuesday.", Sentiment::Neutral),
            ("At least it isn't a horrible book.", Sentiment::Positive),
            ("", Sentiment::Neutral),
        ] {
            let output = analyse(text);
            assert_eq!(output.sentiment, expected, "{text}: {output:?}");
        }
    }

    #[test]
    fn scores_stay_within_their_bounds() {
        let output = analyse(&"great ".repeat(800));
        assert!((0.9..=1.0).contains(&output.score), "{output:?}");
        assert_eq!(output.shares.positive, "100 %");
    }
}

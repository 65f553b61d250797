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
    /// From -1, as negative as can be, to 1, as positive as can be: the mean of the sentences.
    score: f64,
    sentences: Count,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
enum Sentiment {
    Positive,
    Neutral,
    Negative,
}

/// How many sentences sound like what.
#[derive(Debug, Default, PartialEq, Serialize, JsonSchema)]
struct Count {
    positive: usize,
    neutral: usize,
    negative: usize,
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

/// VADER is made for sentences: in a longer text its rules would reach from one into the next.
fn analyse(text: &str) -> Output {
    let scores: Vec<f64> = sentences(text)
        .map(|sentence| ANALYZER.polarity_scores(sentence).compound)
        .collect();
    let mut sentences = Count::default();
    for score in &scores {
        match sentiment(*score) {
            Sentiment::Positive => sentences.positive += 1,
            Sentiment::Neutral => sentences.neutral += 1,
            Sentiment::Negative => sentences.negative += 1,
        }
    }
    let mean = scores.iter().sum::<f64>() / scores.len().max(1) as f64;
    Output {
        sentiment: sentiment(mean),
        score: (mean * 1e4).round() / 1e4,
        sentences,
    }
}

/// The parts of a text that end with a line, or with `.`, `!`, `?` or `…` before a blank.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let mut last = ' ';
    let split = move |c: char| {
        let ends = c == '\n' || c.is_whitespace() && matches!(last, '.' | '!' | '?' | '…');
        last = c;
        ends
    };
    text.split(split)
        .map(str::trim)
        .filter(|sentence| !sentence.is_empty())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn praise_is_positive_and_blame_is_negative() {
        for (text, expected) in [
            ("I love this, it is wonderful!", Sentiment::Positive),
            ("This is not good. I hate it.", Sentiment::Negative),
            ("The parcel came on Tuesday.", Sentiment::Neutral),
            ("It is not bad at all", Sentiment::Positive),
            ("", Sentiment::Neutral),
        ] {
            let output = analyse(text);
            assert_eq!(output.sentiment, expected, "{text}: {output:?}");
        }
    }

    #[test]
    fn each_sentence_counts() {
        let output = analyse("Great! It cost 3.50 on Tuesday...\nI hate the box? I love the rest");
        let expected = Count {
            positive: 2,
            neutral: 1,
            negative: 1,
        };
        assert_eq!(output.sentences, expected);
    }

    #[test]
    fn scores_stay_within_their_bounds() {
        let output = analyse(&"great ".repeat(800));
        assert!((0.9..=1.0).contains(&output.score), "{output:?}");
    }
}

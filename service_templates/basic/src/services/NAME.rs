//! Text statistics: counts what is in a text and says how long it takes to read.

use garde::Validate;
use quickscale_runtime::credits::Credits;
use quickscale_runtime::services::{Service, ServiceContext, ServiceError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The service. Its name is the name of this file.
pub fn service() -> impl Service {
    TextStatistics
}

struct TextStatistics;

/// What the form asks for.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
struct Input {
    /// Anything that is written in words with blanks between them.
    #[garde(length(chars, max = 20_000))]
    text: String,
}

/// What the page shows.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct Output {
    words: usize,
    /// How many of the words differ, capital letters aside.
    different_words: usize,
    sentences: usize,
    paragraphs: usize,
    characters: usize,
    characters_without_blanks: usize,
    longest_word: Option<String>,
    /// At 238 words a minute, what adults read of English prose (Brysbaert 2019).
    reading_time: String,
}

impl Service for TextStatistics {
    type Input = Input;
    type Output = Output;

    fn title(&self) -> &str {
        "Text statistics"
    }

    fn description(&self) -> &str {
        "Counts words, sentences and characters, and says how long a text takes to read."
    }

    fn cost(&self) -> Credits {
        Credits::ZERO
    }

    async fn run(&self, input: Input, _: &ServiceContext) -> Result<Output, ServiceError> {
        Ok(count(&input.text))
    }
}

fn count(text: &str) -> Output {
    let words: Vec<&str> = words(text).collect();
    let mut different: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    different.sort_unstable();
    different.dedup();
    Output {
        words: words.len(),
        different_words: different.len(),
        sentences: sentences(text),
        paragraphs: paragraphs(text),
        characters: text.chars().count(),
        characters_without_blanks: text.chars().filter(|c| !c.is_whitespace()).count(),
        longest_word: words
            .iter()
            .rev()
            .max_by_key(|word| word.chars().count())
            .map(|word| (*word).to_owned()),
        reading_time: reading_time(words.len()),
    }
}

/// What stands between blanks, without the punctuation around it.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| !word.is_empty())
}

/// Ends of sentences that have words before them: `.`, `!`, `?` and their relatives before a blank or the end.
fn sentences(text: &str) -> usize {
    let is_closing = |c: char| matches!(c, '"' | '\'' | ')' | ']' | '”' | '’' | '»');
    let ends = |word: &&str| {
        let word = word.trim_end_matches(is_closing);
        word.ends_with(['.', '!', '?', '…', '。', '！', '？'])
    };
    let closed = text.split_whitespace().filter(ends).count();
    let last = text.split_whitespace().next_back();
    // What follows the last full stop is a sentence too.
    closed + usize::from(last.is_some_and(|word| !ends(&word)))
}

fn paragraphs(text: &str) -> usize {
    let mut lines = text.lines().map(|line| !line.trim().is_empty());
    let mut within = false;
    lines.by_ref().fold(0, |count, is_text| {
        let starts = is_text && !within;
        within = is_text;
        count + usize::from(starts)
    })
}

const WORDS_A_MINUTE: usize = 238;

fn reading_time(words: usize) -> String {
    let seconds = (words * 60).div_ceil(WORDS_A_MINUTE);
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, 0) => format!("{minutes} min"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_counted() {
        let text = "It works! \"Does it?\" It does.\n\nYes, naïve coöperation…\nand so on";
        let expected = Output {
            words: 12,
            different_words: 9,
            sentences: 5,
            paragraphs: 2,
            characters: 64,
            characters_without_blanks: 52,
            longest_word: Some("coöperation".into()),
            reading_time: "4 s".into(),
        };
        assert_eq!(count(text), expected);
    }

    #[test]
    fn where_there_are_no_words_there_is_nothing_to_read() {
        let output = count(" -- \n");
        assert_eq!((output.words, output.paragraphs), (0, 1));
        assert_eq!(output.longest_word, None);
        assert_eq!(output.reading_time, "0 s");
    }

    #[test]
    fn reading_times_are_written_for_people() {
        assert_eq!(reading_time(238), "1 min");
        assert_eq!(reading_time(300), "1 min 16 s");
        assert_eq!(reading_time(119), "30 s");
    }
}

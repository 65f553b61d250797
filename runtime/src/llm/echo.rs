//! The model that answers where there is no other: it repeats what it was told, and says that it is no model.

use super::{Answer, Prompt, Usage};
use crate::services::ServiceContext;

const PREFACE: &str = "(No model was asked: this application has no LLM_API_KEY.) You said:";

/// Repeats the prompt, a word being a token, at most as long as it may be.
pub fn answer(prompt: &Prompt, context: &ServiceContext) -> Answer {
    tracing::warn!(run = %context.run, "no model was asked: LLM_API_KEY is not set");
    let longest = usize::try_from(prompt.longest).unwrap_or(usize::MAX);
    let words = PREFACE.split(' ').chain(prompt.text.split_whitespace());
    let mut text = String::new();
    let mut count = 0;
    for word in words.clone().take(longest) {
        let word = if text.is_empty() {
            word.to_owned()
        } else {
            format!(" {word}")
        };
        context.emit(&word);
        text.push_str(&word);
        count += 1;
    }
    let all = prompt
        .instructions
        .split_whitespace()
        .chain(prompt.text.split_whitespace());
    Answer {
        text,
        model: "echo".to_owned(),
        usage: Usage {
            input: u32::try_from(all.count()).unwrap_or(u32::MAX),
            output: count,
        },
        is_cut: words.count() > longest,
        is_echo: true,
    }
}

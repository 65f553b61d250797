//! What an endpoint says, a chunk at a time, put together to an answer.

use serde::Deserialize;
use serde_json::Value;

use super::Usage;

/// One event of a stream, or a whole answer that came without one. Endpoints differ in what they leave out.
#[derive(Debug, Default, Deserialize)]
pub struct Chunk {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Option<Tokens>,
    #[serde(default)]
    pub error: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Option<Delta>,
    /// Of an answer that came in one piece.
    #[serde(default)]
    message: Option<Delta>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Delta {
    #[serde(default)]
    content: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Tokens {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

/// What there is of an answer.
#[derive(Debug, Default)]
pub struct Draft {
    pub text: String,
    pub model: Option<String>,
    pub usage: Option<Usage>,
    /// Why it ended: `stop`, `length`, `content_filter`; none while more may come.
    pub finished: Option<String>,
}

impl Draft {
    /// Adds what a chunk says, and gives the text that it adds.
    pub fn add(&mut self, chunk: Chunk) -> String {
        let Chunk {
            model,
            choices,
            usage,
            error: _,
        } = chunk;
        self.model = model.filter(|name| !name.is_empty()).or(self.model.take());
        if let Some(tokens) = usage {
            let count = |tokens: u64| u32::try_from(tokens).unwrap_or(u32::MAX);
            self.usage = Some(Usage {
                input: count(tokens.prompt_tokens),
                output: count(tokens.completion_tokens),
            });
        }
        let mut added = String::new();
        // One answer was asked for.
        if let Some(choice) = choices.unwrap_or_default().into_iter().next() {
            let said = choice.delta.or(choice.message);
            added = said.and_then(|said| said.content).unwrap_or_default();
            self.finished = choice.finish_reason.or(self.finished.take());
        }
        self.text.push_str(&added);
        added
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_of_all_dialects_make_an_answer() {
        let mut draft = Draft::default();
        for chunk in [
            r#"{"model":"m-1","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}"#,
            r#"{"choices":[{"delta":{"content":"Hel"}}]}"#,
            r#"{"model":"","choices":[{"delta":{"content":"lo"},"logprobs":null}]}"#,
            r#"{"choices":[{"delta":{"content":null},"finish_reason":"stop"}]}"#,
            r#"{"choices":[{"delta":{}}]}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":99999999999,"total_tokens":1}}"#,
            r#"{"choices":null}"#,
            "{}",
        ] {
            draft.add(serde_json::from_str(chunk).unwrap());
        }
        let usage = Usage {
            input: 5,
            output: u32::MAX,
        };
        assert_eq!(draft.text, "Hello");
        assert_eq!(draft.model.as_deref(), Some("m-1"));
        assert_eq!(draft.finished.as_deref(), Some("stop"));
        assert_eq!(draft.usage, Some(usage));
    }
}

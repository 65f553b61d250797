//! Language models behind any endpoint that speaks OpenAI's protocol of chat completions: asked with streaming, charged by
//! the token, tried again where that is safe. Without a key a small model of our own answers, an echo.
//!
//! Invariants: a request is sent again only before anything of its answer was seen; what a run costs never exceeds its
//! price; the key is in no log and no message.

mod chunk;
mod echo;
mod endpoint;
mod events;
mod tariff;

use serde::Serialize;

use crate::credits::Credits;
use crate::services::{ServiceContext, ServiceError};
use endpoint::Endpoint;
pub use tariff::{Tariff, Usage};

/// What a model is asked.
#[derive(Debug, Clone, Serialize)]
pub struct Prompt {
    /// What the model is to do, in the application's own words.
    pub instructions: String,
    /// What to do it with, in the user's words.
    pub text: String,
    /// The most tokens that the answer may have.
    pub longest: u32,
}

/// What a model answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub text: String,
    /// As the endpoint calls it, or `echo`.
    pub model: String,
    pub usage: Usage,
    /// Whether more would have come: the answer was as long as it may be, or the user stopped it.
    pub is_cut: bool,
    /// Whether no model answered but the echo, because the application has no key.
    pub is_echo: bool,
}

/// Asks the model that `LLM_BASE_URL`, `LLM_API_KEY` and `LLM_MODEL` name. The answer is shown as it comes
/// ([`ServiceContext::emit`]), and the run costs what `tariff` says of the tokens that were used. The answer is at most as
/// long as the price of the run pays for.
///
/// # Errors
/// [`ServiceError::Unusable`] when the prompt is longer than the price or the model allows, or the model refuses it; else a
/// failure of the endpoint or of the settings, and nothing is charged.
pub async fn answer(
    prompt: &Prompt,
    tariff: &Tariff,
    context: &ServiceContext,
) -> Result<Answer, ServiceError> {
    let longest = longest(prompt, tariff, context.price)?;
    let prompt = Prompt {
        longest,
        ..prompt.clone()
    };
    let answer = match Endpoint::of(context)? {
        Some(endpoint) => endpoint.answer(&prompt, context).await?,
        None => echo::answer(&prompt, context),
    };
    context.costs(tariff.cost(answer.usage));
    Ok(answer)
}

/// The most tokens that the answer may have, so that the price pays for them and for the prompt.
fn longest(prompt: &Prompt, tariff: &Tariff, price: Credits) -> Result<u32, ServiceError> {
    if price.is_zero() {
        // A gift of the application's.
        return Ok(prompt.longest);
    }
    let paid = tariff.answer_within(price, tariff::most_tokens(prompt));
    if paid == 0 {
        return Err(ServiceError::unusable(
            "This text is longer than the price of a run pays for.",
        ));
    }
    Ok(paid.min(prompt.longest))
}

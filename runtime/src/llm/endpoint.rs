//! An endpoint that speaks OpenAI's protocol of chat completions: where it is, what it is asked, when it is asked again.

use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use axum::body::Bytes;
use axum::http::{HeaderMap, Request, StatusCode, Uri, header};
use http_body_util::Full;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::chunk::{Chunk, Draft};
use super::events::Events;
use super::tariff::{about_tokens, most_tokens};
use super::{Answer, Prompt, Usage};
use crate::services::{ServiceContext, ServiceError};
use crate::transport::{self, Reply};

/// Where requests go unless `LLM_BASE_URL` says otherwise.
const OPENAI: &str = "https://api.openai.com/v1";
/// How often a request is sent at most.
const TRIES: u32 = 4;
/// How long after the first failure it is sent again; each further one doubles it.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest pause, whatever the endpoint asks for.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// How long an endpoint may say nothing: models think before they speak.
const SILENCE: Duration = Duration::from_secs(60);
/// How much of what an endpoint says goes to the log.
const SAID: usize = 500;

/// Where a model is, and who asks.
#[derive(Debug)]
pub struct Endpoint {
    address: Uri,
    key: SecretString,
    model: String,
}

/// Why there is no answer.
enum Failure {
    /// Nothing of an answer was seen: the same request may be sent again, after this pause if the endpoint asks for one.
    Again(anyhow::Error, Option<Duration>),
    /// The endpoint wants the limit of the answer's length under its newer name.
    NewerName(anyhow::Error),
    Final(ServiceError),
}

impl From<anyhow::Error> for Failure {
    fn from(fault: anyhow::Error) -> Self {
        Self::Final(ServiceError::Failed(fault))
    }
}

impl Endpoint {
    /// What the application's settings name; none without a key.
    ///
    /// # Errors
    /// When a setting is missing or cannot be used.
    pub fn of(context: &ServiceContext) -> anyhow::Result<Option<Self>> {
        let Some(key) = context.variable("LLM_API_KEY") else {
            return Ok(None);
        };
        let base = context.variable("LLM_BASE_URL").unwrap_or(OPENAI);
        let base = base.trim_end_matches('/');
        if !base.starts_with("http://") && !base.starts_with("https://") {
            bail!("LLM_BASE_URL does not begin with https:// or http://");
        }
        let address = format!("{base}/chat/completions");
        let model = context.variable("LLM_MODEL");
        Ok(Some(Self {
            address: address.parse().context("LLM_BASE_URL is no address")?,
            key: SecretString::from(key.to_owned()),
            model: model.context("LLM_MODEL is not set")?.to_owned(),
        }))
    }

    /// Asks, and asks again where nothing of an answer was seen.
    ///
    /// # Errors
    /// What the endpoint says, or why it says nothing.
    pub async fn answer(
        &self,
        prompt: &Prompt,
        context: &ServiceContext,
    ) -> Result<Answer, ServiceError> {
        let mut name = "max_tokens";
        let mut tries = 0;
        loop {
            tries += 1;
            let failure = match self.ask(prompt, name, context).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            match failure {
                Failure::Final(error) => return Err(error),
                Failure::NewerName(fault) if name == "max_completion_tokens" => {
                    return Err(fault.into());
                }
                Failure::NewerName(_) => name = "max_completion_tokens",
                Failure::Again(fault, _) if tries >= TRIES => {
                    return Err(fault.context(format!("asked {tries} times")).into());
                }
                Failure::Again(fault, asked) => {
                    let pause = asked.unwrap_or(PAUSE * 2_u32.pow(tries - 1));
                    let pause = pause.min(LONGEST_PAUSE);
                    let cause = format!("{fault:#}");
                    tracing::warn!(run = %context.run, cause, ?pause, "the model is asked again");
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    async fn ask(
        &self,
        prompt: &Prompt,
        name_of_limit: &str,
        context: &ServiceContext,
    ) -> Result<Answer, Failure> {
        let request = self.request(prompt, name_of_limit)?;
        let reply = transport::send(request, SILENCE).await;
        let reply = reply.map_err(|fault| Failure::Again(fault, None))?;
        if reply.status != StatusCode::OK {
            return Err(refusal(reply).await);
        }
        let draft = if is_stream(&reply.headers) {
            streamed(reply, context).await?
        } else {
            whole(reply, context).await?
        };
        self.finish(draft, prompt)
    }

    fn request(
        &self,
        prompt: &Prompt,
        name_of_limit: &str,
    ) -> anyhow::Result<Request<Full<Bytes>>> {
        let mut body = json!({
            "model": self.model,
            "messages": [
                { "role": "system", "content": prompt.instructions },
                { "role": "user", "content": prompt.text },
            ],
            "stream": true,
            "stream_options": { "include_usage": true },
        });
        body[name_of_limit] = prompt.longest.into();
        let host = self
            .address
            .authority()
            .context("LLM_BASE_URL has no host")?;
        let key = self.key.expose_secret();
        let mut bearer = header::HeaderValue::try_from(format!("Bearer {key}"))
            .context("LLM_API_KEY has characters that no key has")?;
        bearer.set_sensitive(true);
        Ok(Request::post(self.address.clone())
            .header(header::HOST, host.as_str())
            .header(header::AUTHORIZATION, bearer)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "text/event-stream")
            .body(Full::new(body.to_string().into()))?)
    }

    fn finish(&self, draft: Draft, prompt: &Prompt) -> Result<Answer, Failure> {
        let Draft {
            text,
            model,
            usage,
            finished,
        } = draft;
        if finished.as_deref() == Some("content_filter") {
            let sentence = "The model refuses to answer this.";
            return Err(Failure::Final(ServiceError::unusable(sentence)));
        }
        let usage = usage.unwrap_or_else(|| Usage {
            input: about_tokens(&prompt.instructions).saturating_add(about_tokens(&prompt.text)),
            output: about_tokens(&text),
        });
        Ok(Answer {
            text,
            model: model.unwrap_or_else(|| self.model.clone()),
            usage: Usage {
                input: usage.input.min(most_tokens(prompt)),
                output: usage.output,
            },
            is_cut: finished.as_deref() != Some("stop"),
            is_echo: false,
        })
    }
}

fn is_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// Reads a stream to its end, and shows its text as it comes. When the user stops the run, what there is by then is the
/// answer.
async fn streamed(mut reply: Reply, context: &ServiceContext) -> Result<Draft, Failure> {
    let mut events = Events::default();
    let mut draft = Draft::default();
    let mut last = None;
    while last.is_none() {
        let piece = tokio::select! {
            piece = reply.piece() => piece,
            () = context.cancelled(), if !draft.text.is_empty() => {
                return Ok(draft);
            }
        };
        let piece = match piece {
            Ok(Some(piece)) => piece,
            // Some endpoints end without saying so.
            Ok(None) | Err(_) if draft.finished.is_some() => break,
            Ok(None) => {
                return Err(broken(
                    &draft,
                    anyhow!("the stream ended before the answer"),
                ));
            }
            Err(fault) => return Err(broken(&draft, fault)),
        };
        for data in events.take(&piece)? {
            if data.trim() == "[DONE]" {
                last = Some(());
                break;
            }
            let chunk: Chunk =
                serde_json::from_str(&data).context("the endpoint streams what is no chunk")?;
            if let Some(error) = &chunk.error {
                return Err(broken(
                    &draft,
                    anyhow!("the endpoint broke off: {}", shortened(error)),
                ));
            }
            context.emit(&draft.add(chunk));
        }
    }
    if draft.finished.is_none() && draft.text.is_empty() {
        return Err(broken(&draft, anyhow!("the stream holds no answer")));
    }
    Ok(draft)
}

/// Before the first token the request may be sent again.
fn broken(draft: &Draft, fault: anyhow::Error) -> Failure {
    if draft.text.is_empty() {
        Failure::Again(fault, None)
    } else {
        Failure::Final(ServiceError::Failed(fault))
    }
}

/// Reads an answer that came in one piece although a stream was asked for.
async fn whole(reply: Reply, context: &ServiceContext) -> Result<Draft, Failure> {
    let body = reply.whole().await;
    let body = body.map_err(|fault| Failure::Again(fault, None))?;
    let chunk: Chunk =
        serde_json::from_slice(&body).context("the endpoint answers with no completion")?;
    if let Some(error) = &chunk.error {
        return Err(anyhow!("the endpoint refuses: {}", shortened(error)).into());
    }
    let mut draft = Draft::default();
    context.emit(&draft.add(chunk));
    if draft.finished.is_none() && draft.text.is_empty() {
        return Err(anyhow!("the answer holds no choice").into());
    }
    Ok(draft)
}

/// What another status than 200 means.
async fn refusal(reply: Reply) -> Failure {
    let (status, headers) = (reply.status, reply.headers.clone());
    let body = reply.whole().await.unwrap_or_default();
    let body: Value = serde_json::from_slice(&body)
        .unwrap_or_else(|_| String::from_utf8_lossy(&body).into_owned().into());
    let error = body.get("error").unwrap_or(&body);
    let code = error
        .get("code")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let fault = anyhow!("the endpoint says {status}: {}", shortened(error));
    match status {
        StatusCode::BAD_REQUEST if code == "context_length_exceeded" => Failure::Final(
            ServiceError::unusable("This text is too long for the model."),
        ),
        StatusCode::BAD_REQUEST if error.to_string().contains("max_completion_tokens") => {
            Failure::NewerName(fault)
        }
        // The account is empty: asking again fills it as little as waiting.
        StatusCode::TOO_MANY_REQUESTS if code == "insufficient_quota" => fault.into(),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
            Failure::Again(fault, retry_after(&headers))
        }
        status if status.is_server_error() => Failure::Again(fault, retry_after(&headers)),
        StatusCode::UNAUTHORIZED => fault.context("LLM_API_KEY is not accepted").into(),
        _ => fault.into(),
    }
}

/// How long the endpoint asks us to wait, in seconds; dates are not used by those that we know.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    Duration::try_from_secs_f64(text.trim().parse().ok()?).ok()
}

/// What an endpoint says of an error, for the log.
fn shortened(error: &Value) -> String {
    let message = error.get("message").and_then(Value::as_str);
    let text = message.map_or_else(|| error.to_string(), str::to_owned);
    text.chars().take(SAID).collect()
}

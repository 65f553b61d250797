//! What happens to a run as server-sent events: as HTML for the run's page, as JSON for programs.

use std::convert::Infallible;
use std::time::Duration;

use axum::http::HeaderValue;
use axum::http::header::{self, HeaderName};
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::future::BoxFuture;
use futures_util::stream;
use minijinja::value::{Serde, Value};
use serde::Serialize;
use serde_json::json;
use tokio::time::Instant;

use super::entity::{Event, Happening};
use super::live::{Feed, News};
use crate::app::Core;
use crate::error::Result;

/// How often something is sent though nothing happens, so that nobody on the way takes the connection for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long one connection lasts. Who comes back proves again who they are.
const LIFE: Duration = Duration::from_secs(5 * 60);

/// Puts what happens into words.
pub(super) trait Voice: Send + 'static {
    fn events(&self, events: &[Event]) -> Result<Vec<SseEvent>>;
    /// What is said when the run has ended.
    fn farewell(&self) -> BoxFuture<'_, Result<SseEvent>>;
}

/// The event after which whoever asks wants to go on: what a client that was cut off says by itself, else `given`.
pub(super) fn last_seen(header: Option<&str>, given: Option<&str>) -> i64 {
    let number = |text: &str| text.parse().ok().filter(|number| *number >= 0);
    let seen = header.and_then(number).or_else(|| given.and_then(number));
    seen.unwrap_or(0)
}

/// Everything that `feed` gives, in the words of `voice`, until the run has ended.
pub(super) fn respond(feed: Feed, voice: impl Voice) -> Response {
    let state = Some((feed, voice, Instant::now() + LIFE));
    let batches = stream::unfold(state, |state| async move {
        let (mut feed, voice, end) = state?;
        let news = tokio::time::timeout_at(end, feed.next()).await;
        let (said, goes_on) = match news {
            Ok(Ok(News::Events(events))) => (voice.events(&events), true),
            Ok(Ok(News::Over)) => (voice.farewell().await.map(|event| vec![event]), false),
            // Whoever comes back, perhaps to another process, gets the rest.
            Ok(Ok(News::Stopping)) | Err(_) => return None,
            Ok(Err(error)) => (Err(error), false),
        };
        match said {
            Ok(events) => Some((events, goes_on.then_some((feed, voice, end)))),
            Err(error) => {
                tracing::error!(%error, "a stream of events breaks off");
                None
            }
        }
    });
    let events = futures_util::StreamExt::flat_map(batches, |batch| {
        stream::iter(batch.into_iter().map(Ok::<_, Infallible>))
    });
    let mut response = Sse::new(events)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx keeps answers back otherwise.
    let unbuffered = HeaderName::from_static("x-accel-buffering");
    headers.insert(unbuffered, HeaderValue::from_static("no"));
    response
}

/// For the run's page: parts of it, which htmx puts in place. After `end` the page fetches itself.
pub(super) struct Html {
    pub core: Core,
}

/// Something that happened, as a template sees it.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Said<'a> {
    Progress { percent: i64, message: &'a str },
    Output { text: &'a str },
    Restarted,
}

impl Voice for Html {
    fn events(&self, events: &[Event]) -> Result<Vec<SseEvent>> {
        let said = events.iter().map(|event| match &event.what {
            Happening::Progress { permille, message } => Said::Progress {
                percent: permille / 10,
                message,
            },
            Happening::Output(text) => Said::Output { text },
            Happening::Restarted => Said::Restarted,
        });
        let news = Value::from(Serde(said.collect::<Vec<_>>()));
        let own = minijinja::context! { news };
        let pages = self.core.pages();
        let html = pages.render_bare("services/news.html", self.core.site_value(), own)?;
        // An event's data cannot hold one by itself; in HTML the two are the same.
        let html = html.replace('\r', "&#13;");
        let last = events.last().map_or(0, |event| event.seq);
        Ok(vec![SseEvent::default().id(last.to_string()).data(html)])
    }

    fn farewell(&self) -> BoxFuture<'_, Result<SseEvent>> {
        Box::pin(async { Ok(SseEvent::default().event("end").data("over")) })
    }
}

/// For programs: each event by its name, with JSON.
pub(super) struct Json {
    /// The run as JSON, once it has ended.
    pub end: Box<dyn Fn() -> BoxFuture<'static, Result<serde_json::Value>> + Send + Sync>,
}

impl Voice for Json {
    fn events(&self, events: &[Event]) -> Result<Vec<SseEvent>> {
        let said = events.iter().map(|event| {
            let (name, data) = match &event.what {
                Happening::Progress { permille, message } => (
                    "progress",
                    json!({ "fraction": *permille as f64 / 1000.0, "message": message }),
                ),
                Happening::Output(text) => ("output", json!({ "text": text })),
                Happening::Restarted => ("restarted", json!({})),
            };
            let id = event.seq.to_string();
            SseEvent::default()
                .id(id)
                .event(name)
                .data(data.to_string())
        });
        Ok(said.collect())
    }

    fn farewell(&self) -> BoxFuture<'_, Result<SseEvent>> {
        Box::pin(async {
            let run = (self.end)().await?;
            Ok(SseEvent::default().event("end").data(run.to_string()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::last_seen;

    #[test]
    fn whoever_was_cut_off_goes_on_where_that_was() {
        for (header, given, expected) in [
            (None, None, 0),
            (None, Some("3"), 3),
            (Some("7"), Some("3"), 7),
            (Some("x"), Some("3"), 3),
            (Some("-1"), None, 0),
            (Some("99999999999999999999"), Some("1'"), 0),
        ] {
            assert_eq!(last_seen(header, given), expected, "{header:?} {given:?}");
        }
    }
}

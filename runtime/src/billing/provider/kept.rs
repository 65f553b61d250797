//! Keys that are spent. What Stripe answered first under a key, a 500 too, it answers for a day, and it refuses the key
//! for a request that reads otherwise, as after a deployment with other settings ("Idempotent requests" and "Advanced error
//! handling" in its documentation). Neither says whether anything was made: it is looked for, and only if it is not there the
//! request is made again, under another key. All go through the same keys in the same order, so that it is made once.

use axum::body::Bytes;
use axum::http::{Method, header};
use futures_util::future::BoxFuture;
use http_body_util::Full;
use serde_json::Value;

use super::connection::{self, Answer};
use super::form::Fields;
use super::stripe::{AT_ONCE, Stripe};
use crate::error::Result;

/// Under how many keys one request is made at most.
const TURNS: u32 = 5;

/// A request that makes something.
#[derive(Clone, Copy)]
pub(super) struct Making<'a> {
    pub path: &'a str,
    pub fields: &'a Fields,
    pub key: &'a str,
    /// Whether it may be made again when what it makes is not there, or may still come.
    pub may_repeat: bool,
}

impl Stripe {
    /// For what does no harm twice: it sets what may be set already, or makes what nobody misses.
    ///
    /// # Errors
    /// 503 when the provider cannot be reached or is in trouble, 422 for what it refuses, else 500.
    pub async fn post(&self, path: &str, fields: &Fields, key: &str) -> Result<Value> {
        let making = Making {
            path,
            fields,
            key,
            may_repeat: true,
        };
        self.make(making, || Box::pin(async { Ok(None) })).await
    }

    /// For what may be made once only. `find` gives what was made under a key whose answer does not say so.
    ///
    /// # Errors
    /// As for [`Stripe::post`].
    pub(super) async fn make<'f>(
        &self,
        making: Making<'_>,
        find: impl Fn() -> BoxFuture<'f, Result<Option<Value>>> + Send,
    ) -> Result<Value> {
        for turn in 1..=TURNS {
            let key = match turn {
                1 => making.key.to_owned(),
                turn => format!("{}:{turn}", making.key),
            };
            let answer = self.send_form(&making, &key).await?;
            let is_spent =
                connection::is_kept_failure(&answer) || connection::is_key_of_another(&answer);
            if !is_spent {
                return connection::answered(answer);
            }
            let (status, path) = (answer.status, making.path);
            tracing::warn!(key, path, %status, "the payment provider keeps another answer under this key");
            if let Some(made) = find().await? {
                return Ok(made);
            }
            if !making.may_repeat {
                break;
            }
        }
        Err(connection::unavailable(connection::TROUBLE))
    }

    /// Makes once what says in its metadata which of ours it is. `query` narrows the list down in which it is looked for.
    pub(super) async fn make_ours(
        &self,
        (path, fields): (&str, &Fields),
        key: &str,
        (query, ours): (&Fields, (&str, &str)),
    ) -> Result<Value> {
        let making = Making {
            path,
            fields,
            key,
            may_repeat: true,
        };
        self.make(making, || Box::pin(self.find((path, query), ours)))
            .await
    }

    async fn send_form(&self, making: &Making<'_>, key: &str) -> Result<Answer> {
        let request = || {
            let body = Full::new(Bytes::from(making.fields.encode()));
            self.request(Method::POST, making.path)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header("idempotency-key", key)
                .body(body)
        };
        connection::try_hard(self.limits, request).await
    }

    /// The object of a list whose metadata say `name` is `value`.
    pub(super) async fn find(
        &self,
        (path, query): (&str, &Fields),
        (name, value): (&str, &str),
    ) -> Result<Option<Value>> {
        let is_it = |object: &&Value| {
            let said = object.get("metadata").and_then(|all| all.get(name));
            said.and_then(Value::as_str) == Some(value)
        };
        let mut after: Option<String> = None;
        loop {
            let mut query = query.clone().with("limit", AT_ONCE);
            if let Some(after) = &after {
                query = query.with("starting_after", after);
            }
            let page = self.get(path, &query).await?.unwrap_or_default();
            let objects = page.get("data").and_then(Value::as_array);
            let objects = objects.map(Vec::as_slice).unwrap_or_default();
            if let Some(found) = objects.iter().find(is_it) {
                return Ok(Some(found.clone()));
            }
            let last = objects.last().and_then(|last| last.get("id")?.as_str());
            let has_more = page.get("has_more").and_then(Value::as_bool);
            match last.filter(|_| has_more == Some(true)) {
                Some(last) => after = Some(last.to_owned()),
                None => return Ok(None),
            }
        }
    }
}

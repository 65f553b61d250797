//! One call of an endpoint, and what comes back.

use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::app::Core;
use crate::crypto::random_token;
use crate::error::{Error, FieldErrors, Result};
use crate::http::Principal;

/// A body that an endpoint answers with.
pub trait Answer: Serialize + JsonSchema + Send + 'static {
    /// One as it may come, for the API's description.
    fn example() -> Self;
}

/// A good answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: StatusCode,
    /// JSON.
    pub body: String,
    pub headers: Headers,
}

/// Headers that are the answer's own, by name.
pub type Headers = Vec<(String, String)>;

/// What a handler of POST gives: the status and the body, with headers between them where there are any.
pub trait Answered {
    type Body: Answer;

    /// # Errors
    /// As [`Reply::new`].
    fn reply(self) -> Result<Reply>;
}

impl<T: Answer> Answered for (StatusCode, T) {
    type Body = T;

    fn reply(self) -> Result<Reply> {
        let (status, body) = self;
        Reply::new(status, &body)
    }
}

impl<T: Answer> Answered for (StatusCode, Headers, T) {
    type Body = T;

    fn reply(self) -> Result<Reply> {
        let (status, headers, body) = self;
        let reply = Reply::new(status, &body)?;
        Ok(Reply { headers, ..reply })
    }
}

impl Reply {
    /// # Errors
    /// 500 when the answer is nothing that JSON can hold.
    pub fn new(status: StatusCode, answer: &impl Serialize) -> Result<Self> {
        Ok(Self {
            status,
            body: serde_json::to_string(answer).map_err(Error::internal)?,
            headers: Headers::new(),
        })
    }

    /// 200.
    ///
    /// # Errors
    /// As [`Reply::new`].
    pub fn ok(answer: &impl Serialize) -> Result<Self> {
        Self::new(StatusCode::OK, answer)
    }
}

/// One call by somebody whom the gate has let in.
pub struct Call {
    core: Core,
    /// Whoever the key belongs to.
    pub caller: Principal,
    /// What else the gate knows about the caller.
    pub extensions: Extensions,
    params: Vec<(String, String)>,
    query: Vec<(String, String)>,
    body: Value,
    headers: HeaderMap,
    /// As the caller named the call, if it may be sent again.
    idempotency_key: Option<String>,
}

impl Call {
    /// The call that a request makes.
    pub fn new(
        core: Core,
        caller: Principal,
        params: Vec<(String, String)>,
        parts: &Parts,
    ) -> Self {
        let query = parts.uri.query().unwrap_or_default();
        Self {
            core,
            caller,
            extensions: Extensions::new(),
            params,
            query: serde_urlencoded::from_str(query).unwrap_or_default(),
            body: Value::Null,
            headers: parts.headers.clone(),
            idempotency_key: None,
        }
    }

    /// The same call with what a POST has: a body, and perhaps a key.
    #[must_use]
    pub fn with_body(mut self, body: Value, idempotency_key: Option<String>) -> Self {
        self.body = body;
        self.idempotency_key = idempotency_key;
        self
    }

    pub fn core(&self) -> &Core {
        &self.core
    }

    /// The part of the path that the route calls `name`.
    ///
    /// # Errors
    /// 404 when it is empty or holds what no name of ours does.
    pub fn param(&self, name: &str) -> Result<&str> {
        let param = self.params.iter().find(|(known, _)| known == name);
        let param = param.map(|(_, value)| value.as_str());
        param
            .filter(|value| !value.is_empty() && !value.contains('\0'))
            .ok_or_else(Error::not_found)
    }

    /// The last value of the query's `name`.
    pub fn query(&self, name: &str) -> Option<&str> {
        let values = self.query.iter().rev();
        let mut values = values.filter(|(known, _)| known == name);
        values.next().map(|(_, value)| value.as_str())
    }

    /// The header `name`, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The value of the query's `name` read by `read`; none where there is none.
    ///
    /// # Errors
    /// 422 that names the parameter when `read` makes nothing of it.
    pub fn parsed<T>(
        &self,
        name: &str,
        must: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(text) = self.query(name) else {
            return Ok(None);
        };
        let fault = || FieldErrors::one(name, format!("`{name}` must be {must}."));
        read(text)
            .map(Some)
            .ok_or_else(|| Error::invalid_fields(&fault()))
    }

    /// What tells this call from every other. It is the same when the call is sent again.
    pub fn key(&self) -> String {
        match &self.idempotency_key {
            Some(key) => format!("api:{key}"),
            None => format!("api-call:{}", random_token()),
        }
    }

    pub(super) fn take_body(&mut self) -> Value {
        self.body.take()
    }
}

//! What can go wrong while a request is answered, and its status, code and sentence.
//! The client gets the sentence; the cause goes to the log.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use crate::ids::NotAnId;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The code of [`Error::password_required`].
pub const PASSWORD_REQUIRED: &str = "password_required";

/// The code of [`Error::second_factor_required`].
pub const SECOND_FACTOR_REQUIRED: &str = "second_factor_required";

/// The code of [`Error::email_unconfirmed`].
pub const EMAIL_UNCONFIRMED: &str = "email_unconfirmed";

/// A failed request. `http::guard` turns it into a page or into `application/problem+json` (RFC 9457).
#[derive(Debug)]
pub struct Error(Box<Problem>);

/// The parts of an [`Error`].
#[derive(Debug)]
pub struct Problem {
    pub status: StatusCode,
    /// Stable, for programs: `insufficient_credits`.
    pub code: &'static str,
    /// One sentence for people.
    pub detail: String,
    /// Further members of the problem document.
    pub extra: Map<String, Value>,
    pub retry_after: Option<Duration>,
    /// For the log only.
    pub cause: Option<anyhow::Error>,
}

impl Error {
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let (extra, retry_after, cause) = (Map::new(), None, None);
        Self(Box::new(Problem {
            status,
            code,
            detail: detail.into(),
            extra,
            retry_after,
            cause,
        }))
    }

    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "There is nothing at this address.",
        )
    }

    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "This address does not take that request.",
        )
    }

    pub fn forbidden() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "Your account may not do this.",
        )
    }

    pub fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "Sign in to go on.",
        )
    }

    /// What was asked for matters so much that the password must have been given just before.
    pub fn password_required() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            PASSWORD_REQUIRED,
            "Enter your password to go on.",
        )
    }

    /// Whoever is of the staff must set up a second factor first.
    pub fn second_factor_required() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            SECOND_FACTOR_REQUIRED,
            "Set up a second factor first: the staff must have one.",
        )
    }

    /// Whoever pays must have shown that his address is his.
    pub fn email_unconfirmed() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            EMAIL_UNCONFIRMED,
            "Confirm your e-mail address first: open the link in the mail that we sent you.",
        )
    }

    /// Whoever acts as somebody else must not come near what that account is known by.
    pub fn acting_as_another() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "acting_as_another",
            "You act as somebody else. This only the owner of the account may see and do.",
        )
    }

    pub fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_input", detail)
    }

    /// 422 with what is wrong, field by field.
    pub fn invalid_fields(errors: &FieldErrors) -> Self {
        let sentences: Vec<_> = errors.iter().map(|(_, sentence)| sentence).collect();
        let fields = serde_json::to_value(errors).unwrap_or_default();
        Self::unprocessable(sentences.join(" ")).with("errors", fields)
    }

    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    pub fn too_many_requests(retry_after: Duration) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            "Too many tries. Wait a little, then try again.",
        )
        .after(retry_after)
    }

    /// Says when to try again.
    #[must_use]
    pub fn after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// 422: somebody takes a key for something else that has been done already.
    pub fn idempotency_key_reused() -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            "This key was used before, for another request.",
        )
    }

    /// A fault of ours. The client learns nothing of `cause`.
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        let mut error = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "Something went wrong on our side. It has been logged.",
        );
        error.0.cause = Some(cause.into());
        error
    }

    /// Adds a member to the problem document.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.0.extra.insert(member.into(), value.into());
        self
    }

    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    pub fn code(&self) -> &'static str {
        self.0.code
    }

    pub fn problem(&self) -> &Problem {
        &self.0
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0.cause {
            Some(cause) => write!(f, "{} ({cause:#})", self.0.code),
            None => write!(f, "{}: {}", self.0.code, self.0.detail),
        }
    }
}

impl std::error::Error for Error {}

impl From<anyhow::Error> for Error {
    fn from(cause: anyhow::Error) -> Self {
        match cause.downcast::<Self>() {
            Ok(error) => error,
            Err(cause) => Self::internal(cause),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(cause: sqlx::Error) -> Self {
        match cause {
            sqlx::Error::RowNotFound => Self::not_found(),
            cause => Self::internal(cause),
        }
    }
}

impl From<NotAnId> for Error {
    fn from(_: NotAnId) -> Self {
        Self::not_found()
    }
}

impl From<minijinja::Error> for Error {
    fn from(cause: minijinja::Error) -> Self {
        Self::internal(cause)
    }
}

/// The error rides in the response's extensions until the guard, which knows the request, renders it.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = self.0.status.into_response();
        response.extensions_mut().insert(std::sync::Arc::new(self));
        response
    }
}

/// What a panic says.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a text")
}

/// What is wrong with a form, by field. An empty one means that nothing is.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct FieldErrors(BTreeMap<String, String>);

impl FieldErrors {
    /// Notes `message` for `field`; the first message of a field stays.
    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0
            .entry(field.to_owned())
            .or_insert_with(|| message.into());
    }

    /// One field with one message.
    pub fn one(field: &str, message: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.add(field, message);
        errors
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(field, message)| (field.as_str(), message.as_str()))
    }
}

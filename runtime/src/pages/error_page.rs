//! The page that a failed request ends on.

use serde::Serialize;
use serde_json::{Map, Value};

use super::Page;
use crate::error::Error;

/// `error.html`: what happened, in one sentence, and where to go from here.
#[derive(Debug, Serialize)]
pub struct ErrorPage {
    pub status: u16,
    pub title: String,
    pub code: String,
    pub detail: String,
    /// The problem's further members, such as `required` and `available` credits.
    pub extra: Map<String, Value>,
}

impl ErrorPage {
    pub fn new(error: &Error) -> Self {
        let problem = error.problem();
        Self {
            status: problem.status.as_u16(),
            title: title(problem.status.as_u16()).into(),
            code: problem.code.into(),
            detail: problem.detail.clone(),
            extra: problem.extra.clone(),
        }
    }
}

impl Page for ErrorPage {
    const TEMPLATE: &'static str = "error.html";

    fn sample() -> Self {
        Self::new(&Error::not_found())
    }
}

fn title(status: u16) -> &'static str {
    match status {
        402 => "Not enough credits",
        403 => "Not allowed",
        404 => "Page not found",
        405 => "Not possible here",
        409 => "Already done",
        413 => "Too large",
        422 => "Something is missing or wrong",
        429 => "Too many requests",
        500..=599 => "Something went wrong",
        _ => "That did not work",
    }
}

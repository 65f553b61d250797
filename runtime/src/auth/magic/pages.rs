//! What the pages of signing in by mail are rendered with.

use serde::Serialize;

use crate::error::FieldErrors;
use crate::pages::{Page, Sample};

pub(in crate::auth) fn samples() -> Vec<Sample> {
    vec![
        Sample::of::<AskPage>(),
        Sample::of::<MailedPage>(),
        Sample::of::<LinkPage>(),
    ]
}

/// Asks where the mail shall go.
#[derive(Debug, Default, Serialize)]
pub(super) struct AskPage {
    pub email: String,
    /// Where to go afterwards.
    pub next: String,
    pub errors: FieldErrors,
}

impl Page for AskPage {
    const TEMPLATE: &'static str = "auth/magic_ask.html";

    fn sample() -> Self {
        Self {
            email: "ada<b>@".into(),
            next: "/services?a=1&b=2".into(),
            errors: FieldErrors::one("email", "Enter an e-mail address such as ada@example.com."),
        }
    }
}

/// Takes the code of the mail that may be on its way.
#[derive(Debug, Default, Serialize)]
pub(super) struct MailedPage {
    pub errors: FieldErrors,
}

impl Page for MailedPage {
    const TEMPLATE: &'static str = "auth/magic_code.html";

    fn sample() -> Self {
        Self {
            errors: FieldErrors::one("code", "This is not the code of the mail."),
        }
    }
}

/// Asks for a click, because mail scanners follow links too.
#[derive(Debug, Serialize)]
pub(super) struct LinkPage {
    pub token: String,
    pub email: String,
}

impl Page for LinkPage {
    const TEMPLATE: &'static str = "auth/magic_link.html";

    fn sample() -> Self {
        Self {
            token: "a-token".into(),
            email: "ada<b>@example.com".into(),
        }
    }
}

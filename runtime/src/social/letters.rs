//! What the mails of this domain are written with.

use serde::Serialize;

use crate::mail::{MailSample, MailTemplate};

pub(super) fn samples() -> Vec<MailSample> {
    vec![MailSample::of::<WayChangedMail>()]
}

/// Tells somebody that a way to sign in came or went.
#[derive(Debug, Serialize)]
pub(super) struct WayChangedMail<'a> {
    /// As people know it.
    pub provider: &'a str,
    pub is_added: bool,
}

impl MailTemplate for WayChangedMail<'_> {
    const NAME: &'static str = "social/way_changed";

    fn sample() -> Self {
        Self {
            provider: "Google",
            is_added: true,
        }
    }
}

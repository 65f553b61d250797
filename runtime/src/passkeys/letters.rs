//! What the mails of this domain are written with.

use serde::Serialize;

use crate::mail::{MailSample, MailTemplate};

pub(super) fn samples() -> Vec<MailSample> {
    vec![MailSample::of::<PasskeyMail>()]
}

/// Tells somebody that a passkey came or went.
#[derive(Debug, Serialize)]
pub(super) struct PasskeyMail<'a> {
    /// As its owner calls it.
    pub name: &'a str,
    pub is_added: bool,
}

impl MailTemplate for PasskeyMail<'_> {
    const NAME: &'static str = "passkeys/changed";

    fn sample() -> Self {
        Self {
            name: "Ada's <phone>",
            is_added: true,
        }
    }
}

//! The development pages about mails.

use serde::Serialize;

use super::entity::Message;
use crate::pages::{Page, Sample};

pub(super) fn samples() -> Vec<Sample> {
    vec![Sample::of::<MailsPage>(), Sample::of::<MailPage>()]
}

/// What was sent, newest first, and which templates there are.
#[derive(Debug, Serialize)]
pub(super) struct MailsPage {
    pub mails: Vec<Message>,
    pub templates: Vec<&'static str>,
}

impl Page for MailsPage {
    const TEMPLATE: &'static str = "dev/mails.html";

    fn sample() -> Self {
        Self {
            mails: vec![sample_message()],
            templates: vec!["auth/verify"],
        }
    }
}

/// One mail.
#[derive(Debug, Serialize)]
pub(super) struct MailPage {
    pub mail: Message,
    /// Where its HTML part is shown by itself.
    pub html_path: String,
}

impl Page for MailPage {
    const TEMPLATE: &'static str = "dev/mail.html";

    fn sample() -> Self {
        Self {
            mail: sample_message(),
            html_path: "/dev/mails/0/html".into(),
        }
    }
}

fn sample_message() -> Message {
    Message {
        id: "0".into(),
        from: "\"Shop\" <no-reply@shop.example>".into(),
        to: "ada&<b>@example.com".into(),
        reply_to: Some("visitor@example.com".into()),
        subject: "Confirm your address <b>".into(),
        text: "Hello\n\nhttps://shop.example/accounts/verify/x".into(),
        html: "<p>Hello</p>".into(),
    }
}

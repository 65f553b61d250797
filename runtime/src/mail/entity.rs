//! A mail as it is asked for, and a message as it is sent.

use minijinja::value::{Serde, Value};
use serde::{Deserialize, Serialize};

/// What one mail is written with. Its templates are `subject.txt`, `text.txt` and `html.html` in the folder
/// `templates/mail/NAME/`; they see the fields, and `site` as pages do.
pub trait MailTemplate: Serialize {
    /// The folder below `templates/mail/`: `auth/verify`.
    const NAME: &'static str;

    /// A filled-in mail. A test writes every mail with it, and the development pages show it.
    fn sample() -> Self
    where
        Self: Sized;
}

/// A mail's template with its sample.
#[derive(Debug, Clone)]
pub struct MailSample {
    pub template: &'static str,
    pub(crate) context: serde_json::Value,
}

impl MailSample {
    /// # Panics
    /// When the sample is no JSON, which is a fault of its type.
    pub fn of<T: MailTemplate>() -> Self {
        Self {
            template: T::NAME,
            context: serde_json::to_value(T::sample()).expect("a sample of a mail is JSON"),
        }
    }
}

/// Mails about one matter that whoever gets them may do without. Mails without a topic always go out.
#[derive(Debug, Clone, Copy)]
pub struct MailTopic {
    /// Unique, with the module's name in front; what people chose is kept by it.
    pub name: &'static str,
    /// What happens when such a mail is sent, as the profile says it: `My credits run low`.
    pub label: &'static str,
    /// The mails, by the names of their templates.
    pub mails: &'static [&'static str],
}

/// A mail to be sent.
#[derive(Debug, Serialize, Deserialize)]
pub struct Mail {
    pub(super) to: String,
    pub(super) reply_to: Option<String>,
    pub(super) template: String,
    pub(super) context: serde_json::Value,
}

impl Mail {
    /// A mail to one address, written with `content`.
    pub fn to<T: MailTemplate>(address: &str, content: &T) -> Self {
        Self {
            to: address.to_owned(),
            reply_to: None,
            template: T::NAME.to_owned(),
            // What cannot be written down shows as missing names when the templates are filled in.
            context: serde_json::to_value(content).unwrap_or_default(),
        }
    }

    /// The mail that a sample is.
    pub(super) fn of(sample: &MailSample) -> Self {
        Self {
            to: "ada@example.com".into(),
            reply_to: None,
            template: sample.template.into(),
            context: sample.context.clone(),
        }
    }

    /// Answers go to `address`.
    #[must_use]
    pub fn reply_to(mut self, address: &str) -> Self {
        self.reply_to = Some(address.to_owned());
        self
    }

    pub(super) fn values(&self) -> Value {
        Value::from(Serde(&self.context))
    }
}

/// A mail that has been written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The same for each attempt at one mail.
    pub id: String,
    /// `Name <address>`
    pub from: String,
    pub to: String,
    pub reply_to: Option<String>,
    pub subject: String,
    pub text: String,
    pub html: String,
}

impl Message {
    /// The first address of a link in the text that contains `part`, without the site's own.
    pub fn link(&self, part: &str) -> Option<&str> {
        let words = self.text.split_whitespace();
        let links = words.filter_map(|word| {
            let rest = word.split_once("://")?.1;
            Some(rest.find('/').map_or("/", |at| &rest[at..]))
        });
        links.into_iter().find(|path| path.contains(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_in_the_text() {
        let message = Message {
            id: String::new(),
            from: String::new(),
            to: String::new(),
            reply_to: None,
            subject: String::new(),
            text: "Go to\nhttps://a.example/accounts/verify/x?y=z\nor https://a.example".into(),
            html: String::new(),
        };
        assert_eq!(message.link("verify"), Some("/accounts/verify/x?y=z"));
        assert_eq!(message.link("reset"), None);
    }
}

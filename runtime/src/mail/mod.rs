//! Mail: written with templates of the project (subject, text, HTML), enqueued in the transaction that it belongs
//! to, sent by SMTP; in development kept as files and shown at `/dev/mails`. What waits to be sent is encrypted,
//! because it holds links that open accounts.

mod entity;
mod letterbox;
mod outbox;
mod pages;
mod routes;
#[cfg(feature = "smtp")]
mod smtp;

pub use entity::{Mail, MailSample, MailTemplate, MailTopic, Message};
pub use letterbox::Letterbox;

pub(crate) use outbox::Mailer;

use crate::app::Core;
use crate::config::Environment;
use crate::db::Tx;
use crate::error::Result;
use crate::http::Routes;
use crate::module::{Install, Module};
use crate::pages::Sample;

impl Core {
    /// Sends `mail` soon, if `tx` is committed, unless it is about what its receiver does without. What cannot be sent is
    /// tried again for most of a day.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn send_mail(&self, tx: &mut Tx, mail: Mail) -> Result<()> {
        // Nobody is there (RFC 2606): such addresses take the place of those that were forgotten.
        if mail.to.ends_with(".invalid") {
            return Ok(());
        }
        if !self.is_wanted(tx, &mail).await? {
            return Ok(());
        }
        let job = self.mailer().seal(&mail)?;
        self.enqueue(tx, &job).await
    }

    async fn is_wanted(&self, tx: &mut Tx, mail: &Mail) -> Result<bool> {
        let mut topics = self.mail_topics().iter();
        let topic = topics.find(|topic| topic.mails.contains(&mail.template.as_str()));
        match (topic, self.mail_wishes()) {
            (Some(topic), Some(wishes)) => wishes(tx, &mail.to, topic.name).await,
            (None, _) | (_, None) => Ok(true),
        }
    }

    /// The mail of a sample, as it would be sent.
    ///
    /// # Errors
    /// When a template is missing or uses what the mail does not have.
    pub fn write_sample(&self, sample: &MailSample) -> Result<Message> {
        self.mailer()
            .write(self, "sample".into(), &Mail::of(sample))
    }
}

/// The module that every application has.
pub(crate) struct Mails {
    pub environment: Environment,
}

impl Module for Mails {
    fn name(&self) -> &'static str {
        "mail"
    }

    fn routes(&self) -> Routes {
        match self.environment {
            Environment::Development => routes::routes(),
            Environment::Test | Environment::Production => Routes::new(),
        }
    }

    fn samples(&self) -> Vec<Sample> {
        pages::samples()
    }

    fn install(&self, install: &mut Install) -> anyhow::Result<()> {
        install.job::<outbox::SendMail>(|core, job| Box::pin(outbox::send(core, job)));
        Ok(())
    }
}

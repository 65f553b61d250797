//! From a mail that was asked for to a message that has left.

use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::entity::{Mail, Message};
use super::letterbox::Letterbox;
use crate::app::Core;
use crate::config::{Config, Environment, Fault, Faults};
use crate::crypto::KeyRing;
use crate::error::{Error, Result};
use crate::jobs::{Job, give_up};
use crate::pages::Pages;

/// A mail that waits to be sent.
#[derive(Serialize, Deserialize)]
pub(super) struct SendMail {
    /// The message's identifier; the same for each attempt, so that receivers can tell doubles.
    id: String,
    sealed: String,
}

impl Job for SendMail {
    const NAME: &'static str = "mail.send";
    const TIME_LIMIT: std::time::Duration = std::time::Duration::from_secs(60);
}

/// Brings messages to their receivers.
pub(super) trait Transport: Send + Sync {
    /// # Errors
    /// Made with [`give_up`] when the server will never take the message.
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<()>>;
}

/// Where messages go.
#[derive(Clone)]
enum Way {
    Kept(Letterbox),
    Sent(Arc<dyn Transport>),
    /// There is no way, and this says why.
    None(&'static str),
}

/// Writes mails and sends them on their way.
#[derive(Clone)]
pub(crate) struct Mailer {
    keys: KeyRing,
    from: String,
    way: Way,
}

impl Mailer {
    /// # Errors
    /// Every variable that does not hold what it should.
    pub fn new(config: &Config, site: &str) -> Result<Self, Faults> {
        let given = |name: &str| {
            let value = config.vars.get(name).map(|value| value.trim());
            value.filter(|value| !value.is_empty())
        };
        let default_from = || format!("{} <no-reply@{}>", quoted(site), config.host_name());
        let from = given("MAIL_FROM").map_or_else(default_from, str::to_owned);
        let way = match (config.environment, given("SMTP_URL")) {
            (Environment::Test, _) => Way::Kept(Letterbox::in_memory()),
            (_, Some(url)) => {
                Way::Sent(transport(url, &from).map_err(|fault| Faults(vec![fault]))?)
            }
            (Environment::Development, None) => {
                Way::Kept(Letterbox::Folder(config.root.join("var/mail")))
            }
            (Environment::Production, None) => Way::None("SMTP_URL is not set"),
        };
        Ok(Self {
            keys: config.keys("mail"),
            from,
            way,
        })
    }

    /// Where mails are kept that do not leave this machine.
    pub fn letterbox(&self) -> Option<&Letterbox> {
        match &self.way {
            Way::Kept(letterbox) => Some(letterbox),
            Way::Sent(_) | Way::None(_) => None,
        }
    }

    /// Why mails do not get away, if they do not.
    pub fn obstacle(&self) -> Option<&'static str> {
        match self.way {
            Way::None(why) => Some(why),
            Way::Kept(_) | Way::Sent(_) => None,
        }
    }

    pub(super) fn seal(&self, mail: &Mail) -> Result<SendMail> {
        let json = serde_json::to_vec(mail).map_err(Error::internal)?;
        Ok(SendMail {
            id: crate::crypto::random_token(),
            sealed: self.keys.encrypt(&json),
        })
    }

    fn open(&self, job: &SendMail) -> Result<Mail> {
        let unreadable = || {
            give_up(anyhow!(
                "APP_SECRET_KEY has changed since the mail was asked for"
            ))
        };
        let json = self.keys.decrypt(&job.sealed).ok_or_else(unreadable)?;
        serde_json::from_slice(&json).map_err(give_up)
    }

    /// Writes a mail with the project's templates.
    pub(super) fn write(&self, core: &Core, id: String, mail: &Mail) -> Result<Message> {
        let folder = format!("mail/{}", mail.template);
        let write = |pages: &Pages, part: &str| {
            let template = format!("{folder}/{part}");
            let text = pages.render_bare(&template, core.site_value(), mail.values());
            text.with_context(|| format!("the mail {template} cannot be written"))
        };
        let pages = core.pages();
        let subject = write(pages, "subject.txt")?;
        Ok(Message {
            id,
            from: self.from.clone(),
            to: mail.to.clone(),
            reply_to: mail.reply_to.clone(),
            // One line, whatever was put into it.
            subject: subject.split_whitespace().collect::<Vec<_>>().join(" "),
            text: write(pages, "text.txt")?,
            html: write(pages, "html.html")?,
        })
    }
}

/// A display name as mail headers take it (RFC 5322, section 3.2.4).
fn quoted(name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(feature = "smtp")]
fn transport(url: &str, from: &str) -> Result<Arc<dyn Transport>, Fault> {
    Ok(Arc::new(super::smtp::Smtp::new(url, from)?))
}

#[cfg(not(feature = "smtp"))]
fn transport(_: &str, _: &str) -> Result<Arc<dyn Transport>, Fault> {
    Err(Fault {
        variable: "SMTP_URL".into(),
        problem: "is set, but this build cannot speak SMTP; build with `--features smtp`".into(),
    })
}

/// Sends a mail that waited for it.
pub(super) async fn send(core: &Core, job: SendMail) -> Result<()> {
    let mailer = core.mailer();
    let mail = mailer.open(&job)?;
    let message = mailer.write(core, job.id, &mail)?;
    match &mailer.way {
        Way::Kept(letterbox) => Ok(letterbox.put(&message)?),
        Way::Sent(transport) => transport.send(&message).await,
        Way::None(why) => Err(Error::internal(anyhow!(*why))),
    }
}

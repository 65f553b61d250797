//! Sending by SMTP: `SMTP_URL` is `smtps://USER:PASSWORD@HOST:465` or `smtp://USER:PASSWORD@HOST:587?tls=required`.

use futures_util::future::BoxFuture;
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};

use super::entity::Message;
use super::outbox::Transport;
use crate::config::Fault;
use crate::error::{Error, Result};
use crate::jobs::give_up;

pub(super) struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    /// Nothing is connected yet.
    pub fn new(url: &str, from: &str) -> std::result::Result<Self, Fault> {
        let fault = |variable: &str, problem: &str| Fault {
            variable: variable.into(),
            problem: problem.into(),
        };
        // The value holds a password and is not repeated.
        let problem = "is no address of a mail server; write smtps://USER:PASSWORD@HOST";
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(|_| fault("SMTP_URL", problem))?;
        let problem = "is no sender; write an address, or Name <address>";
        Ok(Self {
            transport: transport.build(),
            from: from.parse().map_err(|_| fault("MAIL_FROM", problem))?,
        })
    }

    fn letter(&self, message: &Message) -> anyhow::Result<lettre::Message> {
        let domain = self.from.email.domain();
        let mut letter = lettre::Message::builder()
            .message_id(Some(format!("<{}@{domain}>", message.id)))
            .from(self.from.clone())
            .to(Mailbox::new(None, message.to.parse()?))
            .subject(&message.subject);
        if let Some(address) = &message.reply_to {
            letter = letter.reply_to(Mailbox::new(None, address.parse()?));
        }
        let (text, html) = (message.text.clone(), message.html.clone());
        Ok(letter.multipart(MultiPart::alternative_plain_html(text, html))?)
    }
}

impl Transport for Smtp {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let letter = self.letter(message).map_err(give_up)?;
            match self.transport.send(letter).await {
                Ok(_) => Ok(()),
                Err(fault) if is_final(&fault) => Err(give_up(fault)),
                Err(fault) => Err(Error::internal(fault)),
            }
        })
    }
}

/// Whether the server refused the message for good (5yz, RFC 5321, section 4.2.1). A refused sign-in (535) is a
/// fault of the configuration, which will be mended.
fn is_final(fault: &SmtpError) -> bool {
    let code = fault.status().map(|code| code.to_string());
    fault.is_permanent() && !code.is_some_and(|code| code.starts_with("53"))
}

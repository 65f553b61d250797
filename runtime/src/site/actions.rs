//! What can be done with messages of visitors.

use serde::Serialize;

use super::pages::ContactForm;
use super::store;
use crate::app::Core;
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{FieldErrors, Result};
use crate::in_transaction;
use crate::mail::MailTemplate;
use crate::module::Event;

/// A message that a visitor left.
#[derive(Debug, Clone, Serialize)]
pub struct ContactMessage {
    pub id: String,
    pub name: String,
    pub email: String,
    pub message: String,
    pub created_at: Timestamp,
}

/// A visitor left a message. Told in the transaction in which it is kept; whoever gives an error keeps it out.
#[derive(Debug)]
pub struct MessageLeft {
    pub message: ContactMessage,
    /// The network address that it came from.
    pub address: String,
}

impl Event for MessageLeft {}

/// The mail by which the staff learn of a message.
#[derive(Debug, Serialize)]
pub(crate) struct MessageMail<'a> {
    pub name: &'a str,
    pub email: &'a str,
    pub message: &'a str,
}

impl MailTemplate for MessageMail<'_> {
    const NAME: &'static str = "site/message";

    fn sample() -> Self {
        Self {
            name: "Grace Hopper",
            email: "grace@example.com",
            message: "Hello,\n\ndo you answer in <b>COBOL</b>?",
        }
    }
}

/// Most characters that a message may have.
const MESSAGE_LENGTH: usize = 5000;
const LINE_LENGTH: usize = 200;

/// Keeps a visitor's message for the staff; or says what is wrong with the form.
///
/// # Errors
/// 429 when too many came from his network address, where there are accounts.
pub(super) async fn leave_message(
    core: &Core,
    form: &ContactForm,
    address: String,
) -> Result<std::result::Result<(), FieldErrors>> {
    let errors = check(form);
    if !errors.is_empty() {
        return Ok(Err(errors));
    }
    let message = ContactMessage {
        id: crate::ids::new_id(core.now()),
        name: form.name.trim().into(),
        email: form.email.trim().into(),
        message: form.message.trim().into(),
        created_at: core.now(),
    };
    let left = MessageLeft { message, address };
    in_transaction!(core.db(), tx => {
        store::insert(tx, &left.message).await?;
        core.emit(tx, &left).await
    })?;
    Ok(Ok(()))
}

fn check(form: &ContactForm) -> FieldErrors {
    let mut errors = FieldErrors::default();
    let count = |text: &str| text.trim().chars().count();
    if !(1..=LINE_LENGTH).contains(&count(&form.name)) {
        errors.add("name", "Enter your name, in at most 200 characters.");
    }
    let email = form.email.trim();
    let has_parts = email
        .split_once('@')
        .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
    if !has_parts || email.contains(char::is_whitespace) || count(email) > LINE_LENGTH {
        errors.add("email", "Enter an e-mail address, so that we can answer.");
    }
    if !(1..=MESSAGE_LENGTH).contains(&count(&form.message)) {
        errors.add("message", "Enter a message, in at most 5000 characters.");
    }
    errors
}

/// Up to `limit` messages, newest first; from the newest, or from the one after `before`.
///
/// # Errors
/// When the database does not answer.
pub async fn messages(
    core: &Core,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<ContactMessage>> {
    store::newest(core.db(), before.unwrap_or(crate::ids::AFTER_ALL), limit).await
}

/// Forgets what was left under an address.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_sender(tx: &mut Tx, email: &str) -> Result<()> {
    store::delete_from(tx, email).await
}

/// How many messages came since `since`.
///
/// # Errors
/// When the database does not answer.
pub async fn count_messages(core: &Core, since: Timestamp) -> Result<i64> {
    store::count_since(core.db(), since).await
}

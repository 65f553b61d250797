//! What somebody says of himself: his name, how he reads times, which mails he wants. Invariant: only mails that a
//! module gave a topic can be done without; those about the safety of an account have none.

mod pages;
mod routes;
mod store;

use std::collections::BTreeSet;

pub(super) use pages::samples;
pub(super) use routes::routes;

use super::rules::{DisplayName, EmailAddress};
use crate::app::Core;
use crate::db::Tx;
use crate::error::Result;
use crate::ids::UserId;
use crate::in_transaction;
use crate::times::TimeStyle;

/// What somebody chose.
#[derive(Debug)]
pub(super) struct Preferences {
    pub times: TimeStyle,
    /// The topics whose mails he does without, those of modules that are off now among them.
    pub unwanted: BTreeSet<String>,
}

pub(super) async fn preferences(core: &Core, user: &UserId) -> Result<Preferences> {
    store::preferences(core.db(), user).await
}

async fn save(core: &Core, user: &UserId, (name, times): (&DisplayName, TimeStyle)) -> Result<()> {
    in_transaction!(core.db(), tx => store::save(tx, user, (name.as_str(), times)).await)
}

/// Notes which of the topics there are somebody wants. What he chose for topics that are not there now stays.
async fn choose_mails(core: &Core, user: &UserId, wanted: &BTreeSet<String>) -> Result<()> {
    let mut unwanted = preferences(core, user).await?.unwanted;
    for topic in core.mail_topics() {
        match wanted.contains(topic.name) {
            true => unwanted.remove(topic.name),
            false => unwanted.insert(topic.name.to_owned()),
        };
    }
    in_transaction!(core.db(), tx => store::save_unwanted(tx, user, &unwanted).await)
}

/// Whether whoever has this address wants mails of a topic. Who has no account is not asked.
pub(super) async fn wants(tx: &mut Tx, email: &str, topic: &str) -> Result<bool> {
    let Ok(email) = EmailAddress::parse(email) else {
        return Ok(true);
    };
    let unwanted = store::unwanted_at(tx, &email.key()).await?;
    Ok(!unwanted.contains(topic))
}

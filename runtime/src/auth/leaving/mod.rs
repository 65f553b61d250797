//! Taking one's data along, and leaving. Invariants: nobody leaves at once: for some days signing in is enough to stay;
//! then the person is forgotten by every domain in one transaction, while the row that ledger and payments name stays.

mod pages;
mod routes;
mod store;
mod zip;

use serde_json::json;

pub(super) use pages::samples;
pub(super) use routes::routes;

use super::audit::{self, Actor, AuditEntry, RecordQuery};
use super::letters::{RemovalAskedMail, RemovalCancelledMail, RemovedMail};
use super::store as accounts;
use super::{Accounts, invitations};
use crate::app::Core;
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::http::Principal;
use crate::ids::UserId;
use crate::in_transaction;
use crate::mail::Mail;
use crate::module::Event;
use crate::personal::{PersonalFile, PersonalFiles, together};
use crate::site;

/// Somebody wants to leave. Told in the transaction that notes it; whoever gives an error keeps him.
#[derive(Debug)]
pub struct RemovalAsked {
    pub user: UserId,
}

impl Event for RemovalAsked {}

/// A person is being forgotten. Told in the transaction in which he is: whoever takes part deletes what says who he is
/// or what he did, and keeps what must stay without that.
#[derive(Debug)]
pub struct UserRemoved {
    pub user: UserId,
}

impl Event for UserRemoved {}

/// Notes that somebody leaves, ends his sessions and tells him until when he can change his mind.
///
/// # Errors
/// 409 for the staff, and when another domain keeps him.
async fn ask(core: &Core, by: &Actor, person: &Principal) -> Result<Timestamp> {
    if person.role.is_staff() {
        return Err(Error::conflict(
            "staff",
            "You are of the staff. Ask another administrator to make you a user first.",
        ));
    }
    let due = core
        .now()
        .plus(core.state::<Accounts>()?.settings.removal_grace());
    in_transaction!(core.db(), tx => {
        let user = person.id.clone();
        core.emit(tx, &RemovalAsked { user }).await?;
        store::schedule(tx, &person.id, due).await?;
        accounts::delete_sessions_of(tx, &person.id).await?;
        let target = ("user", person.id.as_str());
        let entry = AuditEntry::new(by, "user.removal_asked", target)
            .details(json!({ "due_at": due.rfc3339() }));
        entry.record(tx, core.now()).await?;
        let content = RemovalAskedMail { due_at: person.times.writer().human(due) };
        core.send_mail(tx, Mail::to(&person.email, &content)).await
    })?;
    Ok(due)
}

/// Keeps somebody who signs in although he wanted to leave.
pub(super) async fn stay(core: &Core, tx: &mut Tx, user: &UserId) -> Result<()> {
    let Some(email) = store::unschedule(tx, user).await? else {
        return Ok(());
    };
    core.send_mail(tx, Mail::to(&email, &RemovalCancelledMail {}))
        .await
}

/// How many people are looked up at once.
const BATCH: i64 = 100;

/// Forgets whoever has not come back in time. Somebody who cannot be forgotten now keeps nobody else: he is tried again
/// the next time.
///
/// # Errors
/// When somebody could not be forgotten, after all others were tried.
pub(super) async fn remove_due(core: &Core) -> Result<()> {
    let (now, mut after, mut failure) = (core.now(), None, None);
    loop {
        let due = store::due(core.db(), now, (after.as_ref(), BATCH)).await?;
        for one in &due {
            let user = &one.user;
            if let Err(error) = in_transaction!(core.db(), tx => remove(core, tx, user).await) {
                tracing::error!(%user, %error, "somebody who left cannot be forgotten");
                failure = Some(error);
            }
        }
        match due.into_iter().next_back() {
            Some(last) => after = Some(last),
            None => return failure.map_or(Ok(()), Err),
        }
    }
}

async fn remove(core: &Core, tx: &mut Tx, user: &UserId) -> Result<()> {
    let now = core.now();
    let Some(gone) = store::lock_due(tx, user, now).await? else {
        return Ok(());
    };
    core.emit(tx, &UserRemoved { user: user.clone() }).await?;
    if gone.is_verified {
        site::forget_sender(tx, &gone.email).await?;
        invitations::forget(core, tx, &gone.email).await?;
    }
    store::forget(tx, user, now).await?;
    let entry = AuditEntry::new(&Actor::CommandLine, "user.removed", ("user", user.as_str()));
    entry.record(tx, now).await?;
    core.send_mail(tx, Mail::to(&gone.email, &RemovedMail {}))
        .await
}

/// How many acts of the staff one file holds.
const RECORD: i64 = 10_000;

/// What this domain knows of somebody.
pub(super) fn files(core: Core, user: UserId) -> PersonalFiles {
    together(async move {
        let account = super::actions::find_user(&core, &user).await?;
        let sessions = super::actions::sessions(&core, &user).await?;
        let sessions: Vec<_> = sessions
            .iter()
            .map(|session| {
                json!({
                    "created_at": session.created_at.rfc3339(),
                    "last_seen_at": session.last_seen_at.rfc3339(),
                    "user_agent": session.user_agent,
                    "address": session.address,
                })
            })
            .collect();
        let query = RecordQuery {
            target: Some(("user".into(), user.to_string())),
            limit: RECORD,
            ..RecordQuery::default()
        };
        let record = audit::entries(&core, &query).await?;
        let record: Vec<_> = record
            .iter()
            .map(|entry| json!({ "at": entry.at.rfc3339(), "what": entry.action, "details": entry.details }))
            .collect();
        let factor = super::second_factor::status(&core, &user).await?;
        let chosen = super::profile::preferences(&core, &user).await?;
        let account = json!({
            "id": account.id,
            "email": account.email,
            "email_is_confirmed": account.is_verified,
            "name": account.name,
            "time_zone": chosen.times.zone.as_str(),
            "locale": chosen.times.locale.tag(),
            "mails_not_wanted": chosen.unwanted,
            "role": account.role,
            "created_at": account.created_at.rfc3339(),
            "last_signed_in_at": account.last_signed_in_at.map(Timestamp::rfc3339),
            "has_second_factor": factor.is_on,
        });
        Ok(vec![
            PersonalFile::json("account/account.json", &account)?,
            PersonalFile::json("account/sessions.json", &sessions)?,
            PersonalFile::json("account/record.json", &record)?,
        ])
    })
}

//! What the staff and the command line see of other people's accounts and do to them.

use serde::Serialize;
use serde_json::{Value, json};

use super::accounts::create_user;
use crate::app::Core;
use crate::auth::audit::{self, Actor, AuditEntry};
use crate::auth::entity::{NewUser, User};
use crate::auth::rules::{DisplayName, EmailAddress, Password};
use crate::auth::{Accounts, store, token_store};
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::http::{Permission, Role};
use crate::ids::UserId;
use crate::in_transaction;
use crate::mail::Mail;
use crate::site::{MessageLeft, MessageMail};

/// Which users a list shows.
#[derive(Debug, Clone, Default)]
pub struct UserQuery {
    /// A part of the address; empty for everybody.
    pub search: String,
    /// The last user of the page before.
    pub before: Option<UserId>,
    pub limit: i64,
}

/// How many users there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct UserCounts {
    pub total: i64,
    pub active: i64,
    pub staff: i64,
    /// Made since the instant that was asked about.
    pub new: i64,
}

/// One user.
///
/// # Errors
/// 404 when there is none of this identifier.
pub async fn find_user(core: &Core, id: &UserId) -> Result<User> {
    let user = store::user(core.db(), id).await?;
    user.ok_or_else(Error::not_found)
}

/// The user with this address, whatever its case.
///
/// # Errors
/// When the database does not answer.
pub async fn find_user_by_email(core: &Core, email: &EmailAddress) -> Result<Option<User>> {
    store::user_by_email(core.db(), &email.key()).await
}

/// Users, newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list_users(core: &Core, query: &UserQuery) -> Result<Vec<User>> {
    store::users(core.db(), query).await
}

/// # Errors
/// When the database does not answer.
pub async fn count_users(core: &Core, new_since: Timestamp) -> Result<UserCounts> {
    store::count_users(core.db(), new_since).await
}

/// How many sessions of a user are live.
///
/// # Errors
/// When the database does not answer.
pub async fn count_sessions(core: &Core, user: &UserId) -> Result<i64> {
    store::count_sessions(core.db(), user, core.now()).await
}

/// Deactivates an account, which ends its sessions, or activates it again. What is so already stays so,
/// without a record.
///
/// # Errors
/// 404 when there is no such user, 403 when it is the actor's own.
pub async fn set_active(core: &Core, actor: &Actor, user: &UserId, active: bool) -> Result<()> {
    if actor.user() == Some(user) {
        let why = "You cannot deactivate your own account. Ask another administrator.";
        return Err(Error::new(
            axum::http::StatusCode::FORBIDDEN,
            "own_account",
            why,
        ));
    }
    find_user(core, user).await?;
    let action = if active {
        "user.activated"
    } else {
        "user.deactivated"
    };
    in_transaction!(core.db(), tx => {
        if !store::set_active(tx, user, active).await? {
            return Ok(());
        }
        if !active {
            store::delete_sessions_of(tx, user).await?;
        }
        audit::record(tx, core.now(), &entry(actor, action, user, json!({}))).await
    })
}

/// Makes sure that an active account with this address and role is there. A password that is given becomes
/// its password, and ends every session that it has.
pub(in crate::auth) async fn ensure_user(
    core: &Core,
    email: &EmailAddress,
    role: Role,
    password: Option<&Password>,
) -> Result<Ensured> {
    let (hasher, key) = (&core.state::<Accounts>()?.hasher, email.key());
    let hash = match password {
        Some(password) => Some(hasher.hash(password).await?),
        None => None,
    };
    in_transaction!(core.db(), tx => {
        match (store::set_role(tx, &key, role).await?, &hash) {
            (Some(user), hash) => {
                // Whoever runs the binary vouches for the address.
                token_store::mark_verified(tx, &user, &key, core.now()).await?;
                if let Some(hash) = hash {
                    store::set_password(tx, &user, hash).await?;
                    store::delete_sessions_of(tx, &user).await?;
                }
                let entry = entry(&Actor::CommandLine, "user.role_set", &user, json!({ "role": role }));
                audit::record(tx, core.now(), &entry).await?;
                Ok(Ensured::Changed)
            }
            (None, None) => Ok(Ensured::NeedsPassword),
            (None, Some(hash)) => {
                let (email, name, password_hash) = (email.clone(), DisplayName::default(), hash.clone());
                let new = NewUser { email, name, password_hash, role };
                let user = create_user(core, tx, &new).await?.ok_or_else(taken_meanwhile)?;
                token_store::mark_verified(tx, &user.id, &key, core.now()).await?;
                let entry = entry(&Actor::CommandLine, "user.created", &user.id, json!({ "role": role }));
                audit::record(tx, core.now(), &entry).await?;
                Ok(Ensured::Created)
            }
        }
    })
}

/// Mails a visitor's message to everybody on the staff who may read it.
pub(in crate::auth) async fn tell_staff(
    core: &Core,
    tx: &mut Tx,
    left: &MessageLeft,
) -> Result<()> {
    let message = &left.0;
    let content = MessageMail {
        name: &message.name,
        email: &message.email,
        message: &message.message,
    };
    for user in store::active_staff(tx).await? {
        if user.role.has(Permission::ViewMessages) {
            let mail = Mail::to(&user.email, &content).reply_to(&message.email);
            core.send_mail(tx, mail).await?;
        }
    }
    Ok(())
}

/// What [`ensure_user`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::auth) enum Ensured {
    Created,
    Changed,
    /// There is no such account, and without a password none can be made.
    NeedsPassword,
}

fn taken_meanwhile() -> Error {
    Error::conflict(
        "email_taken",
        "Somebody has just signed up with this address. Try again.",
    )
}

fn entry<'a>(
    actor: &'a Actor,
    action: &'static str,
    user: &'a UserId,
    details: Value,
) -> AuditEntry<'a> {
    AuditEntry {
        actor,
        action,
        target: ("user", user.as_str()),
        details,
    }
}

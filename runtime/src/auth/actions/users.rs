//! What the staff and the command line see of other people's accounts and do to them.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::json;

use super::accounts::create_user;
use crate::app::Core;
use crate::auth::audit::{self, Actor, AuditEntry};
use crate::auth::entity::{NewUser, User};
use crate::auth::rules::{DisplayName, EmailAddress, Password};
use crate::auth::{Accounts, limits, store, take_over};
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

/// Makes whoever else locks this user wait until `tx` ends, for what of his is counted before there is more of it.
///
/// # Errors
/// When the database does not answer.
pub async fn lock_user(tx: &mut Tx, id: &UserId) -> Result<()> {
    store::lock_role(tx, id).await.map(drop)
}

/// The user with this address, whatever its case.
///
/// # Errors
/// When the database does not answer.
pub async fn find_user_by_email(core: &Core, email: &EmailAddress) -> Result<Option<User>> {
    store::user_by_email(core.db(), &email.key()).await
}

/// The addresses of these users, by identifier; those of accounts that are gone are left out.
///
/// # Errors
/// When the database does not answer.
pub async fn emails(
    core: &Core,
    users: impl IntoIterator<Item = UserId>,
) -> Result<BTreeMap<UserId, String>> {
    let users: BTreeSet<_> = users.into_iter().collect();
    store::emails(core.db(), &users).await
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
/// 404 when there is no such user, 403 when it is the actor's own, or one of the staff's and the actor may not manage
/// those.
pub async fn set_active(core: &Core, actor: &Actor, user: &UserId, active: bool) -> Result<()> {
    let action = if active {
        "user.activated"
    } else {
        "user.deactivated"
    };
    let account = find_user(core, user).await?;
    refuse_own(core, actor, action, user).await?;
    if account.role.is_staff() && !may_manage_staff(core, actor).await? {
        return Err(refuse(
            core,
            actor,
            action,
            user,
            "Only an administrator may do this to one of the staff.",
        )
        .await);
    }
    in_transaction!(core.db(), tx => {
        if !store::set_active(tx, user, active).await? {
            return Ok(());
        }
        if !active {
            store::delete_sessions_of(tx, user).await?;
        }
        let (before, after) = (json!({ "active": !active }), json!({ "active": active }));
        let entry = AuditEntry::new(actor, action, ("user", user.as_str())).change(before, after);
        entry.record(tx, core.now()).await
    })
}

/// Gives an account another role. The same again changes nothing and leaves no record.
///
/// # Errors
/// 404 when there is no such user, 403 when it is the actor's own: so there is always an administrator left.
pub async fn set_role(core: &Core, actor: &Actor, user: &UserId, role: Role) -> Result<()> {
    let action = "user.role_set";
    refuse_own(core, actor, action, user).await?;
    in_transaction!(core.db(), tx => {
        let old = store::lock_role(tx, user).await?.ok_or_else(Error::not_found)?;
        if old == role {
            return Ok(());
        }
        store::change_role(tx, user, role).await?;
        let (before, after) = (json!({ "role": old }), json!({ "role": role }));
        let entry = AuditEntry::new(actor, action, ("user", user.as_str())).change(before, after);
        entry.record(tx, core.now()).await
    })
}

async fn may_manage_staff(core: &Core, actor: &Actor) -> Result<bool> {
    match actor.user() {
        None => Ok(true),
        Some(actor) => Ok(find_user(core, actor)
            .await?
            .role
            .has(Permission::ManageRoles)),
    }
}

async fn refuse_own(core: &Core, actor: &Actor, action: &str, user: &UserId) -> Result<()> {
    if actor.user() != Some(user) {
        return Ok(());
    }
    let why = "You cannot do this to your own account. Ask another administrator.";
    Err(refuse(core, actor, action, user, why).await)
}

/// A refusal, recorded.
async fn refuse(core: &Core, actor: &Actor, action: &str, user: &UserId, why: &str) -> Error {
    let target = ("user", user.as_str());
    match audit::record_refusal(core, actor, action, target).await {
        Err(error) => error,
        Ok(()) => Error::new(StatusCode::FORBIDDEN, "not_yours_to_do", why),
    }
}

/// Makes sure that an active account with this address and role is there. A password that is given becomes
/// its password, and ends every session that it has. An account whose address nobody has confirmed may be a stranger's: it
/// needs one, and loses whatever else would let him in.
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
        let before = store::user_in(tx, &key).await?;
        let is_strange = before.as_ref().is_some_and(|user| !user.is_verified);
        if is_strange && hash.is_none() {
            return Ok(Ensured::NeedsPassword);
        }
        match (store::set_role(tx, &key, role).await?, &hash) {
            (Some(user), hash) => {
                match hash {
                    Some(hash) if is_strange => take_over(core, tx, &user, hash).await?,
                    Some(hash) => {
                        store::set_password(tx, &user, hash).await?;
                        store::delete_sessions_of(tx, &user).await?;
                    }
                    None => {}
                }
                // Whoever runs the binary vouches for the address.
                store::tokens::mark_verified(tx, &user, &key, core.now()).await?;
                let state = |role, active| json!({ "role": role, "active": active });
                let before = before.map_or(json!({}), |user| state(user.role, user.is_active));
                let target = ("user", user.as_str());
                let entry = AuditEntry::new(&Actor::CommandLine, "user.role_set", target)
                    .change(before, state(role, true));
                entry.record(tx, core.now()).await?;
                Ok(Ensured::Changed)
            }
            (None, None) => Ok(Ensured::NeedsPassword),
            (None, Some(hash)) => {
                let (email, name, password_hash) = (email.clone(), DisplayName::default(), hash.clone());
                let new = NewUser { email, name, password_hash, role };
                let user = create_user(core, tx, &new).await?.ok_or_else(taken_meanwhile)?;
                store::tokens::mark_verified(tx, &user.id, &key, core.now()).await?;
                let target = ("user", user.id.as_str());
                let entry = AuditEntry::new(&Actor::CommandLine, "user.created", target)
                    .details(json!({ "role": role }));
                entry.record(tx, core.now()).await?;
                Ok(Ensured::Created)
            }
        }
    })
}

/// Mails a visitor's message to everybody on the staff who may read it.
///
/// # Errors
/// 429 when too many came from the visitor's network address.
pub(in crate::auth) async fn tell_staff(
    core: &Core,
    tx: &mut Tx,
    left: &MessageLeft,
) -> Result<()> {
    let settings = &core.state::<Accounts>()?.settings;
    limits::count_in(core, tx, &limits::message(settings, &left.address)).await?;
    let message = &left.message;
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
    /// There is no such account, or none whose address was confirmed: a password is wanted.
    NeedsPassword,
}

fn taken_meanwhile() -> Error {
    Error::conflict(
        "email_taken",
        "Somebody has just signed up with this address. Try again.",
    )
}

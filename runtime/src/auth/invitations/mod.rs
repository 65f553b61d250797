//! Signing up by invitation: the staff names an address, a link goes there, whoever opens it chooses a password. Invariants:
//! a link works once and for some days; its newest one counts; only digests are stored; who has opened it owns the address.

mod pages;
mod routes;
mod store;

use serde_json::json;

pub(super) use pages::samples;
pub(super) use routes::{instead_of_sign_up, routes};

use super::actions::{Token, create_user, find_user_by_email, open_session};
use super::audit::{Actor, AuditEntry};
use super::entity::{Browser, Credentials, NewUser};
use super::letters::InvitationMail;
use super::rules::{DisplayName, EmailAddress, Password};
use super::store as accounts;
use super::{Accounts, limits};
use crate::app::Core;
use crate::clock::Timestamp;
use crate::crypto::random_token;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::http::Role;
use crate::ids::UserId;
use crate::in_transaction;
use crate::mail::Mail;

crate::id_type! {
    /// An invitation.
    InvitationId
}

fn digest(core: &Core, token: &str) -> String {
    core.config().key("invitation").sign(token)
}

/// An invitation as the staff sees it.
#[derive(Debug, Clone)]
struct Invitation {
    id: InvitationId,
    email: String,
    invited_by: String,
    created_at: Timestamp,
    expires_at: Timestamp,
    revoked_at: Option<Timestamp>,
    used_at: Option<Timestamp>,
}

/// Mails a link to an address; older links to it work no more. No where somebody has an account with it.
async fn invite(core: &Core, by: (&UserId, &Actor), email: &EmailAddress) -> Result<bool> {
    if find_user_by_email(core, email).await?.is_some() {
        return Ok(false);
    }
    let settings = &core.state::<Accounts>()?.settings;
    limits::count_mail(core, settings, (&email.key(), "")).await?;
    let (token, now) = (random_token(), core.now());
    let (days, expires_at) = (
        settings.invitation_days,
        now.plus(settings.invitation_life()),
    );
    let id = InvitationId::new(now);
    let digest = digest(core, &token);
    in_transaction!(core.db(), tx => {
        store::revoke_open(tx, &email.key(), now).await?;
        let new = store::New { id: &id, email, digest: &digest, invited_by: by.0, expires_at };
        store::insert(tx, &new, now).await?;
        let entry = AuditEntry::new(by.1, "invitation.sent", ("invitation", id.as_str()));
        entry.record(tx, now).await?;
        let content = InvitationMail { token: &token, days };
        core.send_mail(tx, Mail::to(email.as_str(), &content)).await
    })?;
    Ok(true)
}

/// Makes a link useless. Doing it twice is no error.
///
/// # Errors
/// 404 when there is no such invitation.
async fn revoke(core: &Core, by: &Actor, id: &InvitationId) -> Result<()> {
    let now = core.now();
    in_transaction!(core.db(), tx => {
        if !store::exists(tx, id).await? {
            return Err(Error::not_found());
        }
        if !store::revoke(tx, id, now).await? {
            return Ok(());
        }
        let entry = AuditEntry::new(by, "invitation.revoked", ("invitation", id.as_str()))
            .change(json!({ "open": true }), json!({ "open": false }));
        entry.record(tx, now).await
    })
}

/// Whether an invitation to this address waits to be taken.
pub(super) async fn is_open(core: &Core, email: &EmailAddress) -> Result<bool> {
    store::is_open(core.db(), &email.key(), core.now()).await
}

/// Uses up the invitation of somebody whose address was shown to be his without its link.
pub(super) async fn take(core: &Core, tx: &mut Tx, email: &EmailAddress) -> Result<bool> {
    store::take_of(tx, &email.key(), core.now()).await
}

/// Takes the address of somebody who is forgotten out of what was sent to it.
pub(super) async fn forget(core: &Core, tx: &mut Tx, email: &str) -> Result<()> {
    let email = EmailAddress::parse(email).map_err(anyhow::Error::msg)?;
    store::forget(tx, &email.key(), core.now()).await
}

/// How the use of a link ended.
enum Accepted {
    Done(Token),
    /// It was used or revoked, is too old, or never was.
    Stale,
    /// Somebody has made an account with the address since.
    Taken,
}

/// Makes the account that a link is for, and opens its first session.
async fn accept(
    core: &Core,
    (token, email): (&str, EmailAddress),
    password: &Password,
    browser: &Browser,
) -> Result<Accepted> {
    let service = core.state::<Accounts>()?;
    limits::count(core, &limits::sign_up(&service.settings, &browser.address)).await?;
    let new = NewUser {
        email,
        name: DisplayName::default(),
        password_hash: service.hasher.hash(password).await?,
        role: Role::User,
    };
    let (digest, now) = (digest(core, token), core.now());
    in_transaction!(core.db(), tx => {
        if !store::take(tx, (&digest, &new.email.key()), now).await? {
            return Ok(Accepted::Stale);
        }
        let Some(user) = create_user(core, tx, &new).await? else {
            return Ok(Accepted::Taken);
        };
        accounts::tokens::mark_verified(tx, &user.id, &new.email.key(), now).await?;
        let credentials = Credentials {
            user: user.id,
            password_hash: new.password_hash.clone(),
            is_active: true,
            is_verified: true,
        };
        let token = open_session(core, tx, &credentials, browser).await?;
        token.map(Accepted::Done).ok_or_else(Error::unauthenticated)
    })
}

//! Confirming an address by the link in a mail. The link shows that somebody reads the address's mail; that the account is
//! his, too, he shows by its session or its password. Else whoever signed up with another's address would have it
//! confirmed by the owner, and keep the password.

use secrecy::SecretString;

use super::mailed::{digest, find_link, new_token};
use super::sessions::{Checked, SignIn, admit, check_password};
use crate::app::Core;
use crate::auth::audit::AuditEntry;
use crate::auth::entity::{Browser, MailedToken, Purpose};
use crate::auth::letters::EmailChangedMail;
use crate::auth::rules::EmailAddress;
use crate::auth::store;
use crate::db::Tx;
use crate::error::Result;
use crate::http::Principal;
use crate::in_transaction;
use crate::mail::Mail;

/// What somebody has to show beside the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::auth) enum Wanted {
    /// He is signed in to the account, or there is nothing to win: the address was confirmed before.
    Nothing,
    /// The password of the account. Where the address is the account's own, he may choose a new one in its place, which
    /// shuts out whoever knows the old one.
    Password { may_choose: bool },
    /// A session of the account, which has no password.
    Session,
}

/// An address that waits to be confirmed.
#[derive(Debug)]
pub(in crate::auth) struct Confirmation {
    pub email: String,
    pub wanted: Wanted,
    link: MailedToken,
    /// The account's address by now.
    own_email: String,
}

/// What a link would confirm in the browser of `principal`. None when it was used, or is too old, or never was.
pub(in crate::auth) async fn confirmation(
    core: &Core,
    principal: Option<&Principal>,
    token: &str,
) -> Result<Option<Confirmation>> {
    let Some(link) = find_link(core, token, Purpose::VerifyEmail).await? else {
        return Ok(None);
    };
    let Some(account) = store::account(core.db(), &link.user).await? else {
        return Ok(None);
    };
    let is_own = key(&link.email)? == key(&account.email)?;
    let is_in = principal.is_some_and(|own| own.id == link.user);
    let wanted = if is_in || (is_own && account.is_verified) {
        Wanted::Nothing
    } else if account.has_password {
        Wanted::Password { may_choose: is_own }
    } else {
        Wanted::Session
    };
    Ok(Some(Confirmation {
        email: link.email.clone(),
        wanted,
        link,
        own_email: account.email,
    }))
}

fn key(email: &str) -> Result<String> {
    let email = EmailAddress::parse(email).map_err(anyhow::Error::msg)?;
    Ok(email.key())
}

/// How the confirmation of an address ended.
#[derive(Debug)]
pub(in crate::auth) enum Confirmed {
    /// With what comes of the sign-in, where it took the password.
    Done(Option<SignIn>),
    /// The link was used, or is too old, or never was.
    Stale,
    /// Another account has taken the address since.
    Taken,
    /// What was wanted beside the link was not shown.
    Refused(Confirmation),
}

/// Confirms an address; it becomes the account's if it was not yet, and the old one is told. Whoever has to give the
/// password for it has signed in with it.
///
/// # Errors
/// 429 after too many wrong passwords.
pub(in crate::auth) async fn confirm_email(
    core: &Core,
    token: &str,
    (principal, password): (Option<&Principal>, SecretString),
    browser: &Browser,
) -> Result<Confirmed> {
    let Some(asked) = confirmation(core, principal, token).await? else {
        return Ok(Confirmed::Stale);
    };
    let whose = (&asked.link.user, &*asked.own_email);
    let checked = match asked.wanted {
        Wanted::Nothing => None,
        Wanted::Password { .. } => check_password(core, whose, password, &browser.address).await?,
        Wanted::Session => None,
    };
    if checked.is_none() && asked.wanted != Wanted::Nothing {
        return Ok(Confirmed::Refused(asked));
    }
    in_transaction!(core.db(), tx => {
        let end = use_link(core, tx, token, &browser.address).await?;
        match (end, &checked) {
            (Confirmed::Done(_), Some(checked)) => {
                Ok(Confirmed::Done(Some(enter(core, tx, checked, browser).await?)))
            }
            (end, _) => Ok(end),
        }
    })
}

async fn enter(core: &Core, tx: &mut Tx, checked: &Checked, browser: &Browser) -> Result<SignIn> {
    checked.forgive(tx).await?;
    admit(core, tx, &checked.credentials, browser).await
}

async fn use_link(core: &Core, tx: &mut Tx, token: &str, address: &str) -> Result<Confirmed> {
    let (digest, now) = (digest(core, token), core.now());
    let found = store::tokens::take(tx, (&digest, Purpose::VerifyEmail), now).await?;
    let Some(MailedToken { user, email, .. }) = found else {
        return Ok(Confirmed::Stale);
    };
    let key = key(&email)?;
    if store::tokens::mark_verified(tx, &user, &key, now).await? {
        return Ok(Confirmed::Done(None));
    }
    let changed = store::tokens::change_email(tx, &user, (&email, &key), now).await?;
    let Some(old) = changed else {
        return Ok(Confirmed::Taken);
    };
    AuditEntry::record_own(tx, now, "user.email_changed", (&user, address)).await?;
    // Links to the old address open nothing any more.
    store::tokens::delete_of(tx, &user, Purpose::VerifyEmail).await?;
    store::tokens::delete_of(tx, &user, Purpose::ResetPassword).await?;
    let content = EmailChangedMail { new_email: &email };
    core.send_mail(tx, Mail::to(&old, &content)).await?;
    Ok(Confirmed::Done(None))
}

/// Trades the link for one that chooses a new password, which confirms the address and ends what anybody had set up before.
/// None where that is not to be had.
pub(in crate::auth) async fn choose_instead(core: &Core, token: &str) -> Result<Option<String>> {
    match confirmation(core, None, token).await? {
        Some(asked) if asked.wanted == (Wanted::Password { may_choose: true }) => {}
        Some(_) | None => return Ok(None),
    }
    let (digest, now) = (digest(core, token), core.now());
    in_transaction!(core.db(), tx => {
        let taken = store::tokens::take(tx, (&digest, Purpose::VerifyEmail), now).await?;
        let Some(link) = taken else { return Ok(None) };
        let link = MailedToken { purpose: Purpose::ResetPassword, ..link };
        Ok(Some(new_token(core, tx, &link).await?))
    })
}

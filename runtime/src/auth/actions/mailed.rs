//! What is done by way of a mail: asking for an address to be confirmed, choosing a new password.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::app::Core;
use crate::auth::audit::{Actor, AuditEntry};
use crate::auth::entity::{Credentials, MailedToken, Purpose, User};
use crate::auth::letters::{AccountExistsMail, PasswordChangedMail, ResetMail, VerifyMail};
use crate::auth::rules::{EmailAddress, Password};
use crate::auth::{
    Accounts, EmailVerification, limits, second_factor, store, take_back, take_over,
};
use crate::crypto::random_token;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::http::Principal;
use crate::ids::UserId;
use crate::in_transaction;
use crate::jobs::Job;
use crate::mail::Mail;

/// How long a link works.
fn lifetime(purpose: Purpose) -> Duration {
    match purpose {
        Purpose::VerifyEmail => Duration::from_secs(24 * 60 * 60),
        Purpose::ResetPassword => Duration::from_secs(60 * 60),
    }
}

pub(super) fn digest(core: &Core, token: &str) -> String {
    core.config().key("mailed token").sign(token)
}

/// Makes the secret of a new link; only its digest is stored.
pub(super) async fn new_token(core: &Core, tx: &mut Tx, for_whom: &MailedToken) -> Result<String> {
    let token = random_token();
    let end = core.now().plus(lifetime(for_whom.purpose));
    store::tokens::insert(tx, &digest(core, &token), for_whom, end).await?;
    Ok(token)
}

/// Counts a mail to an address, whether it has an account or not, that is asked for from a network address.
///
/// # Errors
/// 429 when there were too many.
pub(super) async fn count_mail(core: &Core, email: &str, address: &str) -> Result<()> {
    let settings = &core.state::<Accounts>()?.settings;
    let key = EmailAddress::parse(email)
        .map_err(anyhow::Error::msg)?
        .key();
    limits::count_mail(core, settings, (&key, address)).await
}

/// Mails a link that confirms `email` as the address of `user`.
pub(in crate::auth) async fn ask_for_verification(
    core: &Core,
    tx: &mut Tx,
    (user, email): (&UserId, &str),
) -> Result<()> {
    let purpose = Purpose::VerifyEmail;
    let token = MailedToken {
        purpose,
        user: user.clone(),
        email: email.to_owned(),
    };
    let token = new_token(core, tx, &token).await?;
    let content = VerifyMail {
        email,
        token: &token,
        hours: lifetime(purpose).as_secs() / 3600,
    };
    core.send_mail(tx, Mail::to(email, &content)).await
}

/// Mails the link again to whoever has signed in and has not confirmed his address.
pub(in crate::auth) async fn resend_verification(
    core: &Core,
    principal: &Principal,
    address: &str,
) -> Result<()> {
    if principal.is_verified {
        return Ok(());
    }
    count_mail(core, &principal.email, address).await?;
    in_transaction!(core.db(), tx => {
        ask_for_verification(core, tx, (&principal.id, &principal.email)).await
    })
}

/// To be asked before somebody pays with money or credits, or sets up what would keep the owner of the address out.
///
/// # Errors
/// 403 `email_unconfirmed` while addresses are to be confirmed and his is not.
pub fn require_verified(core: &Core, principal: &Principal) -> Result<()> {
    let wanted = core.state::<Accounts>()?.settings.email_verification;
    if wanted == EmailVerification::None || principal.is_verified {
        return Ok(());
    }
    Err(Error::email_unconfirmed())
}

/// What a link is for, without using it: mail scanners follow links too.
pub(in crate::auth) async fn find_link(
    core: &Core,
    token: &str,
    purpose: Purpose,
) -> Result<Option<MailedToken>> {
    store::tokens::find(core.db(), (&digest(core, token), purpose), core.now()).await
}

/// Mails a link to the address that is to become somebody's. Who owns that address already is told to its owner
/// alone.
pub(in crate::auth) async fn ask_for_new_email(
    core: &Core,
    principal: &Principal,
    email: &EmailAddress,
    address: &str,
) -> Result<()> {
    let settings = &core.state::<Accounts>()?.settings;
    limits::count(core, &limits::mail_by(settings, &principal.id)).await?;
    count_mail(core, email.as_str(), address).await?;
    let owner = store::user_by_email(core.db(), &email.key()).await?;
    in_transaction!(core.db(), tx => {
        match &owner {
            Some(owner) if owner.id != principal.id => tell_of_account(core, tx, owner).await,
            _ => ask_for_verification(core, tx, (&principal.id, email.as_str())).await,
        }
    })
}

/// Tells the owner of an address that somebody gave it for another account.
pub(in crate::auth) async fn tell_of_account(core: &Core, tx: &mut Tx, owner: &User) -> Result<()> {
    let content = AccountExistsMail {
        email: &owner.email,
    };
    core.send_mail(tx, Mail::to(&owner.email, &content)).await
}

/// Somebody forgot the password of an address. A job, so that the answer says and takes the same whether there is
/// such an account or not.
#[derive(Serialize, Deserialize)]
pub(in crate::auth) struct AskReset {
    email: String,
}

impl Job for AskReset {
    const NAME: &'static str = "auth.ask_reset";
}

/// Mails a link to choose a new password, if there is an account with this address.
pub(in crate::auth) async fn ask_for_reset(
    core: &Core,
    email: &EmailAddress,
    address: &str,
) -> Result<()> {
    let settings = &core.state::<Accounts>()?.settings;
    limits::count(core, &limits::mail_from(settings, address)).await?;
    count_mail(core, email.as_str(), address).await?;
    let email = email.as_str().to_owned();
    let job = AskReset { email };
    in_transaction!(core.db(), tx => core.enqueue(tx, &job).await)
}

pub(in crate::auth) async fn mail_reset_link(core: &Core, job: AskReset) -> Result<()> {
    let key = EmailAddress::parse(&job.email)
        .map_err(anyhow::Error::msg)?
        .key();
    let user = store::user_by_email(core.db(), &key).await?;
    let Some(user) = user.filter(|user| user.is_active) else {
        return Ok(());
    };
    let purpose = Purpose::ResetPassword;
    let token = MailedToken {
        purpose,
        user: user.id,
        email: user.email,
    };
    in_transaction!(core.db(), tx => {
        let secret = new_token(core, tx, &token).await?;
        let content = ResetMail {
            email: &token.email,
            token: &secret,
            minutes: lifetime(purpose).as_secs() / 60,
        };
        core.send_mail(tx, Mail::to(&token.email, &content)).await
    })
}

/// Makes a link with which its owner chooses a new password, for an operator who hands it over, and records that.
pub(in crate::auth) async fn reset_link(core: &Core, by: &Actor, user: &User) -> Result<String> {
    let token = MailedToken {
        purpose: Purpose::ResetPassword,
        user: user.id.clone(),
        email: user.email.clone(),
    };
    let secret = in_transaction!(core.db(), tx => {
        let entry = AuditEntry::new(by, "user.reset_link_made", ("user", user.id.as_str()));
        entry.record(tx, core.now()).await?;
        new_token(core, tx, &token).await
    })?;
    let url = &core.config().url;
    Ok(format!("{url}/accounts/password/reset/{secret}"))
}

/// Takes an address as confirmed because somebody who acts says so, and records that. Whoever signed up with it may not be
/// its owner: his password and all his ways in end, and the owner chooses a password with the link that [`reset_link`]
/// makes. No when the address was confirmed before: then nothing changes.
pub(in crate::auth) async fn verify(core: &Core, by: &Actor, user: &User) -> Result<bool> {
    let key = EmailAddress::parse(&user.email)
        .map_err(anyhow::Error::msg)?
        .key();
    let hasher = &core.state::<Accounts>()?.hasher;
    let nobodys = hasher.hash(&Password::generate()).await?;
    in_transaction!(core.db(), tx => {
        let known = store::credentials_in(tx, &user.id).await?;
        if known.is_none_or(|known| known.is_verified) {
            return Ok(false);
        }
        take_over(core, tx, &user.id, &nobodys).await?;
        store::forget_password(tx, &user.id).await?;
        store::tokens::mark_verified(tx, &user.id, &key, core.now()).await?;
        let entry = AuditEntry::new(by, "user.verified", ("user", user.id.as_str()));
        entry.record(tx, core.now()).await?;
        Ok(true)
    })
}

/// Whether what was set up in an account counts as a stranger's once somebody shows that the address is his. Where nobody is
/// asked to confirm addresses, a second factor is its owner's, and no mail takes it away.
pub(in crate::auth) async fn is_strange(
    core: &Core,
    tx: &mut Tx,
    account: &Credentials,
) -> Result<bool> {
    if account.is_verified {
        return Ok(false);
    }
    let wanted = core.state::<Accounts>()?.settings.email_verification;
    Ok(wanted != EmailVerification::None || !second_factor::is_on(core, tx, &account.user).await?)
}

/// Replaces a password by way of a mailed link: ends every session, makes other links useless, tells the owner.
/// No when the link does not work.
pub(in crate::auth) async fn reset_password(
    core: &Core,
    token: &str,
    new: &Password,
    address: &str,
) -> Result<bool> {
    let hash = core.state::<Accounts>()?.hasher.hash(new).await?;
    let (digest, now) = (digest(core, token), core.now());
    in_transaction!(core.db(), tx => {
        let found = store::tokens::take(tx, (&digest, Purpose::ResetPassword), now).await?;
        let Some(MailedToken { user, email, .. }) = found else {
            return Ok(false);
        };
        let before = store::credentials_in(tx, &user).await?;
        let before = before.ok_or_else(Error::not_found)?;
        if is_strange(core, tx, &before).await? {
            take_back(core, tx, &user).await?;
        }
        store::set_password(tx, &user, &hash).await?;
        store::delete_sessions_of(tx, &user).await?;
        store::tokens::delete_of(tx, &user, Purpose::ResetPassword).await?;
        let key = EmailAddress::parse(&email).map_err(anyhow::Error::msg)?.key();
        // Whoever opened the link reads this address's mail.
        store::tokens::mark_verified(tx, &user, &key, now).await?;
        AuditEntry::record_own(tx, now, "user.password_reset", (&user, address)).await?;
        core.send_mail(tx, Mail::to(&email, &PasswordChangedMail {})).await?;
        Ok(true)
    })
}

/// Tells somebody that his password has been changed.
pub(super) async fn tell_of_new_password(core: &Core, tx: &mut Tx, email: &str) -> Result<()> {
    core.send_mail(tx, Mail::to(email, &PasswordChangedMail {}))
        .await
}

/// Forgets links that do not work any more.
pub(in crate::auth) async fn sweep_links(core: &Core) -> Result<()> {
    in_transaction!(core.db(), tx => store::tokens::sweep(tx, core.now()).await)
}

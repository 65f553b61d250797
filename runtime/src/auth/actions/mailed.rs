//! What is done by way of a mail: confirming an address, changing it, choosing a new password.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::app::Core;
use crate::auth::audit::{Actor, AuditEntry};
use crate::auth::entity::{MailedToken, Purpose, User};
use crate::auth::letters::{
    AccountExistsMail, EmailChangedMail, PasswordChangedMail, ResetMail, VerifyMail,
};
use crate::auth::rules::{EmailAddress, Password};
use crate::auth::{Accounts, EmailVerification, limits, store};
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

fn digest(core: &Core, token: &str) -> String {
    core.config().key("mailed token").sign(token)
}

/// Makes the secret of a new link; only its digest is stored.
async fn new_token(core: &Core, tx: &mut Tx, for_whom: &MailedToken) -> Result<String> {
    let token = random_token();
    let end = core.now().plus(lifetime(for_whom.purpose));
    store::tokens::insert(tx, &digest(core, &token), for_whom, end).await?;
    Ok(token)
}

/// Counts a mail to an address, whether it has an account or not.
///
/// # Errors
/// 429 when there were too many.
pub(super) async fn count_mail(core: &Core, email: &str) -> Result<()> {
    let settings = &core.state::<Accounts>()?.settings;
    let key = EmailAddress::parse(email)
        .map_err(anyhow::Error::msg)?
        .key();
    limits::count(core, &limits::mail(settings, &key)).await
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
pub(in crate::auth) async fn resend_verification(core: &Core, principal: &Principal) -> Result<()> {
    if is_verified(core, &principal.id).await? {
        return Ok(());
    }
    count_mail(core, &principal.email).await?;
    in_transaction!(core.db(), tx => {
        ask_for_verification(core, tx, (&principal.id, &principal.email)).await
    })
}

/// To be asked before somebody pays with money or credits.
///
/// # Errors
/// 403 `email_unconfirmed` while addresses are to be confirmed and his is not.
pub async fn require_verified(core: &Core, user: &UserId) -> Result<()> {
    let wanted = core.state::<Accounts>()?.settings.email_verification;
    if wanted == EmailVerification::None || is_verified(core, user).await? {
        return Ok(());
    }
    Err(Error::email_unconfirmed())
}

/// Whether the owner of an account has shown that its address is his.
///
/// # Errors
/// When the database does not answer.
pub async fn is_verified(core: &Core, user: &UserId) -> Result<bool> {
    store::tokens::is_verified(core.db(), user).await
}

/// What a link is for, without using it: mail scanners follow links too.
pub(in crate::auth) async fn find_link(
    core: &Core,
    token: &str,
    purpose: Purpose,
) -> Result<Option<MailedToken>> {
    store::tokens::find(core.db(), (&digest(core, token), purpose), core.now()).await
}

/// How the confirmation of an address ended.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::auth) enum Confirmed {
    Done,
    /// The link was used, or is too old, or never was.
    Stale,
    /// Another account has taken the address since.
    Taken,
}

/// Confirms an address; it becomes the account's if it was not yet, and the old one is told.
pub(in crate::auth) async fn confirm_email(core: &Core, token: &str) -> Result<Confirmed> {
    let (digest, now) = (digest(core, token), core.now());
    in_transaction!(core.db(), tx => {
        let found = store::tokens::take(tx, (&digest, Purpose::VerifyEmail), now).await?;
        let Some(MailedToken { user, email, .. }) = found else {
            return Ok(Confirmed::Stale);
        };
        let key = EmailAddress::parse(&email).map_err(anyhow::Error::msg)?.key();
        if store::tokens::mark_verified(tx, &user, &key, now).await? {
            return Ok(Confirmed::Done);
        }
        let changed = store::tokens::change_email(tx, &user, (&email, &key), now).await?;
        let Some(old) = changed else {
            return Ok(Confirmed::Taken);
        };
        // Links to the old address open nothing any more.
        store::tokens::delete_of(tx, &user, Purpose::VerifyEmail).await?;
        store::tokens::delete_of(tx, &user, Purpose::ResetPassword).await?;
        let content = EmailChangedMail { new_email: &email };
        core.send_mail(tx, Mail::to(&old, &content)).await?;
        Ok(Confirmed::Done)
    })
}

/// Mails a link to the address that is to become somebody's. Who owns that address already is told to its owner
/// alone.
pub(in crate::auth) async fn ask_for_new_email(
    core: &Core,
    principal: &Principal,
    email: &EmailAddress,
) -> Result<()> {
    count_mail(core, email.as_str()).await?;
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
pub(in crate::auth) async fn ask_for_reset(core: &Core, email: &EmailAddress) -> Result<()> {
    count_mail(core, email.as_str()).await?;
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

/// Takes an address as confirmed because somebody who acts says so, and records that.
pub(in crate::auth) async fn verify(core: &Core, by: &Actor, user: &User) -> Result<()> {
    let key = EmailAddress::parse(&user.email)
        .map_err(anyhow::Error::msg)?
        .key();
    in_transaction!(core.db(), tx => {
        store::tokens::mark_verified(tx, &user.id, &key, core.now()).await?;
        let entry = AuditEntry::new(by, "user.verified", ("user", user.id.as_str()));
        entry.record(tx, core.now()).await
    })
}

/// Replaces a password by way of a mailed link: ends every session, makes other links useless, tells the owner.
/// No when the link does not work.
pub(in crate::auth) async fn reset_password(
    core: &Core,
    token: &str,
    new: &Password,
) -> Result<bool> {
    let hash = core.state::<Accounts>()?.hasher.hash(new).await?;
    let (digest, now) = (digest(core, token), core.now());
    in_transaction!(core.db(), tx => {
        let found = store::tokens::take(tx, (&digest, Purpose::ResetPassword), now).await?;
        let Some(MailedToken { user, email, .. }) = found else {
            return Ok(false);
        };
        store::set_password(tx, &user, &hash).await?;
        store::delete_sessions_of(tx, &user).await?;
        store::tokens::delete_of(tx, &user, Purpose::ResetPassword).await?;
        let key = EmailAddress::parse(&email).map_err(anyhow::Error::msg)?.key();
        // Whoever opened the link reads this address's mail.
        store::tokens::mark_verified(tx, &user, &key, now).await?;
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

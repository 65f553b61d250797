//! Making accounts and changing one's own.

use secrecy::SecretString;

use super::mailed::{ask_for_verification, count_mail, tell_of_account, tell_of_new_password};
use super::sessions::{Token, check_password, open_session};
use crate::app::Core;
use crate::auth::audit::AuditEntry;
use crate::auth::entity::{Browser, Credentials, NewUser, Purpose, User};
use crate::auth::rules::{DisplayName, EmailAddress, Password};
use crate::auth::{Accounts, EmailVerification, UserCreated, limits, store};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::http::{Principal, Role};
use crate::in_transaction;

/// How a sign-up ended.
#[derive(Debug)]
pub(in crate::auth) enum SignUp {
    Done(Token),
    /// Somebody has an account with this address.
    Taken,
    /// A mail is on its way, whoever has an account with this address.
    Mailed,
}

/// How a change of password ended.
#[derive(Debug)]
pub(in crate::auth) enum PasswordChange {
    /// Every session has ended; this is the token of a new one.
    Done(Token),
    /// The old password was not right.
    Refused,
}

/// Makes an account and opens its first session.
pub(in crate::auth) async fn sign_up(
    core: &Core,
    email: EmailAddress,
    password: &Password,
    browser: &Browser,
) -> Result<SignUp> {
    let accounts = core.state::<Accounts>()?;
    limits::count(core, &limits::sign_up(&accounts.settings, &browser.address)).await?;
    if accounts.settings.email_verification == EmailVerification::Mandatory {
        // Each try sends one, whoever has an account.
        count_mail(core, email.as_str(), &browser.address).await?;
    }
    let password_hash = accounts.hasher.hash(password).await?;
    let verification = accounts.settings.email_verification;
    let new = NewUser {
        email,
        name: DisplayName::default(),
        password_hash,
        role: Role::User,
    };
    in_transaction!(core.db(), tx => {
        let Some(user) = create_user(core, tx, &new).await? else {
            if verification == EmailVerification::Mandatory {
                tell_owner(core, tx, &new.email).await?;
                return Ok(SignUp::Mailed);
            }
            return Ok(SignUp::Taken);
        };
        match verification {
            EmailVerification::None => {}
            EmailVerification::Optional => {
                ask_for_verification(core, tx, (&user.id, &user.email)).await?;
            }
            EmailVerification::Mandatory => {
                ask_for_verification(core, tx, (&user.id, &user.email)).await?;
                return Ok(SignUp::Mailed);
            }
        }
        let credentials = Credentials {
            user: user.id,
            password_hash: new.password_hash.clone(),
            is_active: true,
            is_verified: false,
        };
        let token = open_session(core, tx, &credentials, browser).await?;
        token.map(SignUp::Done).ok_or_else(Error::unauthenticated)
    })
}

async fn tell_owner(core: &Core, tx: &mut Tx, email: &EmailAddress) -> Result<()> {
    match store::user_in(tx, &email.key()).await? {
        Some(owner) if owner.is_active => tell_of_account(core, tx, &owner).await,
        _ => Ok(()),
    }
}

/// Makes an account and tells whoever takes part; `None` when its address is taken.
pub(in crate::auth) async fn create_user(
    core: &Core,
    tx: &mut Tx,
    new: &NewUser,
) -> Result<Option<User>> {
    let Some(user) = store::insert_user(tx, core.now(), new).await? else {
        return Ok(None);
    };
    let event = UserCreated {
        user: user.id.clone(),
        email: user.email.clone(),
    };
    core.emit(tx, &event).await?;
    Ok(Some(user))
}

/// Replaces one's password, ends every session and opens a new one for this browser.
///
/// # Errors
/// 429 after too many wrong ones.
pub(in crate::auth) async fn change_password(
    core: &Core,
    principal: &Principal,
    (old, new): (SecretString, &Password),
    browser: &Browser,
) -> Result<PasswordChange> {
    let accounts = core.state::<Accounts>()?;
    let whose = (&principal.id, &*principal.email);
    let Some(checked) = check_password(core, whose, old, &browser.address).await? else {
        return Ok(PasswordChange::Refused);
    };
    let new_hash = accounts.hasher.hash(new).await?;
    in_transaction!(core.db(), tx => {
        if !store::replace_password(tx, &checked.credentials, &new_hash).await? {
            return Ok(PasswordChange::Refused);
        }
        checked.forgive(tx).await?;
        store::delete_sessions_of(tx, &principal.id).await?;
        store::tokens::delete_of(tx, &principal.id, Purpose::ResetPassword).await?;
        tell_of_new_password(core, tx, &principal.email).await?;
        let whose = (&principal.id, &*browser.address);
        AuditEntry::record_own(tx, core.now(), "user.password_changed", whose).await?;
        let credentials = Credentials {
            user: principal.id.clone(),
            password_hash: new_hash.clone(),
            is_active: true,
            is_verified: checked.credentials.is_verified,
        };
        let token = open_session(core, tx, &credentials, browser).await?;
        token.map(PasswordChange::Done).ok_or_else(Error::unauthenticated)
    })
}

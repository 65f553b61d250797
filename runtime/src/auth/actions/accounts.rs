//! Making accounts and changing one's own.

use secrecy::SecretString;

use super::sessions::{Token, open_session};
use crate::app::Core;
use crate::auth::entity::{Browser, Credentials, NewUser, User};
use crate::auth::rules::{DisplayName, EmailAddress, Password};
use crate::auth::{Accounts, UserCreated, store};
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
    let password_hash = core.state::<Accounts>()?.hasher.hash(password).await?;
    let new = NewUser {
        email,
        name: DisplayName::default(),
        password_hash,
        role: Role::User,
    };
    in_transaction!(core.db(), tx => {
        let Some(user) = create_user(core, tx, &new).await? else {
            return Ok(SignUp::Taken);
        };
        let credentials = Credentials {
            user: user.id,
            password_hash: new.password_hash.clone(),
            is_active: true,
        };
        let token = open_session(core, tx, &credentials, browser).await?;
        token.map(SignUp::Done).ok_or_else(Error::unauthenticated)
    })
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

/// Changes what somebody is called.
pub(in crate::auth) async fn rename(
    core: &Core,
    principal: &Principal,
    name: &DisplayName,
) -> Result<()> {
    in_transaction!(core.db(), tx => store::set_name(tx, &principal.id, name.as_str()).await)
}

/// Replaces one's password, ends every session and opens a new one for this browser.
pub(in crate::auth) async fn change_password(
    core: &Core,
    principal: &Principal,
    (old, new): (SecretString, &Password),
    browser: &Browser,
) -> Result<PasswordChange> {
    let accounts = core.state::<Accounts>()?;
    let credentials = store::credentials_of(core.db(), &principal.id).await?;
    let credentials = credentials.ok_or_else(Error::unauthenticated)?;
    let hash = Some(credentials.password_hash.clone());
    if !accounts.hasher.verify(old, hash).await? {
        return Ok(PasswordChange::Refused);
    }
    let new_hash = accounts.hasher.hash(new).await?;
    in_transaction!(core.db(), tx => {
        if !store::replace_password(tx, &credentials, &new_hash).await? {
            return Ok(PasswordChange::Refused);
        }
        store::delete_sessions_of(tx, &principal.id).await?;
        let credentials = Credentials {
            user: principal.id.clone(),
            password_hash: new_hash.clone(),
            is_active: true,
        };
        let token = open_session(core, tx, &credentials, browser).await?;
        token.map(PasswordChange::Done).ok_or_else(Error::unauthenticated)
    })
}

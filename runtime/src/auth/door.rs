//! The door for further ways to sign in: a module that has found out who somebody is lets him in here. One place for new
//! sessions, locked accounts, second factors and limits, whatever the way.

use axum::response::Response;

use super::actions::{self, SignIn};
use super::entity::{Browser, NewUser};
use super::routes;
use super::rules::{DisplayName, EmailAddress, Password};
use super::{Accounts, Registration, limits, store};
use crate::app::Core;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::http::{Level, Role, Visit};
use crate::ids::UserId;

/// What a way to sign in has to know of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub user: UserId,
    /// As its owner typed it.
    pub email: String,
    /// Whether he has shown that the address is his.
    pub is_verified: bool,
    /// Whether he signs in with a code, too.
    pub has_second_factor: bool,
    /// Whether he could sign in with a password.
    pub has_password: bool,
}

/// The account of somebody.
///
/// # Errors
/// When the database does not answer.
pub async fn account(core: &Core, user: &UserId) -> Result<Option<Account>> {
    store::account(core.db(), user).await
}

/// The account with an address, whatever its case.
///
/// # Errors
/// When the database does not answer.
pub async fn account_with(core: &Core, email: &EmailAddress) -> Result<Option<Account>> {
    match store::user_by_email(core.db(), &email.key()).await? {
        Some(user) => account(core, &user.id).await,
        None => Ok(None),
    }
}

/// Counts one more sign-in of a network address.
///
/// # Errors
/// 429 when there were too many.
pub async fn count(visit: &Visit) -> Result<()> {
    let settings = &visit.core().state::<Accounts>()?.settings;
    let counted = limits::sign_in(settings, &visit.client_address());
    limits::count(visit.core(), &counted).await
}

/// What came of somebody at the door.
#[derive(Debug)]
pub struct Admission(SignIn);

/// Lets somebody in as far as his account lets him: not if it is locked, and not yet if it has a second factor.
///
/// # Errors
/// When the database does not answer.
pub async fn admit(visit: &Visit, tx: &mut Tx, user: &UserId) -> Result<Admission> {
    let known = store::credentials_in(tx, user).await?;
    let known = known.ok_or_else(Error::unauthenticated)?;
    let browser = Browser::of(visit);
    let sign_in = actions::admit(visit.core(), tx, &known, &browser).await?;
    Ok(Admission(sign_in))
}

/// The answer to an admission: on to `next`, to the page that asks for the code, or back with a reason.
///
/// # Errors
/// Outside of an application with accounts.
pub fn proceed(
    visit: &Visit,
    admission: Admission,
    next: &str,
    note: Option<(Level, &str)>,
) -> Result<Response> {
    routes::proceed(visit, admission.0, (next, note))
}

/// Somebody without an account whose address was shown to be his.
#[derive(Debug)]
pub struct Newcomer(NewUser);

impl Newcomer {
    /// None where nobody makes an account by himself. The account has no password.
    ///
    /// # Errors
    /// When there are too many sign-ups from his network address (429).
    pub async fn new(visit: &Visit, email: EmailAddress, name: &str) -> Result<Option<Self>> {
        let (core, address) = (visit.core(), visit.client_address());
        let accounts = core.state::<Accounts>()?;
        if accounts.settings.registration != Registration::Open {
            return Ok(None);
        }
        limits::count(core, &limits::sign_up(&accounts.settings, &address)).await?;
        Ok(Some(Self(NewUser {
            email,
            name: DisplayName::parse(name).unwrap_or_default(),
            password_hash: accounts.hasher.hash(&Password::generate()).await?,
            role: Role::User,
        })))
    }

    /// Makes the account; none when the address is taken meanwhile.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn settle(&self, core: &Core, tx: &mut Tx) -> Result<Option<UserId>> {
        let Some(user) = actions::create_user(core, tx, &self.0).await? else {
            return Ok(None);
        };
        store::forget_password(tx, &user.id).await?;
        store::tokens::mark_verified(tx, &user.id, &self.0.email.key(), core.now()).await?;
        Ok(Some(user.id))
    }
}

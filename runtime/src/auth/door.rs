//! The door for further ways to sign in: a module that has found out who somebody is lets him in here. One place for new
//! sessions, locked accounts, second factors and limits, whatever the way.

use axum::response::Response;

use super::actions::{self, SignIn, Token};
use super::entity::{Browser, NewUser};
use super::routes;
use super::rules::{DisplayName, EmailAddress, Password};
use super::second_factor::{self, Waiting};
use super::{Accounts, CountWays, EmailVerification, Registration, invitations, limits, store};
use crate::app::Core;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::http::{Level, Principal, Role, Visit, VisitCookie};
use crate::ids::UserId;

/// What a way to sign in has to know of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub user: UserId,
    /// As its owner typed it.
    pub email: String,
    /// Whether he has shown that the address is his.
    pub is_verified: bool,
    /// Whether a second factor is asked for when he signs in.
    pub has_second_factor: bool,
    /// Whether he could sign in with a password.
    pub has_password: bool,
}

/// The account of somebody.
///
/// # Errors
/// When the database does not answer.
pub async fn account(core: &Core, user: &UserId) -> Result<Option<Account>> {
    let Some(mut account) = store::account(core.db(), user).await? else {
        return Ok(None);
    };
    account.has_second_factor |= second_factor::has_other(core, user).await?;
    Ok(Some(account))
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

/// Counts one more question that a browser fetches before its user signs in; pages do so by themselves.
///
/// # Errors
/// 429 when there were too many.
pub async fn count_question(visit: &Visit) -> Result<()> {
    let settings = &visit.core().state::<Accounts>()?.settings;
    let counted = limits::question(settings, &visit.client_address());
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

/// As [`admit`], for somebody who has shown what he has and who he is at once: no second factor is asked for.
///
/// # Errors
/// When the database does not answer.
pub async fn admit_whole(visit: &Visit, tx: &mut Tx, user: &UserId) -> Result<Admission> {
    let known = store::credentials_in(tx, user).await?;
    let known = known.ok_or_else(Error::unauthenticated)?;
    if !known.is_active {
        return Ok(Admission(SignIn::Deactivated));
    }
    let browser = Browser::of(visit);
    let token = actions::open_session(visit.core(), tx, &known, &browser).await?;
    Ok(Admission(token.map_or(SignIn::Refused, SignIn::Done)))
}

/// The refusal of somebody who has to confirm his address before he signs in; he gets a mail for it.
///
/// # Errors
/// 429 when there were too many mails.
pub async fn refuse_unconfirmed(visit: &Visit, account: &Account) -> Result<Option<Admission>> {
    let core = visit.core();
    let wanted = core.state::<Accounts>()?.settings.email_verification;
    if wanted != EmailVerification::Mandatory || account.is_verified {
        return Ok(None);
    }
    let refused = actions::ask_again(core, &account.user, &visit.client_address()).await?;
    Ok(Some(Admission(refused)))
}

/// Whether somebody has to confirm his address before he may add a way to sign in: whoever signed up with another's would
/// keep it.
///
/// # Errors
/// Outside of an application with accounts.
pub fn must_confirm(core: &Core, account: &Account) -> Result<bool> {
    let wanted = core.state::<Accounts>()?.settings.email_verification;
    Ok(wanted != EmailVerification::None && !account.is_verified)
}

/// Somebody who has given a password, or the like, in this browser and owes a second factor.
#[derive(Debug)]
pub struct Debtor {
    pub user: UserId,
    waiting: Waiting,
    browser: Browser,
}

impl Debtor {
    /// Whoever it is in this browser.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn of(visit: &Visit) -> Result<Option<Self>> {
        let (core, browser) = (visit.core(), Browser::of(visit));
        let Some(token) = visit.cookie(VisitCookie::Challenge) else {
            return Ok(None);
        };
        let Some(user) = second_factor::owing(core, &token).await? else {
            return Ok(None);
        };
        let waiting = Waiting::of(core, token, (&user, &browser)).await?;
        Ok(Some(Self {
            user,
            waiting,
            browser,
        }))
    }

    /// Lets him in once he has given it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn settle(&self, core: &Core, tx: &mut Tx) -> Result<Admission> {
        let who = (&self.user, &self.browser);
        let sign_in = second_factor::settle(core, tx, &self.waiting, who).await?;
        Ok(Admission(sign_in))
    }
}

/// Gives the session of somebody who has just shown once more who he is, or changed how he does, another token.
///
/// # Errors
/// 401 when it has ended meanwhile.
pub async fn renew(core: &Core, tx: &mut Tx, principal: &Principal) -> Result<Admission> {
    let (token, _): (Token, _) = actions::renew(core, tx, principal).await?;
    Ok(Admission(SignIn::Done(token)))
}

/// Notes that somebody has a second factor of the module `kind`, which is asked for from now on at every door. The answer
/// is recovery codes to show him, where he has none yet.
///
/// # Errors
/// When the database does not answer.
pub async fn add_factor(tx: &mut Tx, user: &UserId, kind: &str) -> Result<Option<Vec<String>>> {
    second_factor::add_other(tx, user, kind).await
}

/// Notes that somebody has no second factor of the module `kind` any more.
///
/// # Errors
/// When the database does not answer.
pub async fn drop_factor(core: &Core, tx: &mut Tx, (user, kind): (&UserId, &str)) -> Result<()> {
    second_factor::drop_other(core, tx, (user, kind)).await
}

/// In how many ways somebody can sign in. Locks his row, so that two who take one away at the same time do not both count
/// the other.
///
/// # Errors
/// When the database does not answer.
pub async fn count_ways(core: &Core, tx: &mut Tx, user: &UserId) -> Result<i64> {
    let ways = CountWays::of(user);
    if store::lock_has_password(tx, user).await? {
        ways.add(1);
    }
    if core.state::<Accounts>()?.settings.magic_links {
        ways.add(1);
    }
    core.emit(tx, &ways).await?;
    Ok(ways.total())
}

/// The answer to an admission that shows recovery codes before it goes on.
///
/// # Errors
/// When the page cannot be rendered.
pub fn show_codes(visit: &Visit, admission: Admission, codes: Vec<String>) -> Result<Response> {
    let response = second_factor::show_codes(visit, codes)?;
    match admission.0 {
        SignIn::Done(token) => routes::enter(visit, &token, response),
        SignIn::Challenge(_) | SignIn::Refused | SignIn::Deactivated | SignIn::Unverified => {
            Ok(response)
        }
    }
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
pub struct Newcomer {
    new: NewUser,
    is_invited: bool,
}

impl Newcomer {
    /// None where nobody makes an account by himself, and he was not invited. The account has no password.
    ///
    /// # Errors
    /// When there are too many sign-ups from his network address (429).
    pub async fn new(visit: &Visit, email: EmailAddress, name: &str) -> Result<Option<Self>> {
        let (core, address) = (visit.core(), visit.client_address());
        let accounts = core.state::<Accounts>()?;
        let is_invited = match accounts.settings.registration {
            Registration::Open => false,
            Registration::Invitation if invitations::is_open(core, &email).await? => true,
            Registration::Invitation | Registration::Closed => return Ok(None),
        };
        limits::count(core, &limits::sign_up(&accounts.settings, &address)).await?;
        let new = NewUser {
            email,
            name: DisplayName::parse(name).unwrap_or_default(),
            password_hash: accounts.hasher.hash(&Password::generate()).await?,
            role: Role::User,
        };
        Ok(Some(Self { new, is_invited }))
    }

    /// Makes the account; none when the address is taken meanwhile, or the invitation used or taken back.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn settle(&self, core: &Core, tx: &mut Tx) -> Result<Option<UserId>> {
        if self.is_invited && !invitations::take(core, tx, &self.new.email).await? {
            return Ok(None);
        }
        let Some(user) = actions::create_user(core, tx, &self.new).await? else {
            return Ok(None);
        };
        store::forget_password(tx, &user.id).await?;
        store::tokens::mark_verified(tx, &user.id, &self.new.email.key(), core.now()).await?;
        Ok(Some(user.id))
    }
}

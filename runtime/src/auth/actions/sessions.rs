//! Signing in and out, and finding out whom a session belongs to.

use futures_util::future::BoxFuture;
use secrecy::SecretString;

use super::mailed::{ask_for_verification, count_mail};
use crate::app::Core;
use crate::auth::audit::{self, Actor};
use crate::auth::entity::{Browser, Credentials, SeenSession, Session, SessionId};
use crate::auth::hasher::Verdict;
use crate::auth::rules::{EmailAddress, SEEN_INTERVAL};
use crate::auth::{Accounts, EmailVerification, leaving, limits, second_factor, store};
use crate::crypto::random_token;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::http::{Authenticator, Permission, Principal, Visit};
use crate::ids::UserId;
use crate::in_transaction;

/// The secret by which a browser proves its session. Only its digest is stored.
#[derive(Debug)]
pub(in crate::auth) struct Token(pub String);

/// The digest under which a token is stored. It needs the application's secret, so that whoever can write
/// to the database still cannot make a session.
fn digest(core: &Core, token: &str) -> String {
    core.config().key("session").sign(token)
}

/// How a sign-in ended.
#[derive(Debug)]
pub(in crate::auth) enum SignIn {
    Done(Token),
    /// The password was right, and a code is wanted: what the browser shows with it.
    Challenge(String),
    /// No such address, or not its password; nobody learns which.
    Refused,
    /// The password was right, but the account has been deactivated.
    Deactivated,
    /// The password was right, but the address is not confirmed: a mail with a link is on its way.
    Unverified,
}

/// How many sessions that have ended one sign-in clears away.
const SWEEP: i64 = 100;

/// Checks an address and a password, and opens a session.
pub(in crate::auth) async fn sign_in(
    core: &Core,
    email: &str,
    password: SecretString,
    browser: &Browser,
) -> Result<SignIn> {
    let accounts = core.state::<Accounts>()?;
    let key = EmailAddress::parse(email)
        .map(|email| email.key())
        .unwrap_or_default();
    let failing = limits::failed_sign_in(&accounts.settings, &browser.address, &key);
    limits::count(core, &limits::sign_in(&accounts.settings, &browser.address)).await?;
    limits::count(core, &failing).await?;
    let credentials = store::credentials(core.db(), &key).await?;
    let hash = credentials
        .as_ref()
        .map(|known| known.password_hash.clone());
    let verdict = accounts.hasher.verify(password, hash).await?;
    let Some(credentials) = credentials.filter(|_| verdict.is_right()) else {
        return Ok(SignIn::Refused);
    };
    let must_confirm = !credentials.is_verified
        && accounts.settings.email_verification == EmailVerification::Mandatory;
    if !credentials.is_active || must_confirm {
        in_transaction!(core.db(), tx => limits::forgive(tx, &failing).await)?;
    }
    if !credentials.is_active {
        return Ok(SignIn::Deactivated);
    }
    if must_confirm {
        return ask_again(core, &credentials.user, &browser.address).await;
    }
    in_transaction!(core.db(), tx => {
        let mut credentials = credentials.clone();
        if let Verdict::Outdated(hash) = &verdict {
            if !store::replace_password(tx, &credentials, hash).await? {
                return Ok(SignIn::Refused);
            }
            credentials.password_hash = hash.clone();
        }
        let entry = admit(core, tx, &credentials, browser).await?;
        if let SignIn::Done(_) = entry {
            // Where a code is wanted, once that is right.
            limits::forgive(tx, &failing).await?;
        }
        Ok(entry)
    })
}

/// Lets somebody in who has shown in one way who he is: asks for the second factor if there is one, else opens a session.
pub(in crate::auth) async fn admit(
    core: &Core,
    tx: &mut Tx,
    checked: &Credentials,
    browser: &Browser,
) -> Result<SignIn> {
    if !checked.is_active {
        return Ok(SignIn::Deactivated);
    }
    if second_factor::is_on(core, tx, &checked.user).await? {
        if !store::note_sign_in(tx, core.now(), checked).await? {
            return Ok(SignIn::Refused);
        }
        let challenge = second_factor::challenge(core, tx, &checked.user).await?;
        return Ok(SignIn::Challenge(challenge));
    }
    let token = open_session(core, tx, checked, browser).await?;
    Ok(token.map_or(SignIn::Refused, SignIn::Done))
}

/// Mails the link again to somebody who knows the password of an address that is not confirmed.
pub(in crate::auth) async fn ask_again(
    core: &Core,
    user: &UserId,
    address: &str,
) -> Result<SignIn> {
    let Some(user) = store::user(core.db(), user).await? else {
        return Ok(SignIn::Refused);
    };
    count_mail(core, &user.email, address).await?;
    in_transaction!(core.db(), tx => {
        ask_for_verification(core, tx, (&user.id, &user.email)).await?;
        Ok(SignIn::Unverified)
    })
}

/// Opens a session with a new token; the one that the browser had ends. None when the account has been
/// deactivated or its password changed since the credentials were checked.
pub(in crate::auth) async fn open_session(
    core: &Core,
    tx: &mut Tx,
    checked: &Credentials,
    browser: &Browser,
) -> Result<Option<Token>> {
    let now = core.now();
    if !store::note_sign_in(tx, now, checked).await? {
        return Ok(None);
    }
    leaving::stay(core, tx, &checked.user).await?;
    store::sweep_sessions(tx, now, SWEEP).await?;
    if let Some(old) = &browser.session {
        store::delete_session(tx, old).await?;
    }
    let token = Token(random_token());
    let life = core.state::<Accounts>()?.settings.session_life();
    let session = Session {
        id: SessionId::new(now),
        user: checked.user.clone(),
        token_digest: digest(core, &token.0),
        created_at: now,
        last_seen_at: now,
        expires_at: life.end(now, now),
        user_agent: browser.user_agent.clone(),
        address: browser.address.clone(),
    };
    store::insert_session(tx, &session).await?;
    Ok(Some(token))
}

/// Somebody who has given the password of his account.
#[derive(Debug)]
pub(super) struct Checked {
    pub credentials: Credentials,
    failing: Vec<limits::Counted>,
}

impl Checked {
    /// Takes back what the try was counted as.
    pub async fn forgive(&self, tx: &mut Tx) -> Result<()> {
        limits::forgive(tx, &self.failing).await
    }
}

/// Checks the password of an account that is known already. None when it is another.
///
/// # Errors
/// 429 after too many wrong ones.
pub(super) async fn check_password(
    core: &Core,
    (user, email): (&UserId, &str),
    password: SecretString,
    address: &str,
) -> Result<Option<Checked>> {
    let accounts = core.state::<Accounts>()?;
    let key = EmailAddress::parse(email)
        .map_err(anyhow::Error::msg)?
        .key();
    let failing = limits::failed_sign_in(&accounts.settings, address, &key);
    limits::count(core, &failing).await?;
    let credentials = store::credentials_of(core.db(), user).await?;
    let credentials = credentials.ok_or_else(Error::unauthenticated)?;
    let hash = Some(credentials.password_hash.clone());
    let verdict = accounts.hasher.verify(password, hash).await?;
    Ok(verdict.is_right().then_some(Checked {
        credentials,
        failing,
    }))
}

/// Checks the password of somebody who has signed in, and gives his session a new token. None when it is not his.
///
/// # Errors
/// 429 after too many wrong ones.
pub(in crate::auth) async fn confirm(
    core: &Core,
    principal: &Principal,
    password: SecretString,
    address: &str,
) -> Result<Option<Token>> {
    let whose = (&principal.id, &*principal.email);
    let Some(checked) = check_password(core, whose, password, address).await? else {
        return Ok(None);
    };
    let (token, _) = in_transaction!(core.db(), tx => {
        checked.forgive(tx).await?;
        renew(core, tx, principal).await
    })?;
    Ok(Some(token))
}

/// Gives the session that somebody is in another identifier and token, because he has just proved who he is or changed
/// how he does.
///
/// # Errors
/// 401 when it has ended meanwhile.
pub(in crate::auth) async fn renew(
    core: &Core,
    tx: &mut Tx,
    principal: &Principal,
) -> Result<(Token, SessionId)> {
    let (now, token) = (core.now(), Token(random_token()));
    let (old, new) = (principal.session.clone().into(), SessionId::new(now));
    let digest = digest(core, &token.0);
    if !store::renew_session(tx, &old, (&new, &digest), now).await? {
        return Err(Error::unauthenticated());
    }
    Ok((token, new))
}

/// Ends one session.
pub(in crate::auth) async fn sign_out(core: &Core, session: &SessionId) -> Result<()> {
    in_transaction!(core.db(), tx => store::delete_session(tx, session).await)
}

/// Somebody's live sessions, the one that was used last first.
pub(in crate::auth) async fn sessions(core: &Core, user: &UserId) -> Result<Vec<SeenSession>> {
    store::sessions(core.db(), user, core.now()).await
}

/// Ends one of somebody's sessions. Ending what has ended is no error.
pub(in crate::auth) async fn end_session(
    core: &Core,
    user: &UserId,
    session: &SessionId,
) -> Result<()> {
    in_transaction!(core.db(), tx => store::delete_session_of(tx, user, session).await)
}

/// Ends all of somebody's sessions but the one that he is in; says how many there were.
pub(in crate::auth) async fn end_other_sessions(core: &Core, principal: &Principal) -> Result<u64> {
    let kept = principal.session.clone().into();
    in_transaction!(core.db(), tx => store::delete_other_sessions(tx, &principal.id, &kept).await)
}

/// Looks sessions up by their token.
pub(in crate::auth) struct Sessions;

impl Authenticator for Sessions {
    fn authenticate<'a>(
        &'a self,
        core: &'a Core,
        token: &'a str,
    ) -> BoxFuture<'a, Result<Option<Principal>>> {
        Box::pin(async move {
            let (now, digest) = (core.now(), digest(core, token));
            let Some(live) = store::live_session(core.db(), &digest, now).await? else {
                return Ok(None);
            };
            if now.since(live.last_seen_at) >= SEEN_INTERVAL {
                let life = core.state::<Accounts>()?.settings.session_life();
                let end = life.end(live.created_at, now);
                let session = live.principal.session.as_str();
                let noted = in_transaction!(core.db(), tx => {
                    store::touch_session(tx, session, now, end).await
                });
                // The page matters more than the note.
                if let Err(error) = noted {
                    tracing::warn!(%error, "a session's use cannot be noted");
                }
            }
            let mut principal = live.principal;
            let wanted = core.state::<Accounts>()?.settings.second_factor_for_staff;
            principal.lacks_second_factor = wanted
                && principal.role.is_staff()
                && !live.has_second_factor
                && !second_factor::has_other(core, &principal.id).await?;
            Ok(Some(principal))
        })
    }

    fn note_refusal<'a>(&'a self, visit: &'a Visit, permission: Permission) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let Ok(actor) = Actor::of(visit) else { return };
            let act = serde_json::to_value(permission).unwrap_or_default();
            let act = act.as_str().unwrap_or_default();
            let target = ("page", visit.path());
            let noted = audit::record_refusal(visit.core(), &actor, act, target).await;
            if let Err(error) = noted {
                tracing::warn!(%error, "a refusal cannot be noted");
            }
        })
    }
}

//! The second factor: codes of an authenticator app, and recovery codes for when the app is lost. Invariants: a code
//! works once; a sign-in with a second factor opens no session without it; secrets are encrypted, codes hashed.

mod others;
mod pages;
mod qr;
mod routes;
mod store;
mod totp;

use rand::RngExt as _;
use serde_json::json;

pub(super) use others::{
    Waiting, add_other, drop_other, forget, has_other, owing, settle, show_codes,
};
pub(super) use pages::samples;
pub(super) use routes::{CODE, routes};

use super::actions::{Token, open_session, renew};
use super::audit::{Actor, AuditEntry};
use super::entity::Browser;
use super::letters::SecondFactorMail;
use super::rules::EmailAddress;
use super::{Accounts, FactorsTakenAway, limits};
use crate::app::Core;
use crate::crypto::{random_token, token_digest};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::http::Principal;
use crate::ids::UserId;
use crate::in_transaction;
use crate::mail::Mail;

const RECOVERY_CODES: usize = 10;
/// In letters and digits: 80 bits, so that its digest cannot be searched for.
const RECOVERY_CODE_BYTES: usize = 10;

/// What somebody has set up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Status {
    pub is_on: bool,
    pub codes_left: i64,
}

pub(super) async fn status(core: &Core, user: &UserId) -> Result<Status> {
    let (is_on, codes_left) = store::status(core.db(), user).await?;
    Ok(Status { is_on, codes_left })
}

/// A secret that is shown and not kept: the form carries it, sealed for its owner alone.
struct Offer {
    secret: Vec<u8>,
    sealed: String,
}

/// `secret`, for `user` alone.
fn seal(core: &Core, user: &UserId, secret: &[u8]) -> String {
    let plain = [user.as_str().as_bytes(), secret].concat();
    core.config().keys("second factor").encrypt(&plain)
}

/// What [`seal`] was given, for the same user.
fn unseal(core: &Core, user: &UserId, sealed: &str) -> Option<Vec<u8>> {
    let plain = core.config().keys("second factor").decrypt(sealed)?;
    let secret = plain.strip_prefix(user.as_str().as_bytes())?;
    (secret.len() == totp::SECRET_LENGTH).then(|| secret.to_vec())
}

fn offer(core: &Core, user: &UserId) -> Offer {
    let secret = rand::rng().random::<[u8; totp::SECRET_LENGTH]>();
    Offer {
        sealed: seal(core, user, &secret),
        secret: secret.to_vec(),
    }
}

/// An offer that a form carried; none when it is not this user's.
fn take_up(core: &Core, user: &UserId, sealed: &str) -> Option<Offer> {
    Some(Offer {
        secret: unseal(core, user, sealed)?,
        sealed: sealed.to_owned(),
    })
}

/// New recovery codes with their digests.
fn new_codes(user: &UserId) -> (Vec<String>, Vec<String>) {
    let code = || totp::base32(&rand::rng().random::<[u8; RECOVERY_CODE_BYTES]>()).to_lowercase();
    let codes: Vec<_> = (0..RECOVERY_CODES).map(|_| code()).collect();
    let digests = codes.iter().map(|code| code_digest(user, code)).collect();
    let in_groups = |code: &String| {
        let groups: Vec<_> = code
            .as_bytes()
            .chunks(4)
            .map(String::from_utf8_lossy)
            .collect();
        groups.join("-")
    };
    (codes.iter().map(in_groups).collect(), digests)
}

/// The digest of a recovery code, as typed.
fn code_digest(user: &UserId, typed: &str) -> String {
    let plain: String = typed.chars().filter(char::is_ascii_alphanumeric).collect();
    token_digest(&format!("{user}:{}", plain.to_lowercase()))
}

/// Whether somebody has one of any kind, as the transaction sees it.
pub(super) async fn is_on(core: &Core, tx: &mut Tx, user: &UserId) -> Result<bool> {
    if store::find(tx, user).await?.is_some() {
        return Ok(true);
    }
    let others = store::others_in(tx, user).await?;
    Ok(others.iter().any(|kind| core.has_module(kind)))
}

/// Turns the second factor on if `typed` is a code of the offered secret: ends all other sessions, renews this one,
/// tells the owner. None when it is no such code.
async fn turn_on(
    core: &Core,
    (principal, address): (&Principal, &str),
    offer: &Offer,
    typed: &str,
) -> Result<Option<(Vec<String>, Token)>> {
    let now = core.now();
    let Some(used) = totp::step_of(&offer.secret, typed, now, 0) else {
        return Ok(None);
    };
    let user = &principal.id;
    let factor = store::Factor {
        secret: seal(core, user, &offer.secret),
        used,
    };
    let (codes, digests) = new_codes(user);
    let token = in_transaction!(core.db(), tx => {
        if !store::insert(tx, user, &factor, now).await? {
            return Err(Error::conflict("second_factor_on", "A second factor is on already."));
        }
        store::set_codes(tx, user, &digests).await?;
        let token = renew(core, tx, principal).await?;
        super::store::delete_other_sessions(tx, user, &token.1).await?;
        tell(core, tx, principal, true).await?;
        AuditEntry::record_own(tx, now, "user.second_factor_on", (user, address)).await?;
        Ok(token.0)
    })?;
    Ok(Some((codes, token)))
}

/// Turns it off, renews the session and tells the owner.
async fn turn_off(core: &Core, principal: &Principal, address: &str) -> Result<Token> {
    let whose = (&principal.id, address);
    in_transaction!(core.db(), tx => {
        if store::delete(tx, &principal.id).await? {
            others::forget_codes(core, tx, &principal.id).await?;
            tell(core, tx, principal, false).await?;
            AuditEntry::record_own(tx, core.now(), "user.second_factor_off", whose).await?;
        }
        Ok(renew(core, tx, principal).await?.0)
    })
}

/// Turns it off for somebody who has lost app and codes; whether it was on.
pub(super) async fn take_away(core: &Core, actor: &Actor, user: &UserId) -> Result<bool> {
    in_transaction!(core.db(), tx => {
        if !is_on(core, tx, user).await? {
            return Ok(false);
        }
        core.emit(tx, &FactorsTakenAway { user: user.clone() }).await?;
        store::delete(tx, user).await?;
        store::set_codes(tx, user, &[]).await?;
        let entry = AuditEntry::new(actor, "user.second_factor_removed", ("user", user.as_str()))
            .change(json!({ "second_factor": true }), json!({ "second_factor": false }));
        entry.record(tx, core.now()).await?;
        Ok(true)
    })
}

/// Ten new recovery codes in the place of those that are left.
async fn renew_codes(core: &Core, user: &UserId, address: &str) -> Result<Vec<String>> {
    let (codes, digests) = new_codes(user);
    in_transaction!(core.db(), tx => {
        if !is_on(core, tx, user).await? {
            return Err(Error::conflict("second_factor_off", "There is no second factor."));
        }
        store::set_codes(tx, user, &digests).await?;
        AuditEntry::record_own(tx, core.now(), "user.recovery_codes_renewed", (user, address)).await
    })?;
    Ok(codes)
}

async fn tell(core: &Core, tx: &mut Tx, principal: &Principal, is_on: bool) -> Result<()> {
    let content = SecondFactorMail { is_on };
    core.send_mail(tx, Mail::to(&principal.email, &content))
        .await
}

fn challenge_digest(core: &Core, token: &str) -> String {
    core.config().key("sign-in challenge").sign(token)
}

/// Remembers that somebody gave the right password; the answer is what his browser shows with the code.
pub(super) async fn challenge(core: &Core, tx: &mut Tx, user: &UserId) -> Result<String> {
    let token = random_token();
    let life = core.state::<Accounts>()?.settings.second_factor_life();
    let end = core.now().plus(life);
    store::insert_challenge(tx, &challenge_digest(core, &token), user, end).await?;
    Ok(token)
}

/// How the answer to a challenge ended.
enum Answered {
    Done(Token),
    Wrong,
    /// The password has to be given again.
    Dead,
}

/// Takes a code of the app or a recovery code.
///
/// # Errors
/// 429 when too many were wrong for this account, or from this network.
async fn answer(core: &Core, token: &str, typed: &str, browser: &Browser) -> Result<Answered> {
    let (now, digest) = (core.now(), challenge_digest(core, token));
    let settings = &core.state::<Accounts>()?.settings;
    let most = i64::from(settings.code_tries);
    let tried = in_transaction!(core.db(), tx => store::count_try(tx, &digest, now, most).await)?;
    let Some(user) = tried else {
        return Ok(Answered::Dead);
    };
    let mut tries = limits::code(settings, &user);
    tries.extend(limits::failed(settings, &browser.address));
    limits::count(core, &tries).await?;
    let Some(checked) = super::store::credentials_of(core.db(), &user).await? else {
        return Ok(Answered::Dead);
    };
    let failing = failing(core, &user, browser).await?;
    in_transaction!(core.db(), tx => {
        if !is_right(core, tx, &user, typed).await? {
            return Ok(Answered::Wrong);
        }
        if !store::delete_challenge(tx, &digest).await? {
            return Ok(Answered::Dead);
        }
        limits::forgive(tx, &tries).await?;
        limits::forgive(tx, &failing).await?;
        let token = open_session(core, tx, &checked, browser).await?;
        Ok(token.map_or(Answered::Dead, Answered::Done))
    })
}

/// What the sign-in was counted against when the password was given.
async fn failing(core: &Core, user: &UserId, browser: &Browser) -> Result<Vec<limits::Counted>> {
    let email = super::actions::find_user(core, user).await?.email;
    let email = EmailAddress::parse(&email).map_err(anyhow::Error::msg)?;
    let settings = &core.state::<Accounts>()?.settings;
    Ok(limits::failed_sign_in(
        settings,
        &browser.address,
        &email.key(),
    ))
}

/// Whether `typed` is a code that counts; it does not any more.
async fn is_right(core: &Core, tx: &mut Tx, user: &UserId, typed: &str) -> Result<bool> {
    let typed = typed.trim();
    let digits = typed.replace(' ', "");
    if !totp::is_code(&digits) {
        return store::use_code(tx, user, &code_digest(user, typed)).await;
    }
    let Some(factor) = store::find(tx, user).await? else {
        return Ok(false);
    };
    let lost = || anyhow::anyhow!("a second factor was encrypted with a key that is not there");
    let secret = unseal(core, user, &factor.secret).ok_or_else(lost)?;
    match totp::step_of(&secret, &digits, core.now(), factor.used) {
        None => Ok(false),
        Some(step) => store::use_step(tx, user, step).await,
    }
}

/// Forgets challenges that nobody can answer any more.
pub(super) async fn sweep(core: &Core) -> Result<()> {
    in_transaction!(core.db(), tx => store::sweep(tx, core.now()).await)
}

//! Signing in by mail: a link that works in any browser, and a code that works in the one that asked. Invariants: one of
//! them works, once; only digests are stored; unknown addresses are treated as known ones; a second factor is asked for
//! after it; whoever set a password without showing that the address is his loses it.

mod pages;
mod routes;
mod store;

use rand::RngExt as _;
use serde::{Deserialize, Serialize};

pub(super) use pages::samples;
pub(super) use routes::routes;

use super::actions::{SignIn, admit, is_strange};
use super::entity::{Browser, Credentials};
use super::letters::MagicLinkMail;
use super::rules::{EmailAddress, Password};
use super::{Accounts, limits, take_over};
use crate::app::Core;
use crate::crypto::random_token;
use crate::db::Tx;
use crate::error::Result;
use crate::in_transaction;
use crate::jobs::Job;
use crate::mail::Mail;
use store::{Asked, Secrets};

const CODE_LENGTH: usize = 6;
/// A longer way back is not kept.
const NEXT_LENGTH: usize = 2_000;

fn browser_digest(core: &Core, held: &str) -> String {
    core.config().key("magic link browser").sign(held)
}

fn link_digest(core: &Core, token: &str) -> String {
    core.config().key("magic link").sign(token)
}

/// A code is short: it counts only together with what the browser holds.
fn code_digest(core: &Core, browser: &str, code: &str) -> String {
    let key = core.config().key("magic code");
    key.sign(&format!("{browser}:{code}"))
}

/// Mails link and code. A job, so that asking says and takes the same whether there is such an account or not.
#[derive(Serialize, Deserialize)]
pub(super) struct MailLink {
    browser_digest: String,
}

impl Job for MailLink {
    const NAME: &'static str = "auth.mail_magic_link";
}

/// Somebody wants to sign in by mail; the answer is what his browser holds to show that it asked.
///
/// # Errors
/// 429 when there were too many.
async fn ask(core: &Core, email: &EmailAddress, next: &str, browser: &Browser) -> Result<String> {
    let settings = &core.state::<Accounts>()?.settings;
    limits::count(core, &limits::sign_in(settings, &browser.address)).await?;
    limits::count(core, &limits::mail_from(settings, &browser.address)).await?;
    limits::count_mail(core, settings, (&email.key(), &browser.address)).await?;
    let held = random_token();
    let asked = Asked {
        browser_digest: browser_digest(core, &held),
        email_key: email.key(),
        next: match next.len() {
            0..=NEXT_LENGTH => next.to_owned(),
            _ => String::new(),
        },
    };
    let job = MailLink {
        browser_digest: asked.browser_digest.clone(),
    };
    in_transaction!(core.db(), tx => {
        store::insert(tx, &asked, core.now().plus(settings.magic_link_life())).await?;
        core.enqueue(tx, &job).await
    })?;
    Ok(held)
}

/// Does what [`MailLink`] asks for, if there is an account with this address.
pub(super) async fn mail(core: &Core, job: MailLink) -> Result<()> {
    let Some(key) = store::address(core.db(), &job.browser_digest).await? else {
        return Ok(());
    };
    let user = super::store::user_by_email(core.db(), &key).await?;
    let Some(user) = user.filter(|user| user.is_active) else {
        return Ok(());
    };
    let settings = &core.state::<Accounts>()?.settings;
    in_transaction!(core.db(), tx => {
        let token = random_token();
        let code = format!("{:0CODE_LENGTH$}", rand::rng().random_range(0..1_000_000));
        let secrets = Secrets {
            link: link_digest(core, &token),
            code: code_digest(core, &job.browser_digest, &code),
        };
        if !store::fill(tx, &job.browser_digest, &user.id, &secrets).await? {
            return Ok(());
        }
        let content = MagicLinkMail {
            email: &user.email,
            token: &token,
            code: &code,
            minutes: settings.magic_link_minutes,
        };
        core.send_mail(tx, Mail::to(&user.email, &content)).await
    })
}

/// How a link or a code was taken.
enum Taken {
    Done(Entry),
    /// The code is not right.
    Wrong,
    /// It was used, or is too old, or never was; or too many codes were wrong.
    Dead,
}

/// Somebody at the door.
struct Entry {
    sign_in: SignIn,
    next: String,
    /// Whether the account lost a password that was set before anybody showed that the address is his.
    lost_password: bool,
}

/// Takes the code that a browser gives which asked for it.
///
/// # Errors
/// 429 when too many were wrong for this address, in whatever browser, or from this network.
async fn take_code(core: &Core, held: &str, typed: &str, browser: &Browser) -> Result<Taken> {
    let (now, digest) = (core.now(), browser_digest(core, held));
    let settings = &core.state::<Accounts>()?.settings;
    let most = i64::from(settings.code_tries);
    let tried = in_transaction!(core.db(), tx => store::count_try(tx, &digest, now, most).await)?;
    let Some(tried) = tried else {
        return Ok(Taken::Dead);
    };
    let mut tries = limits::mailed_code(settings, &tried.email_key);
    tries.extend(limits::failed(settings, &browser.address));
    limits::count(core, &tries).await?;
    let typed: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    let key = core.config().key("magic code");
    let is_right =
        |digest_of_code: &String| key.verify(&format!("{digest}:{typed}"), digest_of_code);
    if !tried.code_digest.as_ref().is_some_and(is_right) {
        return Ok(Taken::Wrong);
    }
    let taken = finish(core, store::By::Browser(&digest), browser).await?;
    if let Taken::Done(_) = &taken {
        in_transaction!(core.db(), tx => limits::forgive(tx, &tries).await)?;
    }
    Ok(taken)
}

/// Whose account a link opens, without using it: mail scanners follow links too.
async fn find_link(core: &Core, token: &str) -> Result<Option<String>> {
    store::find(core.db(), &link_digest(core, token), core.now()).await
}

/// Takes the link of a mail.
async fn take_link(core: &Core, token: &str, browser: &Browser) -> Result<Taken> {
    finish(core, store::By::Link(&link_digest(core, token)), browser).await
}

/// Uses up what was mailed and lets its receiver in, as far as his account lets him.
async fn finish(core: &Core, by: store::By<'_>, browser: &Browser) -> Result<Taken> {
    let Some(user) = store::owner(core.db(), by, core.now()).await? else {
        return Ok(Taken::Dead);
    };
    let Some(known) = super::store::credentials_of(core.db(), &user).await? else {
        return Ok(Taken::Dead);
    };
    // Somebody who is not the address's owner may have signed up with it, and would know the password.
    let new_hash = match known.is_verified {
        true => None,
        false => {
            let hasher = &core.state::<Accounts>()?.hasher;
            Some(hasher.hash(&Password::generate()).await?)
        }
    };
    in_transaction!(core.db(), tx => {
        let Some(asked) = store::take(tx, by, core.now()).await? else {
            return Ok(Taken::Dead);
        };
        let mut known = known.clone();
        let new_hash = match is_strange(core, tx, &known).await? {
            true => new_hash.as_deref(),
            false => None,
        };
        if !prove_address(core, tx, &mut known, (&asked.email_key, new_hash)).await? {
            return Ok(Taken::Dead);
        }
        Ok(Taken::Done(Entry {
            sign_in: admit(core, tx, &known, browser).await?,
            next: asked.next,
            lost_password: new_hash.is_some(),
        }))
    })
}

/// Notes that the address is its owner's. No when it is another account's by now, or nobody's.
async fn prove_address(
    core: &Core,
    tx: &mut Tx,
    known: &mut Credentials,
    (email_key, new_hash): (&str, Option<&str>),
) -> Result<bool> {
    if !super::store::tokens::mark_verified(tx, &known.user, email_key, core.now()).await? {
        return Ok(false);
    }
    if let Some(hash) = new_hash {
        take_over(core, tx, &known.user, hash).await?;
        super::store::forget_password(tx, &known.user).await?;
        known.password_hash = hash.to_owned();
    }
    known.is_verified = true;
    Ok(true)
}

/// Forgets what nobody can use any more.
pub(super) async fn sweep(core: &Core) -> Result<()> {
    in_transaction!(core.db(), tx => store::sweep(tx, core.now()).await)
}

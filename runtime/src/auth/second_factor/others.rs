//! Second factors that other modules keep. They are asked for like codes of an app, and share their recovery codes.

use axum::response::Response;

use super::pages::CodesPage;
use super::{challenge_digest, failing, new_codes, store};
use crate::app::Core;
use crate::auth::actions::{SignIn, open_session};
use crate::auth::entity::Browser;
use crate::auth::{Accounts, limits};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::http::Visit;
use crate::ids::UserId;

/// Whether somebody has one that a module keeps.
pub(in crate::auth) async fn has_other(core: &Core, user: &UserId) -> Result<bool> {
    let kinds = store::others(core.db(), user).await?;
    Ok(kinds.iter().any(|kind| core.has_module(kind)))
}

/// Notes that somebody has one of the module `kind`. The answer is recovery codes, where he has none yet.
pub(in crate::auth) async fn add_other(
    tx: &mut Tx,
    user: &UserId,
    kind: &str,
) -> Result<Option<Vec<String>>> {
    store::add_other(tx, user, kind).await?;
    if store::has_codes(tx, user).await? || store::find(tx, user).await?.is_some() {
        return Ok(None);
    }
    let (codes, digests) = new_codes(user);
    store::set_codes(tx, user, &digests).await?;
    Ok(Some(codes))
}

/// Notes that somebody has none of the module `kind` any more.
pub(in crate::auth) async fn drop_other(
    core: &Core,
    tx: &mut Tx,
    (user, kind): (&UserId, &str),
) -> Result<()> {
    store::drop_other(tx, user, kind).await?;
    forget_codes(core, tx, user).await
}

/// Forgets recovery codes that stand for nothing any more.
pub(super) async fn forget_codes(core: &Core, tx: &mut Tx, user: &UserId) -> Result<()> {
    match super::is_on(core, tx, user).await? {
        true => Ok(()),
        false => store::set_codes(tx, user, &[]).await,
    }
}

/// Forgets codes of an app and recovery codes of somebody who may not be the account's owner.
pub(in crate::auth) async fn forget(tx: &mut Tx, user: &UserId) -> Result<()> {
    store::delete(tx, user).await?;
    store::set_codes(tx, user, &[]).await
}

/// Who owes a second factor in the browser that holds `token`.
pub(in crate::auth) async fn owing(core: &Core, token: &str) -> Result<Option<UserId>> {
    let digest = challenge_digest(core, token);
    let most = i64::from(core.state::<Accounts>()?.settings.code_tries);
    store::challenged(core.db(), &digest, core.now(), most).await
}

/// What a sign-in that waits for a second factor is counted against, and its token.
#[derive(Debug)]
pub(in crate::auth) struct Waiting {
    token: String,
    failing: Vec<limits::Counted>,
}

impl Waiting {
    pub async fn of(
        core: &Core,
        token: String,
        (user, browser): (&UserId, &Browser),
    ) -> Result<Self> {
        Ok(Self {
            failing: failing(core, user, browser).await?,
            token,
        })
    }
}

/// Opens a session for somebody who has given the second factor that he owed.
pub(in crate::auth) async fn settle(
    core: &Core,
    tx: &mut Tx,
    waiting: &Waiting,
    (user, browser): (&UserId, &Browser),
) -> Result<SignIn> {
    let digest = challenge_digest(core, &waiting.token);
    if !store::delete_challenge(tx, &digest).await? {
        return Ok(SignIn::Refused);
    }
    let settings = &core.state::<Accounts>()?.settings;
    limits::forgive(tx, &limits::code(settings, user)).await?;
    limits::forgive(tx, &waiting.failing).await?;
    let checked = crate::auth::store::credentials_in(tx, user).await?;
    let checked = checked.ok_or_else(Error::unauthenticated)?;
    if !checked.is_active {
        return Ok(SignIn::Deactivated);
    }
    let token = open_session(core, tx, &checked, browser).await?;
    Ok(token.map_or(SignIn::Refused, SignIn::Done))
}

/// The page that shows recovery codes, for the only time.
pub(in crate::auth) fn show_codes(visit: &Visit, codes: Vec<String>) -> Result<Response> {
    visit.render(&CodesPage { codes })
}

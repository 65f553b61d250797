//! Making, replacing and revoking keys, and finding out whose a key is.

use std::time::Duration;

use serde_json::json;
use subtle::ConstantTimeEq as _;

use super::entity::{ApiKey, KeyId, KeyState, NewKey};
use super::key::Secret;
use super::rules;
use super::store::keys as store;
use crate::app::Core;
use crate::auth;
use crate::auth::audit::{Actor, AuditEntry};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::http::Principal;
use crate::ids::UserId;
use crate::in_transaction;

/// How the making of a key ended.
pub(super) enum Made {
    /// Here it is, for the only time.
    Key(Secret),
    /// The form was sent before, and its key shown then.
    Before,
    /// There are as many as there may be.
    TooMany,
}

/// The most keys that a list shows, those that are over included.
const LISTED: i64 = 100;

/// The user's keys, the newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list_keys(core: &Core, user: &UserId) -> Result<Vec<ApiKey>> {
    store::list(core.db(), user, LISTED).await
}

/// Makes a key.
pub(super) async fn create(core: &Core, by: &Actor, user: &UserId, new: &NewKey) -> Result<Made> {
    in_transaction!(core.db(), tx => {
        auth::actions::lock_user(tx, user).await?;
        let (made, id) = insert(core, tx, (user, None), new).await?;
        if let Made::Key(_) = made {
            record(core, tx, (by, "api_key.made"), (user, &id)).await?;
        }
        Ok(made)
    })
}

async fn record(
    core: &Core,
    tx: &mut Tx,
    (by, action): (&Actor, &'static str),
    (user, key): (&UserId, &KeyId),
) -> Result<()> {
    let entry = AuditEntry::new(by, action, ("user", user.as_str()));
    let entry = entry.details(json!({ "key": key.as_str() }));
    entry.record(tx, core.now()).await
}

/// Adds a key to those of a user who is locked, maybe in the place of an `old` one.
async fn insert(
    core: &Core,
    tx: &mut Tx,
    (user, old): (&UserId, Option<&KeyId>),
    new: &NewKey,
) -> Result<(Made, KeyId)> {
    let now = core.now();
    let (secret, id) = (Secret::random(), KeyId::new(now));
    if store::was_made(tx, user, &new.form_key).await? {
        return Ok((Made::Before, id));
    }
    if store::count_live(tx, (user, old), now).await? >= rules::MOST_KEYS {
        return Ok((Made::TooMany, id));
    }
    store::insert(tx, (user, &id, now), new, &secret.fingerprint()).await?;
    Ok((Made::Key(secret), id))
}

/// Makes a key like `id` that takes its place; the old one goes on working for `overlap`. A key is replaced once.
///
/// # Errors
/// 404 when the user has no such key, or it has ended.
pub(super) async fn rotate(
    core: &Core,
    by: &Actor,
    (user, id): (&UserId, &KeyId),
    (overlap, form_key): (Duration, &str),
) -> Result<Made> {
    let now = core.now();
    in_transaction!(core.db(), tx => {
        auth::actions::lock_user(tx, user).await?;
        let old = store::lock(tx, user, id).await?.ok_or_else(Error::not_found)?;
        match old.state(now) {
            KeyState::Active => {}
            // Its replacement was made and shown then.
            KeyState::Replaced => return Ok(Made::Before),
            KeyState::Expired | KeyState::Revoked => return Err(Error::not_found()),
        }
        let life = old.expires_at.map(|end| end.since(old.created_at));
        let new = NewKey {
            name: old.name.clone(),
            scopes: old.scopes.clone(),
            expires_at: life.map(|life| now.plus(life)),
            form_key: form_key.to_owned(),
        };
        let (made, new) = insert(core, tx, (user, Some(&old.id)), &new).await?;
        if let Made::Key(_) = made {
            let end = now.plus(overlap);
            let end = old.expires_at.map_or(end, |planned| planned.min(end));
            store::replace(tx, &old.id, &new, end).await?;
            record(core, tx, (by, "api_key.replaced"), (user, id)).await?;
        }
        Ok(made)
    })
}

/// Ends a key at once. Ending it twice is no error.
///
/// # Errors
/// 404 when the user has no such key.
pub(super) async fn revoke(core: &Core, by: &Actor, user: &UserId, id: &KeyId) -> Result<()> {
    let now = core.now();
    in_transaction!(core.db(), tx => {
        let key = store::lock(tx, user, id).await?.ok_or_else(Error::not_found)?;
        if key.state(now) == KeyState::Revoked {
            return Ok(());
        }
        store::revoke(tx, id, now).await?;
        record(core, tx, (by, "api_key.revoked"), (user, id)).await
    })
}

/// Whose key it is and what it may do.
///
/// # Errors
/// 401 when it does not open the door, whatever the reason is.
pub(super) async fn authenticate(core: &Core, text: &str) -> Result<(Principal, ApiKey)> {
    let refused = || rules::error(&rules::INVALID_KEY);
    let print = Secret::parse(text).ok_or_else(refused)?.fingerprint();
    let found = store::find(core.db(), &print.handle).await?;
    let (key, digest) = found.ok_or_else(refused)?;
    let is_right: bool = digest.as_bytes().ct_eq(print.digest.as_bytes()).into();
    if !is_right || !key.state(core.now()).is_live() {
        return Err(refused());
    }
    let user = auth::actions::find_user(core, &key.user).await?;
    if !user.is_active || user.removal_due_at.is_some() {
        return Err(refused());
    }
    note_use(core, &key).await;
    Ok((user.without_session(), key))
}

/// Notes that a key was used, at most once a minute. The answer matters more than the note.
async fn note_use(core: &Core, key: &ApiKey) {
    let now = core.now();
    let before = now.minus(rules::NOTE_INTERVAL);
    if key.last_used_at.is_some_and(|last| last > before) {
        return;
    }
    let note =
        async { in_transaction!(core.db(), tx => store::touch(tx, &key.id, now, before).await) };
    if let Err(error) = note.await {
        tracing::warn!(%error, "a key's use cannot be noted");
    }
}

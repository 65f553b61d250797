//! Taking, finding and removing pictures.

use axum::body::Bytes;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::rules::{self, Refused};
use super::{Studio, store};
use crate::app::Core;
use crate::auth::audit::{Actor, AuditEntry};
use crate::crypto::hex;
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::in_transaction;

/// How many bytes of a picture's digest stand in its address.
const DIGEST: usize = 16;

/// Where somebody's picture is; none when he has none.
pub(super) async fn address(core: &Core, user: &UserId) -> Result<Option<String>> {
    let digest = store::digest(core.db(), user).await?;
    Ok(digest.map(|digest| format!("/pictures/{user}/{digest}")))
}

/// Somebody's picture, if `digest` is its own.
///
/// # Errors
/// 404 when it is not, or not any more.
pub(super) async fn find(core: &Core, user: &UserId, digest: &str) -> Result<Vec<u8>> {
    let found = store::find(core.db(), user, digest).await?;
    found.ok_or_else(Error::not_found)
}

/// Makes `file` somebody's picture; why not, where it cannot be.
///
/// # Errors
/// 429 when he has sent too many.
pub(super) async fn put(
    core: &Core,
    user: &UserId,
    file: Option<Bytes>,
) -> Result<Result<(), Refused>> {
    let studio = core.state::<Studio>()?;
    let Some(file) = file else {
        return Ok(Err(Refused::Nothing));
    };
    if file.len() > studio.settings.max_bytes() {
        return Ok(Err(Refused::TooManyBytes));
    }
    let standing = core
        .limits()
        .take(core, &studio.settings.limit(), user.as_str())
        .await?;
    standing.require()?;
    let jpeg = match make(&studio, file).await? {
        Ok(jpeg) => jpeg,
        Err(refused) => return Ok(Err(refused)),
    };
    let digest = hex(&Sha256::digest(&jpeg)[..DIGEST]);
    let now = core.now();
    in_transaction!(core.db(), tx => store::put(tx, user, (&digest, &jpeg), now).await)?;
    Ok(Ok(()))
}

/// One after the other, off the threads that answer.
async fn make(studio: &Studio, file: Bytes) -> Result<Result<Vec<u8>, Refused>> {
    let _place = studio.bench.acquire().await.map_err(Error::internal)?;
    let made = tokio::task::spawn_blocking(move || rules::portrait(&file)).await;
    Ok(made.unwrap_or_else(|fault| {
        tracing::error!(%fault, "a picture cannot be read");
        Err(Refused::Broken)
    }))
}

/// Takes one's own picture away.
pub(super) async fn remove(core: &Core, user: &UserId) -> Result<()> {
    in_transaction!(core.db(), tx => store::delete(tx, user).await)
}

/// Takes away the picture of somebody else.
///
/// # Errors
/// 404 when he has none.
pub(super) async fn remove_of(core: &Core, user: &UserId, by: &Actor) -> Result<()> {
    let digest = store::digest(core.db(), user).await?;
    let digest = digest.ok_or_else(Error::not_found)?;
    let entry = AuditEntry::new(by, "user.picture_removed", ("user", user.as_str()))
        .change(json!({ "picture": digest }), json!({ "picture": null }));
    let now = core.now();
    in_transaction!(core.db(), tx => {
        store::delete(tx, user).await?;
        entry.record(tx, now).await
    })
}

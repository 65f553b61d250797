//! The staff acting as users, to see what they see. Invariants: only as somebody who is not of the staff and may sign in;
//! for a time at most; beginning and end stand in the record; what an account is known by and what
//! spends money or credits stays out of reach, which the guard sees to; whoever may act no more acts no more at once.

mod routes;
mod store;

use axum::http::StatusCode;
use serde_json::json;

pub(super) use routes::routes;

use super::Accounts;
use super::actions::{Token, find_user, renew};
use super::audit::{Actor, AuditEntry};
use crate::app::Core;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::http::Principal;
use crate::ids::{UserId, new_id};
use crate::in_transaction;

/// Makes the session of `staff` act as `user`; the session gets another token.
///
/// # Errors
/// 404 when there is no such user, 403 when it is one of the staff or may not sign in.
async fn start(core: &Core, staff: &Principal, by: &Actor, user: &UserId) -> Result<Token> {
    let account = find_user(core, user).await?;
    if account.role.is_staff() || !account.is_active {
        let why = "You can act only as a user who may sign in and is not of the staff.";
        return Err(Error::new(StatusCode::FORBIDDEN, "not_yours_to_do", why));
    }
    let now = core.now();
    let settings = &core.state::<Accounts>()?.settings;
    let ends_by = now.plus(settings.longest_impersonation());
    in_transaction!(core.db(), tx => {
        let (token, session) = renew(core, tx, staff).await?;
        let new = store::New { id: &new_id(now), staff: &staff.id, user, session: session.as_str(), ends_by };
        store::insert(tx, &new, now).await?;
        let entry = AuditEntry::new(by, "impersonation.started", ("user", user.as_str()));
        entry.record(tx, now).await?;
        Ok(token)
    })
}

/// Ends what goes on in a session, if anything does.
pub(super) async fn end_in(core: &Core, session: &str, address: &str) -> Result<()> {
    let open = store::open_in(core.db(), session).await?;
    in_transaction!(core.db(), tx => {
        for one in &open {
            end(core, tx, one, ("ended", address)).await?;
        }
        Ok(())
    })
}

/// Ends what has gone on long enough, or whose session has ended.
pub(super) async fn end_overdue(core: &Core) -> Result<()> {
    for one in store::overdue(core.db(), core.now()).await? {
        in_transaction!(core.db(), tx => end(core, tx, &one, ("timed out", "")).await)?;
    }
    Ok(())
}

async fn end(
    core: &Core,
    tx: &mut Tx,
    one: &store::Open,
    (why, address): (&str, &str),
) -> Result<()> {
    let now = core.now();
    if !store::end(tx, &one.id, now).await? {
        return Ok(());
    }
    let by = Actor::Person {
        user: one.staff.clone(),
        address: address.to_owned(),
    };
    let entry = AuditEntry::new(&by, "impersonation.ended", ("user", one.user.as_str()))
        .details(json!({ "why": why, "seconds": now.since(one.started_at).as_secs() }));
    entry.record(tx, now).await
}

//! What becomes of somebody who comes back from a provider.

use serde_json::json;

use super::Providers;
use super::letters::WayChangedMail;
use super::providers::Provider;
use super::rules::{Identity, Verdict, decide};
use super::store;
use crate::app::Core;
use crate::auth::audit::{Actor, AuditEntry};
use crate::auth::door::{self, Account, Admission, Newcomer};
use crate::auth::{CountWays, EmailAddress};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::http::{Principal, Visit};
use crate::ids::UserId;
use crate::in_transaction;
use crate::mail::Mail;

/// How it ended.
pub(super) enum Arrival {
    In(Admission),
    /// The account is a new one.
    New(Admission),
    /// A reason for the person.
    Refused(String),
}

const AGAIN: &str = "Somebody was faster. Try again.";
const CLOSED: &str = "There is no account with your address, and nobody makes one by himself here.";

/// Lets somebody in whom a provider vouches for.
pub(super) async fn sign_in(
    visit: &Visit,
    provider: &Provider,
    identity: &Identity,
) -> Result<Arrival> {
    let core = visit.core();
    let known = store::owner(core.db(), identity).await?;
    let account = match (&known, &identity.email) {
        (None, Some(email)) => door::account_with(core, email).await?,
        _ => None,
    };
    match decide(identity, known, account.as_ref()) {
        Verdict::Known(user) => again(visit, identity, &user).await,
        Verdict::Link(account) => first(visit, provider, (identity, &account)).await,
        Verdict::New(email) => sign_up(visit, identity, email).await,
        Verdict::Refused(why) => Ok(Arrival::Refused(why.sentence(&provider.label))),
    }
}

async fn again(visit: &Visit, identity: &Identity, user: &UserId) -> Result<Arrival> {
    let core = visit.core();
    in_transaction!(core.db(), tx => {
        if !store::touch(tx, identity, user, core.now()).await? {
            return Ok(Arrival::Refused(AGAIN.into()));
        }
        Ok(Arrival::In(door::admit(visit, tx, user).await?))
    })
}

async fn first(
    visit: &Visit,
    provider: &Provider,
    (identity, account): (&Identity, &Account),
) -> Result<Arrival> {
    let core = visit.core();
    let user = &account.user;
    in_transaction!(core.db(), tx => {
        if !store::insert(tx, identity, user, core.now()).await? {
            return Ok(Arrival::Refused(AGAIN.into()));
        }
        record(visit, tx, "identity.linked", (provider, user)).await?;
        tell(core, tx, &account.email, (provider, true)).await?;
        Ok(Arrival::In(door::admit(visit, tx, user).await?))
    })
}

async fn sign_up(visit: &Visit, identity: &Identity, email: EmailAddress) -> Result<Arrival> {
    let core = visit.core();
    let Some(new) = Newcomer::new(visit, email, &identity.name).await? else {
        return Ok(Arrival::Refused(CLOSED.into()));
    };
    in_transaction!(core.db(), tx => {
        let Some(user) = new.settle(core, tx).await? else {
            return Ok(Arrival::Refused(AGAIN.into()));
        };
        if !store::insert(tx, identity, &user, core.now()).await? {
            return Err(Error::conflict("identity_taken", AGAIN));
        }
        Ok(Arrival::New(door::admit(visit, tx, &user).await?))
    })
}

/// Shows once more that somebody is who he is. No when the identity is not his.
pub(super) async fn confirm(
    visit: &Visit,
    identity: &Identity,
    user: &UserId,
) -> Result<Option<Admission>> {
    let core = visit.core();
    in_transaction!(core.db(), tx => {
        if !store::touch(tx, identity, user, core.now()).await? {
            return Ok(None);
        }
        Ok(Some(door::admit(visit, tx, user).await?))
    })
}

/// How adding a way to sign in ended.
pub(super) enum Link {
    Done,
    /// It is another account's.
    Taken,
    /// The account's own address was not shown to be his.
    NotVerified,
}

/// Ties an identity to whoever is signed in.
pub(super) async fn link(
    visit: &Visit,
    provider: &Provider,
    (identity, user): (&Identity, &UserId),
) -> Result<Link> {
    let core = visit.core();
    let account = door::account(core, user).await?;
    // Somebody may have signed up with another's address: he would keep a way in.
    let Some(account) = account.filter(|account| account.is_verified) else {
        return Ok(Link::NotVerified);
    };
    if let Some(owner) = store::owner(core.db(), identity).await? {
        return Ok(match owner == *user {
            true => Link::Done,
            false => Link::Taken,
        });
    }
    in_transaction!(core.db(), tx => {
        if !store::insert(tx, identity, user, core.now()).await? {
            return Ok(Link::Taken);
        }
        record(visit, tx, "identity.linked", (provider, user)).await?;
        tell(core, tx, &account.email, (provider, true)).await?;
        Ok(Link::Done)
    })
}

/// Counts the identities at providers that are still there.
pub(super) async fn count(core: &Core, tx: &mut Tx, ways: &CountWays) -> Result<()> {
    let providers = core.state::<Providers>()?;
    let issuers = store::issuers(tx, &ways.user).await?;
    let is_there = |issuer: &String| providers.all.iter().any(|one| one.issuer() == issuer);
    let count = issuers.into_iter().filter(is_there).count();
    ways.add(i64::try_from(count).unwrap_or(i64::MAX));
    Ok(())
}

/// Takes a way to sign in away, unless it is the last one.
pub(super) async fn unlink(
    visit: &Visit,
    principal: &Principal,
    provider: &Provider,
    subject: &str,
) -> Result<bool> {
    let core = visit.core();
    in_transaction!(core.db(), tx => {
        if door::count_ways(core, tx, &principal.id).await? < 2 {
            return Ok(false);
        }
        if !store::delete(tx, (provider.issuer(), subject), &principal.id).await? {
            return Ok(true);
        }
        record(visit, tx, "identity.unlinked", (provider, &principal.id)).await?;
        tell(core, tx, &principal.email, (provider, false)).await?;
        Ok(true)
    })
}

async fn record(
    visit: &Visit,
    tx: &mut Tx,
    action: &'static str,
    (provider, user): (&Provider, &UserId),
) -> Result<()> {
    let owner = Actor::Person {
        user: user.clone(),
        address: visit.client_address(),
    };
    let entry = AuditEntry::new(&owner, action, ("user", user.as_str()));
    let entry = entry.details(json!({ "provider": provider.label }));
    entry.record(tx, visit.core().now()).await
}

/// Tells the owner of an account which way to sign in came or went.
async fn tell(
    core: &Core,
    tx: &mut Tx,
    email: &str,
    (provider, is_added): (&Provider, bool),
) -> Result<()> {
    let content = WayChangedMail {
        provider: &provider.label,
        is_added,
    };
    core.send_mail(tx, Mail::to(email, &content)).await
}

//! What becomes of passkeys, and of those who come with one.

use serde_json::json;

use super::NAME;
use super::ceremony::{self, Answer, Purpose, Signed};
use super::letters::PasskeyMail;
use super::rules::{MOST, Name};
use super::store::{self, Passkey, PasskeyId};
use crate::app::Core;
use crate::auth::CountWays;
use crate::auth::audit::{Actor, AuditEntry};
use crate::auth::door::{self, Admission, Debtor};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::http::{Principal, Visit};
use crate::ids::UserId;
use crate::in_transaction;
use crate::mail::Mail;

/// What a browser sends: the ticket of the question, and the device's answer as JSON.
pub(super) type Sent<'a> = (&'a str, &'a str);

/// Somebody comes with nothing but a passkey.
pub(super) async fn sign_in(visit: &Visit, sent: Sent<'_>) -> Result<Answer<Admission>> {
    let core = visit.core();
    let signed = match ceremony::signed(core, Purpose::SignIn, sent).await? {
        Answer::Right(signed) => signed,
        Answer::Late => return Ok(Answer::Late),
        Answer::Wrong => return Ok(Answer::Wrong),
    };
    let Some(account) = door::account(core, &signed.passkey.user).await? else {
        return Ok(Answer::Wrong);
    };
    if let Some(refused) = door::refuse_unconfirmed(visit, &account).await? {
        return Ok(Answer::Right(refused));
    }
    in_transaction!(core.db(), tx => {
        if !note(core, tx, &signed).await? {
            return Ok(Answer::Wrong);
        }
        let admission = door::admit_whole(visit, tx, &account.user).await?;
        Ok(Answer::Right(admission))
    })
}

/// Somebody gives a passkey after the password, or what he gave in its place.
pub(super) async fn second_factor(
    visit: &Visit,
    debtor: &Debtor,
    sent: Sent<'_>,
) -> Result<Answer<Admission>> {
    let core = visit.core();
    let purpose = Purpose::SecondFactor(&debtor.user);
    let signed = match ceremony::signed(core, purpose, sent).await? {
        Answer::Right(signed) => signed,
        Answer::Late => return Ok(Answer::Late),
        Answer::Wrong => return Ok(Answer::Wrong),
    };
    in_transaction!(core.db(), tx => {
        if !note(core, tx, &signed).await? {
            return Ok(Answer::Wrong);
        }
        Ok(Answer::Right(debtor.settle(core, tx).await?))
    })
}

/// Somebody who has signed in shows once more that it is he.
pub(super) async fn confirm(
    core: &Core,
    principal: &Principal,
    sent: Sent<'_>,
) -> Result<Answer<Admission>> {
    let signed = match ceremony::signed(core, Purpose::Confirm(&principal.id), sent).await? {
        Answer::Right(signed) => signed,
        Answer::Late => return Ok(Answer::Late),
        Answer::Wrong => return Ok(Answer::Wrong),
    };
    in_transaction!(core.db(), tx => {
        if !note(core, tx, &signed).await? {
            return Ok(Answer::Wrong);
        }
        Ok(Answer::Right(door::renew(core, tx, principal).await?))
    })
}

async fn note(core: &Core, tx: &mut Tx, signed: &Signed) -> Result<bool> {
    store::touch(tx, &signed.passkey, &signed.credential, core.now()).await
}

/// How adding a passkey ended.
pub(super) enum Added {
    /// With recovery codes to show, if it is the first second factor.
    Done(Admission, Option<Vec<String>>),
    Late,
    Wrong,
    /// It is somebody's already.
    Taken,
    TooMany,
    /// The account's own address was not shown to be his.
    NotVerified,
}

/// Whether somebody may have passkeys as his account is.
pub(super) async fn may_add(core: &Core, user: &UserId) -> Result<bool> {
    let account = door::account(core, user).await?;
    let account = account.ok_or_else(Error::unauthenticated)?;
    Ok(!door::must_confirm(core, &account)?)
}

/// Adds a passkey to the account of whoever is signed in, and tells him by mail.
pub(super) async fn add(
    visit: &Visit,
    principal: &Principal,
    (ticket, answer, name): (&str, &str, &Name),
) -> Result<Added> {
    let core = visit.core();
    if !may_add(core, &principal.id).await? {
        return Ok(Added::NotVerified);
    }
    let new = match ceremony::added(core, principal, (ticket, answer, name)).await? {
        Answer::Right(new) => new,
        Answer::Late => return Ok(Added::Late),
        Answer::Wrong => return Ok(Added::Wrong),
    };
    let actor = Actor::of(visit)?;
    in_transaction!(core.db(), tx => {
        // His row is locked from here on, so that two at the same time are counted one after the other.
        door::count_ways(core, tx, &principal.id).await?;
        if usize::try_from(store::count(tx, &principal.id).await?).is_ok_and(|had| had >= MOST) {
            return Ok(Added::TooMany);
        }
        if !store::insert(tx, &new).await? {
            return Ok(Added::Taken);
        }
        let codes = door::add_factor(tx, &principal.id, NAME).await?;
        record(core, tx, (&actor, "passkey.added"), &new).await?;
        tell(core, tx, principal, (&new.name, true)).await?;
        Ok(Added::Done(door::renew(core, tx, principal).await?, codes))
    })
}

async fn record(
    core: &Core,
    tx: &mut Tx,
    (actor, action): (&Actor, &'static str),
    passkey: &Passkey,
) -> Result<()> {
    let details = json!({ "passkey": passkey.id, "name": passkey.name });
    AuditEntry::new(actor, action, ("user", passkey.user.as_str()))
        .details(details)
        .record(tx, core.now())
        .await
}

async fn tell(
    core: &Core,
    tx: &mut Tx,
    principal: &Principal,
    (name, is_added): (&str, bool),
) -> Result<()> {
    let content = PasskeyMail { name, is_added };
    core.send_mail(tx, Mail::to(&principal.email, &content))
        .await
}

/// One of somebody's passkeys.
///
/// # Errors
/// 404 when he has none such.
pub(super) async fn find(core: &Core, user: &UserId, id: &PasskeyId) -> Result<Passkey> {
    let found = store::find(core.db(), user, id).await?;
    found.ok_or_else(Error::not_found)
}

/// Gives a passkey another name.
///
/// # Errors
/// 404 when he has none such.
pub(super) async fn rename(
    visit: &Visit,
    principal: &Principal,
    (id, name): (&PasskeyId, &Name),
) -> Result<()> {
    let (core, actor) = (visit.core(), Actor::of(visit)?);
    let user = &principal.id;
    let old = find(core, user, id).await?;
    in_transaction!(core.db(), tx => {
        if !store::rename(tx, (user, id), name).await? {
            return Err(Error::not_found());
        }
        let entry = AuditEntry::new(&actor, "passkey.renamed", ("user", user.as_str()))
            .change(json!({ "name": old.name }), json!({ "name": name.as_str() }))
            .details(json!({ "passkey": id }));
        entry.record(tx, core.now()).await
    })
}

/// Takes a passkey away and tells its owner; none when it is his only way in.
///
/// # Errors
/// 404 when he has none such.
pub(super) async fn remove(
    visit: &Visit,
    principal: &Principal,
    id: &PasskeyId,
) -> Result<Option<Admission>> {
    let (core, actor) = (visit.core(), Actor::of(visit)?);
    let user = &principal.id;
    let old = find(core, user, id).await?;
    in_transaction!(core.db(), tx => {
        if door::count_ways(core, tx, user).await? < 2 {
            return Ok(None);
        }
        if !store::delete(tx, user, id).await? {
            return Err(Error::not_found());
        }
        if store::count(tx, user).await? == 0 {
            door::drop_factor(core, tx, (user, NAME)).await?;
        }
        record(core, tx, (&actor, "passkey.removed"), &old).await?;
        tell(core, tx, principal, (&old.name, false)).await?;
        Ok(Some(door::renew(core, tx, principal).await?))
    })
}

/// Takes all passkeys from somebody who has lost them, or was not the account's owner.
pub(super) async fn forget(core: &Core, tx: &mut Tx, user: &UserId) -> Result<()> {
    store::forget(tx, user).await?;
    door::drop_factor(core, tx, (user, NAME)).await
}

/// Passkeys are ways in.
pub(super) async fn count(tx: &mut Tx, ways: &CountWays) -> Result<()> {
    ways.add(store::count(tx, &ways.user).await?);
    Ok(())
}

/// Forgets questions that nobody can answer any more.
pub(super) async fn sweep(core: &Core) -> Result<()> {
    in_transaction!(core.db(), tx => store::sweep(tx, core.now()).await)
}

//! The ledger's verbs for other domains: each is one transaction with an idempotency key. A repeated key gets
//! the first answer; the same key with another request is 422 `idempotency_key_reused`.

mod history;
mod notices;
mod prices;
mod upkeep;

pub use history::{Cursor, DayOfUse, HistoryFilter, HistoryPage, history, search, use_by_day};
pub(super) use notices::{Notice, notify};
pub use prices::{declare_price, price, price_history, prices_of, set_price};
pub use upkeep::sweep;

use std::time::Duration;

use serde_json::json;

use super::amount::{Change, Credits};
use super::entity::{
    Account, Actor, Balance, Entry, Grant, Hold, HoldId, HoldState, HoldTerms, Holdings, Lot,
    LotRef, Note, Owner,
};
use super::foresight::{Kept, foresee};
use super::ledger::Ledger;
use super::request::{Request, digest_of_hold};
use super::{Settings, rules, store};
use crate::app::Core;
use crate::auth::audit::{self, AuditEntry};
use crate::db::{Tx, is_unique_violation};
use crate::error::Result;
use crate::in_transaction;

/// Makes sure that the owner has an account.
pub async fn open_account(core: &Core, owner: &Owner) -> Result<()> {
    let now = core.now();
    in_transaction!(core.db(), tx => Ledger::new(core, tx, now).open(owner).await)?;
    Ok(())
}

/// What the owner has. Nothing where there is no account. Only reads: what has run out does not count, booked or not.
pub async fn balance(core: &Core, owner: &Owner) -> Result<Balance> {
    Ok(standing(core, owner).await?.0)
}

/// What the owner has, and what the account came to when credits were last put in.
pub(super) async fn standing(core: &Core, owner: &Owner) -> Result<(Balance, Credits)> {
    match store::find_account(core.db().reader(), owner).await? {
        None => Ok(Default::default()),
        Some(account) => standing_of(core, owner, &account).await,
    }
}

/// As [`standing`], with the last `most` entries, the newest first.
pub(super) async fn overview(
    core: &Core,
    owner: &Owner,
    most: u32,
) -> Result<((Balance, Credits), Vec<Entry>)> {
    match store::account_with_last(core.db(), owner, most.into()).await? {
        None => Ok(Default::default()),
        Some((account, last)) => Ok((standing_of(core, owner, &account).await?, last)),
    }
}

async fn standing_of(core: &Core, owner: &Owner, account: &Account) -> Result<(Balance, Credits)> {
    if account.due_at > core.now() {
        return Ok((account.balance(), account.full));
    }
    let holdings = holdings(core, owner).await?;
    Ok((holdings.balance, holdings.full))
}

/// What can be used, in the order of use; at most `limit` lots.
pub async fn lots(core: &Core, owner: &Owner, limit: u32) -> Result<Vec<Lot>> {
    let mut lots = holdings(core, owner).await?.lots;
    lots.truncate(limit as usize);
    Ok(lots)
}

/// What the owner has and what it consists of, as of one instant.
pub async fn holdings(core: &Core, owner: &Owner) -> Result<Holdings> {
    let now = core.now();
    let renewed_for = core.state::<Settings>()?.renewed_for();
    let mut snapshot = core.db().snapshot().await?;
    let Some(account) = store::find_account(snapshot.conn(), owner).await? else {
        return Ok(Holdings::default());
    };
    let lots = store::live_lots(snapshot.conn(), &account.id).await?;
    let overdue = store::overdue_holds(snapshot.conn(), &account.id, now).await?;
    let kept = Kept {
        account,
        lots,
        overdue,
    };
    Ok(foresee(kept, renewed_for, now))
}

/// What was put in for a source, if anything was.
pub async fn granted_for(core: &Core, source: &str) -> Result<Option<Credits>> {
    store::amount_of_source(core.db(), source).await
}

/// Puts credits in. A debt is paid from them first.
///
/// # Errors
/// 409 `source_granted` when credits were put in for the same source under another key.
pub async fn grant(core: &Core, owner: &Owner, grant: &Grant, note: &Note) -> Result<Entry> {
    let now = core.now();
    let done = in_transaction!(core.db(), tx => {
        Ledger::new(core, tx, now).grant(owner, grant, note).await
    });
    let request = Request::to_grant(grant, note);
    let done = or_first_answer(core, done, owner, &request).await;
    done.map_err(|failure| match &grant.source {
        Some(_) if is_unique_violation(&failure) => rules::source_was_granted(),
        _ => failure,
    })
}

/// Takes credits for good.
///
/// # Errors
/// 402 `insufficient_credits`.
pub async fn spend(core: &Core, owner: &Owner, amount: Credits, note: &Note) -> Result<Entry> {
    let now = core.now();
    let done = in_transaction!(core.db(), tx => {
        Ledger::new(core, tx, now).spend(owner, amount, note).await
    });
    let request = Request::to_spend(amount, note);
    or_first_answer(core, done, owner, &request).await
}

/// Gives back `amount` of what the entry with the key `of` spent.
///
/// # Errors
/// 404 when there is no such spend, 422 `more_than_spent`.
pub async fn refund(
    core: &Core,
    owner: &Owner,
    (of, amount): (&str, Credits),
    note: &Note,
) -> Result<Entry> {
    let now = core.now();
    let done = in_transaction!(core.db(), tx => {
        Ledger::new(core, tx, now).refund(owner, (of, amount), note).await
    });
    let request = Request::to_refund(of, amount, note);
    or_first_answer(core, done, owner, &request).await
}

/// Takes back up to `amount` of what a grant brought; what was spent of it becomes a debt.
///
/// # Errors
/// 404 when there is no such lot, 409 `nothing_to_revoke`.
pub async fn revoke(
    core: &Core,
    owner: &Owner,
    (which, amount): (LotRef<'_>, Credits),
    note: &Note,
) -> Result<Entry> {
    let now = core.now();
    let done = in_transaction!(core.db(), tx => {
        Ledger::new(core, tx, now).revoke(owner, (which, amount), note).await
    });
    let request = Request::to_revoke(which, amount, note);
    or_first_answer(core, done, owner, &request).await
}

/// Makes a lot run out now, whatever it said before. Gives the entry, unless nothing remained of it.
///
/// # Errors
/// 404 when there is no such lot, 422 for one that was bought.
pub async fn end(
    core: &Core,
    owner: &Owner,
    which: LotRef<'_>,
    note: &Note,
) -> Result<Option<Entry>> {
    let now = core.now();
    let done = in_transaction!(core.db(), tx => {
        Ledger::new(core, tx, now).end(owner, which, note).await
    });
    let request = Request::to_end(which, note);
    // A lot that has ended is no failure, yet under a key that was used the answer is the first one.
    match done {
        Ok(Some(entry)) => Ok(Some(entry)),
        Ok(None) => first_answer(core, owner, &request).await,
        Err(failure) => {
            let first = first_answer(core, owner, &request).await?;
            first.map(Some).ok_or(failure)
        }
    }
}

/// Sets credits aside for work under way.
///
/// # Errors
/// 402 `insufficient_credits`.
pub async fn hold(core: &Core, owner: &Owner, amount: Credits, terms: &HoldTerms) -> Result<Hold> {
    let now = core.now();
    let done = in_transaction!(core.db(), tx => {
        Ledger::new(core, tx, now).hold(owner, amount, terms).await
    });
    let Err(failure) = done else { return done };
    match store::hold_by_key(core.db(), owner, &terms.key).await? {
        None => Err(failure),
        Some((hold, digest)) if digest == digest_of_hold(amount.as_milli(), terms.lasts) => {
            Ok(Hold {
                // As it was when it was made: nothing else of a hold ever changes.
                state: HoldState::Open,
                ..hold
            })
        }
        Some(_) => Err(rules::key_reused()),
    }
}

/// Spends up to what is held; the rest becomes available again.
///
/// # Errors
/// 409 `hold_closed` when the hold was captured or released before, or its time is up.
pub async fn capture(
    core: &Core,
    (owner, hold): (&Owner, &HoldId),
    amount: Credits,
    note: &Note,
) -> Result<Entry> {
    let now = core.now();
    let done = in_transaction!(core.db(), tx => {
        Ledger::new(core, tx, now).capture(owner, hold, amount, note).await
    });
    let request = Request::to_capture(hold, amount, note);
    or_first_answer(core, done, owner, &request).await
}

/// Makes everything that is held available again. The hold is its own key: releasing twice is no error.
///
/// # Errors
/// 409 `hold_closed` when the hold was captured.
pub async fn release(core: &Core, owner: &Owner, hold: &HoldId) -> Result<()> {
    let now = core.now();
    let done = in_transaction!(core.db(), tx => {
        Ledger::new(core, tx, now).release(owner, hold).await
    });
    let Err(failure) = done else { return done };
    match store::find_hold(core.db().reader(), owner, hold).await? {
        Some(hold) if hold.state == HoldState::Released => Ok(()),
        _ => Err(failure),
    }
}

/// A correction by hand.
#[derive(Debug, Clone)]
pub struct Adjustment {
    pub change: Change,
    /// How long credits can be used that are put in; none for no end, and where credits are taken.
    pub lasts: Option<Duration>,
    /// Why, for the owner and the staff.
    pub reason: String,
    pub by: audit::Actor,
    /// As [`Note::key`].
    pub key: String,
}

/// Corrects a balance by hand and records who did it.
///
/// # Errors
/// 402 when there is less than is to be taken.
pub async fn adjust(core: &Core, owner: &Owner, adjustment: &Adjustment) -> Result<Entry> {
    let now = core.now();
    let &Adjustment { change, lasts, .. } = adjustment;
    let note = Note {
        key: adjustment.key.clone(),
        actor: acting(&adjustment.by),
        reason: adjustment.reason.clone(),
        reference: None,
        price: None,
    };
    let done = in_transaction!(core.db(), tx => {
        let entry = Ledger::new(core, tx, now).adjust(owner, (change, lasts), &note).await?;
        let record = AuditEntry::new(&adjustment.by, "credits.adjusted", owner.as_audit_target())
            .details(json!({
                "change": change,
                "until": lasts.map(|lasts| now.plus(lasts).rfc3339()),
                "balance_after": entry.balance_after,
                "reason": adjustment.reason,
            }));
        record.record(tx, now).await?;
        Ok(entry)
    });
    let request = Request::to_adjust(change, lasts, &note);
    or_first_answer(core, done, owner, &request).await
}

/// Whoever acts, as the journal names him.
fn acting(by: &audit::Actor) -> Actor {
    by.user()
        .map_or(Actor::System, |user| Actor::User(user.clone()))
}

/// Opens the account of somebody who signs up, with what newcomers are given.
pub(super) async fn welcome(core: &Core, tx: &mut Tx, owner: &Owner, gift: Credits) -> Result<()> {
    let mut ledger = Ledger::new(core, tx, core.now());
    ledger.open(owner).await?;
    if gift.is_zero() {
        return Ok(());
    }
    let note = Note::system("signup", "Welcome credits");
    ledger
        .grant(owner, &Grant::promotion(gift, None), &note)
        .await?;
    Ok(())
}

/// What came of a verb; where it failed, the answer that its key got before, if it got one.
async fn or_first_answer(
    core: &Core,
    done: Result<Entry>,
    owner: &Owner,
    request: &Request<'_>,
) -> Result<Entry> {
    let Err(failure) = done else { return done };
    first_answer(core, owner, request).await?.ok_or(failure)
}

/// The answer that a key got before.
///
/// # Errors
/// 422 `idempotency_key_reused` when that was for another request.
async fn first_answer(core: &Core, owner: &Owner, request: &Request<'_>) -> Result<Option<Entry>> {
    match store::entry_by_key(core.db().reader(), owner, request.key()).await? {
        None => Ok(None),
        Some((entry, known)) if request.made(&entry, &known) => Ok(Some(entry)),
        Some(_) => Err(rules::key_reused()),
    }
}

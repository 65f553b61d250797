//! The ledger's verbs for other domains: each is one transaction with an idempotency key. A repeated key gets
//! the first answer; the same key with another request is 422 `idempotency_key_reused`.

use serde::Serialize;
use serde_json::json;

use super::amount::{Change, Credits};
use super::entity::{
    Account, Actor, Balance, Entry, Grant, Hold, HoldId, HoldState, HoldTerms, Lot, LotKind, Note,
    Owner,
};
use super::ledger::Ledger;
use super::{rules, store};
use crate::app::Core;
use crate::auth::audit::{self, AuditEntry};
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::Result;
use crate::in_transaction;

/// A page of the journal, the newest entry first.
#[derive(Debug, Clone)]
pub struct HistoryPage {
    pub entries: Vec<Entry>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

/// Where a page of the journal begins: below this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Cursor(i64);

impl Cursor {
    /// The newest entry.
    pub const START: Self = Self(i64::MAX);

    /// The cursor that a link carries; `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().filter(|seq| *seq > 0).map(Self)
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Makes sure that the owner has an account.
pub async fn open_account(core: &Core, owner: &Owner) -> Result<()> {
    let now = core.now();
    in_transaction!(core.db(), tx => Ledger::new(tx, now).open(owner).await)?;
    Ok(())
}

/// What the owner has. Nothing where there is no account.
pub async fn balance(core: &Core, owner: &Owner) -> Result<Balance> {
    let now = core.now();
    let account = match store::find_account(core.db(), owner).await? {
        Some(account) if account.due_at <= now => {
            in_transaction!(core.db(), tx => Ledger::new(tx, now).bring_up_to_date(owner).await)?
        }
        account => account,
    };
    let balance = |account: Account| Balance {
        available: account.available,
        held: account.held,
    };
    Ok(account.map(balance).unwrap_or_default())
}

/// What can be used, in the order of use; at most `limit` lots.
pub async fn lots(core: &Core, owner: &Owner, limit: u32) -> Result<Vec<Lot>> {
    store::lots_of(core.db(), owner, core.now(), limit.into()).await
}

/// Puts credits in.
pub async fn grant(core: &Core, owner: &Owner, grant: &Grant, note: &Note) -> Result<Entry> {
    let now = core.now();
    let done =
        in_transaction!(core.db(), tx => Ledger::new(tx, now).grant(owner, grant, note).await);
    let digest = rules::digest_of_grant(grant, note);
    or_first_answer(core, done, owner, (&note.key, &digest)).await
}

/// Takes credits for good.
///
/// # Errors
/// 402 `insufficient_credits`.
pub async fn spend(core: &Core, owner: &Owner, amount: Credits, note: &Note) -> Result<Entry> {
    let now = core.now();
    let done =
        in_transaction!(core.db(), tx => Ledger::new(tx, now).spend(owner, amount, note).await);
    let digest = rules::digest("spend", amount.as_milli(), note);
    or_first_answer(core, done, owner, (&note.key, &digest)).await
}

/// Sets credits aside for work under way.
///
/// # Errors
/// 402 `insufficient_credits`.
pub async fn hold(core: &Core, owner: &Owner, amount: Credits, terms: &HoldTerms) -> Result<Hold> {
    let now = core.now();
    let done =
        in_transaction!(core.db(), tx => Ledger::new(tx, now).hold(owner, amount, terms).await);
    let Err(failure) = done else { return done };
    match store::hold_by_key(core.db(), owner, &terms.key).await? {
        None => Err(failure),
        Some((hold, digest)) if digest == rules::digest_of_hold(amount, terms) => Ok(hold),
        Some(_) => Err(rules::key_reused()),
    }
}

/// Spends up to what is held; the rest becomes available again.
///
/// # Errors
/// 409 `hold_closed` when the hold was captured or released before, or its time is up.
pub async fn capture(
    core: &Core,
    held: (&Owner, &HoldId),
    amount: Credits,
    note: &Note,
) -> Result<Entry> {
    let now = core.now();
    let (owner, hold) = held;
    let done = in_transaction!(core.db(), tx => {
        Ledger::new(tx, now).capture(owner, hold, amount, note).await
    });
    let digest = rules::digest("capture", amount.as_milli(), note);
    or_first_answer(core, done, owner, (&note.key, &digest)).await
}

/// Makes everything that is held available again. Releasing twice is no error.
///
/// # Errors
/// 409 `hold_closed` when the hold was captured.
pub async fn release(core: &Core, owner: &Owner, hold: &HoldId) -> Result<()> {
    let now = core.now();
    let done = in_transaction!(core.db(), tx => Ledger::new(tx, now).release(owner, hold).await);
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
    let change = adjustment.change;
    let note = Note {
        key: adjustment.key.clone(),
        actor: adjustment
            .by
            .user()
            .map_or(Actor::System, |user| Actor::User(user.clone())),
        reason: adjustment.reason.clone(),
        reference: None,
    };
    let done = in_transaction!(core.db(), tx => {
        let entry = Ledger::new(tx, now).adjust(owner, change, &note).await?;
        let record = AuditEntry {
            actor: &adjustment.by,
            action: "credits.adjusted",
            target: owner.as_audit_target(),
            details: json!({
                "change": change,
                "balance_after": entry.balance_after,
                "reason": adjustment.reason,
            }),
        };
        audit::record(tx, now, &record).await?;
        Ok(entry)
    });
    let digest = rules::digest("adjust", change.as_milli(), &note);
    or_first_answer(core, done, owner, (&note.key, &digest)).await
}

/// Opens the account of somebody who signs up, with what newcomers are given.
pub(super) async fn welcome(
    tx: &mut Tx,
    now: Timestamp,
    owner: &Owner,
    gift: Credits,
) -> Result<()> {
    let mut ledger = Ledger::new(tx, now);
    ledger.open(owner).await?;
    if gift.is_zero() {
        return Ok(());
    }
    let grant = Grant {
        kind: LotKind::Promotion,
        amount: gift,
        expires_at: None,
    };
    let note = Note::system("signup", "Welcome credits");
    ledger.grant(owner, &grant, &note).await?;
    Ok(())
}

/// A page of the owner's journal.
pub async fn history(core: &Core, owner: &Owner, from: Cursor, limit: u32) -> Result<HistoryPage> {
    let mut entries = store::entries(core.db(), owner, from.0, i64::from(limit) + 1).await?;
    let more = entries.len() > limit as usize;
    entries.truncate(limit as usize);
    let next = entries.last().filter(|_| more).map(|last| Cursor(last.seq));
    Ok(HistoryPage { entries, next })
}

/// What came of a verb; where it failed, the answer that its key got before, if it got one.
async fn or_first_answer(
    core: &Core,
    done: Result<Entry>,
    owner: &Owner,
    (key, digest): (&str, &str),
) -> Result<Entry> {
    let Err(failure) = done else { return done };
    match store::entry_by_key(core.db(), owner, key).await? {
        None => Err(failure),
        Some((entry, known)) if known == digest => Ok(entry),
        Some(_) => Err(rules::key_reused()),
    }
}

//! Queries of holds.

use anyhow::Context as _;
use sqlx::Row as _;
use sqlx::any::{AnyExecutor, AnyRow};

use super::super::amount::Credits;
use super::super::entity::{AccountId, Hold, HoldId, HoldState, Owner, Part};
use super::credits;
use crate::clock::Timestamp;
use crate::db::{Db, Tx};
use crate::error::{Error, Result};

/// A hold that has just been closed, with what is needed to settle it.
pub struct ClosedHold {
    pub account: AccountId,
    pub amount: Credits,
    pub parts: Vec<Part>,
}

/// A hold to be added.
pub struct NewHold<'a> {
    pub account: &'a AccountId,
    pub hold: &'a Hold,
    pub parts: &'a [Part],
    pub key: &'a str,
    pub digest: &'a str,
}

pub async fn insert_hold(tx: &mut Tx, new: NewHold<'_>, now: Timestamp) -> Result<()> {
    sqlx::query(
        "INSERT INTO credit_holds
             (id, account_id, state, amount, captured, parts, idempotency_key, digest, expires_at,
              created_at)
         VALUES ($1, $2, $3, $4, 0, $5, $6, $7, $8, $9)",
    )
    .bind(new.hold.id.as_str())
    .bind(new.account.as_str())
    .bind(new.hold.state.as_str())
    .bind(new.hold.amount.as_milli())
    .bind(parts_to_text(new.parts))
    .bind(new.key)
    .bind(new.digest)
    .bind(new.hold.expires_at.as_micros())
    .bind(now.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Closes the owner's open hold: with `captured` of more than zero it is captured, else released. `None` when it
/// is not open, or, for a capture, when it holds less or its time is up.
pub async fn close_hold(
    tx: &mut Tx,
    held: (&Owner, &HoldId),
    captured: Credits,
    now: Timestamp,
) -> Result<Option<ClosedHold>> {
    let (owner, id) = held;
    let (state, must_outlast) = if captured.is_zero() {
        (HoldState::Released, i64::MIN)
    } else {
        (HoldState::Captured, now.as_micros())
    };
    let row = sqlx::query(
        "UPDATE credit_holds SET state = $2, captured = $3, closed_at = $4
         WHERE id = $1 AND state = 'open' AND expires_at > $5 AND amount >= $3
           AND account_id = (SELECT id FROM credit_accounts WHERE owner_kind = $6 AND owner_id = $7)
         RETURNING account_id, amount, parts",
    )
    .bind(id.as_str())
    .bind(state.as_str())
    .bind(captured.as_milli())
    .bind(now.as_micros())
    .bind(must_outlast)
    .bind(owner.kind())
    .bind(owner.id())
    .fetch_optional(tx.conn())
    .await?;
    row.map(|row| {
        Ok(ClosedHold {
            account: row.try_get::<String, _>(0)?.into(),
            amount: credits(&row, 1)?,
            parts: parts_from_text(&row.try_get::<String, _>(2)?)?,
        })
    })
    .transpose()
}

/// Open holds of `account` whose time is up.
pub async fn overdue_holds(
    tx: &mut Tx,
    account: &AccountId,
    now: Timestamp,
) -> Result<Vec<HoldId>> {
    let rows = sqlx::query(
        "SELECT id FROM credit_holds
         WHERE account_id = $1 AND state = 'open' AND expires_at <= $2 ORDER BY expires_at, id",
    )
    .bind(account.as_str())
    .bind(now.as_micros())
    .fetch_all(tx.conn())
    .await?;
    rows.iter()
        .map(|row| Ok(row.try_get::<String, _>(0)?.into()))
        .collect()
}

/// The hold that a request with `key` made, and the digest of that request.
pub async fn hold_by_key(db: &Db, owner: &Owner, key: &str) -> Result<Option<(Hold, String)>> {
    let row = sqlx::query(
        "SELECT h.id, h.amount, h.state, h.expires_at, h.digest
         FROM credit_accounts a JOIN credit_holds h ON h.account_id = a.id
         WHERE a.owner_kind = $1 AND a.owner_id = $2 AND h.idempotency_key = $3",
    )
    .bind(owner.kind())
    .bind(owner.id())
    .bind(key)
    .fetch_optional(db.reader())
    .await?;
    row.map(|row| Ok((hold(&row)?, row.try_get(4)?)))
        .transpose()
}

/// The owner's hold with this id.
pub async fn find_hold(
    on: impl AnyExecutor<'_>,
    owner: &Owner,
    id: &HoldId,
) -> Result<Option<Hold>> {
    let row = sqlx::query(
        "SELECT h.id, h.amount, h.state, h.expires_at
         FROM credit_accounts a JOIN credit_holds h ON h.account_id = a.id
         WHERE a.owner_kind = $1 AND a.owner_id = $2 AND h.id = $3",
    )
    .bind(owner.kind())
    .bind(owner.id())
    .bind(id.as_str())
    .fetch_optional(on)
    .await?;
    row.as_ref().map(hold).transpose()
}

fn hold(row: &AnyRow) -> Result<Hold> {
    let state: String = row.try_get(2)?;
    let known = HoldState::ALL.into_iter().find(|one| one.as_str() == state);
    Ok(Hold {
        id: row.try_get::<String, _>(0)?.into(),
        amount: credits(row, 1)?,
        state: known.ok_or_else(|| Error::internal(anyhow::anyhow!("a hold that is {state:?}")))?,
        expires_at: Timestamp::from_micros(row.try_get(3)?),
    })
}

fn parts_to_text(parts: &[Part]) -> String {
    let pairs: Vec<_> = parts
        .iter()
        .map(|part| (part.lot.as_str(), part.amount.as_milli()))
        .collect();
    serde_json::json!(pairs).to_string()
}

fn parts_from_text(text: &str) -> Result<Vec<Part>> {
    let pairs: Vec<(String, i64)> =
        serde_json::from_str(text).context("the parts of a hold do not parse")?;
    pairs
        .into_iter()
        .map(|(lot, amount)| {
            Ok(Part {
                lot: lot.into(),
                amount: Credits::from_column(amount)?,
            })
        })
        .collect()
}

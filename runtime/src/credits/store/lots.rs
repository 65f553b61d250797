//! Queries of lots.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::super::entity::{Account, AccountId, Lot, LotId, LotKind, Owner, Part};
use super::super::rules::Settled;
use super::accounts::NEVER;
use super::credits;
use crate::clock::Timestamp;
use crate::db::{Db, Tx};
use crate::error::{Error, Result};

/// Where credits go that are taken from what remains of a lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    Held,
    Spent,
    Expired,
    Revoked,
}

/// Adds a lot of which everything remains; the account's last entry brought it.
pub async fn insert_lot(tx: &mut Tx, account: &Account, lot: &Lot, now: Timestamp) -> Result<()> {
    sqlx::query(
        "INSERT INTO credit_lots
             (id, account_id, seq, kind, priority, expires_at, amount, remaining, held, spent,
              expired, revoked, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7, 0, 0, 0, 0, $8)",
    )
    .bind(lot.id.as_str())
    .bind(account.id.as_str())
    .bind(account.last_seq)
    .bind(lot.kind.as_str())
    .bind(lot.priority)
    .bind(lot.expires_at.map(Timestamp::as_micros))
    .bind(lot.amount.as_milli())
    .bind(now.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The first lots that can be used at `now`, in the order of use: priority, soonest expiry, oldest.
pub async fn usable_lots(
    tx: &mut Tx,
    account: &AccountId,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Lot>> {
    let rows = sqlx::query(
        "SELECT id, kind, priority, expires_at, amount, remaining FROM credit_lots
         WHERE account_id = $1 AND remaining > 0
           AND COALESCE(expires_at, 9223372036854775807) > $2
         ORDER BY priority, COALESCE(expires_at, 9223372036854775807), seq LIMIT $3",
    )
    .bind(account.as_str())
    .bind(now.as_micros())
    .bind(limit)
    .fetch_all(tx.conn())
    .await?;
    rows.iter().map(lot).collect()
}

/// As [`usable_lots`], for showing them.
pub async fn lots_of(db: &Db, owner: &Owner, now: Timestamp, limit: i64) -> Result<Vec<Lot>> {
    let rows = sqlx::query(
        "SELECT l.id, l.kind, l.priority, l.expires_at, l.amount, l.remaining
         FROM credit_accounts a JOIN credit_lots l ON l.account_id = a.id
         WHERE a.owner_kind = $1 AND a.owner_id = $2 AND l.remaining > 0
           AND COALESCE(l.expires_at, 9223372036854775807) > $3
         ORDER BY l.priority, COALESCE(l.expires_at, 9223372036854775807), l.seq LIMIT $4",
    )
    .bind(owner.kind())
    .bind(owner.id())
    .bind(now.as_micros())
    .bind(limit)
    .fetch_all(db.reader())
    .await?;
    rows.iter().map(lot).collect()
}

/// What remains of the lots that have run out by `now`.
pub async fn expired_lots(tx: &mut Tx, account: &AccountId, now: Timestamp) -> Result<Vec<Part>> {
    let rows = sqlx::query(
        "SELECT id, remaining FROM credit_lots
         WHERE account_id = $1 AND remaining > 0 AND expires_at <= $2 ORDER BY expires_at, seq",
    )
    .bind(account.as_str())
    .bind(now.as_micros())
    .fetch_all(tx.conn())
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Part {
                lot: row.try_get::<String, _>(0)?.into(),
                amount: credits(row, 1)?,
            })
        })
        .collect()
}

/// Moves `part` of what remains of its lot to where it is used.
pub async fn move_remaining(tx: &mut Tx, part: &Part, into: Use) -> Result<()> {
    let sql = match into {
        Use::Held => {
            "UPDATE credit_lots SET remaining = remaining - $2, held = held + $2 WHERE id = $1"
        }
        Use::Spent => {
            "UPDATE credit_lots SET remaining = remaining - $2, spent = spent + $2 WHERE id = $1"
        }
        Use::Expired => {
            "UPDATE credit_lots SET remaining = remaining - $2, expired = expired + $2 WHERE id = $1"
        }
        Use::Revoked => {
            "UPDATE credit_lots SET remaining = remaining - $2, revoked = revoked + $2 WHERE id = $1"
        }
    };
    sqlx::query(sql)
        .bind(part.lot.as_str())
        .bind(part.amount.as_milli())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Settles one part of a hold with its lot. Gives when the lot runs out.
pub async fn settle_lot(tx: &mut Tx, settled: &Settled) -> Result<Option<Timestamp>> {
    let row = sqlx::query(
        "UPDATE credit_lots SET held = held - $2 - $3, spent = spent + $2, remaining = remaining + $3
         WHERE id = $1 RETURNING expires_at",
    )
    .bind(settled.part.lot.as_str())
    .bind(settled.spent.as_milli())
    .bind(settled.returned.as_milli())
    .fetch_one(tx.conn())
    .await?;
    let expires_at: Option<i64> = row.try_get(0)?;
    Ok(expires_at.map(Timestamp::from_micros))
}

/// The earliest instant at which a lot or an open hold of `account` runs out.
pub async fn next_due(tx: &mut Tx, account: &Account) -> Result<Timestamp> {
    let row = sqlx::query(
        "SELECT MIN(due) FROM (
             SELECT MIN(expires_at) AS due FROM credit_lots
             WHERE account_id = $1 AND remaining > 0 AND expires_at IS NOT NULL
             UNION ALL
             SELECT MIN(expires_at) FROM credit_holds WHERE account_id = $1 AND state = 'open'
         ) AS dues",
    )
    .bind(account.id.as_str())
    .fetch_one(tx.conn())
    .await?;
    let due: Option<i64> = row.try_get(0)?;
    Ok(due.map_or(NEVER, Timestamp::from_micros))
}

fn lot(row: &AnyRow) -> Result<Lot> {
    let kind: String = row.try_get(1)?;
    let known = LotKind::ALL.into_iter().find(|one| one.as_str() == kind);
    Ok(Lot {
        id: LotId::from(row.try_get::<String, _>(0)?),
        kind: known.ok_or_else(|| Error::internal(anyhow::anyhow!("lots of kind {kind:?}")))?,
        priority: row.try_get(2)?,
        expires_at: row
            .try_get::<Option<i64>, _>(3)?
            .map(Timestamp::from_micros),
        amount: credits(row, 4)?,
        remaining: credits(row, 5)?,
    })
}

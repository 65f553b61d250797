//! Queries of lots.

use sqlx::Row as _;
use sqlx::any::{AnyExecutor, AnyRow};

use super::super::amount::Credits;
use super::super::entity::{Account, AccountId, Lot, LotId, LotKind, LotRef, Part};
use super::super::journal::LotEnd;
use super::super::rules::Settled;
use super::accounts::NEVER;
use super::credits;
use super::entries::hash_of;
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
pub async fn insert_lot(
    tx: &mut Tx,
    account: &Account,
    (lot, source): (&Lot, Option<&str>),
    now: Timestamp,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO credit_lots
             (id, account_id, seq, kind, priority, expires_at, amount, remaining, held, spent,
              expired, revoked, created_at, source)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7, 0, 0, 0, 0, $8, $9)",
    )
    .bind(lot.id.as_str())
    .bind(account.id.as_str())
    .bind(account.last_seq)
    .bind(lot.kind.as_str())
    .bind(lot.priority)
    .bind(lot.expires_at.map(Timestamp::as_micros))
    .bind(lot.amount.as_milli())
    .bind(now.as_micros())
    .bind(source)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The columns of a [`Lot`], in the order in which [`lot`] reads them.
macro_rules! lot_columns {
    () => {
        "id, kind, priority, expires_at, amount, remaining, seq"
    };
}

pub(super) const USABLE: &str = concat!(
    "SELECT ",
    lot_columns!(),
    ", (SELECT hash FROM credit_entries WHERE account_id = $1 AND seq = $4)
     FROM credit_lots
     WHERE account_id = $1 AND is_live = 1 AND remaining > 0
       AND COALESCE(expires_at, 9223372036854775807) > $2
     ORDER BY priority, COALESCE(expires_at, 9223372036854775807), seq LIMIT $3"
);

/// The first lots that can be used at `now`, in the order of use: priority, soonest expiry, oldest. With them the
/// hash of entry `seq`, unless there are no such lots.
pub async fn usable_lots(
    tx: &mut Tx,
    (account, seq): (&AccountId, i64),
    now: Timestamp,
    limit: i64,
) -> Result<(Vec<Lot>, Option<String>)> {
    let rows = sqlx::query(USABLE)
        .bind(account.as_str())
        .bind(now.as_micros())
        .bind(limit)
        .bind(seq)
        .fetch_all(tx.conn())
        .await?;
    let hash = rows.first().map(|row| row.try_get(7)).transpose()?;
    let lots = rows.iter().map(lot).collect::<Result<_>>()?;
    Ok((lots, hash.flatten()))
}

/// Every lot of which something remains or is held, in the order of use.
pub async fn live_lots(on: impl AnyExecutor<'_>, account: &AccountId) -> Result<Vec<Lot>> {
    let rows = sqlx::query(concat!(
        "SELECT ",
        lot_columns!(),
        " FROM credit_lots WHERE account_id = $1 AND is_live = 1
         ORDER BY priority, COALESCE(expires_at, 9223372036854775807), seq"
    ))
    .bind(account.as_str())
    .fetch_all(on)
    .await?;
    rows.iter().map(lot).collect()
}

/// A lot that is about to be taken back or ended.
pub struct KnownLot {
    pub lot: Lot,
    pub expired: Credits,
}

/// The lot of `account` that is meant.
pub async fn find_lot(
    tx: &mut Tx,
    account: &AccountId,
    which: LotRef<'_>,
) -> Result<Option<KnownLot>> {
    let (id, source) = match which {
        LotRef::Id(id) => (Some(id.as_str()), None),
        LotRef::Source(source) => (None, Some(source)),
    };
    let row = sqlx::query(concat!(
        "SELECT ",
        lot_columns!(),
        ", expired FROM credit_lots WHERE account_id = $1 AND (id = $2 OR source = $3)"
    ))
    .bind(account.as_str())
    .bind(id)
    .bind(source)
    .fetch_optional(tx.conn())
    .await?;
    row.map(|row| {
        Ok(KnownLot {
            lot: lot(&row)?,
            expired: credits(&row, 7)?,
        })
    })
    .transpose()
}

/// Makes a lot run out, whatever it said before.
pub async fn end_lot(tx: &mut Tx, account: &AccountId, end: &LotEnd) -> Result<()> {
    sqlx::query("UPDATE credit_lots SET expires_at = $2 WHERE id = $1")
        .bind(&end.lot)
        .bind(end.ended_at)
        .execute(tx.conn())
        .await?;
    let entry = hash_of(tx, account, end.seq).await?;
    sqlx::query(
        "INSERT INTO credit_lot_ends (account_id, lot_id, seq, was, ended_at, hash)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(account.as_str())
    .bind(&end.lot)
    .bind(end.seq)
    .bind(end.was)
    .bind(end.ended_at)
    .bind(end.hash(account.as_str(), &entry))
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Gives back `part` of what was spent of its lot. Gives when the lot runs out.
pub async fn unspend(tx: &mut Tx, part: &Part) -> Result<Option<Timestamp>> {
    let row = sqlx::query(
        "UPDATE credit_lots SET spent = spent - $2, remaining = remaining + $2
         WHERE id = $1 RETURNING expires_at",
    )
    .bind(part.lot.as_str())
    .bind(part.amount.as_milli())
    .fetch_one(tx.conn())
    .await?;
    let expires_at: Option<i64> = row.try_get(0)?;
    Ok(expires_at.map(Timestamp::from_micros))
}

/// What remains of the lots that have run out by `now`.
pub async fn expired_lots(tx: &mut Tx, account: &AccountId, now: Timestamp) -> Result<Vec<Part>> {
    let rows = sqlx::query(
        "SELECT id, remaining FROM credit_lots
         WHERE account_id = $1 AND is_live = 1 AND remaining > 0 AND expires_at <= $2
         ORDER BY expires_at, seq",
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

/// Settles one part of a hold with its lot. Gives when the lot runs out, and the hash of entry `seq`.
pub async fn settle_lot(
    tx: &mut Tx,
    settled: &Settled,
    (account, seq): (&AccountId, i64),
) -> Result<(Option<Timestamp>, Option<String>)> {
    let row = sqlx::query(
        "UPDATE credit_lots SET held = held - $2 - $3, spent = spent + $2, remaining = remaining + $3
         WHERE id = $1 RETURNING expires_at,
             (SELECT e.hash FROM credit_entries e WHERE e.account_id = $4 AND e.seq = $5)",
    )
    .bind(settled.part.lot.as_str())
    .bind(settled.spent.as_milli())
    .bind(settled.returned.as_milli())
    .bind(account.as_str())
    .bind(seq)
    .fetch_one(tx.conn())
    .await?;
    let expires_at: Option<i64> = row.try_get(0)?;
    Ok((expires_at.map(Timestamp::from_micros), row.try_get(1)?))
}

/// The earliest instant after `now` at which a lot or an open hold of `account` runs out. Lots of which everything is
/// held count, too: it may come back.
pub async fn next_due(tx: &mut Tx, account: &AccountId, now: Timestamp) -> Result<Timestamp> {
    let row = sqlx::query(
        "SELECT MIN(due) FROM (
             SELECT MIN(expires_at) AS due FROM credit_lots
             WHERE account_id = $1 AND is_live = 1 AND expires_at IS NOT NULL AND expires_at > $2
             UNION ALL
             SELECT MIN(expires_at) FROM credit_holds WHERE account_id = $1 AND state = 'open'
         ) AS dues",
    )
    .bind(account.as_str())
    .bind(now.as_micros())
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
        seq: row.try_get(6)?,
    })
}

/// What was put in for a source, if anything was.
pub async fn amount_of_source(db: &Db, source: &str) -> Result<Option<Credits>> {
    let row = sqlx::query("SELECT amount FROM credit_lots WHERE source = $1")
        .bind(source)
        .fetch_optional(db.reader())
        .await?;
    row.map(|row| Credits::from_column(row.try_get(0)?))
        .transpose()
}

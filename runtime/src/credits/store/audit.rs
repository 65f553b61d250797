//! What the ledger's auditor reads: the journal as it is kept, and the sums that are checked against it.

use std::collections::BTreeMap;

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::super::entity::AccountId;
use super::super::journal::{Allocation, JournalRow};
use super::holds::parts_from_text;
use crate::db::Snapshot;
use crate::error::Result;

/// The sums of an account as they are kept. Amounts are thousandths.
pub struct KeptAccount {
    pub available: i64,
    pub held: i64,
    pub debt: i64,
    pub used: i64,
    pub last_seq: i64,
}

/// A lot as it is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptLot {
    pub seq: i64,
    pub amount: i64,
    pub remaining: i64,
    pub held: i64,
    pub spent: i64,
    pub expired: i64,
    pub revoked: i64,
}

pub async fn kept_account(from: &mut Snapshot, id: &AccountId) -> Result<KeptAccount> {
    let row = sqlx::query(
        "SELECT available, held, debt, used, last_seq FROM credit_accounts WHERE id = $1",
    )
    .bind(id.as_str())
    .fetch_one(from.conn())
    .await?;
    Ok(KeptAccount {
        available: row.try_get(0)?,
        held: row.try_get(1)?,
        debt: row.try_get(2)?,
        used: row.try_get(3)?,
        last_seq: row.try_get(4)?,
    })
}

/// Every lot of an account by its identifier.
pub async fn kept_lots(from: &mut Snapshot, id: &AccountId) -> Result<BTreeMap<String, KeptLot>> {
    let rows = sqlx::query(
        "SELECT id, seq, amount, remaining, held, spent, expired, revoked FROM credit_lots
         WHERE account_id = $1",
    )
    .bind(id.as_str())
    .fetch_all(from.conn())
    .await?;
    rows.iter()
        .map(|row| {
            let lot = KeptLot {
                seq: row.try_get(1)?,
                amount: row.try_get(2)?,
                remaining: row.try_get(3)?,
                held: row.try_get(4)?,
                spent: row.try_get(5)?,
                expired: row.try_get(6)?,
                revoked: row.try_get(7)?,
            };
            Ok((row.try_get(0)?, lot))
        })
        .collect()
}

/// What open holds hold of each lot.
pub async fn held_by_lot(from: &mut Snapshot, id: &AccountId) -> Result<BTreeMap<String, i64>> {
    let rows =
        sqlx::query("SELECT parts FROM credit_holds WHERE account_id = $1 AND state = 'open'")
            .bind(id.as_str())
            .fetch_all(from.conn())
            .await?;
    let mut held = BTreeMap::new();
    for row in rows {
        for part in parts_from_text(&row.try_get::<String, _>(0)?)? {
            *held.entry(part.lot.as_str().to_owned()).or_default() += part.amount.as_milli();
        }
    }
    Ok(held)
}

/// Rows of the journal after `seq` with their hashes, the oldest first.
pub async fn journal_rows(
    from: &mut Snapshot,
    id: &AccountId,
    seq: i64,
    limit: i64,
) -> Result<Vec<(JournalRow, String)>> {
    let rows = sqlx::query(
        "SELECT seq, kind, amount, balance_after, debt_after, used_after, actor, reason, reference,
                refers_to, price_item, price_version, idempotency_key, digest, created_at, hash
         FROM credit_entries WHERE account_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
    )
    .bind(id.as_str())
    .bind(seq)
    .bind(limit)
    .fetch_all(from.conn())
    .await?;
    let mut rows: Vec<_> = rows.iter().map(journal_row).collect::<Result<_>>()?;
    let Some((last, _)) = rows.last() else {
        return Ok(rows);
    };
    let allocations = sqlx::query(
        "SELECT seq, lot_id, amount FROM credit_allocations
         WHERE account_id = $1 AND seq > $2 AND seq <= $3 ORDER BY seq, position",
    )
    .bind(id.as_str())
    .bind(seq)
    .bind(last.seq)
    .fetch_all(from.conn())
    .await?;
    let mut by_entry: BTreeMap<i64, Vec<Allocation>> = BTreeMap::new();
    for row in allocations {
        by_entry
            .entry(row.try_get(0)?)
            .or_default()
            .push(Allocation {
                lot: row.try_get(1)?,
                amount: row.try_get(2)?,
            });
    }
    for (row, _) in &mut rows {
        row.allocations = by_entry.remove(&row.seq).unwrap_or_default();
    }
    Ok(rows)
}

fn journal_row(row: &AnyRow) -> Result<(JournalRow, String)> {
    let entry = JournalRow {
        seq: row.try_get(0)?,
        kind: row.try_get(1)?,
        amount: row.try_get(2)?,
        balance_after: row.try_get(3)?,
        debt_after: row.try_get(4)?,
        used_after: row.try_get(5)?,
        actor: row.try_get(6)?,
        reason: row.try_get(7)?,
        reference: row.try_get(8)?,
        refers_to: row.try_get(9)?,
        price_item: row.try_get(10)?,
        price_version: row.try_get(11)?,
        key: row.try_get(12)?,
        digest: row.try_get(13)?,
        created_at: row.try_get(14)?,
        allocations: Vec::new(),
    };
    Ok((entry, row.try_get(15)?))
}

/// Keys and sources that were used more than once, which the database should have refused.
pub async fn repeated(from: &mut Snapshot, id: &AccountId) -> Result<Vec<String>> {
    let rows = sqlx::query(
        "SELECT 'key ' || idempotency_key FROM credit_entries WHERE account_id = $1
         GROUP BY idempotency_key HAVING COUNT(*) > 1
         UNION ALL
         SELECT 'source ' || source FROM credit_lots
         WHERE source IN (SELECT source FROM credit_lots WHERE account_id = $1 AND source IS NOT NULL)
         GROUP BY source HAVING COUNT(*) > 1",
    )
    .bind(id.as_str())
    .fetch_all(from.conn())
    .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

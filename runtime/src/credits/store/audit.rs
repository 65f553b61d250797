//! What the ledger's auditor reads: the journal as it is kept, and the sums that are checked against it.

use std::collections::BTreeMap;

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::super::entity::AccountId;
use super::super::journal::{AccountTerms, Allocation, JournalRow, LotEnd, LotTerms};
use super::holds::parts_from_text;
use crate::db::Snapshot;
use crate::error::Result;

/// An account as it is kept. Amounts are thousandths.
pub struct KeptAccount {
    pub available: i64,
    pub held: i64,
    pub debt: i64,
    pub used: i64,
    pub full: i64,
    pub last_seq: i64,
    pub due_at: i64,
    pub told: i64,
    pub terms: AccountTerms,
}

/// A lot as it is kept.
#[derive(Debug)]
pub struct KeptLot {
    pub seq: i64,
    pub amount: i64,
    pub remaining: i64,
    pub held: i64,
    pub spent: i64,
    pub expired: i64,
    pub revoked: i64,
    pub terms: LotTerms,
}

/// An open hold as it is kept.
pub struct KeptHold {
    pub id: String,
    pub amount: i64,
    pub captured: i64,
    pub parts: Vec<(String, i64)>,
    pub digest: String,
    pub expires_at: i64,
    pub created_at: i64,
    pub closed_at: Option<i64>,
}

/// A row of the journal as it is kept, without what it brought.
pub struct KeptRow {
    pub row: JournalRow,
    pub hash: String,
    /// Whether its allocations are numbered from 0 on without a gap.
    pub is_numbered: bool,
}

pub async fn kept_account(from: &mut Snapshot, id: &AccountId) -> Result<KeptAccount> {
    let row = sqlx::query(
        "SELECT available, held, debt, used, full_amount, last_seq, due_at, told, owner_kind,
                owner_id, created_at
         FROM credit_accounts WHERE id = $1",
    )
    .bind(id.as_str())
    .fetch_one(from.conn())
    .await?;
    Ok(KeptAccount {
        available: row.try_get(0)?,
        held: row.try_get(1)?,
        debt: row.try_get(2)?,
        used: row.try_get(3)?,
        full: row.try_get(4)?,
        last_seq: row.try_get(5)?,
        due_at: row.try_get(6)?,
        told: row.try_get(7)?,
        terms: AccountTerms {
            owner_kind: row.try_get(8)?,
            owner_id: row.try_get(9)?,
            created_at: row.try_get(10)?,
        },
    })
}

/// Every lot of an account by its identifier.
pub async fn kept_lots(from: &mut Snapshot, id: &AccountId) -> Result<BTreeMap<String, KeptLot>> {
    let rows = sqlx::query(
        "SELECT id, seq, amount, remaining, held, spent, expired, revoked, kind, priority, source,
                expires_at, created_at
         FROM credit_lots WHERE account_id = $1",
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
                terms: LotTerms {
                    kind: row.try_get(8)?,
                    priority: row.try_get(9)?,
                    source: row.try_get(10)?,
                    expires_at: row.try_get(11)?,
                    created_at: row.try_get(12)?,
                },
            };
            Ok((row.try_get(0)?, lot))
        })
        .collect()
}

/// The lots of an account that were ended before their time, with their hashes.
pub async fn kept_ends(from: &mut Snapshot, id: &AccountId) -> Result<Vec<(LotEnd, String)>> {
    let rows = sqlx::query(
        "SELECT lot_id, seq, was, ended_at, hash FROM credit_lot_ends WHERE account_id = $1",
    )
    .bind(id.as_str())
    .fetch_all(from.conn())
    .await?;
    rows.iter()
        .map(|row| {
            let end = LotEnd {
                lot: row.try_get(0)?,
                seq: row.try_get(1)?,
                was: row.try_get(2)?,
                ended_at: row.try_get(3)?,
            };
            Ok((end, row.try_get(4)?))
        })
        .collect()
}

/// What is set aside.
pub async fn open_holds(from: &mut Snapshot, id: &AccountId) -> Result<Vec<KeptHold>> {
    let rows = sqlx::query(
        "SELECT id, amount, captured, parts, digest, expires_at, created_at, closed_at
         FROM credit_holds WHERE account_id = $1 AND state = 'open'",
    )
    .bind(id.as_str())
    .fetch_all(from.conn())
    .await?;
    rows.iter()
        .map(|row| {
            let parts = parts_from_text(&row.try_get::<String, _>(3)?)?.into_iter();
            let parts = parts.map(|part| (part.lot.as_str().to_owned(), part.amount.as_milli()));
            Ok(KeptHold {
                id: row.try_get(0)?,
                amount: row.try_get(1)?,
                captured: row.try_get(2)?,
                parts: parts.collect(),
                digest: row.try_get(4)?,
                expires_at: row.try_get(5)?,
                created_at: row.try_get(6)?,
                closed_at: row.try_get(7)?,
            })
        })
        .collect()
}

/// Rows of the journal after `seq`, the oldest first.
pub async fn journal_rows(
    from: &mut Snapshot,
    id: &AccountId,
    seq: i64,
    limit: i64,
) -> Result<Vec<KeptRow>> {
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
    let mut rows: Vec<_> = rows.iter().map(kept_row).collect::<Result<_>>()?;
    let Some(last) = rows.last() else {
        return Ok(rows);
    };
    let allocations = sqlx::query(
        "SELECT seq, lot_id, amount, position FROM credit_allocations
         WHERE account_id = $1 AND seq > $2 AND seq <= $3 ORDER BY seq, position",
    )
    .bind(id.as_str())
    .bind(seq)
    .bind(last.row.seq)
    .fetch_all(from.conn())
    .await?;
    let mut by_entry: BTreeMap<i64, Vec<(i64, Allocation)>> = BTreeMap::new();
    for row in allocations {
        let allocation = Allocation {
            lot: row.try_get(1)?,
            amount: row.try_get(2)?,
        };
        let entry = by_entry.entry(row.try_get(0)?).or_default();
        entry.push((row.try_get(3)?, allocation));
    }
    for kept in &mut rows {
        let allocations = by_entry.remove(&kept.row.seq).unwrap_or_default();
        let numbers = allocations.iter().map(|(position, _)| *position);
        kept.is_numbered = numbers.eq(0..allocations.len() as i64);
        kept.row.allocations = allocations.into_iter().map(|(_, one)| one).collect();
    }
    Ok(rows)
}

fn kept_row(row: &AnyRow) -> Result<KeptRow> {
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
        brought: None,
    };
    Ok(KeptRow {
        row: entry,
        hash: row.try_get(15)?,
        is_numbered: true,
    })
}

/// The entries whose price was never set, or is told by half.
pub async fn unknown_prices(from: &mut Snapshot, id: &AccountId) -> Result<Vec<i64>> {
    let rows = sqlx::query(
        "SELECT seq FROM credit_entries AS e
         WHERE account_id = $1 AND (price_item IS NOT NULL OR price_version IS NOT NULL)
             AND NOT EXISTS (SELECT 1 FROM credit_prices AS p
                 WHERE p.item = e.price_item AND p.version = e.price_version)
         ORDER BY seq",
    )
    .bind(id.as_str())
    .fetch_all(from.conn())
    .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
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

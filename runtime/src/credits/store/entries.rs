//! Queries of the journal. It is only ever added to; the database refuses anything else.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::super::amount::Change;
use super::super::entity::{AccountId, Actor, Entry, EntryKind, Owner, Part};
use super::credits;
use crate::clock::Timestamp;
use crate::db::{Db, Tx};
use crate::error::{Error, Result};

/// An entry with the key and the digest of the request that made it.
pub struct NewEntry<'a> {
    pub account: &'a AccountId,
    pub entry: &'a Entry,
    pub key: &'a str,
    pub digest: &'a str,
}

pub async fn insert_entry(tx: &mut Tx, new: NewEntry<'_>) -> Result<()> {
    let entry = new.entry;
    sqlx::query(
        "INSERT INTO credit_entries
             (account_id, seq, kind, amount, balance_after, actor, reason, reference,
              idempotency_key, digest, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(new.account.as_str())
    .bind(entry.seq)
    .bind(entry.kind.as_str())
    .bind(entry.change.as_milli())
    .bind(entry.balance_after.as_milli())
    .bind(entry.actor.as_column())
    .bind(&entry.reason)
    .bind(&entry.reference)
    .bind(new.key)
    .bind(new.digest)
    .bind(entry.created_at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Says that entry `seq` touched a lot. `part` has no sign; the entry's is given by `change`.
pub async fn insert_allocation(
    tx: &mut Tx,
    account: &AccountId,
    entry: &Entry,
    part: &Part,
) -> Result<()> {
    let amount = match entry.change {
        Change::Up(_) => part.amount.as_milli(),
        Change::Down(_) => -part.amount.as_milli(),
    };
    sqlx::query(
        "INSERT INTO credit_allocations (account_id, seq, lot_id, amount) VALUES ($1, $2, $3, $4)",
    )
    .bind(account.as_str())
    .bind(entry.seq)
    .bind(part.lot.as_str())
    .bind(amount)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The entry that a request with `key` made, and the digest of that request.
pub async fn entry_by_key(db: &Db, owner: &Owner, key: &str) -> Result<Option<(Entry, String)>> {
    let row = sqlx::query(
        "SELECT e.seq, e.kind, e.amount, e.balance_after, e.actor, e.reason, e.reference,
                e.created_at, e.digest
         FROM credit_accounts a JOIN credit_entries e ON e.account_id = a.id
         WHERE a.owner_kind = $1 AND a.owner_id = $2 AND e.idempotency_key = $3",
    )
    .bind(owner.kind())
    .bind(owner.id())
    .bind(key)
    .fetch_optional(db.reader())
    .await?;
    row.map(|row| Ok((entry(&row)?, row.try_get(8)?)))
        .transpose()
}

/// Entries with a lower number than `before`, the newest first.
pub async fn entries(db: &Db, owner: &Owner, before: i64, limit: i64) -> Result<Vec<Entry>> {
    let rows = sqlx::query(
        "SELECT e.seq, e.kind, e.amount, e.balance_after, e.actor, e.reason, e.reference,
                e.created_at
         FROM credit_accounts a JOIN credit_entries e ON e.account_id = a.id
         WHERE a.owner_kind = $1 AND a.owner_id = $2 AND e.seq < $3
         ORDER BY e.seq DESC LIMIT $4",
    )
    .bind(owner.kind())
    .bind(owner.id())
    .bind(before)
    .bind(limit)
    .fetch_all(db.reader())
    .await?;
    rows.iter().map(entry).collect()
}

fn entry(row: &AnyRow) -> Result<Entry> {
    let kind: String = row.try_get(1)?;
    let known = EntryKind::ALL.into_iter().find(|one| one.as_str() == kind);
    Ok(Entry {
        seq: row.try_get(0)?,
        kind: known.ok_or_else(|| Error::internal(anyhow::anyhow!("entries of kind {kind:?}")))?,
        change: Change::from_column(row.try_get(2)?)?,
        balance_after: credits(row, 3)?,
        actor: Actor::from_column(&row.try_get::<String, _>(4)?),
        reason: row.try_get(5)?,
        reference: row.try_get(6)?,
        created_at: Timestamp::from_micros(row.try_get(7)?),
    })
}

//! Queries of the journal. It is only ever added to; the database refuses anything else.

use sqlx::Row as _;
use sqlx::any::{AnyExecutor, AnyRow};

use super::super::amount::{Change, Net};
use super::super::entity::{
    Account, AccountId, Actor, Entry, EntryKind, LotId, Owner, Part, PriceVersion,
};
use super::super::journal::{Allocation, JournalRow};
use super::accounts::{NEVER, account_columns, account_from};
use super::credits;
use crate::clock::Timestamp;
use crate::db::{Db, Dialect, Tx};
use crate::error::{Error, Result};

/// The columns of an [`Entry`] `e`, in the order in which [`entry`] reads them.
macro_rules! entry_columns {
    () => {
        "e.seq, e.kind, e.amount, e.balance_after, e.debt_after, e.actor, e.reason, e.reference, \
         e.refers_to, e.price_item, e.price_version, e.created_at"
    };
}

macro_rules! insert_entry {
    () => {
        "INSERT INTO credit_entries
             (account_id, seq, kind, amount, balance_after, debt_after, used_after, actor, reason,
              reference, refers_to, price_item, price_version, idempotency_key, digest, hash,
              created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
    };
}

macro_rules! insert_allocation {
    () => {
        "INSERT INTO credit_allocations (account_id, seq, lot_id, amount, position) "
    };
}

/// Adds a row to the journal with its allocations.
pub async fn insert_entry(
    tx: &mut Tx,
    account: &AccountId,
    row: &JournalRow,
    hash: &str,
) -> Result<()> {
    let dialect = tx.dialect();
    let mut allocations = row.allocations.as_slice();
    // Most entries touch one lot: PostgreSQL then takes both rows in one go.
    let (sql, with) = match (dialect, allocations) {
        (Dialect::Postgres, [first, rest @ ..]) => {
            allocations = rest;
            let sql = concat!(
                "WITH entry AS (",
                insert_entry!(),
                " RETURNING account_id, seq) ",
                insert_allocation!(),
                "SELECT account_id, seq, $18, $19, 0 FROM entry"
            );
            (sql, Some(first))
        }
        (Dialect::Postgres | Dialect::Sqlite, _) => (insert_entry!(), None),
    };
    let mut query = sqlx::query(sql)
        .bind(account.as_str())
        .bind(row.seq)
        .bind(&row.kind)
        .bind(row.amount)
        .bind(row.balance_after)
        .bind(row.debt_after)
        .bind(row.used_after)
        .bind(&row.actor)
        .bind(&row.reason)
        .bind(&row.reference)
        .bind(row.refers_to)
        .bind(&row.price_item)
        .bind(row.price_version)
        .bind(&row.key)
        .bind(&row.digest)
        .bind(hash)
        .bind(row.created_at);
    if let Some(first) = with {
        query = query.bind(&first.lot).bind(first.amount);
    }
    query.execute(tx.conn()).await?;
    let taken = row.allocations.len() - allocations.len();
    for (allocation, position) in allocations.iter().zip(taken as i64..) {
        insert_allocation(tx, (account, row.seq, position), allocation).await?;
    }
    Ok(())
}

async fn insert_allocation(
    tx: &mut Tx,
    (account, seq, position): (&AccountId, i64, i64),
    allocation: &Allocation,
) -> Result<()> {
    sqlx::query(concat!(insert_allocation!(), "VALUES ($1, $2, $3, $4, $5)"))
        .bind(account.as_str())
        .bind(seq)
        .bind(&allocation.lot)
        .bind(allocation.amount)
        .bind(position)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) const HASH: &str = "SELECT hash FROM credit_entries WHERE account_id = $1 AND seq = $2";

/// The hash of an entry; empty for the number 0, before the first.
pub async fn hash_of(tx: &mut Tx, account: &AccountId, seq: i64) -> Result<String> {
    let row = sqlx::query(HASH)
        .bind(account.as_str())
        .bind(seq)
        .fetch_optional(tx.conn())
        .await?;
    match row {
        Some(row) => Ok(row.try_get(0)?),
        None if seq == 0 => Ok(String::new()),
        None => Err(Error::internal(anyhow::anyhow!(
            "account {account} lacks its entry {seq}"
        ))),
    }
}

pub(super) const BY_KEY: &str = concat!(
    "SELECT ",
    entry_columns!(),
    ", e.digest
     FROM credit_accounts a JOIN credit_entries e ON e.account_id = a.id
     WHERE a.owner_kind = $1 AND a.owner_id = $2 AND e.idempotency_key = $3"
);

/// The entry that a request with `key` made, and the digest of that request.
pub async fn entry_by_key(
    on: impl AnyExecutor<'_>,
    owner: &Owner,
    key: &str,
) -> Result<Option<(Entry, String)>> {
    let row = sqlx::query(BY_KEY)
        .bind(owner.kind())
        .bind(owner.id())
        .bind(key)
        .fetch_optional(on)
        .await?;
    row.map(|row| Ok((entry(&row)?, row.try_get(12)?)))
        .transpose()
}

/// How much was taken back of entry `seq` so far, without its sign.
pub async fn taken_back(
    tx: &mut Tx,
    account: &AccountId,
    seq: i64,
) -> Result<super::super::amount::Credits> {
    let row = sqlx::query(
        "SELECT CAST(COALESCE(SUM(ABS(amount)), 0) AS BIGINT) FROM credit_entries
         WHERE account_id = $1 AND refers_to = $2",
    )
    .bind(account.as_str())
    .bind(seq)
    .fetch_one(tx.conn())
    .await?;
    credits(&row, 0)
}

/// What can still be given back of the spend `seq`, by lot: those that were used last come first.
pub async fn returnable(tx: &mut Tx, account: &AccountId, seq: i64) -> Result<Vec<Part>> {
    let rows = sqlx::query(
        "SELECT s.lot_id, CAST(-s.amount - COALESCE((
             SELECT SUM(x.amount) FROM credit_allocations x
             JOIN credit_entries e ON e.account_id = x.account_id AND e.seq = x.seq
             WHERE e.account_id = $1 AND e.refers_to = $2 AND x.lot_id = s.lot_id), 0) AS BIGINT)
         FROM credit_allocations s WHERE s.account_id = $1 AND s.seq = $2 ORDER BY s.position DESC",
    )
    .bind(account.as_str())
    .bind(seq)
    .fetch_all(tx.conn())
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Part {
                lot: LotId::from(row.try_get::<String, _>(0)?),
                amount: credits(row, 1)?,
            })
        })
        .collect()
}

/// Which entries of a journal are wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    pub kind: Option<EntryKind>,
    pub from: Option<Timestamp>,
    /// Not included.
    pub until: Option<Timestamp>,
    /// Only entries with a lower number.
    pub before: i64,
    pub limit: i64,
}

// The account is found first: PostgreSQL would sort all that a join gives, and this reads the index backwards.
macro_rules! entries {
    ($narrowing:literal) => {
        concat!(
            "SELECT ",
            entry_columns!(),
            " FROM credit_entries e
             WHERE e.account_id = (SELECT a.id FROM credit_accounts a
                     WHERE a.owner_kind = $1 AND a.owner_id = $2)
               AND e.seq < $3 AND ",
            $narrowing,
            " ORDER BY e.seq DESC LIMIT $5"
        )
    };
}
pub(super) const ENTRIES: &str = entries!("($4 = '' OR e.kind = $4)");
// By itself, lest the database thinks that instants narrow down what they do not.
pub(super) const ENTRIES_BETWEEN: &str =
    entries!("($4 = '' OR e.kind = $4) AND e.created_at >= $6 AND e.created_at < $7");
// Kinds that are seldom have an index of their own, which databases take where a query says that it is meant.
pub(super) const SELDOM: &str = entries!("e.kind = $4 AND e.kind <> 'spend'");
pub(super) const SELDOM_BETWEEN: &str =
    entries!("e.kind = $4 AND e.kind <> 'spend' AND e.created_at >= $6 AND e.created_at < $7");

/// Those entries, the newest first.
pub async fn entries(db: &Db, owner: &Owner, wanted: &Wanted) -> Result<Vec<Entry>> {
    let is_seldom = wanted.kind.is_some_and(|kind| kind != EntryKind::Spend);
    let instants = match (wanted.from, wanted.until) {
        (None, None) => None,
        (from, until) => {
            let from = from.map_or(i64::MIN, Timestamp::as_micros);
            let until = until.unwrap_or(NEVER).as_micros();
            Some((from, until))
        }
    };
    let sql = match (is_seldom, instants) {
        (false, None) => ENTRIES,
        (false, Some(_)) => ENTRIES_BETWEEN,
        (true, None) => SELDOM,
        (true, Some(_)) => SELDOM_BETWEEN,
    };
    let mut query = sqlx::query(sql)
        .bind(owner.kind())
        .bind(owner.id())
        .bind(wanted.before)
        .bind(wanted.kind.map_or("", EntryKind::as_str))
        .bind(wanted.limit);
    if let Some((from, until)) = instants {
        query = query.bind(from).bind(until);
    }
    let rows = query.fetch_all(db.reader()).await?;
    rows.iter().map(entry).collect()
}

// Numbers have no gaps: so many entries, however many there are. The upper bound says nothing new, and lets PostgreSQL expect
// few of them; without it the whole table is read where one account has most of it.
pub(super) const WITH_LAST: &str = concat!(
    "SELECT ",
    entry_columns!(),
    ", ",
    account_columns!(),
    " FROM credit_accounts a
         LEFT JOIN credit_entries e ON e.account_id = a.id AND e.seq > a.last_seq - $3 AND e.seq <= a.last_seq
     WHERE a.owner_kind = $1 AND a.owner_id = $2 ORDER BY e.seq DESC"
);

/// The account with its last `most` entries, the newest first; none where there is no account.
pub async fn account_with_last(
    db: &Db,
    owner: &Owner,
    most: i64,
) -> Result<Option<(Account, Vec<Entry>)>> {
    let rows = sqlx::query(WITH_LAST)
        .bind(owner.kind())
        .bind(owner.id())
        .bind(most)
        .fetch_all(db.reader())
        .await?;
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let account = account_from(first, 12)?;
    let is_entry = |row: &&AnyRow| !matches!(row.try_get::<Option<i64>, _>(0), Ok(None));
    let entries = rows.iter().filter(is_entry).map(entry);
    Ok(Some((account, entries.collect::<Result<_>>()?)))
}

pub(super) const USED_AT: &str = "
    WITH RECURSIVE instants (number, at) AS (
        SELECT CAST(0 AS BIGINT), CAST($3 AS BIGINT)
        UNION ALL
        SELECT number + 1, at + CAST($5 AS BIGINT) FROM instants WHERE number < $4
    )
    SELECT COALESCE((SELECT e.used_after FROM credit_entries e
        WHERE e.account_id = a.id AND e.created_at < i.at
        ORDER BY e.created_at DESC, e.seq DESC LIMIT 1), 0)
    FROM credit_accounts a CROSS JOIN instants i
    WHERE a.owner_kind = $1 AND a.owner_id = $2 ORDER BY i.number";

/// What had been used, less what had been given back, at `count` + 1 instants that lie `step` microseconds apart
/// from `first` on. One look into the index each, however long the journal is.
pub async fn used_at(
    db: &Db,
    owner: &Owner,
    first: Timestamp,
    (count, step): (i64, i64),
) -> Result<Vec<i64>> {
    let rows = sqlx::query(USED_AT)
        .bind(owner.kind())
        .bind(owner.id())
        .bind(first.as_micros())
        .bind(count)
        .bind(step)
        .fetch_all(db.reader())
        .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

pub(super) fn entry(row: &AnyRow) -> Result<Entry> {
    let kind: String = row.try_get(1)?;
    let known = EntryKind::parse(&kind);
    let price = match (
        row.try_get::<Option<_>, _>(9)?,
        row.try_get::<Option<_>, _>(10)?,
    ) {
        (Some(item), Some(number)) => Some(PriceVersion { item, number }),
        _ => None,
    };
    Ok(Entry {
        seq: row.try_get(0)?,
        kind: known.ok_or_else(|| Error::internal(anyhow::anyhow!("entries of kind {kind:?}")))?,
        change: Change::from_column(row.try_get(2)?)?,
        balance_after: Net::from_column(row.try_get(3)?),
        debt_after: credits(row, 4)?,
        actor: Actor::from_column(&row.try_get::<String, _>(5)?),
        reason: row.try_get(6)?,
        reference: row.try_get(7)?,
        refers_to: row.try_get(8)?,
        price,
        created_at: Timestamp::from_micros(row.try_get(11)?),
    })
}

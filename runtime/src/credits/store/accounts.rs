//! Queries of accounts. The row of an account is what every change of its ledger locks first.

use sqlx::Row as _;
use sqlx::any::{AnyExecutor, AnyRow};

use super::super::amount::Credits;
use super::super::entity::{Account, AccountId, FillLevel, Owner};
use super::super::journal::AccountTerms;
use super::credits;
use super::lots::Use;
use crate::clock::Timestamp;
use crate::db::{Db, Tx};
use crate::error::{Error, Result};

/// What is taken from an account's available credits.
pub struct Taking {
    pub amount: Credits,
    /// How much of it is set aside rather than gone.
    pub held: Credits,
    /// How many entries this makes.
    pub entries: i64,
    /// How much of it counts as used.
    pub used: Credits,
    /// When what is set aside comes back.
    pub due_at: Timestamp,
}

impl Taking {
    /// What leaves the account with one entry.
    pub fn for_good(amount: Credits, into: Use) -> Self {
        Self {
            amount,
            held: Credits::ZERO,
            entries: 1,
            used: match into {
                Use::Spent => amount,
                Use::Held | Use::Expired | Use::Revoked => Credits::ZERO,
            },
            due_at: NEVER,
        }
    }
}

/// The columns of an [`Account`], in the order in which [`account`] reads them.
macro_rules! account_columns {
    () => {
        "id, available, held, debt, used, full_amount, last_seq, due_at, told"
    };
}
pub(super) use account_columns;

/// `due_at` of an account in which nothing runs out.
pub const NEVER: Timestamp = Timestamp::from_micros(i64::MAX);

/// Adds an empty account, unless there is one. Says whether it did.
pub async fn insert_account(tx: &mut Tx, owner: &Owner, now: Timestamp) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO credit_accounts
             (id, owner_kind, owner_id, available, held, debt, used, full_amount, last_seq, due_at,
              created_at)
         VALUES ($1, $2, $3, 0, 0, 0, 0, 0, 0, $4, $5) ON CONFLICT (owner_kind, owner_id) DO NOTHING",
    )
    .bind(AccountId::new(now).as_str())
    .bind(owner.kind())
    .bind(owner.id())
    .bind(NEVER.as_micros())
    .bind(now.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) const FIND: &str = concat!(
    "SELECT ",
    account_columns!(),
    " FROM credit_accounts WHERE owner_kind = $1 AND owner_id = $2"
);

/// The account as it stands, without a lock.
pub async fn find_account(on: impl AnyExecutor<'_>, owner: &Owner) -> Result<Option<Account>> {
    let row = sqlx::query(FIND)
        .bind(owner.kind())
        .bind(owner.id())
        .fetch_optional(on)
        .await?;
    row.as_ref().map(account).transpose()
}

/// The account, which nobody else changes until `tx` ends.
pub async fn lock_account(tx: &mut Tx, owner: &Owner) -> Result<Option<Account>> {
    let row = sqlx::query(concat!(
        "UPDATE credit_accounts SET last_seq = last_seq WHERE owner_kind = $1 AND owner_id = $2
         RETURNING ",
        account_columns!()
    ))
    .bind(owner.kind())
    .bind(owner.id())
    .fetch_optional(tx.conn())
    .await?;
    row.as_ref().map(account).transpose()
}

/// As [`lock_account`], by the account's own identifier.
pub async fn lock_account_by_id(tx: &mut Tx, id: &AccountId) -> Result<Account> {
    let row = sqlx::query(concat!(
        "UPDATE credit_accounts SET last_seq = last_seq WHERE id = $1 RETURNING ",
        account_columns!()
    ))
    .bind(id.as_str())
    .fetch_one(tx.conn())
    .await?;
    account(&row)
}

/// Owners of accounts in which something has run out by `now` that is not booked yet, after the account `after`.
pub async fn overdue_owners(
    db: &Db,
    now: Timestamp,
    after: &str,
    limit: i64,
) -> Result<Vec<(AccountId, Owner)>> {
    let rows = sqlx::query(
        "SELECT id, owner_kind, owner_id FROM credit_accounts
         WHERE due_at <= $1 AND due_at < 9223372036854775807 AND id > $2 ORDER BY id LIMIT $3",
    )
    .bind(now.as_micros())
    .bind(after)
    .bind(limit)
    .fetch_all(db.reader())
    .await?;
    rows.iter().map(owned_account).collect()
}

/// Every account after the account `after`, and whose it is.
pub async fn all_owners(db: &Db, after: &str, limit: i64) -> Result<Vec<(AccountId, Owner)>> {
    let rows = sqlx::query(
        "SELECT id, owner_kind, owner_id FROM credit_accounts WHERE id > $1 ORDER BY id LIMIT $2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(db.reader())
    .await?;
    rows.iter().map(owned_account).collect()
}

fn owned_account(row: &AnyRow) -> Result<(AccountId, Owner)> {
    let (kind, id): (String, String) = (row.try_get(1)?, row.try_get(2)?);
    let owner = Owner::from_columns(&kind, id);
    let unknown = || Error::internal(anyhow::anyhow!("accounts of a {kind:?}"));
    Ok((
        row.try_get::<String, _>(0)?.into(),
        owner.ok_or_else(unknown)?,
    ))
}

/// Locks the account and takes from it, in one statement. `None` when there is no account, too little in it,
/// or something in it has run out by `now` and must be booked first.
pub async fn take_available(
    tx: &mut Tx,
    owner: &Owner,
    taking: &Taking,
    now: Timestamp,
) -> Result<Option<Account>> {
    let row = sqlx::query(concat!(
        "UPDATE credit_accounts
         SET available = available - $3, held = held + $4, last_seq = last_seq + $5,
             due_at = CASE WHEN due_at < $6 THEN due_at ELSE $6 END, used = used + $8
         WHERE owner_kind = $1 AND owner_id = $2 AND available >= $3 AND due_at > $7
         RETURNING ",
        account_columns!()
    ))
    .bind(owner.kind())
    .bind(owner.id())
    .bind(taking.amount.as_milli())
    .bind(taking.held.as_milli())
    .bind(taking.entries)
    .bind(taking.due_at.as_micros())
    .bind(now.as_micros())
    .bind(taking.used.as_milli())
    .fetch_optional(tx.conn())
    .await?;
    row.as_ref().map(account).transpose()
}

/// Whose account it is.
pub async fn owner_of(tx: &mut Tx, id: &AccountId) -> Result<Owner> {
    let row = sqlx::query("SELECT id, owner_kind, owner_id FROM credit_accounts WHERE id = $1")
        .bind(id.as_str())
        .fetch_one(tx.conn())
        .await?;
    Ok(owned_account(&row)?.1)
}

/// What never changes of an account, and the hash of the entry before the one that `last_seq` counts already, if there
/// is one.
pub async fn terms_of(tx: &mut Tx, account: &Account) -> Result<(AccountTerms, Option<String>)> {
    let row = sqlx::query(
        "SELECT a.owner_kind, a.owner_id, a.created_at,
             (SELECT e.hash FROM credit_entries e WHERE e.account_id = a.id AND e.seq = $2)
         FROM credit_accounts a WHERE a.id = $1",
    )
    .bind(account.id.as_str())
    .bind(account.last_seq - 1)
    .fetch_one(tx.conn())
    .await?;
    let terms = AccountTerms {
        owner_kind: row.try_get(0)?,
        owner_id: row.try_get(1)?,
        created_at: row.try_get(2)?,
    };
    Ok((terms, row.try_get(3)?))
}

/// Writes a locked account back.
pub async fn save_account(tx: &mut Tx, account: &Account) -> Result<()> {
    sqlx::query(
        "UPDATE credit_accounts SET available = $2, held = $3, last_seq = $4, due_at = $5,
             debt = $6, used = $7, full_amount = $8, told = $9
         WHERE id = $1",
    )
    .bind(account.id.as_str())
    .bind(account.available.as_milli())
    .bind(account.held.as_milli())
    .bind(account.last_seq)
    .bind(account.due_at.as_micros())
    .bind(account.debt.as_milli())
    .bind(account.used)
    .bind(account.full.as_milli())
    .bind(account.told.as_column())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Notes what the owner of a locked account is told.
pub async fn note_told(tx: &mut Tx, id: &AccountId, level: FillLevel) -> Result<()> {
    sqlx::query("UPDATE credit_accounts SET told = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(level.as_column())
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) fn account(row: &AnyRow) -> Result<Account> {
    account_from(row, 0)
}

/// The account whose columns begin with number `first`.
pub(super) fn account_from(row: &AnyRow, first: usize) -> Result<Account> {
    let told: i64 = row.try_get(first + 8)?;
    let level = FillLevel::from_column(told);
    let unknown = || Error::internal(anyhow::anyhow!("an account of which {told} was told"));
    Ok(Account {
        id: row.try_get::<String, _>(first)?.into(),
        available: credits(row, first + 1)?,
        held: credits(row, first + 2)?,
        debt: credits(row, first + 3)?,
        used: row.try_get(first + 4)?,
        full: credits(row, first + 5)?,
        last_seq: row.try_get(first + 6)?,
        due_at: Timestamp::from_micros(row.try_get(first + 7)?),
        told: level.ok_or_else(unknown)?,
        last_hash: None,
    })
}

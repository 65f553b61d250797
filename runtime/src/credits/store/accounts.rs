//! Queries of accounts. The row of an account is what every change of its ledger locks first.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::super::amount::Credits;
use super::super::entity::{Account, AccountId, Owner};
use super::credits;
use crate::clock::Timestamp;
use crate::db::{Db, Tx};
use crate::error::Result;

/// What is taken from an account's available credits.
pub struct Taking {
    pub amount: Credits,
    /// How much of it is set aside rather than gone.
    pub held: Credits,
    /// How many entries this makes.
    pub entries: i64,
    /// When what is set aside comes back.
    pub due_at: Timestamp,
}

/// `due_at` of an account in which nothing runs out.
pub const NEVER: Timestamp = Timestamp::from_micros(i64::MAX);

/// Adds an empty account, unless there is one. Says whether it did.
pub async fn insert_account(tx: &mut Tx, owner: &Owner, now: Timestamp) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO credit_accounts
             (id, owner_kind, owner_id, available, held, last_seq, due_at, created_at)
         VALUES ($1, $2, $3, 0, 0, 0, $4, $5) ON CONFLICT (owner_kind, owner_id) DO NOTHING",
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

/// The account as it stands, without a lock.
pub async fn find_account(db: &Db, owner: &Owner) -> Result<Option<Account>> {
    let row = sqlx::query(
        "SELECT id, available, held, last_seq, due_at FROM credit_accounts
         WHERE owner_kind = $1 AND owner_id = $2",
    )
    .bind(owner.kind())
    .bind(owner.id())
    .fetch_optional(db.reader())
    .await?;
    row.as_ref().map(account).transpose()
}

/// The account, which nobody else changes until `tx` ends.
pub async fn lock_account(tx: &mut Tx, owner: &Owner) -> Result<Option<Account>> {
    let row = sqlx::query(
        "UPDATE credit_accounts SET last_seq = last_seq WHERE owner_kind = $1 AND owner_id = $2
         RETURNING id, available, held, last_seq, due_at",
    )
    .bind(owner.kind())
    .bind(owner.id())
    .fetch_optional(tx.conn())
    .await?;
    row.as_ref().map(account).transpose()
}

pub async fn lock_account_by_id(tx: &mut Tx, id: &AccountId) -> Result<Account> {
    let row = sqlx::query(
        "UPDATE credit_accounts SET last_seq = last_seq WHERE id = $1
         RETURNING id, available, held, last_seq, due_at",
    )
    .bind(id.as_str())
    .fetch_one(tx.conn())
    .await?;
    account(&row)
}

/// Locks the account and takes from it, in one statement. `None` when there is no account, too little in it,
/// or something in it has run out by `now` and must be booked first.
pub async fn take_available(
    tx: &mut Tx,
    owner: &Owner,
    taking: &Taking,
    now: Timestamp,
) -> Result<Option<Account>> {
    let row = sqlx::query(
        "UPDATE credit_accounts
         SET available = available - $3, held = held + $4, last_seq = last_seq + $5,
             due_at = CASE WHEN due_at < $6 THEN due_at ELSE $6 END
         WHERE owner_kind = $1 AND owner_id = $2 AND available >= $3 AND due_at > $7
         RETURNING id, available, held, last_seq, due_at",
    )
    .bind(owner.kind())
    .bind(owner.id())
    .bind(taking.amount.as_milli())
    .bind(taking.held.as_milli())
    .bind(taking.entries)
    .bind(taking.due_at.as_micros())
    .bind(now.as_micros())
    .fetch_optional(tx.conn())
    .await?;
    row.as_ref().map(account).transpose()
}

/// Takes a closed hold off its account; what was not captured becomes available again.
pub async fn close_hold_on(
    tx: &mut Tx,
    id: &AccountId,
    held: Credits,
    returned: Credits,
) -> Result<Account> {
    let row = sqlx::query(
        "UPDATE credit_accounts
         SET held = held - $2, available = available + $3,
             last_seq = last_seq + CASE WHEN $3 < $2 THEN 1 ELSE 0 END
         WHERE id = $1 RETURNING id, available, held, last_seq, due_at",
    )
    .bind(id.as_str())
    .bind(held.as_milli())
    .bind(returned.as_milli())
    .fetch_one(tx.conn())
    .await?;
    account(&row)
}

/// Writes a locked account back.
pub async fn save_account(tx: &mut Tx, account: &Account) -> Result<()> {
    sqlx::query(
        "UPDATE credit_accounts SET available = $2, held = $3, last_seq = $4, due_at = $5
         WHERE id = $1",
    )
    .bind(account.id.as_str())
    .bind(account.available.as_milli())
    .bind(account.held.as_milli())
    .bind(account.last_seq)
    .bind(account.due_at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok(())
}

fn account(row: &AnyRow) -> Result<Account> {
    Ok(Account {
        id: row.try_get::<String, _>(0)?.into(),
        available: credits(row, 1)?,
        held: credits(row, 2)?,
        last_seq: row.try_get(3)?,
        due_at: Timestamp::from_micros(row.try_get(4)?),
    })
}

//! Queries of holds.

use anyhow::Context as _;
use sqlx::Row as _;
use sqlx::any::{AnyExecutor, AnyRow};

use super::super::amount::Credits;
use super::super::entity::{Account, AccountId, Hold, HoldId, HoldState, Owner, Part};
use super::accounts::{account, account_columns};
use super::credits;
use super::lots::{Use, move_remaining};
use crate::clock::Timestamp;
use crate::db::{Db, Dialect, Tx};
use crate::error::{Error, Result};

/// A hold that has just been closed, with its account, from whose sums it was taken.
pub struct ClosedHold {
    pub account: Account,
    pub parts: Vec<Part>,
}

/// How a hold is closed.
pub struct Closing<'a> {
    pub owner: &'a Owner,
    pub hold: &'a HoldId,
    /// Of nothing, the hold is released.
    pub captured: Credits,
    pub at: Timestamp,
    /// Only where everything that ran out up to then is booked: things happen in the order of time.
    pub booked_until: Timestamp,
}

/// A hold to be added.
pub struct NewHold<'a> {
    pub account: &'a AccountId,
    pub hold: &'a Hold,
    pub parts: &'a [Part],
    pub key: &'a str,
    pub digest: &'a str,
}

macro_rules! insert_hold {
    () => {
        "INSERT INTO credit_holds
             (id, account_id, state, amount, captured, parts, idempotency_key, digest, expires_at,
              created_at)
         VALUES ($1, $2, $3, $4, 0, $5, $6, $7, $8, $9)"
    };
}

/// Adds a hold and moves its parts from what remains of their lots to what is held of them.
pub async fn insert_hold(tx: &mut Tx, new: NewHold<'_>, now: Timestamp) -> Result<()> {
    let mut parts = new.parts;
    let (sql, with) = match (tx.dialect(), parts) {
        (Dialect::Postgres, [first, rest @ ..]) => {
            parts = rest;
            let sql = concat!(
                "WITH lot AS (UPDATE credit_lots SET remaining = remaining - $11, held = held + $11
                     WHERE id = $10) ",
                insert_hold!()
            );
            (sql, Some(first))
        }
        (Dialect::Postgres | Dialect::Sqlite, _) => (insert_hold!(), None),
    };
    let mut query = sqlx::query(sql)
        .bind(new.hold.id.as_str())
        .bind(new.account.as_str())
        .bind(new.hold.state.as_str())
        .bind(new.hold.amount.as_milli())
        .bind(parts_to_text(new.parts))
        .bind(new.key)
        .bind(new.digest)
        .bind(new.hold.expires_at.as_micros())
        .bind(now.as_micros());
    if let Some(first) = with {
        query = query.bind(first.lot.as_str()).bind(first.amount.as_milli());
    }
    query.execute(tx.conn()).await?;
    for part in parts {
        move_remaining(tx, part, Use::Held).await?;
    }
    Ok(())
}

// Which hold may be closed: the owner's, open, holding enough, and for a capture with time left.
macro_rules! closable {
    () => {
        "h.id = $1 AND h.state = 'open' AND h.expires_at > $5 AND h.amount >= $3"
    };
}
macro_rules! close_hold {
    () => {
        "UPDATE credit_holds AS h SET state = $2, captured = $3, closed_at = $4"
    };
}
// What was not captured becomes available again, and what was makes an entry.
macro_rules! take_off {
    ($captured:literal) => {
        concat!(
            "UPDATE credit_accounts AS a SET held = a.held - h.amount,
                 available = a.available + h.amount - ",
            $captured,
            ", used = a.used + ",
            $captured,
            ", last_seq = a.last_seq + CASE WHEN ",
            $captured,
            " > 0 THEN 1 ELSE 0 END"
        )
    };
}
macro_rules! returning_account {
    () => {
        " RETURNING a.id, a.available, a.held, a.debt, a.used, a.full_amount, a.last_seq, a.due_at, a.told"
    };
}

/// Closes an open hold and takes it off its account's sums, both or neither. `None` when it is not open, or, for a
/// capture, when it holds less or its time is up; or when something is to be booked first.
pub async fn close_hold(tx: &mut Tx, closing: &Closing<'_>) -> Result<Option<ClosedHold>> {
    match tx.dialect() {
        Dialect::Postgres => close_at_once(tx, closing).await,
        Dialect::Sqlite => close_in_steps(tx, closing).await,
    }
}

/// In one statement. It locks the account before the hold, as everybody does, and sees both as they are then.
async fn close_at_once(tx: &mut Tx, closing: &Closing<'_>) -> Result<Option<ClosedHold>> {
    let sql = concat!(
        "WITH account AS (
             SELECT id FROM credit_accounts
             WHERE owner_kind = $6 AND owner_id = $7 AND due_at > $8 FOR UPDATE
         ), h AS (",
        close_hold!(),
        " FROM account WHERE h.account_id = account.id AND ",
        closable!(),
        " RETURNING h.account_id, h.amount, h.parts) ",
        take_off!("$3"),
        " FROM h WHERE a.id = h.account_id",
        returning_account!(),
        ", h.parts"
    );
    let row = bind_closing(sqlx::query(sql), closing)
        .fetch_optional(tx.conn())
        .await?;
    row.map(|row| {
        Ok(ClosedHold {
            account: account(&row)?,
            parts: parts_from_text(&row.try_get::<String, _>(9)?)?,
        })
    })
    .transpose()
}

/// In two statements, which nothing comes between: there is one writer.
async fn close_in_steps(tx: &mut Tx, closing: &Closing<'_>) -> Result<Option<ClosedHold>> {
    let sql = concat!(
        close_hold!(),
        " WHERE ",
        closable!(),
        " AND h.account_id = (SELECT id FROM credit_accounts
             WHERE owner_kind = $6 AND owner_id = $7 AND due_at > $8)
         RETURNING parts"
    );
    let row = bind_closing(sqlx::query(sql), closing)
        .fetch_optional(tx.conn())
        .await?;
    let Some(row) = row else { return Ok(None) };
    let sql = concat!(
        take_off!("h.captured"),
        " FROM credit_holds AS h WHERE h.id = $1 AND a.id = h.account_id
         RETURNING ",
        account_columns!()
    );
    let account_row = sqlx::query(sql)
        .bind(closing.hold.as_str())
        .fetch_one(tx.conn())
        .await?;
    Ok(Some(ClosedHold {
        account: account(&account_row)?,
        parts: parts_from_text(&row.try_get::<String, _>(0)?)?,
    }))
}

type AnyQuery<'q> = sqlx::query::Query<'q, sqlx::Any, <sqlx::Any as sqlx::Database>::Arguments>;

fn bind_closing<'q>(query: AnyQuery<'q>, closing: &Closing<'q>) -> AnyQuery<'q> {
    let (state, must_outlast) = if closing.captured.is_zero() {
        (HoldState::Released, i64::MIN)
    } else {
        (HoldState::Captured, closing.at.as_micros())
    };
    query
        .bind(closing.hold.as_str())
        .bind(state.as_str())
        .bind(closing.captured.as_milli())
        .bind(closing.at.as_micros())
        .bind(must_outlast)
        .bind(closing.owner.kind())
        .bind(closing.owner.id())
        .bind(closing.booked_until.as_micros())
}

/// An open hold whose time is up.
pub struct OverdueHold {
    pub id: HoldId,
    pub expires_at: Timestamp,
    pub parts: Vec<Part>,
}

/// Open holds of `account` whose time is up, in the order in which it was.
pub async fn overdue_holds(
    on: impl AnyExecutor<'_>,
    account: &AccountId,
    now: Timestamp,
) -> Result<Vec<OverdueHold>> {
    let rows = sqlx::query(
        "SELECT id, expires_at, parts FROM credit_holds
         WHERE account_id = $1 AND state = 'open' AND expires_at <= $2 ORDER BY expires_at, id",
    )
    .bind(account.as_str())
    .bind(now.as_micros())
    .fetch_all(on)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(OverdueHold {
                id: row.try_get::<String, _>(0)?.into(),
                expires_at: Timestamp::from_micros(row.try_get(1)?),
                parts: parts_from_text(&row.try_get::<String, _>(2)?)?,
            })
        })
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

pub(super) fn parts_from_text(text: &str) -> Result<Vec<Part>> {
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

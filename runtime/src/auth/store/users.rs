//! Every query about users.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use crate::auth::actions::{UserCounts, UserQuery};
use crate::auth::door::Account;
use crate::auth::entity::{Credentials, NewUser, User};
use crate::clock::Timestamp;
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::http::Role;
use crate::ids::{AFTER_ALL, UserId};
use crate::listing;

/// Inserts an account, unless its address is taken: then nothing happens and the answer is `None`.
pub(in crate::auth) async fn insert_user(
    tx: &mut Tx,
    at: Timestamp,
    new: &NewUser,
) -> Result<Option<User>> {
    let user = User {
        id: UserId::new(at),
        email: new.email.as_str().into(),
        name: new.name.as_str().into(),
        role: new.role,
        is_active: true,
        created_at: at,
        last_signed_in_at: None,
        removal_due_at: None,
        is_verified: false,
        is_removed: false,
    };
    let done = sqlx::query(
        "INSERT INTO users (id, email, email_key, name, password_hash, role, is_active, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, 1, $7) ON CONFLICT (email_key) DO NOTHING",
    )
    .bind(user.id.as_str())
    .bind(&user.email)
    .bind(new.email.key())
    .bind(&user.name)
    .bind(&new.password_hash)
    .bind(user.role.as_str())
    .bind(at.as_micros())
    .execute(tx.conn())
    .await?;
    Ok((done.rows_affected() == 1).then_some(user))
}

pub(in crate::auth) async fn credentials(db: &Db, email_key: &str) -> Result<Option<Credentials>> {
    let row = sqlx::query(
        "SELECT id, password_hash, is_active, email_verified_at FROM users WHERE email_key = $1",
    )
    .bind(email_key)
    .fetch_optional(db.reader())
    .await?;
    row.map(|row| read_credentials(&row)).transpose()
}

pub(in crate::auth) async fn credentials_of(db: &Db, user: &UserId) -> Result<Option<Credentials>> {
    let row = sqlx::query(
        "SELECT id, password_hash, is_active, email_verified_at FROM users WHERE id = $1",
    )
    .bind(user.as_str())
    .fetch_optional(db.reader())
    .await?;
    row.map(|row| read_credentials(&row)).transpose()
}

/// As [`credentials_of`], as the transaction sees it.
pub(in crate::auth) async fn credentials_in(
    tx: &mut Tx,
    user: &UserId,
) -> Result<Option<Credentials>> {
    let row = sqlx::query(
        "SELECT id, password_hash, is_active, email_verified_at FROM users WHERE id = $1",
    )
    .bind(user.as_str())
    .fetch_optional(tx.conn())
    .await?;
    row.map(|row| read_credentials(&row)).transpose()
}

/// How somebody can sign in.
pub(in crate::auth) async fn account(db: &Db, user: &UserId) -> Result<Option<Account>> {
    let row = sqlx::query(
        "SELECT id, email, email_verified_at, has_password,
             (SELECT COUNT(*) FROM second_factors f WHERE f.user_id = users.id)
         FROM users WHERE id = $1",
    )
    .bind(user.as_str())
    .fetch_optional(db.reader())
    .await?;
    row.map(|row| {
        Ok(Account {
            user: row.try_get::<String, _>(0)?.into(),
            email: row.try_get(1)?,
            is_verified: row.try_get::<Option<i64>, _>(2)?.is_some(),
            has_password: row.try_get::<i64, _>(3)? == 1,
            has_second_factor: row.try_get::<i64, _>(4)? > 0,
        })
    })
    .transpose()
}

/// Notes that nobody knows the password of an account.
pub(in crate::auth) async fn forget_password(tx: &mut Tx, user: &UserId) -> Result<()> {
    sqlx::query("UPDATE users SET has_password = 0 WHERE id = $1")
        .bind(user.as_str())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Whether somebody has a password; his row is locked.
pub(in crate::auth) async fn lock_has_password(tx: &mut Tx, user: &UserId) -> Result<bool> {
    let sql = "UPDATE users SET has_password = has_password WHERE id = $1 RETURNING has_password";
    let row = sqlx::query(sql)
        .bind(user.as_str())
        .fetch_optional(tx.conn())
        .await?;
    let has = row.map(|row| row.try_get::<i64, _>(0)).transpose()?;
    Ok(has == Some(1))
}

fn read_credentials(row: &AnyRow) -> Result<Credentials> {
    Ok(Credentials {
        user: row.try_get::<String, _>(0)?.into(),
        password_hash: row.try_get(1)?,
        is_active: row.try_get::<i64, _>(2)? == 1,
        is_verified: row.try_get::<Option<i64>, _>(3)?.is_some(),
    })
}

/// Notes a sign-in, if the account is still active and its password still the one that was checked.
/// Locks the row, so that a password changed meanwhile is seen.
pub(in crate::auth) async fn note_sign_in(
    tx: &mut Tx,
    at: Timestamp,
    checked: &Credentials,
) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE users SET last_signed_in_at = $1
         WHERE id = $2 AND is_active = 1 AND password_hash = $3",
    )
    .bind(at.as_micros())
    .bind(checked.user.as_str())
    .bind(&checked.password_hash)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Replaces the password, if it is still the one that was checked.
pub(in crate::auth) async fn replace_password(
    tx: &mut Tx,
    checked: &Credentials,
    password_hash: &str,
) -> Result<bool> {
    let done =
        sqlx::query("UPDATE users SET password_hash = $1, has_password = 1 WHERE id = $2 AND password_hash = $3")
            .bind(password_hash)
            .bind(checked.user.as_str())
            .bind(&checked.password_hash)
            .execute(tx.conn())
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Replaces the password, whatever it was.
pub(in crate::auth) async fn set_password(
    tx: &mut Tx,
    user: &UserId,
    password_hash: &str,
) -> Result<()> {
    sqlx::query("UPDATE users SET password_hash = $1, has_password = 1 WHERE id = $2")
        .bind(password_hash)
        .bind(user.as_str())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Gives an account a role and activates it; `None` when there is none with this address.
pub(in crate::auth) async fn set_role(
    tx: &mut Tx,
    email_key: &str,
    role: Role,
) -> Result<Option<UserId>> {
    let row =
        sqlx::query("UPDATE users SET role = $1, is_active = 1 WHERE email_key = $2 RETURNING id")
            .bind(role.as_str())
            .bind(email_key)
            .fetch_optional(tx.conn())
            .await?;
    row.map(|row| Ok(row.try_get::<String, _>(0)?.into()))
        .transpose()
}

/// The role of an account, whose row is locked; `None` when there is no such account.
pub(in crate::auth) async fn lock_role(tx: &mut Tx, user: &UserId) -> Result<Option<Role>> {
    let row = sqlx::query("UPDATE users SET role = role WHERE id = $1 RETURNING role")
        .bind(user.as_str())
        .fetch_optional(tx.conn())
        .await?;
    row.map(|row| read_role(&row, 0)).transpose()
}

pub(in crate::auth) async fn change_role(tx: &mut Tx, user: &UserId, role: Role) -> Result<()> {
    sqlx::query("UPDATE users SET role = $1 WHERE id = $2")
        .bind(role.as_str())
        .bind(user.as_str())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Whether this changed anything.
pub(in crate::auth) async fn set_active(tx: &mut Tx, user: &UserId, active: bool) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE users SET is_active = $1 WHERE id = $2 AND is_active <> $1 AND removed_at IS NULL",
    )
    .bind(i64::from(active))
    .bind(user.as_str())
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What [`read_user`] reads, in its order.
const USER: &str = "id, email, name, role, is_active, created_at, last_signed_in_at, removal_due_at, email_verified_at, removed_at";

fn read_user(row: &AnyRow) -> Result<User> {
    Ok(User {
        id: row.try_get::<String, _>(0)?.into(),
        email: row.try_get(1)?,
        name: row.try_get(2)?,
        role: read_role(row, 3)?,
        is_active: row.try_get::<i64, _>(4)? == 1,
        created_at: Timestamp::from_micros(row.try_get(5)?),
        last_signed_in_at: row
            .try_get::<Option<i64>, _>(6)?
            .map(Timestamp::from_micros),
        removal_due_at: row
            .try_get::<Option<i64>, _>(7)?
            .map(Timestamp::from_micros),
        is_verified: row.try_get::<Option<i64>, _>(8)?.is_some(),
        is_removed: row.try_get::<Option<i64>, _>(9)?.is_some(),
    })
}

pub(in crate::auth) async fn user(db: &Db, id: &UserId) -> Result<Option<User>> {
    user_where(db, "id = $1", id.as_str()).await
}

pub(in crate::auth) async fn user_by_email(db: &Db, email_key: &str) -> Result<Option<User>> {
    user_where(db, "email_key = $1", email_key).await
}

/// The addresses of these users.
pub(in crate::auth) async fn emails(
    db: &Db,
    users: &BTreeSet<UserId>,
) -> Result<BTreeMap<UserId, String>> {
    if users.is_empty() {
        return Ok(BTreeMap::new());
    }
    let places: Vec<_> = (1..=users.len()).map(|at| format!("${at}")).collect();
    let sql = format!(
        "SELECT id, email FROM users WHERE id IN ({})",
        places.join(", ")
    );
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for user in users {
        query = query.bind(user.as_str());
    }
    let rows = query.fetch_all(db.reader()).await?;
    rows.iter()
        .map(|row| Ok((row.try_get::<String, _>(0)?.into(), row.try_get(1)?)))
        .collect()
}

/// The user with this address, as the transaction sees it.
pub(in crate::auth) async fn user_in(tx: &mut Tx, email_key: &str) -> Result<Option<User>> {
    let sql = AssertSqlSafe(format!("SELECT {USER} FROM users WHERE email_key = $1"));
    let row = sqlx::query(sql)
        .bind(email_key)
        .fetch_optional(tx.conn())
        .await?;
    row.map(|row| read_user(&row)).transpose()
}

async fn user_where(db: &Db, condition: &'static str, value: &str) -> Result<Option<User>> {
    let sql = AssertSqlSafe(format!("SELECT {USER} FROM users WHERE {condition}"));
    let row = sqlx::query(sql)
        .bind(value)
        .fetch_optional(db.reader())
        .await?;
    row.map(|row| read_user(&row)).transpose()
}

/// Everybody with another role than a user's who may sign in.
pub(in crate::auth) async fn active_staff(tx: &mut Tx) -> Result<Vec<User>> {
    let sql = format!("SELECT {USER} FROM users WHERE role <> $1 AND is_active = 1 ORDER BY id");
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(Role::User.as_str())
        .fetch_all(tx.conn())
        .await?;
    rows.iter().map(read_user).collect()
}

/// Newest first.
pub(in crate::auth) async fn users(db: &Db, query: &UserQuery) -> Result<Vec<User>> {
    let sql = AssertSqlSafe(format!(
        r"SELECT {USER} FROM users WHERE id < $1 AND ($2 = '' OR email_key LIKE $2 ESCAPE '\')
          ORDER BY id DESC LIMIT $3"
    ));
    let rows = sqlx::query(sql)
        .bind(query.before.as_ref().map_or(AFTER_ALL, UserId::as_str))
        .bind(listing::holding(&query.search))
        .bind(query.limit)
        .fetch_all(db.reader())
        .await?;
    rows.iter().map(read_user).collect()
}

pub(in crate::auth) async fn count_users(db: &Db, new_since: Timestamp) -> Result<UserCounts> {
    let row = sqlx::query(
        "SELECT COUNT(*), COUNT(CASE WHEN is_active = 1 THEN 1 END),
             COUNT(CASE WHEN role <> $1 THEN 1 END), COUNT(CASE WHEN created_at >= $2 THEN 1 END)
         FROM users",
    )
    .bind(Role::User.as_str())
    .bind(new_since.as_micros())
    .fetch_one(db.reader())
    .await?;
    Ok(UserCounts {
        total: row.try_get(0)?,
        active: row.try_get(1)?,
        staff: row.try_get(2)?,
        new: row.try_get(3)?,
    })
}

pub(super) fn read_role(row: &AnyRow, at: usize) -> Result<Role> {
    let text: String = row.try_get(at)?;
    let unknown = || {
        Error::internal(anyhow::anyhow!(
            "the database holds an unknown role {text:?}"
        ))
    };
    Role::parse(&text).ok_or_else(unknown)
}

//! Queries about what people chose.

use std::collections::BTreeSet;

use sqlx::Row as _;

use super::Preferences;
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::times::TimeStyle;

pub(super) async fn preferences(db: &Db, user: &UserId) -> Result<Preferences> {
    let row = sqlx::query("SELECT time_zone, locale, unwanted_mails FROM users WHERE id = $1")
        .bind(user.as_str())
        .fetch_optional(db.reader())
        .await?;
    let row = row.ok_or_else(Error::not_found)?;
    let (zone, locale) = (row.try_get::<String, _>(0)?, row.try_get::<String, _>(1)?);
    Ok(Preferences {
        times: TimeStyle::of_names(&zone, &locale),
        unwanted: topics(&row.try_get::<String, _>(2)?),
    })
}

fn topics(text: &str) -> BTreeSet<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

pub(super) async fn save(
    tx: &mut Tx,
    user: &UserId,
    (name, times): (&str, TimeStyle),
) -> Result<()> {
    sqlx::query("UPDATE users SET name = $2, time_zone = $3, locale = $4 WHERE id = $1")
        .bind(user.as_str())
        .bind(name)
        .bind(times.zone.as_str())
        .bind(times.locale.tag())
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn save_unwanted(
    tx: &mut Tx,
    user: &UserId,
    unwanted: &BTreeSet<String>,
) -> Result<()> {
    let names: Vec<_> = unwanted.iter().map(String::as_str).collect();
    sqlx::query("UPDATE users SET unwanted_mails = $2 WHERE id = $1")
        .bind(user.as_str())
        .bind(names.join(" "))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// What whoever has an address does without; nothing where nobody has it.
pub(super) async fn unwanted_at(tx: &mut Tx, email_key: &str) -> Result<BTreeSet<String>> {
    let row = sqlx::query("SELECT unwanted_mails FROM users WHERE email_key = $1")
        .bind(email_key)
        .fetch_optional(tx.conn())
        .await?;
    let Some(row) = row else {
        return Ok(BTreeSet::new());
    };
    Ok(topics(&row.try_get::<String, _>(0)?))
}

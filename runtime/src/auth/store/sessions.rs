//! Every query about sessions.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::users::read_role;
use crate::auth::entity::{SeenSession, Session, SessionId};
use crate::clock::Timestamp;
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::http::{ActedBy, Permission, Principal, Role};
use crate::ids::UserId;
use crate::times::TimeStyle;

/// A live session and its owner.
pub(in crate::auth) struct LiveSession {
    pub principal: Principal,
    pub has_second_factor: bool,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
}

pub(in crate::auth) async fn insert_session(tx: &mut Tx, session: &Session) -> Result<()> {
    sqlx::query(
        "INSERT INTO sessions (id, user_id, token_digest, created_at, last_seen_at, expires_at,
             user_agent, address, proved_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $4)",
    )
    .bind(session.id.as_str())
    .bind(session.user.as_str())
    .bind(&session.token_digest)
    .bind(session.created_at.as_micros())
    .bind(session.last_seen_at.as_micros())
    .bind(session.expires_at.as_micros())
    .bind(&session.user_agent)
    .bind(&session.address)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The session behind a token, if it has not ended and its owner is active.
pub(in crate::auth) async fn live_session(
    db: &Db,
    digest: &str,
    at: Timestamp,
) -> Result<Option<LiveSession>> {
    let row = sqlx::query(
        "SELECT s.id, s.created_at, s.last_seen_at, u.id, u.email, u.name, u.role, s.proved_at,
             CASE WHEN f.user_id IS NULL THEN 0 ELSE 1 END, u.time_zone, u.locale, u.email_verified_at
         FROM sessions s JOIN users u ON u.id = s.user_id
             LEFT JOIN second_factors f ON f.user_id = u.id
         WHERE s.token_digest = $1 AND s.expires_at > $2 AND u.is_active = 1",
    )
    .bind(digest)
    .bind(at.as_micros())
    .fetch_optional(db.reader())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let (zone, locale) = (row.try_get::<&str, _>(9)?, row.try_get::<&str, _>(10)?);
    let principal = Principal {
        times: TimeStyle::of_names(zone, locale),
        picture: None,
        id: row.try_get::<String, _>(3)?.into(),
        email: row.try_get(4)?,
        name: row.try_get(5)?,
        role: read_role(&row, 6)?,
        is_verified: row.try_get::<Option<i64>, _>(11)?.is_some(),
        session: row.try_get(0)?,
        proved_at: Timestamp::from_micros(row.try_get(7)?),
        lacks_second_factor: false,
        acted_by: None,
    };
    let principal = match principal.role.has(Permission::ActAsUsers) {
        true => acting(db, principal, at).await?,
        false => principal,
    };
    Ok(Some(LiveSession {
        principal,
        has_second_factor: row.try_get::<i64, _>(8)? == 1,
        created_at: Timestamp::from_micros(row.try_get(1)?),
        last_seen_at: Timestamp::from_micros(row.try_get(2)?),
    }))
}

/// The user as whom one of the staff acts in this session; himself where he acts as nobody.
async fn acting(db: &Db, staff: Principal, at: Timestamp) -> Result<Principal> {
    let row = sqlx::query(
        "SELECT u.id, u.email, u.name, u.email_verified_at
         FROM impersonations i JOIN users u ON u.id = i.user_id AND u.is_active = 1 AND u.role = $3
         WHERE i.session_id = $1 AND i.ended_at IS NULL AND i.ends_by > $2",
    )
    .bind(&staff.session)
    .bind(at.as_micros())
    .bind(Role::User.as_str())
    .fetch_optional(db.reader())
    .await?;
    let Some(row) = row else { return Ok(staff) };
    Ok(Principal {
        id: row.try_get::<String, _>(0)?.into(),
        email: row.try_get(1)?,
        name: row.try_get(2)?,
        role: Role::User,
        is_verified: row.try_get::<Option<i64>, _>(3)?.is_some(),
        acted_by: Some(ActedBy {
            id: staff.id,
            email: staff.email,
        }),
        ..staff
    })
}

/// Notes that a session is in use.
pub(in crate::auth) async fn touch_session(
    tx: &mut Tx,
    session: &str,
    seen_at: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    sqlx::query(
        "UPDATE sessions SET last_seen_at = $1, expires_at = $2 WHERE id = $3 AND last_seen_at < $1",
    )
    .bind(seen_at.as_micros())
    .bind(expires_at.as_micros())
    .bind(session)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Gives a session another identifier and token, because its owner has just proved who he is. Whether it was still there.
pub(in crate::auth) async fn renew_session(
    tx: &mut Tx,
    old: &SessionId,
    (new, digest): (&SessionId, &str),
    at: Timestamp,
) -> Result<bool> {
    let done =
        sqlx::query("UPDATE sessions SET id = $1, token_digest = $2, proved_at = $3 WHERE id = $4")
            .bind(new.as_str())
            .bind(digest)
            .bind(at.as_micros())
            .bind(old.as_str())
            .execute(tx.conn())
            .await?;
    Ok(done.rows_affected() == 1)
}

pub(in crate::auth) async fn delete_session(tx: &mut Tx, session: &SessionId) -> Result<()> {
    sqlx::query("DELETE FROM sessions WHERE id = $1")
        .bind(session.as_str())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Ends all of a user's sessions, the sign-ins that wait for a code, and those that wait in his mailbox.
pub(in crate::auth) async fn delete_sessions_of(tx: &mut Tx, user: &UserId) -> Result<()> {
    for sql in [
        "DELETE FROM sessions WHERE user_id = $1",
        "DELETE FROM sign_in_challenges WHERE user_id = $1",
        "DELETE FROM magic_links WHERE user_id = $1",
    ] {
        sqlx::query(sql)
            .bind(user.as_str())
            .execute(tx.conn())
            .await?;
    }
    Ok(())
}

pub(in crate::auth) async fn delete_session_of(
    tx: &mut Tx,
    user: &UserId,
    session: &SessionId,
) -> Result<()> {
    sqlx::query("DELETE FROM sessions WHERE id = $1 AND user_id = $2")
        .bind(session.as_str())
        .bind(user.as_str())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Deletes all of a user's sessions but one; says how many.
pub(in crate::auth) async fn delete_other_sessions(
    tx: &mut Tx,
    user: &UserId,
    kept: &SessionId,
) -> Result<u64> {
    let done = sqlx::query("DELETE FROM sessions WHERE user_id = $1 AND id <> $2")
        .bind(user.as_str())
        .bind(kept.as_str())
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected())
}

/// The most sessions that a list shows.
const LISTED: i64 = 100;

/// A user's live sessions, the one that was used last first.
pub(in crate::auth) async fn sessions(
    db: &Db,
    user: &UserId,
    at: Timestamp,
) -> Result<Vec<SeenSession>> {
    let rows = sqlx::query(
        "SELECT id, created_at, last_seen_at, user_agent, address FROM sessions
         WHERE user_id = $1 AND expires_at > $2 ORDER BY last_seen_at DESC, id DESC LIMIT $3",
    )
    .bind(user.as_str())
    .bind(at.as_micros())
    .bind(LISTED)
    .fetch_all(db.reader())
    .await?;
    let read = |row: &AnyRow| {
        Ok(SeenSession {
            id: row.try_get::<String, _>(0)?.into(),
            created_at: Timestamp::from_micros(row.try_get(1)?),
            last_seen_at: Timestamp::from_micros(row.try_get(2)?),
            user_agent: row.try_get(3)?,
            address: row.try_get(4)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Deletes up to `limit` sessions that have ended.
pub(in crate::auth) async fn sweep_sessions(tx: &mut Tx, at: Timestamp, limit: i64) -> Result<()> {
    sqlx::query(
        "DELETE FROM sessions WHERE id IN
             (SELECT id FROM sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
    )
    .bind(at.as_micros())
    .bind(limit)
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(in crate::auth) async fn count_sessions(db: &Db, user: &UserId, at: Timestamp) -> Result<i64> {
    let row = sqlx::query("SELECT COUNT(*) FROM sessions WHERE user_id = $1 AND expires_at > $2")
        .bind(user.as_str())
        .bind(at.as_micros())
        .fetch_one(db.reader())
        .await?;
    Ok(row.try_get(0)?)
}

//! How often things may be tried, counted in the database, so that all processes count together. A limit of `n` in a
//! period lets `n` be done at once, then one each time an `n`-th of the period has passed (the generic cell rate
//! algorithm: one row and one instant for each thing that is counted).

use std::net::IpAddr;
use std::time::Duration;

use sqlx::Row as _;

use super::Settings;
use crate::app::Core;
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::in_transaction;

/// So many in such a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limit {
    pub count: u32,
    pub period: Duration,
}

impl Limit {
    pub const fn per_minute(count: u32) -> Self {
        let period = Duration::from_secs(60);
        Self { count, period }
    }

    fn interval(self) -> i64 {
        self.micros() / i64::from(self.count.max(1))
    }

    fn micros(self) -> i64 {
        i64::try_from(self.period.as_micros()).unwrap_or(i64::MAX)
    }
}

/// A limit and what it counts.
#[derive(Debug)]
pub(super) struct Counted {
    name: String,
    limit: Limit,
}

/// The time within which an account takes so many wrong passwords.
const ACCOUNT_PERIOD: Duration = Duration::from_secs(5 * 60);

/// A network address as it is counted: of IPv6 the first 64 bits, which one household has. None in tests, where
/// requests come from nowhere.
fn network(address: &str) -> Option<String> {
    match address.parse().ok()? {
        IpAddr::V4(address) => Some(address.to_string()),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Some(format!("{a:x}:{b:x}:{c:x}:{d:x}"))
        }
    }
}

/// A wider part of the network, which a stranger does not leave as easily as he takes another address.
fn region(address: &str) -> Option<String> {
    match address.parse().ok()? {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            Some(format!("{a}.{b}.{c}"))
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            Some(format!("{a:x}:{b:x}:{c:x}"))
        }
    }
}

fn from_network(what: &str, address: &str, limit: Limit) -> Option<Counted> {
    let name = format!("{what} from {}", network(address)?);
    Some(Counted { name, limit })
}

/// What a sign-in counts against whether it succeeds or not.
pub(super) fn sign_in(settings: &Settings, address: &str) -> Vec<Counted> {
    let limit = Limit::per_minute(settings.sign_ins_per_minute);
    from_network("sign-in", address, limit)
        .into_iter()
        .collect()
}

/// Questions that pages fetch by themselves, before anybody signs in.
pub(super) fn question(settings: &Settings, address: &str) -> Vec<Counted> {
    let limit = Limit::per_minute(settings.sign_ins_per_minute.saturating_mul(4));
    from_network("question", address, limit)
        .into_iter()
        .collect()
}

/// What every wrong password and every wrong code counts against, for whatever account.
pub(super) fn failed(settings: &Settings, address: &str) -> Option<Counted> {
    let limit = Limit::per_minute(settings.failed_sign_ins_per_minute);
    from_network("failed", address, limit)
}

/// What a sign-in counts against unless it succeeds. The account's own count is kept for each network address, so
/// that a stranger slows himself down and never the owner.
pub(super) fn failed_sign_in(settings: &Settings, address: &str, email_key: &str) -> Vec<Counted> {
    let account = Counted {
        name: format!(
            "failed {email_key} from {}",
            network(address).unwrap_or_default()
        ),
        limit: Limit {
            count: settings.failed_sign_ins_per_account,
            period: ACCOUNT_PERIOD,
        },
    };
    let network = failed(settings, address);
    network.into_iter().chain([account]).collect()
}

pub(super) fn sign_up(settings: &Settings, address: &str) -> Vec<Counted> {
    let limit = Limit::per_minute(settings.sign_ups_per_minute);
    from_network("sign-up", address, limit)
        .into_iter()
        .collect()
}

/// Mails that somebody who has not signed in asks for, to whatever address: as many as accounts that he may make.
pub(super) fn mail_from(settings: &Settings, address: &str) -> Vec<Counted> {
    let limit = Limit::per_minute(settings.sign_ups_per_minute);
    from_network("mail", address, limit).into_iter().collect()
}

/// Messages that visitors leave for the staff: as many as accounts that they may make.
pub(super) fn message(settings: &Settings, address: &str) -> Vec<Counted> {
    let limit = Limit::per_minute(settings.sign_ups_per_minute);
    from_network("message", address, limit)
        .into_iter()
        .collect()
}

/// Mails that somebody who has signed in asks for, to whatever address.
pub(super) fn mail_by(settings: &Settings, user: &UserId) -> Vec<Counted> {
    vec![Counted {
        name: format!("mail by {user}"),
        limit: Limit::per_minute(settings.mails_per_minute),
    }]
}

/// Counts one more mail to an address, whether it has an account or not, that is asked for from a network address.
/// Everybody shares the count, and strangers may use it up; so that they keep nobody from his mails, each region of the
/// network may then still have one a minute.
///
/// # Errors
/// As [`count`].
pub(super) async fn count_mail(
    core: &Core,
    settings: &Settings,
    (email_key, address): (&str, &str),
) -> Result<()> {
    let limit = Limit::per_minute(settings.mails_per_minute);
    let shared = Counted {
        name: format!("mail {email_key}"),
        limit,
    };
    let own = from_network(&shared.name, address, limit);
    let spared = region(address).map(|region| Counted {
        name: format!("mail {email_key} spared for {region}"),
        limit: Limit::per_minute(1),
    });
    in_transaction!(core.db(), tx => {
        count_in(core, tx, own.as_slice()).await?;
        let Some(wait) = count_one(tx, &shared, core.now()).await? else {
            return Ok(());
        };
        match &spared {
            None => Err(Error::too_many_requests(wait)),
            Some(spared) => match count_one(tx, spared, core.now()).await? {
                None => Ok(()),
                Some(other) => Err(Error::too_many_requests(wait.min(other))),
            },
        }
    })
}

/// Wrong codes of a second factor for one account, from anywhere: whoever tries knows its password.
pub(super) fn code(settings: &Settings, user: &UserId) -> Vec<Counted> {
    vec![Counted {
        name: format!("code {user}"),
        limit: wrong_codes(settings),
    }]
}

fn wrong_codes(settings: &Settings) -> Limit {
    Limit {
        count: settings.wrong_codes_per_account,
        period: Duration::from_secs(15 * 60),
    }
}

/// Wrong codes that were mailed to one address, in whatever browser. The link of the same mail is not limited, so that
/// nobody can be kept out.
pub(super) fn mailed_code(settings: &Settings, email_key: &str) -> Vec<Counted> {
    vec![Counted {
        name: format!("mailed code {email_key}"),
        limit: wrong_codes(settings),
    }]
}

/// Archives of one's data: each is much work.
pub(super) fn export(settings: &Settings, user: &UserId) -> Vec<Counted> {
    vec![Counted {
        name: format!("export {user}"),
        limit: Limit {
            count: settings.exports_per_hour,
            period: Duration::from_secs(60 * 60),
        },
    }]
}

/// Counts one more of each.
///
/// # Errors
/// 429 with the time to wait when one of them has been done too often; then none is counted.
pub(super) async fn count(core: &Core, counted: &[Counted]) -> Result<()> {
    if counted.is_empty() {
        return Ok(());
    }
    in_transaction!(core.db(), tx => count_in(core, tx, counted).await)
}

/// As [`count`], in the transaction of what is counted.
///
/// # Errors
/// As [`count`].
pub(super) async fn count_in(core: &Core, tx: &mut Tx, counted: &[Counted]) -> Result<()> {
    for one in counted {
        if let Some(wait) = count_one(tx, one, core.now()).await? {
            return Err(Error::too_many_requests(wait));
        }
    }
    Ok(())
}

/// Counts one more, or says how long to wait for that.
async fn count_one(tx: &mut Tx, counted: &Counted, now: Timestamp) -> Result<Option<Duration>> {
    let (interval, period) = (counted.limit.interval(), counted.limit.micros());
    let row = sqlx::query(
        "INSERT INTO auth_limits (name, free_at) VALUES ($1, $3)
         ON CONFLICT (name) DO UPDATE SET free_at =
             CASE WHEN auth_limits.free_at > $2 THEN auth_limits.free_at + $4 ELSE $3 END
         WHERE auth_limits.free_at + $4 <= $5 OR auth_limits.free_at <= $2
         RETURNING free_at",
    )
    .bind(&counted.name)
    .bind(now.as_micros())
    .bind(now.as_micros() + interval)
    .bind(interval)
    .bind(now.as_micros().saturating_add(period))
    .fetch_optional(tx.conn())
    .await?;
    if row.is_some() {
        return Ok(None);
    }
    let row = sqlx::query("SELECT free_at FROM auth_limits WHERE name = $1")
        .bind(&counted.name)
        .fetch_one(tx.conn())
        .await?;
    let allowed_at = row.try_get::<i64, _>(0)? + interval - period;
    let wait = Timestamp::from_micros(allowed_at).since(now);
    // Whole seconds, and never too few.
    let wait = Duration::from_secs(wait.as_micros().div_ceil(1_000_000) as u64);
    Ok(Some(wait))
}

/// Takes back what was counted for a sign-in that succeeded: an account's count is cleared, an address's is one less.
pub(super) async fn forgive(tx: &mut Tx, counted: &[Counted]) -> Result<()> {
    for one in counted {
        let given_back = match one.limit.period == ACCOUNT_PERIOD {
            true => one.limit.micros(),
            false => one.limit.interval(),
        };
        sqlx::query("UPDATE auth_limits SET free_at = free_at - $1 WHERE name = $2")
            .bind(given_back)
            .bind(&one.name)
            .execute(tx.conn())
            .await?;
    }
    Ok(())
}

/// Forgets counts that limit nothing any more.
pub(super) async fn sweep(core: &Core) -> Result<()> {
    in_transaction!(core.db(), tx => {
        sqlx::query("DELETE FROM auth_limits WHERE free_at <= $1")
            .bind(core.now().as_micros())
            .execute(tx.conn())
            .await?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_wider_than_a_household() {
        assert_eq!(region("192.0.2.7"), region("192.0.2.9"));
        assert_ne!(region("192.0.2.7"), region("192.0.3.7"));
        assert_eq!(region("2001:db8:1:2::9"), region("2001:db8:1:3::9"));
        assert_ne!(region("2001:db8:1:2::9"), region("2001:db8:2:2::9"));
        assert_eq!(region(""), None);
    }

    #[test]
    fn a_household_counts_as_one() {
        assert_eq!(network("192.0.2.7").as_deref(), Some("192.0.2.7"));
        assert_eq!(network("2001:db8:1:2:3::4"), network("2001:db8:1:2::9"));
        assert_ne!(network("2001:db8:1:2::9"), network("2001:db8:1:3::9"));
        assert_eq!(network(""), None);
    }
}

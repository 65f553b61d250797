//! How often somebody may do something, counted in the database, so that all replicas share it. A process takes
//! several at once where a limit is large, so that most requests cost no query; it never takes more than there are.

mod store;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::app::Core;
use crate::clock::Timestamp;
use crate::db::Migration;
use crate::error::{Error, Result};
use crate::in_transaction;

/// So many in so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// What is counted: `api`, `sign_in`.
    pub name: &'static str,
    pub count: u32,
    pub window: Duration,
}

/// Where somebody stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Whether this one was within the limit.
    pub is_within: bool,
    /// How many more may follow before the window ends. Other processes may have taken some of them.
    pub remaining: u32,
    pub resets_in: Duration,
}

impl Standing {
    /// # Errors
    /// 429 when this one was too many.
    pub fn require(self) -> Result<()> {
        if self.is_within {
            return Ok(());
        }
        Err(Error::too_many_requests(self.resets_in))
    }
}

/// What this process has taken and not yet given away.
#[derive(Default)]
pub struct Limits(Mutex<HashMap<(&'static str, String), Slot>>);

/// The share of one subject. Whoever holds it is the only one in this process who asks the database for more.
type Slot = Arc<tokio::sync::Mutex<Option<Share>>>;

/// A part of one window, of this process alone.
#[derive(Debug, Clone, Copy)]
struct Share {
    left: u32,
    /// What is left for everybody, as of the last look.
    common: u32,
    ends_at: Timestamp,
    /// Until when nobody looks whether there is more.
    exhausted_until: Timestamp,
}

/// A process takes this part of what is left.
const PART: u32 = 16;
/// How long a process believes that nothing is left, so that a flood of requests is no flood of queries.
const BELIEF: Duration = Duration::from_secs(1);
/// From how many shares on those that nobody uses are cleared away.
const MANY: usize = 10_000;

pub(crate) fn migrations() -> Vec<Migration> {
    vec![Migration::by_dialect(
        "0001_limits",
        include_str!("migrations/0001_limits.sqlite.sql"),
        include_str!("migrations/0001_limits.postgres.sql"),
    )]
}

impl Limits {
    /// Counts one more of `limit` for `subject`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn take(&self, core: &Core, limit: &Limit, subject: &str) -> Result<Standing> {
        let now = core.now();
        let slot = self.slot((limit.name, subject.to_owned()), now);
        let mut slot = slot.lock().await;
        let wanted = match slot.as_mut().filter(|share| share.ends_at > now) {
            Some(share) => match share.take_one(now) {
                Ok(standing) => return Ok(standing),
                Err(wanted) => wanted,
            },
            None => (limit.count / PART).max(1),
        };
        let taken = in_transaction!(core.db(), tx => {
            store::take(tx, (limit.name, subject), (wanted, limit.window), now).await
        })?;
        let share = slot.insert(Share::new(limit, wanted, taken, now));
        Ok(share
            .take_one(now)
            .unwrap_or_else(|_| share.standing(false, now)))
    }

    /// Forgets what was counted for `subject`, as after a success.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn clear(&self, core: &Core, limit: &Limit, subject: &str) -> Result<()> {
        let slot = self.slot((limit.name, subject.to_owned()), core.now());
        let mut slot = slot.lock().await;
        in_transaction!(core.db(), tx => store::clear(tx, limit.name, subject).await)?;
        *slot = None;
        Ok(())
    }

    fn slot(&self, key: (&'static str, String), now: Timestamp) -> Slot {
        // Nobody panics while he holds it, and a count that is off by one would not matter.
        let mut slots = self.0.lock().unwrap_or_else(|poison| poison.into_inner());
        if slots.len() >= MANY {
            let is_over = |share: &Option<Share>| share.is_none_or(|share| share.ends_at <= now);
            slots.retain(|_, slot| slot.try_lock().map_or(true, |share| !is_over(&share)));
        }
        slots.entry(key).or_default().clone()
    }
}

impl Share {
    fn new(limit: &Limit, wanted: u32, taken: store::Taken, now: Timestamp) -> Self {
        let used = u32::try_from(taken.used).unwrap_or(u32::MAX);
        let before = used.saturating_sub(wanted);
        let left = limit.count.saturating_sub(before).min(wanted);
        let exhausted_until = if left == 0 { now.plus(BELIEF) } else { now };
        Self {
            left,
            common: limit.count.saturating_sub(used),
            ends_at: taken.ends_at,
            exhausted_until,
        }
    }

    /// Where whoever took one stands; or how many to take from the database.
    fn take_one(&mut self, now: Timestamp) -> std::result::Result<Standing, u32> {
        if self.left == 0 && self.exhausted_until > now {
            return Ok(self.standing(false, now));
        }
        if self.left == 0 {
            return Err((self.common / PART).max(1));
        }
        self.left -= 1;
        Ok(self.standing(true, now))
    }

    fn standing(&self, is_within: bool, now: Timestamp) -> Standing {
        Standing {
            is_within,
            remaining: self.left + self.common,
            resets_in: self.ends_at.since(now),
        }
    }
}

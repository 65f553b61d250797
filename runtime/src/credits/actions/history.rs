//! Reading the journal: page by page, filtered, and summed up by day.

use std::time::Duration;

use serde::Serialize;

use super::super::entity::{Entry, EntryKind, Owner};
use super::super::store::{self, Wanted};
use crate::app::Core;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::listing::{cut, one_more};

/// A page of the journal, the newest entry first.
#[derive(Debug, Clone)]
pub struct HistoryPage {
    pub entries: Vec<Entry>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

/// Where a page of the journal begins: below this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Cursor(i64);

impl Cursor {
    /// The newest entry.
    pub const START: Self = Self(i64::MAX);

    /// The cursor that a link carries; `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().filter(|seq| *seq > 0).map(Self)
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Which entries are wanted. Each of these narrows it down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HistoryFilter {
    pub kind: Option<EntryKind>,
    pub from: Option<Timestamp>,
    /// Not included.
    pub until: Option<Timestamp>,
}

/// A page of the owner's journal.
pub async fn history(
    core: &Core,
    owner: &Owner,
    from: Cursor,
    limit: usize,
) -> Result<HistoryPage> {
    search(core, owner, HistoryFilter::default(), (from, limit)).await
}

/// A page of what `filter` lets through of the owner's journal.
pub async fn search(
    core: &Core,
    owner: &Owner,
    filter: HistoryFilter,
    (from, limit): (Cursor, usize),
) -> Result<HistoryPage> {
    let wanted = Wanted {
        kind: filter.kind,
        from: filter.from,
        until: filter.until,
        before: from.0,
        limit: one_more(limit),
    };
    let mut entries = store::entries(core.db(), owner, &wanted).await?;
    let next = cut(&mut entries, limit).map(|last| Cursor(last.seq));
    Ok(HistoryPage { entries, next })
}

/// What was used on one day (in UTC), less what was given back on it, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayOfUse {
    /// The day's first instant.
    pub day: Timestamp,
    pub used: i64,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The last `days` days, today included, the oldest first.
pub async fn use_by_day(core: &Core, owner: &Owner, days: u32) -> Result<Vec<DayOfUse>> {
    let step = 24 * 60 * 60 * 1_000_000;
    let now = core.now().as_micros();
    let today = Timestamp::from_micros(now - now.rem_euclid(step));
    let first = today.minus(DAY * days.saturating_sub(1));
    let sums = store::used_at(core.db(), owner, first, (i64::from(days), step)).await?;
    let sum = |at: usize| sums.get(at).copied().unwrap_or_default();
    Ok((0..days)
        .map(|number| DayOfUse {
            day: first.plus(DAY * number),
            used: sum(number as usize + 1) - sum(number as usize),
        })
        .collect())
}

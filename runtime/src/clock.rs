//! Time as the application sees it: a value in microseconds and a clock that tests can move.
//! Nothing else in the runtime reads the system's clock.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::times::TimeStyle;

/// An instant: microseconds since 1970-01-01T00:00:00Z. Stored as `BIGINT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The instant `duration` later; saturates at the end of time.
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }

    /// The instant `duration` earlier; saturates at the beginning of time.
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }

    /// How long ago `earlier` was; zero when it lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    fn date_time(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// The first instant of a day in UTC as a form's field writes it: `2026-11-21`.
    pub fn of_day(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '-');
        let year = parts
            .next()?
            .parse()
            .ok()
            .filter(|year| (1970..=9999).contains(year))?;
        let month: u8 = parts.next()?.parse().ok()?;
        let date = parts.next()?.parse().ok()?;
        let month = time::Month::try_from(month).ok()?;
        let date = time::Date::from_calendar_date(year, month, date).ok()?;
        let seconds = date.midnight().assume_utc().unix_timestamp();
        Some(Self::from_micros(seconds * 1_000_000))
    }

    /// An instant as [`Timestamp::rfc3339`] writes it, in any time zone.
    pub fn of_rfc3339(text: &str) -> Option<Self> {
        let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        i64::try_from(at.unix_timestamp_nanos() / 1000)
            .ok()
            .map(Self)
    }

    /// RFC 3339 in UTC, as the API and `<time datetime>` show it.
    pub fn rfc3339(self) -> String {
        let whole = Self(self.0 - self.0.rem_euclid(1_000_000));
        whole.date_time().format(&Rfc3339).unwrap_or_default()
    }

    /// For people of whom nothing is known: `21 Nov 2026, 09:05 UTC`.
    pub fn human(self) -> String {
        TimeStyle::default().writer().human(self)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Where the time comes from.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The system's clock.
    #[default]
    System,
    /// A clock that stands still until it is moved. Clones share one time.
    Mock(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `start`.
    pub fn mock(start: Timestamp) -> Self {
        Self::Mock(Arc::new(AtomicI64::new(start.0)))
    }

    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => {
                let nanos = OffsetDateTime::now_utc().unix_timestamp_nanos();
                Timestamp(i64::try_from(nanos / 1000).unwrap_or(i64::MAX))
            }
            Self::Mock(at) => Timestamp(at.load(Ordering::SeqCst)),
        }
    }

    /// Moves a mock clock forward. The system's clock cannot be moved: nothing happens.
    pub fn advance(&self, by: Duration) {
        match self {
            Self::System => {}
            Self::Mock(at) => {
                at.fetch_add(micros(by), Ordering::SeqCst);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_an_instant_for_people_and_for_programs() {
        let at = Timestamp::from_micros(1_795_251_905_123_456);
        assert_eq!(at.rfc3339(), "2026-11-21T09:05:05Z");
        assert_eq!(at.human(), "21 Nov 2026, 09:05 UTC");
    }

    #[test]
    fn instants_are_read_as_programs_write_them() {
        let at = Some(Timestamp::from_micros(1_795_251_905_250_000));
        for text in ["2026-11-21T09:05:05.25Z", "2026-11-21T10:05:05.25+01:00"] {
            assert_eq!(Timestamp::of_rfc3339(text), at, "{text}");
        }
        for odd in [
            "",
            "2026-11-21",
            "2026-11-21T09:05:05",
            "2026-02-30T09:05:05Z",
            "\0",
        ] {
            assert_eq!(Timestamp::of_rfc3339(odd), None, "{odd}");
        }
    }

    #[test]
    fn days_are_read_as_forms_write_them() {
        assert_eq!(
            Timestamp::of_day("1970-01-02"),
            Some(Timestamp::from_micros(86_400_000_000))
        );
        for odd in [
            "",
            "2026",
            "2026-13-01",
            "2026-02-30",
            "x-y-z",
            "1969-01-01",
            "2026-1-1-1",
        ] {
            assert_eq!(Timestamp::of_day(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn a_mock_clock_moves_only_when_told() {
        let clock = Clock::mock(Timestamp::from_micros(0));
        let shared = clock.clone();
        assert_eq!(clock.now(), clock.now());
        shared.advance(Duration::from_secs(2));
        assert_eq!(clock.now().as_micros(), 2_000_000);
    }

    #[test]
    fn differences_never_go_below_zero() {
        let early = Timestamp::from_micros(5);
        assert_eq!(
            early.since(early.plus(Duration::from_secs(1))),
            Duration::ZERO
        );
    }
}

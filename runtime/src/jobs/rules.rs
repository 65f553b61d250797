//! When work is tried again, and when the clock strikes. Pure.

use std::time::Duration;

use axum::http::StatusCode;

use crate::clock::Timestamp;
use crate::error::Error;

/// The pause after the first failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(4 * 60 * 60);

/// How long to wait after failure number `attempt` (from 1). `chance` (0 to 1) spreads the pause by a quarter to
/// either side, so that what failed together does not come back together.
pub(super) fn pause(attempt: u32, chance: f64) -> Duration {
    let doubled = 2u32.saturating_pow(attempt.saturating_sub(1));
    let pause = FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE);
    pause.mul_f64(0.75 + chance.clamp(0.0, 1.0) / 2.0)
}

/// The first stroke after `now` of a clock that strikes every `period`, counted from 1970 in UTC.
pub(super) fn next_stroke(now: Timestamp, period: Duration) -> Timestamp {
    let period = i64::try_from(period.as_micros()).unwrap_or(i64::MAX).max(1);
    let last = now.as_micros() - now.as_micros().rem_euclid(period);
    Timestamp::from_micros(last.saturating_add(period))
}

const GIVEN_UP: &str = "job_given_up";

/// What a handler answers when trying again cannot help: the job is a dead letter at once.
pub fn give_up(cause: impl Into<anyhow::Error>) -> Error {
    let text = format!("{:#}", cause.into());
    Error::new(StatusCode::INTERNAL_SERVER_ERROR, GIVEN_UP, text)
}

pub(super) fn is_given_up(error: &Error) -> bool {
    error.code() == GIVEN_UP
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit() {
        let seconds = |attempt| pause(attempt, 0.5).as_secs();
        assert_eq!([1, 2, 3, 4].map(seconds), [10, 20, 40, 80]);
        assert_eq!([12, 13, 100].map(seconds), [14_400, 14_400, 14_400]);
    }

    #[test]
    fn pauses_are_spread() {
        assert_eq!(pause(1, 0.0), Duration::from_millis(7500));
        assert_eq!(pause(1, 1.0), Duration::from_millis(12_500));
    }

    #[test]
    fn the_default_number_of_attempts_takes_most_of_a_day() {
        let total: Duration = (1..15).map(|attempt| pause(attempt, 0.5)).sum();
        let hours = total.as_secs() / 3600;
        assert!((12..24).contains(&hours), "{hours}");
    }

    #[test]
    fn the_clock_strikes_at_whole_periods() {
        let at = |secs: i64| Timestamp::from_micros(secs * 1_000_000);
        let minute = Duration::from_secs(60);
        assert_eq!(next_stroke(at(0), minute), at(60));
        assert_eq!(next_stroke(at(59), minute), at(60));
        assert_eq!(next_stroke(at(60), minute), at(120));
    }
}

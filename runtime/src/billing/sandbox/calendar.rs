//! Periods as the provider counts them: from an anchor on by whole months, the last day of a month where it is shorter.

use time::{Date, Month, OffsetDateTime};

/// The instant `months` after `anchor`, both in seconds since 1970.
pub fn months_after(anchor: i64, months: i64) -> i64 {
    let Ok(start) = OffsetDateTime::from_unix_timestamp(anchor) else {
        return anchor;
    };
    let count = i64::from(start.year()) * 12 + i64::from(u8::from(start.month())) - 1 + months;
    let (year, month) = (count.div_euclid(12), count.rem_euclid(12) + 1);
    let year = i32::try_from(year).unwrap_or(i32::MAX);
    let month = u8::try_from(month)
        .ok()
        .and_then(|month| Month::try_from(month).ok());
    let month = month.unwrap_or(Month::January);
    let day = start.day().min(month.length(year));
    match Date::from_calendar_date(year, month, day) {
        Ok(date) => start.replace_date(date).unix_timestamp(),
        Err(_) => anchor,
    }
}

/// The first end of a period after `now`, for periods of `months` from `anchor` on.
pub fn next_end(anchor: i64, months: i64, now: i64) -> i64 {
    let mut number = 1;
    loop {
        let end = months_after(anchor, months * number);
        if end > now || end <= anchor {
            return end;
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JAN_31: i64 = 1_769_817_600; // 2026-01-31T00:00:00Z
    const DAY: i64 = 24 * 60 * 60;

    #[test]
    fn short_months_end_on_their_last_day_and_do_not_shift_later_ones() {
        assert_eq!(months_after(JAN_31, 1), JAN_31 + 28 * DAY);
        assert_eq!(months_after(JAN_31, 2), JAN_31 + 59 * DAY);
        assert_eq!(months_after(JAN_31, 12), JAN_31 + 365 * DAY);
        let february = months_after(JAN_31, 1);
        assert_eq!(next_end(JAN_31, 1, february), JAN_31 + 59 * DAY);
    }
}

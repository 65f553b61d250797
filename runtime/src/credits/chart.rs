//! Use by day as bars: the numbers that the page's drawing and its table are made of.

use serde::Serialize;

use super::actions::DayOfUse;
use super::amount::Net;

/// In units of the drawing.
const HEIGHT: i64 = 100;
const STEP: i64 = 20;

/// The last days.
#[derive(Debug, Default, Serialize)]
pub(super) struct UseChart {
    pub bars: Vec<Bar>,
    pub width: i64,
    pub height: i64,
    pub total: Net,
    /// Whether anything was used at all.
    pub is_empty: bool,
}

/// One day.
#[derive(Debug, Serialize)]
pub(super) struct Bar {
    /// `21 Nov 2026`.
    pub day: String,
    /// Below zero where more was given back than used.
    pub used: Net,
    pub x: i64,
    pub y: i64,
    pub height: i64,
}

impl UseChart {
    pub fn of(days: &[DayOfUse]) -> Self {
        let most = days.iter().map(|day| day.used).max().unwrap_or(0).max(1);
        let bar = |(day, x): (&DayOfUse, i64)| {
            // A day with any use at all can be seen.
            let share = i128::from(day.used.max(0)) * i128::from(HEIGHT) / i128::from(most);
            let height = i64::try_from(share).unwrap_or(HEIGHT);
            let height = height.max(i64::from(day.used > 0));
            let human = day.day.human();
            Bar {
                day: human.split(',').next().unwrap_or_default().to_owned(),
                used: Net::from_column(day.used),
                x: x * STEP,
                y: HEIGHT - height,
                height,
            }
        };
        Self {
            bars: days.iter().zip(0..).map(bar).collect(),
            width: STEP * i64::try_from(days.len()).unwrap_or_default(),
            height: HEIGHT,
            total: Net::from_column(days.iter().map(|day| day.used).sum()),
            is_empty: days.iter().all(|day| day.used == 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn the_most_used_day_is_as_high_as_the_drawing_and_the_least_can_be_seen() {
        let day = |used| DayOfUse {
            day: Timestamp::from_micros(0),
            used,
        };
        let chart = UseChart::of(&[day(0), day(1), day(500_000), day(1_000_000), day(-7)]);
        let heights: Vec<_> = chart.bars.iter().map(|bar| bar.height).collect();
        assert_eq!(heights, [0, 1, 50, 100, 0]);
        assert!(chart.bars.iter().all(|bar| bar.y + bar.height == HEIGHT));
        assert_eq!(chart.total.as_milli(), 1_499_994);
        assert!(!chart.is_empty);
        assert!(UseChart::of(&[day(0)]).is_empty);
    }
}

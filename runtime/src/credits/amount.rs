//! Amounts of credits: whole thousandths of a credit, never floating point.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::error::{Error, Result};

/// Thousandths in one credit.
const SCALE: u64 = 1000;
/// Decimal places of a thousandth.
const PLACES: usize = 3;

/// An amount of credits: zero or more, exact to a thousandth. Reads and writes as `100` or `0.5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Credits(i64);

impl Credits {
    pub const ZERO: Self = Self(0);
    /// The most that an amount or a balance may be: 10^12 credits. Thousands of them still fit an `i64`.
    pub const MAX: Self = Self(1_000_000_000_000_000);

    /// `milli` thousandths of a credit.
    ///
    /// # Panics
    /// Above [`Credits::MAX`]; in a constant, that is when the program is compiled.
    pub const fn from_milli(milli: u64) -> Self {
        assert!(
            milli <= Self::MAX.0.unsigned_abs(),
            "more credits than there can be"
        );
        Self(milli.cast_signed())
    }

    /// `credits` whole credits.
    pub const fn whole(credits: u32) -> Self {
        Self(credits as i64 * SCALE.cast_signed())
    }

    pub const fn as_milli(self) -> i64 {
        self.0
    }

    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, unless it is more than [`Credits::MAX`].
    pub fn checked_add(self, other: Self) -> Option<Self> {
        Some(Self(self.0 + other.0)).filter(|sum| *sum <= Self::MAX)
    }

    /// The difference, unless `other` is more than `self`.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        (other <= self).then(|| Self(self.0 - other.0))
    }

    /// What is left of `self` after `other`; nothing when `other` is more.
    pub fn less(self, other: Self) -> Self {
        self.checked_sub(other).unwrap_or(Self::ZERO)
    }

    /// For sentences: `1 credit`, `100 credits`, `0.5 credits`.
    pub fn in_words(self) -> String {
        let unit = if self == Self::whole(1) {
            "credit"
        } else {
            "credits"
        };
        format!("{self} {unit}")
    }

    /// An amount as a column holds it.
    pub(super) fn from_column(milli: i64) -> Result<Self> {
        if (0..=Self::MAX.0).contains(&milli) {
            return Ok(Self(milli));
        }
        let broken = anyhow::anyhow!("{milli} in a column is no amount of credits");
        Err(Error::internal(broken))
    }
}

/// A sum that may lie below zero: what an account comes to, its debt taken off. Writes as `100` or `-0.5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Net(i64);

impl Net {
    /// `credits` less `debt`.
    pub fn of(credits: Credits, debt: Credits) -> Self {
        Self(credits.0 - debt.0)
    }

    /// Thousandths.
    pub const fn as_milli(self) -> i64 {
        self.0
    }

    /// The credits of it; none when it lies below zero.
    pub fn at_least_zero(self) -> Credits {
        Credits(self.0.max(0))
    }

    /// What it was before `change`.
    pub(super) fn less(self, change: Change) -> Self {
        Self(self.0 - change.as_milli())
    }

    pub(super) const fn from_column(milli: i64) -> Self {
        Self(milli)
    }
}

impl PartialEq<Credits> for Net {
    fn eq(&self, other: &Credits) -> bool {
        self.0 == other.0
    }
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        f.write_str(sign)?;
        write_milli(f, self.0.unsigned_abs())
    }
}

impl Serialize for Net {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// `milli` thousandths as a decimal without idle zeros.
fn write_milli(f: &mut fmt::Formatter<'_>, milli: u64) -> fmt::Result {
    let (whole, rest) = (milli / SCALE, milli % SCALE);
    if rest == 0 {
        return write!(f, "{whole}");
    }
    let places = format!("{rest:03}");
    write!(f, "{whole}.{}", places.trim_end_matches('0'))
}

impl fmt::Display for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_milli(f, self.0.unsigned_abs())
    }
}

impl Serialize for Credits {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Why a text is no amount. Its sentence stands beside the field that was filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AmountError {
    NotANumber,
    Negative,
    TooFine,
    TooLarge,
}

impl fmt::Display for AmountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotANumber => "Enter a number, such as 50 or 0.5.",
            Self::Negative => "Enter an amount that is not below zero.",
            Self::TooFine => "Enter at most three decimal places.",
            Self::TooLarge => "That is more than an account can hold.",
        })
    }
}

impl std::error::Error for AmountError {}

impl FromStr for Credits {
    type Err = AmountError;

    fn from_str(text: &str) -> std::result::Result<Self, AmountError> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix('-') {
            return Err(rest.parse::<Self>().err().unwrap_or(AmountError::Negative));
        }
        let (whole, places) = text.split_once('.').unwrap_or((text, "0"));
        let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !is_digits(whole) || !is_digits(places) {
            return Err(AmountError::NotANumber);
        }
        if places.len() > PLACES {
            return Err(AmountError::TooFine);
        }
        let whole: u64 = whole.parse().map_err(|_| AmountError::TooLarge)?;
        let places: u64 = format!("{places:0<PLACES$}")
            .parse()
            .map_err(|_| AmountError::NotANumber)?;
        let milli = whole
            .checked_mul(SCALE)
            .and_then(|milli| milli.checked_add(places));
        let milli = milli.and_then(|milli| i64::try_from(milli).ok());
        milli
            .map(Self)
            .filter(|amount| *amount <= Self::MAX)
            .ok_or(AmountError::TooLarge)
    }
}

/// A change of a balance: so much more, or so much less. Reads as `50`, `+50` or `-0.5`, writes with its sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Up(Credits),
    Down(Credits),
}

impl Change {
    /// Thousandths, below zero for less.
    pub fn as_milli(self) -> i64 {
        match self {
            Self::Up(amount) => amount.as_milli(),
            Self::Down(amount) => -amount.as_milli(),
        }
    }

    /// The amount without its direction.
    pub fn amount(self) -> Credits {
        match self {
            Self::Up(amount) | Self::Down(amount) => amount,
        }
    }

    /// A change as a column holds it.
    pub(super) fn from_column(milli: i64) -> Result<Self> {
        let amount = Credits::from_column(milli.saturating_abs())?;
        Ok(if milli < 0 {
            Self::Down(amount)
        } else {
            Self::Up(amount)
        })
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up(amount) => write!(f, "+{amount}"),
            Self::Down(amount) => write!(f, "-{amount}"),
        }
    }
}

impl Serialize for Change {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for Change {
    type Err = AmountError;

    fn from_str(text: &str) -> std::result::Result<Self, AmountError> {
        let text = text.trim();
        // People and word processors write the sign U+2212 for minus.
        if let Some(amount) = text.strip_prefix(['-', '\u{2212}']) {
            return amount.parse().map(Self::Down);
        }
        text.strip_prefix('+').unwrap_or(text).parse().map(Self::Up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_as_they_are_written() {
        for (text, milli, written) in [
            ("0", 0, "0"),
            ("1", 1000, "1"),
            (" 100 ", 100_000, "100"),
            ("0.5", 500, "0.5"),
            ("0.050", 50, "0.05"),
            ("12.345", 12_345, "12.345"),
            ("007", 7000, "7"),
            ("1000000000000", 1_000_000_000_000_000, "1000000000000"),
        ] {
            let amount: Credits = text.parse().unwrap();
            assert_eq!(amount.as_milli(), milli, "{text:?}");
            assert_eq!(amount.to_string(), written, "{text:?}");
            assert_eq!(
                serde_json::to_value(amount).unwrap(),
                serde_json::json!(written)
            );
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        use AmountError::{Negative, NotANumber, TooFine, TooLarge};
        for (text, why) in [
            ("", NotANumber),
            ("ten", NotANumber),
            ("1e3", NotANumber),
            ("1,5", NotANumber),
            (".5", NotANumber),
            ("5.", NotANumber),
            ("+5", NotANumber),
            ("1.2.3", NotANumber),
            ("٣", NotANumber),
            ("-", NotANumber),
            ("-1", Negative),
            ("-0", Negative),
            ("0.0001", TooFine),
            ("1000000000000.001", TooLarge),
            ("1000000000000000000", TooLarge),
            ("99999999999999999999999999", TooLarge),
        ] {
            assert_eq!(text.parse::<Credits>(), Err(why), "{text:?}");
        }
    }

    #[test]
    fn sums_and_differences_stay_within_bounds() {
        let one = Credits::whole(1);
        assert_eq!(Credits::MAX.checked_add(one), None);
        assert_eq!(one.checked_sub(Credits::whole(2)), None);
        assert_eq!(one.less(Credits::whole(2)), Credits::ZERO);
        assert_eq!(one.checked_add(one), Some(Credits::from_milli(2000)));
        assert!(Credits::from_column(-1).is_err());
        assert!(Credits::from_column(i64::MAX).is_err());
    }

    #[test]
    fn sentences_count_in_the_right_number() {
        assert_eq!(Credits::whole(1).in_words(), "1 credit");
        assert_eq!(Credits::whole(100).in_words(), "100 credits");
        assert_eq!(Credits::from_milli(500).in_words(), "0.5 credits");
        assert_eq!(Credits::ZERO.in_words(), "0 credits");
    }

    #[test]
    fn sums_may_lie_below_zero() {
        let debt = Net::of(Credits::whole(1), Credits::from_milli(3500));
        assert_eq!(debt.to_string(), "-2.5");
        assert_eq!(debt.at_least_zero(), Credits::ZERO);
        assert_eq!(Net::of(Credits::whole(7), Credits::ZERO), Credits::whole(7));
        assert_eq!(
            Net::of(Credits::ZERO, Credits::from_milli(1)).to_string(),
            "-0.001"
        );
    }

    #[test]
    fn changes_carry_their_sign() {
        for (text, milli, written) in [
            ("50", 50_000, "+50"),
            ("+0.5", 500, "+0.5"),
            ("-3", -3000, "-3"),
            ("\u{2212}3", -3000, "-3"),
        ] {
            let change: Change = text.parse().unwrap();
            assert_eq!(change.as_milli(), milli);
            assert_eq!(change.to_string(), written);
            assert_eq!(Change::from_column(milli).unwrap(), change);
        }
        assert_eq!("--3".parse::<Change>(), Err(AmountError::Negative));
        assert_eq!("+-3".parse::<Change>(), Err(AmountError::Negative));
        assert_eq!("".parse::<Change>(), Err(AmountError::NotANumber));
    }
}

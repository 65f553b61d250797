//! Amounts of money: whole minor units of one currency, never floating point, never added across currencies.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Currencies whose smallest unit is the unit itself, as the provider counts them (ISO 4217, with the provider's
/// exceptions: it counts `isk` and `ugx` in hundredths).
const WITHOUT_DECIMALS: [&[u8; 3]; 14] = [
    b"bif", b"clp", b"djf", b"gnf", b"jpy", b"kmf", b"krw", b"mga", b"pyg", b"rwf", b"vnd", b"vuv",
    b"xaf", b"xof",
];
const WITH_THREE_DECIMALS: [&[u8; 3]; 5] = [b"bhd", b"jod", b"kwd", b"omr", b"tnd"];

/// A currency by its three letters, small: `eur`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// How many decimal places its minor unit has.
    pub fn decimals(self) -> usize {
        if WITHOUT_DECIMALS.contains(&&self.0) || self.0 == *b"xpf" {
            0
        } else if WITH_THREE_DECIMALS.contains(&&self.0) {
            3
        } else {
            2
        }
    }

    /// Every currency with so many places that are not two.
    pub fn with_decimals(decimals: usize) -> Vec<String> {
        let xpf: &[u8; 3] = b"xpf";
        let all = WITHOUT_DECIMALS.iter().chain(&WITH_THREE_DECIMALS).copied();
        let all = all.chain([xpf]).map(|code| Self(*code));
        all.filter(|currency| currency.decimals() == decimals)
            .map(Self::code)
            .collect()
    }

    fn scale(self) -> i64 {
        10_i64.pow(u32::try_from(self.decimals()).unwrap_or_default())
    }

    /// As columns and the provider write it.
    pub fn code(self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

/// What stands where a currency or an amount of money should is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotMoney;

impl fmt::Display for NotMoney {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("is no amount of that currency")
    }
}

impl FromStr for Currency {
    type Err = NotMoney;

    fn from_str(text: &str) -> Result<Self, NotMoney> {
        let letters: [u8; 3] = text
            .to_ascii_lowercase()
            .into_bytes()
            .try_into()
            .map_err(|_| NotMoney)?;
        let is_code = letters.iter().all(u8::is_ascii_lowercase);
        is_code.then_some(Self(letters)).ok_or(NotMoney)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code().to_ascii_uppercase())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|_| serde::de::Error::custom(format!("{text:?} is no currency")))
    }
}

/// So many minor units of one currency. Writes as `9.00 EUR`, `500 JPY`, `1.250 KWD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
}

/// More than any payment is, so that sums of many still fit.
const MOST: i64 = 1_000_000_000_000;

impl Money {
    pub fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// What people write: `9`, `9.5`, `9.00`, with at most as many places as the currency has.
    ///
    /// # Errors
    /// When it is no amount above zero or none.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, NotMoney> {
        let (whole, places) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let dangling = text.trim().ends_with('.');
        if whole.is_empty()
            || dangling
            || !digits(whole)
            || !digits(places)
            || places.len() > currency.decimals()
        {
            return Err(NotMoney);
        }
        let whole: i64 = whole.parse().map_err(|_| NotMoney)?;
        let places = format!("{places:0<width$}", width = currency.decimals());
        let places: i64 = if places.is_empty() {
            0
        } else {
            places.parse().map_err(|_| NotMoney)?
        };
        let minor = whole
            .checked_mul(currency.scale())
            .and_then(|minor| minor.checked_add(places));
        let minor = minor.filter(|minor| *minor <= MOST).ok_or(NotMoney)?;
        Ok(Self { minor, currency })
    }

    /// The digits without the currency, as forms hold them: `9.00`.
    pub fn digits(self) -> String {
        let (scale, decimals) = (self.currency.scale(), self.currency.decimals());
        let (sign, amount) = (
            if self.minor < 0 { "-" } else { "" },
            self.minor.unsigned_abs(),
        );
        let (whole, rest) = (amount / scale.unsigned_abs(), amount % scale.unsigned_abs());
        if decimals == 0 {
            format!("{sign}{whole}")
        } else {
            format!("{sign}{whole}.{rest:0decimals$}")
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.digits(), self.currency)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str, currency: &str) -> Result<Money, NotMoney> {
        Money::parse(text, currency.parse().unwrap())
    }

    #[test]
    fn amounts_have_the_places_of_their_currency() {
        for (text, currency, minor, written) in [
            ("9", "eur", 900, "9.00 EUR"),
            ("9.5", "usd", 950, "9.50 USD"),
            ("0.05", "usd", 5, "0.05 USD"),
            ("500", "jpy", 500, "500 JPY"),
            ("1.25", "kwd", 1250, "1.250 KWD"),
            ("500", "xpf", 500, "500 XPF"),
            ("5", "isk", 500, "5.00 ISK"),
        ] {
            let amount = money(text, currency).unwrap();
            assert_eq!(amount.minor, minor, "{text} {currency}");
            assert_eq!(amount.to_string(), written);
        }
        assert_eq!(
            Money::new(-1050, "eur".parse().unwrap()).to_string(),
            "-10.50 EUR"
        );
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for (text, currency) in [
            ("", "eur"),
            ("9.", "eur"),
            (".5", "eur"),
            ("-1", "eur"),
            ("9.999", "eur"),
            ("9.5", "jpy"),
            ("1e3", "eur"),
            ("99999999999999999999", "eur"),
            ("10000000000.01", "eur"),
        ] {
            assert_eq!(money(text, currency), Err(NotMoney), "{text:?} {currency}");
        }
        for code in ["", "eu", "euro", "e1r", "€"] {
            assert_eq!(code.parse::<Currency>(), Err(NotMoney), "{code:?}");
        }
    }
}

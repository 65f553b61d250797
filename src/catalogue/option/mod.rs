//! The options of a module: their types, how their values are read from text, and how they are written as Rust and YAML.
//! How a manifest declares them is read in `declared`.

mod declared;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::list::{Record, Records, written};
use crate::project::names::Word;
use declared::RawOption;

/// One option, as its manifest declares it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawOption")]
pub struct OptionManifest {
    /// What the option decides, in one line.
    pub description: String,
    /// Why it cannot change once it was applied, as an end of the sentence "it cannot change: …"; none when it can.
    pub fixed: Option<String>,
    /// What values it takes.
    pub kind: OptionKind,
    /// What it is when nobody says otherwise.
    pub default: OptionValue,
}

/// The type of an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptionKind {
    /// `true` or `false`.
    Bool,
    /// A whole number within bounds, both included.
    Integer { min: i64, max: i64 },
    /// Any text of one line.
    Text,
    /// One of `values`; in Rust a variant of `rust_type`.
    Choice {
        values: Vec<Word>,
        rust_type: String,
    },
    /// An amount of credits with at most three places; the bounds, both included, in thousandths.
    Credits { min: i64, max: i64 },
    /// Records, each with the same fields.
    List(Records),
}

/// The value of an option.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptionValue {
    /// Of a bool.
    Bool(bool),
    /// Of an integer.
    Integer(i64),
    /// Of a text.
    Text(String),
    /// Of a choice.
    Choice(Word),
    /// Of credits, in thousandths.
    Credits(i64),
    /// Of a list.
    List(Vec<Record>),
}

impl OptionKind {
    /// Reads a value from text, as it stands in quickscale.yml or behind `--set`.
    ///
    /// The error says what would do, as an end of the sentence "`x` is not …".
    pub fn read(&self, text: &str) -> Result<OptionValue, String> {
        let value = match self {
            Self::List(records) => return records.read_text(text).map(OptionValue::List),
            Self::Bool => text.parse().ok().map(OptionValue::Bool),
            Self::Integer { min, max } => text
                .parse()
                .ok()
                .filter(|value| (min..=max).contains(&value))
                .map(OptionValue::Integer),
            Self::Text => {
                (!text.contains(char::is_control)).then(|| OptionValue::Text(text.to_owned()))
            }
            Self::Choice { values, .. } => values
                .iter()
                .find(|value| value.as_str() == text)
                .cloned()
                .map(OptionValue::Choice),
            Self::Credits { min, max } => thousandths(text)
                .filter(|value| (min..=max).contains(&value))
                .map(OptionValue::Credits),
        };
        value.ok_or_else(|| self.wanted())
    }

    /// The value that `wrong` was probably meant to be.
    pub fn near(&self, wrong: &str) -> Option<&str> {
        match self {
            Self::Bool => super::nearest(wrong, ["true", "false"]),
            Self::Choice { values, .. } => super::nearest(wrong, values.iter().map(Word::as_str)),
            Self::Integer { .. } | Self::Text | Self::Credits { .. } | Self::List(_) => None,
        }
    }

    /// What values do: `true or false`, `a whole number from 1 to 9`, `one of open, closed`.
    pub fn wanted(&self) -> String {
        match self {
            Self::Bool => "true or false".into(),
            Self::Integer { min, max } => format!(
                "a whole number{}",
                range(min.to_string(), (*max != i64::MAX).then(|| max.to_string()))
            ),
            Self::Text => "a text of one line".into(),
            Self::Choice { values, .. } => {
                let values: Vec<_> = values.iter().map(Word::as_str).collect();
                format!("one of {}", values.join(", "))
            }
            Self::Credits { min, max } => {
                let bounds = range(decimal(*min), (*max != i64::MAX).then(|| decimal(*max)));
                format!("an amount of credits with at most three places{bounds}")
            }
            Self::List(records) => records.wanted(),
        }
    }

    /// The value behind its option's name in a quickscale.yml, where that stands at column four.
    pub fn written(&self, value: &OptionValue) -> String {
        match (self, value) {
            (Self::List(records), OptionValue::List(list)) if !list.is_empty() => {
                records.block(list)
            }
            (_, value) => format!(" {value}"),
        }
    }

    /// The value as a Rust expression, by absolute paths, for a module whose code is `quickscale_runtime::<feature>`.
    pub fn rust(&self, value: &OptionValue, feature: &str) -> String {
        match value {
            OptionValue::Bool(value) => value.to_string(),
            OptionValue::Integer(value) => value.to_string(),
            OptionValue::Text(value) => format!("String::from({})", quoted(value)),
            OptionValue::Choice(value) => {
                let Self::Choice { rust_type, .. } = self else {
                    return quoted(value.as_str());
                };
                format!(
                    "quickscale_runtime::{feature}::{rust_type}::{}",
                    camel(value.as_str())
                )
            }
            OptionValue::Credits(value) => {
                format!(
                    "quickscale_runtime::credits::Credits::from_milli({})",
                    grouped(*value)
                )
            }
            OptionValue::List(list) => {
                let Self::List(records) = self else {
                    return written(list);
                };
                records.rust(list, feature)
            }
        }
    }
}

fn range(min: String, max: Option<String>) -> String {
    match max {
        Some(max) => format!(" from {min} to {max}"),
        None => format!(", at least {min}"),
    }
}

impl fmt::Display for OptionValue {
    /// As it stands in quickscale.yml.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Text(value) => f.write_str(&quoted(value)),
            Self::Choice(value) => write!(f, "{value}"),
            Self::Credits(value) => f.write_str(&decimal(*value)),
            Self::List(list) => f.write_str(&written(list)),
        }
    }
}

/// A text of one line between double quotes, as Rust, TOML and YAML all read it.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// `2.5` is 2500; more than three places, a sign in the wrong place or an exponent is none.
pub(super) fn thousandths(text: &str) -> Option<i64> {
    let (negative, digits) = text
        .strip_prefix('-')
        .map_or((false, text), |digits| (true, digits));
    let (whole, places) = digits.split_once('.').unwrap_or((digits, "0"));
    let only_digits =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !only_digits(whole) || !only_digits(places) || places.len() > 3 {
        return None;
    }
    let places: i64 = format!("{places:0<3}").parse().ok()?;
    let value = whole
        .parse::<i64>()
        .ok()?
        .checked_mul(1000)?
        .checked_add(places)?;
    Some(if negative { -value } else { value })
}

/// The shortest text that [`thousandths`] reads as `value`.
pub(super) fn decimal(value: i64) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let (whole, places) = (value.unsigned_abs() / 1000, value.unsigned_abs() % 1000);
    let text = format!("{sign}{whole}.{places:03}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `100000` as `100_000`, as people write it in Rust.
pub(super) fn grouped(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('_');
        }
        text.push(digit);
    }
    if value < 0 { format!("-{text}") } else { text }
}

/// `mandatory_always` as `MandatoryAlways`.
pub(super) fn camel(word: &str) -> String {
    let capital = |part: &str| {
        let mut letters = part.chars();
        letters.next().map_or_else(String::new, |first| {
            first.to_ascii_uppercase().to_string() + letters.as_str()
        })
    };
    word.split('_').map(capital).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn manifest(yaml: &str) -> Result<OptionManifest, String> {
        serde_yaml::from_str(yaml).map_err(|error| error.to_string())
    }

    #[test]
    fn a_choice_is_a_variant() {
        let option = manifest(
            "{type: enum, rust_type: Registration, values: [open, by_invitation], default: open, description: Who}",
        )
        .unwrap();
        let value = option.kind.read("by_invitation").unwrap();
        assert_eq!(
            option.kind.rust(&value, "auth"),
            "quickscale_runtime::auth::Registration::ByInvitation"
        );
        assert_eq!(
            option.kind.read("opne"),
            Err("one of open, by_invitation".into())
        );
    }

    #[test]
    fn credits_have_three_places_and_bounds() {
        let option =
            manifest("{type: credits, default: 100, max: 1000, description: How many}").unwrap();
        assert_eq!(option.default, OptionValue::Credits(100_000));
        assert_eq!(
            option.kind.rust(&option.default, "credits"),
            "quickscale_runtime::credits::Credits::from_milli(100_000)"
        );
        assert_eq!(option.kind.read("2.5"), Ok(OptionValue::Credits(2_500)));
        for text in [
            "-1",
            "1000.001",
            "1.2345",
            "1e3",
            "",
            ".5",
            "5.",
            "+1",
            "9999999999999999999",
        ] {
            let wanted = "an amount of credits with at most three places from 0 to 1000";
            assert_eq!(option.kind.read(text), Err(wanted.into()), "{text}");
        }
    }

    #[test]
    fn a_manifest_that_contradicts_itself_is_refused() {
        for yaml in [
            "{type: bool, default: maybe, description: x}",
            "{type: integer, default: 5, max: 3, description: x}",
            "{type: enum, default: a, values: [a], description: x}",
            "{type: enum, rust_type: A, default: b, values: [a], description: x}",
            "{type: bool, default: true, values: [a], description: x}",
            "{type: bool, default: true, description: x, colour: red}",
        ] {
            assert!(manifest(yaml).is_err(), "{yaml}");
        }
    }

    #[test]
    fn a_text_is_quoted_for_every_language() {
        assert_eq!(quoted(r#"Bob's "\" shop"#), r#""Bob's \"\\\" shop""#);
        assert!(OptionKind::Text.read("two\nlines").is_err());
    }

    proptest! {
        #[test]
        fn an_amount_reads_as_it_was_written(value in any::<i64>().prop_map(|value| value / 2)) {
            prop_assert_eq!(thousandths(&decimal(value)), Some(value));
            prop_assert_eq!(grouped(value).replace('_', "").parse(), Ok(value));
        }
    }
}

//! Writing lists of records: as Rust, as a block of YAML and on one line of it.

use std::collections::BTreeMap;

use super::{Field, FieldKind, FieldValue, Record, Records};
use crate::catalogue::option::{OptionKind, OptionValue, quoted};

/// The longest line of Rust.
const WIDTH: usize = 100;

impl Records {
    /// The list as YAML below a key at column four; what is as it would be anyway is left out.
    pub fn block(&self, list: &[Record]) -> String {
        let mut text = String::new();
        for record in list {
            let mut start = "\n      - ";
            for (name, field) in &self.fields {
                let value = record
                    .get(name)
                    .filter(|value| Some(*value) != field.default.as_ref());
                if let Some(value) = value {
                    text += &format!("{start}{name}: {}", plain(value));
                    start = "\n        ";
                }
            }
        }
        text
    }

    /// The list as a Rust expression, for a field at column eight, as rustfmt writes it.
    pub fn rust(&self, list: &[Record], feature: &str) -> String {
        match list {
            [] => "Vec::new()".into(),
            // One alone stands on the line of the list.
            [one] => {
                format!("vec![{}]", self.record_rust(one, feature, 8))
            }
            several => {
                let each = several.iter().map(|record| {
                    let text = self.record_rust(record, feature, 12);
                    format!("            {text},\n")
                });
                format!("vec![\n{}        ]", each.collect::<String>())
            }
        }
    }

    /// One record, at `column`.
    fn record_rust(&self, record: &Record, feature: &str, column: usize) -> String {
        let inner = column + 4;
        let fields = self.fields.iter().map(|(name, field)| {
            let value = record.get(name).or(field.default.as_ref());
            let value = value.map(|value| field.rust(value, feature, inner));
            let value = value.unwrap_or_default();
            let start = format!("{:inner$}{name}: ", "");
            let call = value
                .strip_prefix("String::from(")
                .and_then(|rest| rest.strip_suffix(')'));
            match call.filter(|_| start.len() + value.len() + ",".len() > WIDTH && value.is_ascii())
            {
                Some(text) => {
                    format!(
                        "{start}String::from(\n{:inner$}    {text},\n{:inner$}),\n",
                        "", ""
                    )
                }
                None => format!("{start}{value},\n"),
            }
        });
        let fields: String = fields.collect();
        let rust_type = &self.rust_type;
        format!(
            "quickscale_runtime::{feature}::{rust_type} {{\n{fields}{:column$}}}",
            ""
        )
    }
}

impl Field {
    fn rust(&self, value: &FieldValue, feature: &str, column: usize) -> String {
        match (&self.kind, value) {
            (FieldKind::One(kind), FieldValue::One(value)) => kind.rust(value, feature),
            (_, FieldValue::One(value)) => OptionKind::Text.rust(value, feature),
            (_, FieldValue::Prices(prices)) => prices_rust(prices, column),
        }
    }
}

/// As rustfmt writes it, for a field at `column`: more than one does not fit on a line.
fn prices_rust(prices: &BTreeMap<String, String>, column: usize) -> String {
    let pair = |(currency, amount): (&String, &String)| {
        let (currency, amount) = (quoted(currency), quoted(amount));
        format!("(String::from({currency}), String::from({amount}))")
    };
    let pairs: Vec<_> = prices.iter().map(pair).collect();
    match pairs.as_slice() {
        [one] => format!("vec![{one}]"),
        several => {
            let lines = several
                .iter()
                .map(|pair| format!("{:column$}    {pair},\n", ""));
            format!("vec![\n{}{:column$}]", lines.collect::<String>(), "")
        }
    }
}

/// A list as YAML (and JSON) on one line.
pub fn written(list: &[Record]) -> String {
    let records: Vec<_> = list
        .iter()
        .map(|record| {
            let fields: Vec<_> = record
                .iter()
                .map(|(name, value)| format!("{}: {}", quoted(name.as_str()), field_written(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        })
        .collect();
    format!("[{}]", records.join(", "))
}

/// A field's value as people write it.
fn plain(value: &FieldValue) -> String {
    match value {
        FieldValue::One(value) => value.to_string(),
        FieldValue::Prices(prices) => {
            let prices: Vec<_> = prices
                .iter()
                .map(|(code, amount)| format!("{code}: {amount}"))
                .collect();
            format!("{{ {} }}", prices.join(", "))
        }
    }
}

fn field_written(value: &FieldValue) -> String {
    match value {
        FieldValue::One(OptionValue::Choice(word)) => quoted(word.as_str()),
        FieldValue::One(value) => value.to_string(),
        FieldValue::Prices(prices) => {
            let prices: Vec<_> = prices
                .iter()
                .map(|(currency, amount)| format!("{}: {}", quoted(currency), quoted(amount)))
                .collect();
            format!("{{{}}}", prices.join(", "))
        }
    }
}

//! How a module's manifest declares an option, or a field of a list's records.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_yaml::Value;

use super::{OptionKind, OptionManifest, thousandths};
use crate::catalogue::list::{Currencies, Field, FieldKind, FieldValue, Records};
use crate::project::names::Word;

/// An option as a manifest writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOption {
    #[serde(rename = "type")]
    kind: RawKind,
    description: String,
    fixed: Option<String>,
    default: Value,
    #[serde(default)]
    values: Vec<Word>,
    rust_type: Option<String>,
    min: Option<Value>,
    max: Option<Value>,
    /// Of a list: the field that no two records share, and all fields.
    key: Option<Word>,
    #[serde(default, deserialize_with = "in_order")]
    fields: Vec<(Word, RawField)>,
}

/// The entries of a mapping in the order in which they are written.
fn in_order<'de, D: Deserializer<'de>>(reader: D) -> Result<Vec<(Word, RawField)>, D::Error> {
    let mapping = serde_yaml::Mapping::deserialize(reader)?;
    let entry = |(name, field)| {
        let name = serde_yaml::from_value(name)?;
        Ok((name, serde_yaml::from_value(field)?))
    };
    let entries: Result<_, serde_yaml::Error> = mapping.into_iter().map(entry).collect();
    entries.map_err(D::Error::custom)
}

/// A field of a list's records as a manifest writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawField {
    #[serde(rename = "type")]
    kind: RawKind,
    description: String,
    default: Option<Value>,
    #[serde(default)]
    values: Vec<Word>,
    rust_type: Option<String>,
    min: Option<Value>,
    max: Option<Value>,
    /// Of prices: the letters of the currencies by how many places they have.
    #[serde(default)]
    currencies: BTreeMap<usize, String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawKind {
    Bool,
    Integer,
    String,
    Enum,
    Credits,
    List,
    Id,
    Prices,
}

/// What options and fields of records have in common.
struct RawShape<'a> {
    kind: RawKind,
    values: &'a [Word],
    rust_type: Option<&'a str>,
    bounds: (Option<&'a Value>, Option<&'a Value>),
}

impl RawShape<'_> {
    fn kind(&self) -> Result<OptionKind, String> {
        let bounds = |read: fn(&str) -> Option<i64>| -> Result<(i64, i64), String> {
            let read = |bound: Option<&Value>, open| match bound {
                None => Ok(open),
                Some(value) => read(&plain(value)?).ok_or_else(|| format!("{value:?} is no bound")),
            };
            Ok((read(self.bounds.0, 0)?, read(self.bounds.1, i64::MAX)?))
        };
        let is_enum = self.kind == RawKind::Enum;
        if is_enum == self.values.is_empty() || (!is_enum && self.rust_type.is_some()) {
            return Err("an enum, and nothing else, has values and a rust_type".into());
        }
        Ok(match self.kind {
            RawKind::Bool => OptionKind::Bool,
            RawKind::String => OptionKind::Text,
            RawKind::Integer => {
                let (min, max) = bounds(|text| text.parse().ok())?;
                OptionKind::Integer { min, max }
            }
            RawKind::Credits => {
                let (min, max) = bounds(thousandths)?;
                OptionKind::Credits { min, max }
            }
            RawKind::Enum => OptionKind::Choice {
                values: self.values.to_vec(),
                rust_type: self
                    .rust_type
                    .ok_or("an enum needs a rust_type")?
                    .to_owned(),
            },
            RawKind::List => return Err("a list stands in no other list".into()),
            RawKind::Id | RawKind::Prices => {
                return Err("only fields of a list are ids and prices".into());
            }
        })
    }
}

impl TryFrom<RawField> for Field {
    type Error = String;

    fn try_from(raw: RawField) -> Result<Self, String> {
        let shape = RawShape {
            kind: raw.kind,
            values: &raw.values,
            rust_type: raw.rust_type.as_deref(),
            bounds: (raw.min.as_ref(), raw.max.as_ref()),
        };
        if (raw.kind == RawKind::Prices) == raw.currencies.is_empty() {
            return Err("prices, and nothing else, have currencies".into());
        }
        let kind = match raw.kind {
            RawKind::Prices => FieldKind::Prices(Currencies::new(&raw.currencies)?),
            RawKind::Id => FieldKind::Id,
            RawKind::Bool
            | RawKind::Integer
            | RawKind::String
            | RawKind::Enum
            | RawKind::Credits
            | RawKind::List => FieldKind::One(shape.kind()?),
        };
        let default = match (&kind, &raw.default) {
            (_, None) => None,
            (FieldKind::One(kind), Some(value)) => {
                Some(FieldValue::One(kind.read(&plain(value)?)?))
            }
            (FieldKind::Id | FieldKind::Prices(_), Some(_)) => {
                return Err("ids and prices have no default".into());
            }
        };
        Ok(Self {
            description: raw.description,
            kind,
            default,
        })
    }
}

impl TryFrom<RawOption> for OptionManifest {
    type Error = String;

    fn try_from(raw: RawOption) -> Result<Self, String> {
        if raw.kind != RawKind::List && (raw.key.is_some() || !raw.fields.is_empty()) {
            return Err("a list, and nothing else, has a key and fields".into());
        }
        let (kind, default) = if raw.kind == RawKind::List {
            let text = serde_json::to_string(&raw.default).map_err(|error| error.to_string())?;
            (
                OptionKind::List(records(raw.rust_type, raw.key, raw.fields)?),
                text,
            )
        } else {
            let shape = RawShape {
                kind: raw.kind,
                values: &raw.values,
                rust_type: raw.rust_type.as_deref(),
                bounds: (raw.min.as_ref(), raw.max.as_ref()),
            };
            (shape.kind()?, plain(&raw.default)?)
        };
        Ok(Self {
            description: raw.description,
            fixed: raw.fixed,
            default: kind.read(&default)?,
            kind,
        })
    }
}

/// What the records of a list have.
fn records(
    rust_type: Option<String>,
    key: Option<Word>,
    fields: Vec<(Word, RawField)>,
) -> Result<Records, String> {
    let fields: Vec<(Word, Field)> = fields
        .into_iter()
        .map(|(name, field)| Ok((name, field.try_into()?)))
        .collect::<Result<_, String>>()?;
    let is_field = |key: &Word| fields.iter().any(|(name, _)| name == key);
    Ok(Records {
        rust_type: rust_type.ok_or("a list needs a rust_type")?,
        key: key
            .filter(is_field)
            .ok_or("a list needs a key, which is one of its fields")?,
        fields,
    })
}

/// A scalar of a manifest as the text that stands there.
fn plain(value: &Value) -> Result<String, String> {
    match value {
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(value) => Ok(value.to_string()),
        Value::String(value) => Ok(value.clone()),
        Value::Null | Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_) => {
            Err("a plain value is wanted".into())
        }
    }
}

//! Reading lists of records, with all mistakes, each at its place.

use std::collections::BTreeMap;

use super::{Currencies, Field, FieldKind, FieldValue, HIGHEST, LONGEST_ID, Record, Records};
use crate::catalogue::nearest;
use crate::catalogue::option::{OptionKind, OptionValue, thousandths};
use crate::project::yaml::{Content, Entry, Mistake, Node};

pub(super) fn read(
    records: &Records,
    node: &Node,
    name: &str,
) -> Result<Vec<Record>, Vec<Mistake>> {
    let mut reader = Reader {
        records,
        mistakes: Vec::new(),
    };
    let list = reader.list(node, name);
    if reader.mistakes.is_empty() {
        Ok(list)
    } else {
        Err(reader.mistakes)
    }
}

struct Reader<'a> {
    records: &'a Records,
    mistakes: Vec<Mistake>,
}

impl Reader<'_> {
    fn mistake(&mut self, mistake: Mistake) {
        self.mistakes.push(mistake);
    }

    fn list(&mut self, node: &Node, name: &str) -> Vec<Record> {
        let items = match &node.content {
            Content::Null => return Vec::new(),
            Content::List(items) => items,
            Content::Scalar(_) | Content::Map(_) => {
                let first = node.span.start..node.span.end.min(node.span.start + 1);
                let mistake = Mistake::new(first, format!("`{name}` wants a list"));
                let key = &self.records.key;
                self.mistake(mistake.label(format!("write `- {key}: …` for each")));
                return Vec::new();
            }
            Content::Unusable => return Vec::new(),
        };
        let mut list = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let path = format!("{name}[{at}]");
            if let Some(record) = self.record(item, &path) {
                list.push(record);
            }
        }
        list
    }

    fn record(&mut self, item: &Node, path: &str) -> Option<Record> {
        let Some(entries) = item.entries() else {
            let first = item.span.start..item.span.end.min(item.span.start + 1);
            let mistake = Mistake::new(first, format!("{path}: a mapping is wanted here"));
            self.mistake(mistake.label(format!("write `{{ {}: … }}`", self.records.key)));
            return None;
        };
        let records = self.records;
        for entry in entries {
            if !records.names().any(|name| name == entry.key) {
                let near = nearest(&entry.key, records.names()).map_or_else(
                    || records.wanted(),
                    |near| format!("did you mean `{near}`?"),
                );
                let message = format!("{path}: unknown key `{}`", entry.key);
                self.mistake(Mistake::new(entry.key_span.clone(), message).label(near));
            }
        }
        let mut record = Record::new();
        for (name, field) in &records.fields {
            let path = format!("{path}.{name}");
            let value = match (item.entry(name.as_str()), &field.default) {
                (Some(entry), _) => self.value(entry, field, &path),
                (None, Some(default)) => Some(default.clone()),
                (None, None) => {
                    let first = item.span.start..item.span.end.min(item.span.start + 1);
                    let mistake = Mistake::new(first, format!("{path} is missing"));
                    self.mistake(mistake.label(field.description.clone()));
                    None
                }
            };
            record.extend(value.map(|value| (name.clone(), value)));
        }
        Some(record)
    }

    fn value(&mut self, entry: &Entry, field: &Field, path: &str) -> Option<FieldValue> {
        if let FieldKind::Prices(currencies) = &field.kind {
            return self.prices(entry, currencies, path);
        }
        let Content::Scalar(text) = &entry.value.content else {
            let message = format!("{path} wants a plain value");
            let mistake = Mistake::new(entry.key_span.clone(), message);
            self.mistake(mistake.label(field.description.clone()));
            return None;
        };
        let (read, near) = match &field.kind {
            FieldKind::One(OptionKind::Text)
                if field.default.is_none() && text.trim().is_empty() =>
            {
                (Err("a text".to_owned()), None)
            }
            FieldKind::One(kind) => (kind.read(text), kind.near(text)),
            FieldKind::Id | FieldKind::Prices(_) => (id(text), None),
        };
        match read {
            Ok(value) => Some(FieldValue::One(value)),
            Err(wanted) => {
                let message = format!("{path}: `{text}` is not {wanted}");
                let near = near.map(|near| format!("did you mean `{near}`?"));
                let mistake = Mistake::new(entry.value.span.clone(), message);
                self.mistake(mistake.label(near.unwrap_or_default()));
                None
            }
        }
    }

    fn prices(&mut self, entry: &Entry, currencies: &Currencies, path: &str) -> Option<FieldValue> {
        let entries = entry.value.entries().filter(|entries| !entries.is_empty());
        let Some(entries) = entries else {
            let message = format!("{path} wants an amount for at least one currency");
            let mistake = Mistake::new(entry.key_span.clone(), message);
            self.mistake(mistake.label("write `{ eur: 5.00 }`"));
            return None;
        };
        let mut prices = BTreeMap::new();
        for entry in entries {
            let Some(places) = currencies.0.get(&entry.key) else {
                let names = currencies.0.keys().map(String::as_str);
                let near = nearest(&entry.key, names).map_or_else(
                    || "three small letters, such as `eur`".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                let message = format!("{path}: `{}` is no currency", entry.key);
                self.mistake(Mistake::new(entry.key_span.clone(), message).label(near));
                continue;
            };
            match &entry.value.content {
                Content::Scalar(text) if is_amount(text, *places) => {
                    drop(prices.insert(entry.key.clone(), text.clone()));
                }
                _ => {
                    let message = format!("{path}.{} is no price", entry.key);
                    let mistake = Mistake::new(entry.value.span.clone(), message);
                    self.mistake(mistake.label(amounts(*places)));
                }
            }
        }
        Some(FieldValue::Prices(prices))
    }
}

/// Records of one key, in lists of one module.
pub fn twins(lists: &[(&Records, &Node)]) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mut seen: BTreeMap<&str, &Node> = BTreeMap::new();
    for (records, list) in lists {
        let Content::List(items) = &list.content else {
            continue;
        };
        let key = records.key.as_str();
        let values = items
            .iter()
            .filter_map(|item| Some(&item.entry(key)?.value));
        for value in values {
            let Content::Scalar(text) = &value.content else {
                continue;
            };
            if let Some(first) = seen.insert(text, value) {
                let message = format!("there are two with the {key} `{text}`");
                let mistake = Mistake::new(value.span.clone(), message);
                mistakes.push(mistake.related(first.span.clone(), "the first stands here"));
            }
        }
    }
    mistakes
}

fn id(text: &str) -> Result<OptionValue, String> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if text.is_empty() || text.len() > LONGEST_ID || !text.bytes().all(plain) {
        return Err(format!(
            "an id: small letters, digits and hyphens, at most {LONGEST_ID} of them"
        ));
    }
    Ok(OptionValue::Text(text.to_owned()))
}

/// Above zero, with at most so many places.
fn is_amount(text: &str, places: usize) -> bool {
    let written = text.split_once('.').map_or(0, |(_, places)| places.len());
    let value = thousandths(text);
    written <= places && value.is_some_and(|value| value > 0 && value <= HIGHEST * 1000)
}

/// What amounts with so many places look like, for people.
fn amounts(places: usize) -> &'static str {
    match places {
        0 => "an amount above zero without places, such as `800`",
        3 => "an amount above zero with at most three places, such as `2.500`",
        _ => "an amount above zero with at most two places, such as `5.00`",
    }
}

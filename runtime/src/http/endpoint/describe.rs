//! The words with which an endpoint describes itself: shapes of bodies, parameters, refusals.

use axum::http::StatusCode;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

/// What a body looks like.
#[derive(Clone)]
pub enum Shape {
    /// As the type says.
    Type(fn(&mut SchemaGenerator) -> Schema),
    /// As a schema without references says, under a name.
    Named(String, Value),
    /// As the type says, with one of its properties in more detail.
    Refined {
        name: String,
        of: fn(&mut SchemaGenerator) -> Schema,
        property: &'static str,
        schema: Value,
    },
}

impl Shape {
    pub fn of<T: JsonSchema>() -> Self {
        Self::Type(SchemaGenerator::subschema_for::<T>)
    }

    /// `T` whose `property` is known in more detail.
    pub fn refined<T: JsonSchema>(name: String, property: &'static str, schema: Value) -> Self {
        Self::Refined {
            name,
            of: T::json_schema,
            property,
            schema,
        }
    }
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Path,
    Query,
    Header,
}

/// A part of the address that may vary.
#[derive(Debug, Clone)]
pub struct Parameter {
    pub name: &'static str,
    pub place: Place,
    pub description: &'static str,
    pub schema: Value,
    pub example: Value,
}

/// How an endpoint may refuse.
#[derive(Debug)]
pub struct Refusal {
    pub status: StatusCode,
    /// Stable, for programs.
    pub code: &'static str,
    /// A sentence that comes with it.
    pub detail: &'static str,
    /// Further members of the problem document.
    pub members: &'static [Member],
}

/// A member that a problem document has beside the usual ones.
#[derive(Debug)]
pub struct Member {
    pub name: &'static str,
    pub description: &'static str,
    pub is_required: bool,
    pub value: MemberValue,
}

/// What a member holds, with an example.
#[derive(Debug)]
pub enum MemberValue {
    Text(&'static str),
    /// Texts by name.
    Texts(&'static [(&'static str, &'static str)]),
}

/// One address of an endpoint, about which more is known.
#[derive(Clone)]
pub struct Special {
    pub path: String,
    pub id: String,
    pub summary: String,
    pub description: String,
    pub body: (Shape, Value),
    pub answer: (Shape, Value),
}

/// What a value of `schema` may look like: its example or default, or the least that fits.
pub fn example_of(schema: &Value) -> Value {
    if let Some(known) = ["default", "const"].iter().find_map(|key| schema.get(key)) {
        return known.clone();
    }
    for first in ["examples", "enum", "anyOf", "oneOf"] {
        if let Some(first_value) = schema.get(first).and_then(|all| all.get(0)) {
            return match first {
                "anyOf" | "oneOf" => example_of(first_value),
                _ => first_value.clone(),
            };
        }
    }
    let kind = match schema.get("type") {
        Some(Value::Array(several)) => several.first(),
        one => one,
    };
    match kind.and_then(Value::as_str) {
        Some("object") => object(schema),
        Some("array") => {
            let item = schema.get("items").map(example_of);
            Value::Array(item.into_iter().collect())
        }
        Some("string") => text(schema),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(1)),
        Some("boolean") => json!(true),
        _ => Value::Null,
    }
}

fn object(schema: &Value) -> Value {
    let properties = schema.get("properties").and_then(Value::as_object);
    let pairs = properties.into_iter().flatten();
    pairs
        .map(|(name, part)| (name.clone(), example_of(part)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn text(schema: &Value) -> Value {
    let text = match schema.get("format").and_then(Value::as_str) {
        Some("email") => "ada@example.com",
        Some("uri") => "https://example.com/",
        Some("date-time") => "2026-01-01T00:00:00Z",
        _ if schema.get("contentEncoding").is_some() => "aGVsbG8=",
        _ => "What a wonderful day!",
    };
    let length = |keyword: &str| schema.get(keyword).and_then(Value::as_u64);
    let most = length("maxLength").map_or(usize::MAX, |most| {
        usize::try_from(most).unwrap_or(usize::MAX)
    });
    let least = length("minLength").map_or(0, |least| usize::try_from(least).unwrap_or(0));
    let text: String = text
        .chars()
        .cycle()
        .take(text.len().max(least).min(most))
        .collect();
    json!(text)
}

/// `text_sentiment` as the name of a type: `TextSentiment`.
pub fn type_name(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| {
            first.to_ascii_uppercase().to_string() + letters.as_str()
        })
    });
    words.collect()
}

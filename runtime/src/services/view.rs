//! Outputs as pages show them: values with labels, made from an output and the schema of its type.

use serde::Serialize;
use serde_json::Value;

/// What a page shows of a value.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum View {
    Text { text: String },
    List { items: Vec<View> },
    Fields { fields: Vec<Field> },
}

/// A value with its label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Field {
    pub label: String,
    /// What the value means, where there is more to say than its label does.
    pub help: String,
    pub view: View,
}

impl View {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }

    /// `value`, labelled as `schema` calls its parts. Parts that the schema does not know keep their names.
    pub fn of(value: &Value, schema: &Value) -> Self {
        match value {
            Value::Null => Self::text("–"),
            Value::Bool(true) => Self::text("Yes"),
            Value::Bool(false) => Self::text("No"),
            Value::Number(number) => Self::text(number.to_string()),
            Value::String(text) if text.is_empty() => Self::text("–"),
            Value::String(text) => Self::text(text),
            Value::Array(items) if items.is_empty() => Self::text("None"),
            Value::Array(items) => {
                let schema = schema.get("items").unwrap_or(&Value::Null);
                let items = items.iter().map(|item| Self::of(item, schema)).collect();
                Self::List { items }
            }
            Value::Object(parts) if parts.is_empty() => Self::text("None"),
            Value::Object(parts) => {
                let fields = parts.iter().map(|(name, part)| field(name, part, schema));
                Self::Fields {
                    fields: fields.collect(),
                }
            }
        }
    }
}

fn field(name: &str, value: &Value, schema: &Value) -> Field {
    let known = schema.get("properties").and_then(|all| all.get(name));
    let is_map = schema.get("properties").is_none() && schema.get("additionalProperties").is_some();
    let part = known
        .or_else(|| schema.get("additionalProperties"))
        .unwrap_or(&Value::Null);
    let label = match title_of(part) {
        Some(title) => title.to_owned(),
        None if is_map => name.to_owned(),
        None => humanise(name),
    };
    Field {
        label,
        help: help_of(part),
        view: View::of(value, without_null(part)),
    }
}

/// The schema's own title.
pub(super) fn title_of(schema: &Value) -> Option<&str> {
    schema.get("title")?.as_str()
}

/// The schema's description on one line; empty when it has none.
pub(super) fn help_of(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str);
    let words: Vec<_> = text.unwrap_or_default().split_whitespace().collect();
    words.join(" ")
}

/// Of a schema that also allows null, the part that does not.
pub(super) fn without_null(schema: &Value) -> &Value {
    let Some(any) = schema.get("anyOf").and_then(Value::as_array) else {
        return schema;
    };
    let is_null = |one: &&Value| one.get("type").is_some_and(|kind| kind == "null");
    match any.iter().filter(|one| !is_null(one)).collect::<Vec<_>>()[..] {
        [only] => only,
        _ => schema,
    }
}

/// `reading_time` → `Reading time`.
pub(super) fn humanise(name: &str) -> String {
    let text = name.replace(['_', '-'], " ");
    let mut chars = text.trim().chars();
    let first = chars.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_output_is_shown_with_the_labels_of_its_type() {
        let schema = json!({
            "properties": {
                "reading_time": { "type": "string", "description": "At 200 words\na minute." },
                "words": { "title": "Number of words", "type": "integer" },
                "camera": { "anyOf": [
                    { "properties": { "make": { "title": "Maker" } } },
                    { "type": "null" },
                ] },
            },
        });
        let output = json!({
            "reading_time": "1 minute",
            "words": 3,
            "camera": { "make": "", "gps": null },
            "tags": ["a", true, []],
        });
        let field = |label: &str, help: &str, view| Field {
            label: label.into(),
            help: help.into(),
            view,
        };
        let text = View::text;
        let expected = View::Fields {
            fields: vec![
                field("Reading time", "At 200 words a minute.", text("1 minute")),
                field("Number of words", "", text("3")),
                field(
                    "Camera",
                    "",
                    View::Fields {
                        fields: vec![field("Maker", "", text("–")), field("Gps", "", text("–"))],
                    },
                ),
                field(
                    "Tags",
                    "",
                    View::List {
                        items: vec![text("a"), text("Yes"), text("None")],
                    },
                ),
            ],
        };
        assert_eq!(View::of(&output, &schema), expected);
    }

    #[test]
    fn the_keys_of_a_map_are_shown_as_they_are() {
        let schema = json!({ "additionalProperties": { "type": "string" } });
        let View::Fields { fields } = View::of(&json!({ "f_number": "2" }), &schema) else {
            panic!("a map has fields");
        };
        assert_eq!(fields[0].label, "f_number");
    }
}

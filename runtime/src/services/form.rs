//! The form of a service: made from its input's schema, filled in by a browser, read back as JSON.

use serde::Serialize;
use serde_json::{Map, Number, Value};

use super::files;
use super::input::{InputField, InputSchema, Kind, TextFormat};
use crate::error::FieldErrors;
use crate::http::Upload;
use crate::pages::Choice;

/// The hidden field whose value belongs to one filling-in of the form.
pub(super) const KEY: &str = "run_key";
/// The hidden field with the version of the price that the page shows.
pub(super) const PRICE: &str = "run_price";

/// A form as a page shows it.
#[derive(Debug, Serialize)]
pub(super) struct Form {
    pub controls: Vec<Control>,
    /// How it is sent: files need `multipart/form-data`.
    pub enctype: &'static str,
    pub errors: FieldErrors,
}

/// One control, with what the theme's macros need to draw it.
#[derive(Debug, Serialize)]
pub(super) struct Control {
    /// Which macro draws it: `field`, `textarea`, `select` or `checkbox`.
    pub shape: &'static str,
    pub name: String,
    pub label: String,
    pub help: String,
    pub required: bool,
    /// The `type` of an `input`.
    pub input_type: &'static str,
    /// What has been typed, or the default.
    pub value: String,
    pub checked: bool,
    pub options: Vec<Choice>,
    /// Further attributes. Made of numbers and names of ours only, never of what somebody typed.
    pub attrs: String,
}

impl Form {
    /// The form for `schema`, with the fields that were `sent`, or with what they are at first.
    pub fn new(schema: &InputSchema, sent: Option<&Fields>, errors: FieldErrors) -> Self {
        let is_file = |field: &InputField| matches!(field.kind, Kind::File { .. });
        let controls = schema.fields.iter().map(|field| Control::new(field, sent));
        Self {
            controls: controls.collect(),
            enctype: if schema.fields.iter().any(is_file) {
                "multipart/form-data"
            } else {
                "application/x-www-form-urlencoded"
            },
            errors,
        }
    }
}

/// What a browser sent: names and values.
pub(super) type Fields = [(String, String)];

fn text_of<'a>(sent: &'a Fields, name: &str) -> Option<&'a str> {
    let found = sent.iter().find(|(sent, _)| sent == name);
    found.map(|(_, text)| text.as_str())
}

impl Control {
    fn new(field: &InputField, sent: Option<&Fields>) -> Self {
        let (shape, input_type) = shape(&field.kind);
        let value = match sent {
            Some(sent) => text_of(sent, &field.name).unwrap_or_default().to_owned(),
            None => match &field.default {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Bool(true)) => "true".into(),
                Some(Value::Number(number)) => number.to_string(),
                _ => String::new(),
            },
        };
        Self {
            shape,
            name: field.name.clone(),
            label: field.label.clone(),
            help: help(field),
            required: field.required,
            input_type,
            checked: !value.is_empty(),
            value,
            options: options(field),
            attrs: attrs(&field.kind),
        }
    }
}

/// The options of a choice; one more that stands for none, where none is allowed.
fn options(field: &InputField) -> Vec<Choice> {
    let Kind::Choice(choices) = &field.kind else {
        return Vec::new();
    };
    let none = Choice::new("", "–");
    let none = (!field.required).then_some(none);
    none.into_iter().chain(choices.iter().cloned()).collect()
}

fn shape(kind: &Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Text { format, .. } => match format {
            TextFormat::Line => ("field", "text"),
            TextFormat::Long => ("textarea", ""),
            TextFormat::Email => ("field", "email"),
            TextFormat::Url => ("field", "url"),
        },
        Kind::Integer { .. } | Kind::Number { .. } => ("field", "number"),
        Kind::Choice(_) => ("select", ""),
        Kind::Flag => ("checkbox", ""),
        Kind::File { .. } => ("field", "file"),
    }
}

/// The field's own help; of a file, also what is taken.
fn help(field: &InputField) -> String {
    let Kind::File { types, max_bytes } = &field.kind else {
        return field.help.clone();
    };
    let names: Vec<_> = types.iter().map(|kind| kind.name()).collect();
    let taken = format!(
        "{}, up to {}.",
        names.join(", "),
        files::human_size(*max_bytes)
    );
    format!("{} {taken}", field.help).trim().into()
}

fn attrs(kind: &Kind) -> String {
    let bounds = |min: &Option<Number>, max: &Option<Number>| {
        let attribute = |name, bound: &Option<Number>| {
            let bound = bound.as_ref();
            bound
                .map(|bound| format!(" {name}=\"{bound}\""))
                .unwrap_or_default()
        };
        attribute("min", min) + &attribute("max", max)
    };
    match kind {
        Kind::Integer { min, max } => format!("step=\"1\"{}", bounds(min, max)),
        Kind::Number { min, max } => format!("step=\"any\"{}", bounds(min, max)),
        Kind::File { types, .. } => {
            let extensions: Vec<_> = types.iter().map(|kind| kind.extensions()).collect();
            format!("accept=\"{}\"", extensions.join(","))
        }
        // Browsers cut what is pasted at `maxlength` without a word; our own check tells.
        Kind::Text { .. } | Kind::Choice(_) | Kind::Flag => String::new(),
    }
}

/// What a browser sent, as JSON. What does not fit its field stays a text, so that checks find it and the form
/// can show it again.
pub(super) fn read(schema: &InputSchema, upload: &Upload) -> Map<String, Value> {
    let mut values = Map::new();
    for field in &schema.fields {
        let text = text_of(&upload.fields, &field.name);
        let value = match &field.kind {
            Kind::File { .. } => {
                let file = upload.files.iter().find(|file| file.field == field.name);
                file.map(files::to_value)
            }
            Kind::Flag => Some(Value::Bool(text.is_some_and(|text| !text.is_empty()))),
            Kind::Integer { .. } => text.map(str::trim).map(integer),
            Kind::Number { .. } => text.map(str::trim).map(number),
            Kind::Text { .. } => text.map(|text| Value::String(text.replace("\r\n", "\n"))),
            Kind::Choice(_) => text.map(|text| Value::String(text.to_owned())),
        };
        if let Some(value) = value
            && (value != "" || field.required)
        {
            values.insert(field.name.clone(), value);
        }
    }
    values
}

fn integer(text: &str) -> Value {
    let number = text.parse::<i64>().map(Number::from);
    let number = number.or_else(|_| text.parse::<u64>().map(Number::from));
    number.map_or_else(|_| Value::String(text.into()), Value::Number)
}

fn number(text: &str) -> Value {
    let number = text.parse::<f64>().ok().and_then(Number::from_f64);
    number.map_or_else(|| Value::String(text.into()), Value::Number)
}

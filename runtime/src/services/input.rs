//! The input of a service as its JSON Schema tells it: which fields there are, what each takes, and what is
//! wrong with values that do not fit. Forms and programs are held to the same checks.

use anyhow::{Context as _, bail};
use serde_json::{Map, Number, Value};

use super::files::{self, FileType, human_size};
use super::view::{help_of, humanise, title_of, without_null};
use crate::error::FieldErrors;
use crate::pages::Choice;

/// The fields of an input in the order of its type.
#[derive(Debug, Clone, PartialEq)]
pub struct InputSchema {
    pub fields: Vec<InputField>,
    /// The schema as it is published.
    pub document: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub struct InputField {
    pub name: String,
    pub label: String,
    /// What else there is to say about it; may be empty.
    pub help: String,
    pub required: bool,
    pub default: Option<Value>,
    pub kind: Kind,
}

/// What a field takes.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Lengths are in characters. A long text may have several lines.
    Text {
        min: usize,
        max: Option<usize>,
        format: TextFormat,
    },
    Integer {
        min: Option<Number>,
        max: Option<Number>,
    },
    Number {
        min: Option<Number>,
        max: Option<Number>,
    },
    Choice(Vec<Choice>),
    Flag,
    File {
        types: Vec<FileType>,
        max_bytes: usize,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextFormat {
    Line,
    Long,
    Email,
    Url,
}

/// Names that the form itself needs.
const RESERVED: [&str; 4] = ["csrf", "form", super::form::KEY, super::form::PRICE];
/// Texts that may be longer than this are typed into a large field.
const LINE_LENGTH: usize = 200;

impl InputSchema {
    /// Reads the schema of a struct without references.
    ///
    /// # Errors
    /// When it is no struct, or one of its fields is something that no form can ask for.
    pub fn parse(mut document: Value) -> anyhow::Result<Self> {
        require_something(&mut document);
        let none = Map::new();
        let properties = match document.get("properties") {
            Some(properties) => properties.as_object().context("properties are an object")?,
            None if document.get("type").is_some_and(|kind| kind == "object") => &none,
            None => bail!("an input must be a struct with named fields"),
        };
        let fields = properties.iter().map(|(name, schema)| {
            InputField::parse(name, schema, is_required(&document, name))
                .with_context(|| format!("the input's field `{name}`"))
        });
        Ok(Self {
            fields: fields.collect::<anyhow::Result<_>>()?,
            document,
        })
    }

    /// How many bytes the largest input can have, roughly and rather too much.
    pub fn max_bytes(&self) -> usize {
        let size = |field: &InputField| match &field.kind {
            // A character has up to four bytes, each of which a form may write as `%FF`.
            Kind::Text { max, .. } => max.unwrap_or(TEXT_LENGTH).saturating_mul(12),
            Kind::File { max_bytes, .. } => *max_bytes,
            Kind::Integer { .. } | Kind::Number { .. } | Kind::Choice(_) | Kind::Flag => 1024,
        };
        self.fields.iter().map(size).sum()
    }

    /// What is wrong with `input`, for every field of it.
    pub fn check(&self, input: &Map<String, Value>) -> FieldErrors {
        let mut errors = FieldErrors::default();
        for field in &self.fields {
            if let Err(why) = field.check(input.get(&field.name)) {
                errors.add(&field.name, why);
            }
        }
        errors
    }

    /// What a type's own rules found, by field.
    pub fn errors_of(&self, report: &garde::Report) -> FieldErrors {
        let mut errors = FieldErrors::default();
        for (path, error) in report.iter() {
            let path = path.to_string();
            let known = |field: &&InputField| {
                let rest = path.strip_prefix(&field.name);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            };
            let field = self.fields.iter().find(known);
            let name = field.map_or("form", |field| field.name.as_str());
            errors.add(name, error.message());
        }
        errors
    }

    /// `input` as it may be kept: files without their content.
    pub fn without_files(&self, input: &Map<String, Value>) -> Map<String, Value> {
        let mut kept = Map::new();
        for field in &self.fields {
            if let Some(value) = input.get(&field.name) {
                let value = match field.kind {
                    Kind::File { .. } => files::without_content(value),
                    _ => value.clone(),
                };
                kept.insert(field.name.clone(), value);
            }
        }
        kept
    }
}

/// A text that must be there must not be empty either; the schema says so where the type did not.
fn require_something(document: &mut Value) {
    let required: Vec<_> = document
        .get("required")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    for name in required.iter().filter_map(Value::as_str) {
        let property = document
            .get_mut("properties")
            .and_then(|all| all.get_mut(name));
        if let Some(property) = property.and_then(Value::as_object_mut)
            && property.get("type").is_some_and(|kind| kind == "string")
            && !property.contains_key("enum")
        {
            property.entry("minLength").or_insert(1.into());
        }
    }
}

fn is_required(document: &Value, name: &str) -> bool {
    let required = document.get("required").and_then(Value::as_array);
    required.is_some_and(|all| all.iter().any(|one| one == name))
}

impl InputField {
    fn parse(name: &str, schema: &Value, required: bool) -> anyhow::Result<Self> {
        if RESERVED.contains(&name) {
            bail!("its name is taken by the form itself");
        }
        let part = without_null(schema);
        Ok(Self {
            name: name.into(),
            label: title_of(schema).map_or_else(|| humanise(name), str::to_owned),
            help: help_of(schema),
            required,
            default: schema
                .get("default")
                .filter(|value| !value.is_null())
                .cloned(),
            kind: Kind::parse(part)?,
        })
    }

    /// Whether `value` fits; else a sentence that says what to change.
    fn check(&self, value: Option<&Value>) -> Result<(), String> {
        match value {
            None | Some(Value::Null) if self.required => Err(self.missing()),
            None | Some(Value::Null) => Ok(()),
            Some(value) => self.check_value(value),
        }
    }

    fn missing(&self) -> String {
        let label = &self.label;
        match self.kind {
            Kind::Choice(_) => format!("Choose one of the options under “{label}”."),
            Kind::File { .. } => format!("Choose a file under “{label}”."),
            _ => format!("Fill in “{label}”."),
        }
    }

    fn check_value(&self, value: &Value) -> Result<(), String> {
        let label = &self.label;
        match &self.kind {
            Kind::Text { min, max, .. } => {
                let text = value
                    .as_str()
                    .ok_or_else(|| format!("“{label}” must be a text."))?;
                self.check_length(text, *min, *max)
            }
            Kind::Integer { min, max } => {
                if !(value.is_i64() || value.is_u64()) {
                    return Err(format!("Enter a whole number under “{label}”."));
                }
                self.check_bounds(value, min.as_ref(), max.as_ref())
            }
            Kind::Number { min, max } => {
                if !value.is_number() {
                    return Err(format!("Enter a number under “{label}”."));
                }
                self.check_bounds(value, min.as_ref(), max.as_ref())
            }
            Kind::Choice(choices) if !choices.iter().any(|one| *value == one.value) => {
                Err(self.missing())
            }
            Kind::Choice(_) => Ok(()),
            Kind::Flag if !value.is_boolean() => Err(format!("“{label}” must be true or false.")),
            Kind::Flag => Ok(()),
            Kind::File { types, max_bytes } => self.check_file(value, types, *max_bytes),
        }
    }

    fn check_length(&self, text: &str, min: usize, max: Option<usize>) -> Result<(), String> {
        let (label, length) = (&self.label, text.chars().count());
        if min > 0 && text.trim().is_empty() {
            return Err(self.missing());
        }
        if length < min {
            return Err(format!(
                "“{label}” must have at least {min} characters; it has {length}."
            ));
        }
        match max {
            Some(max) if length > max => Err(format!(
                "“{label}” may have at most {max} characters; it has {length}."
            )),
            _ => Ok(()),
        }
    }

    fn check_bounds(
        &self,
        value: &Value,
        min: Option<&Number>,
        max: Option<&Number>,
    ) -> Result<(), String> {
        let label = &self.label;
        let is_less = |a: &Number, b: &Number| match (a.as_i128(), b.as_i128()) {
            (Some(a), Some(b)) => a < b,
            _ => a.as_f64() < b.as_f64(),
        };
        let Value::Number(number) = value else {
            return Ok(());
        };
        match (min, max) {
            (Some(min), _) if is_less(number, min) => {
                Err(format!("“{label}” must be at least {min}."))
            }
            (_, Some(max)) if is_less(max, number) => {
                Err(format!("“{label}” must be at most {max}."))
            }
            _ => Ok(()),
        }
    }

    fn check_file(
        &self,
        value: &Value,
        types: &[FileType],
        max_bytes: usize,
    ) -> Result<(), String> {
        let file = files::glance(value).ok_or_else(|| self.missing())?;
        if file.size > max_bytes {
            let (has, may) = (human_size(file.size), human_size(max_bytes));
            return Err(format!(
                "“{}” has {has}; at most {may} are taken.",
                file.name
            ));
        }
        if file.kind.is_none_or(|kind| !types.contains(&kind)) {
            let names: Vec<_> = types.iter().map(|kind| kind.name()).collect();
            return Err(format!(
                "“{}” is none of these: {}.",
                file.name,
                names.join(", ")
            ));
        }
        Ok(())
    }
}

/// Most characters of a text whose type sets no limit.
const TEXT_LENGTH: usize = 20_000;

impl Kind {
    fn parse(schema: &Value) -> anyhow::Result<Self> {
        if let Some(file) = schema.get(files::KEYWORD) {
            return Self::parse_file(file);
        }
        if let Some(choices) = choices(schema) {
            return Ok(Self::Choice(choices));
        }
        let is = |kind: &str| match schema.get("type") {
            Some(Value::String(one)) => one == kind,
            Some(Value::Array(several)) => several.iter().any(|one| one == kind),
            _ => false,
        };
        let number = |keyword: &str| schema.get(keyword).and_then(Value::as_number).cloned();
        let (min, max) = (number("minimum"), number("maximum"));
        if is("boolean") {
            Ok(Self::Flag)
        } else if is("string") {
            Ok(Self::parse_text(schema))
        } else if is("integer") {
            let (least, most) = range_of(schema);
            Ok(Self::Integer {
                min: min.or(least),
                max: max.or(most),
            })
        } else if is("number") {
            Ok(Self::Number { min, max })
        } else {
            bail!(
                "is neither a text, a number, a choice, a flag nor a file, so that no form can ask for it"
            )
        }
    }

    fn parse_text(schema: &Value) -> Self {
        let length = |keyword: &str| {
            let number = schema.get(keyword).and_then(Value::as_u64);
            number.and_then(|number| usize::try_from(number).ok())
        };
        let max = length("maxLength").unwrap_or(TEXT_LENGTH);
        Self::Text {
            min: length("minLength").unwrap_or(0),
            max: Some(max),
            format: match schema.get("format").and_then(Value::as_str) {
                Some("email") => TextFormat::Email,
                Some("uri") => TextFormat::Url,
                _ if max > LINE_LENGTH => TextFormat::Long,
                _ => TextFormat::Line,
            },
        }
    }

    fn parse_file(file: &Value) -> anyhow::Result<Self> {
        let names = file.get("types").and_then(Value::as_array);
        let is_named = |kind: &FileType| {
            names.is_some_and(|names| names.iter().any(|name| name == kind.name()))
        };
        let max_bytes = file.get("maxBytes").and_then(Value::as_u64);
        Ok(Self::File {
            types: FileType::ALL.into_iter().filter(is_named).collect(),
            max_bytes: usize::try_from(max_bytes.context("maxBytes is missing")?)?,
        })
    }
}

/// The values of an enum without contents.
fn choices(schema: &Value) -> Option<Vec<Choice>> {
    let plain = |value: &Value| {
        let value = value.as_str()?.to_owned();
        let label = humanise(&value);
        Some(Choice { value, label })
    };
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values
            .iter()
            .filter(|value| !value.is_null())
            .map(plain)
            .collect();
    }
    let described = |one: &Value| {
        let mut choice = plain(one.get("const")?)?;
        if let Some(title) = title_of(one) {
            choice.label = title.into();
        }
        Some(choice)
    };
    let alternatives = schema.get("oneOf").and_then(Value::as_array)?;
    let mut choices = Vec::new();
    for one in alternatives {
        // Variants without a doc comment stand together as an enum.
        match one.get("enum") {
            Some(_) => choices.extend(self::choices(one)?),
            None => choices.push(described(one)?),
        }
    }
    Some(choices)
}

/// The bounds of Rust's smaller integers, which schemas name as their format.
fn range_of(schema: &Value) -> (Option<Number>, Option<Number>) {
    let range = |min: i64, max: i64| (Some(min.into()), Some(max.into()));
    match schema.get("format").and_then(Value::as_str) {
        Some("int8") => range(i8::MIN.into(), i8::MAX.into()),
        Some("int16") => range(i16::MIN.into(), i16::MAX.into()),
        Some("int32") => range(i32::MIN.into(), i32::MAX.into()),
        Some("uint8") => range(0, u8::MAX.into()),
        Some("uint16") => range(0, u16::MAX.into()),
        Some("uint32") => range(0, u32::MAX.into()),
        Some("int" | "int64") => range(i64::MIN, i64::MAX),
        Some("uint" | "uint64") => (Some(0.into()), Some(u64::MAX.into())),
        _ => (None, None),
    }
}

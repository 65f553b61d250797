//! Inputs to try a service with, made from its schema: some that its types do not allow, and odd ones that they do.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value, json};

use super::super::files::FileType;
use super::super::input::{InputField, InputSchema, Kind, TextFormat};

/// An input with what is special about it, in words.
pub type Named = (String, Map<String, Value>);

/// Inputs that must be refused: each is usual but for one field.
pub fn beyond_limits(schema: &InputSchema) -> Vec<Named> {
    let mut inputs = Vec::new();
    for field in &schema.fields {
        let mut without = usual(schema);
        if field.required && without.remove(&field.name).is_some() {
            inputs.push((format!("“{}” was missing", field.label), without));
        }
        for (what, value) in wrong_values(&field.kind) {
            let mut input = usual(schema);
            input.insert(field.name.clone(), value);
            inputs.push((format!("“{}” {what}", field.label), input));
        }
    }
    inputs
}

/// Inputs that must give a result or a sentence, never a fault: each is usual but for one field.
pub fn hostile(schema: &InputSchema) -> Vec<Named> {
    let mut inputs = vec![("usual".to_owned(), usual(schema))];
    for field in &schema.fields {
        for (what, value) in odd_values(&field.kind) {
            let mut input = usual(schema);
            input.insert(field.name.clone(), value);
            inputs.push((format!("{what} in “{}”", field.label), input));
        }
    }
    inputs
}

pub fn usual(schema: &InputSchema) -> Map<String, Value> {
    let value = |field: &InputField| match &field.default {
        Some(value) => value.clone(),
        None => usual_value(&field.kind),
    };
    schema
        .fields
        .iter()
        .map(|field| (field.name.clone(), value(field)))
        .collect()
}

fn usual_value(kind: &Kind) -> Value {
    match kind {
        Kind::Text { min, max, format } => match format {
            TextFormat::Email => json!("ada@example.com"),
            TextFormat::Url => json!("https://example.com/"),
            TextFormat::Line | TextFormat::Long => {
                json!(fitting("A good day, all in all. ", *min, *max, 48))
            }
        },
        Kind::Integer { min, max } | Kind::Number { min, max } => {
            let bound = min.as_ref().or(max.as_ref());
            bound.map_or(json!(1), |bound| Value::Number(bound.clone()))
        }
        Kind::Choice(choices) => choices.first().map_or(Value::Null, |one| json!(one.value)),
        Kind::Flag => json!(true),
        Kind::File { types, .. } => file(types.first().copied(), &[0; 64]),
    }
}

/// `part` so often that it has `length` characters, or as few or many as are allowed.
fn fitting(part: &str, min: usize, max: Option<usize>, length: usize) -> String {
    let length = length.max(min).min(max.unwrap_or(usize::MAX));
    part.chars().cycle().take(length).collect()
}

fn wrong_values(kind: &Kind) -> Vec<(&'static str, Value)> {
    let mut values = vec![("was a list", json!([1, 2]))];
    match kind {
        Kind::Text { max, .. } => {
            values.push(("was a number", json!(7)));
            if let Some(max) = max {
                values.push(("was too long", json!("x".repeat(max + 1))));
            }
        }
        Kind::Integer { min, max } => {
            values.push(("was a text", json!("seven")));
            values.push(("was no whole number", json!(1.5)));
            values.extend(outside(min.as_ref(), max.as_ref()));
        }
        Kind::Number { min, max } => {
            values.push(("was a text", json!("seven")));
            values.extend(outside(min.as_ref(), max.as_ref()));
        }
        Kind::Choice(_) => values.push(("was none of the options", json!("\u{0}none of them"))),
        Kind::Flag => values.push(("was a text", json!("yes"))),
        Kind::File { types, max_bytes } => {
            values.push(("was no file", json!("file.txt")));
            values.push((
                "was a file of another type",
                file(None, b"MZ\x90\0 no such type"),
            ));
            let large = vec![0; max_bytes + 1];
            values.push(("was too large", file(types.first().copied(), &large)));
        }
    }
    values
}

/// Numbers just outside of bounds that have a number outside.
fn outside(min: Option<&Number>, max: Option<&Number>) -> Vec<(&'static str, Value)> {
    let below = min
        .and_then(Number::as_i64)
        .and_then(|min| min.checked_sub(1));
    let above = max
        .and_then(Number::as_i64)
        .and_then(|max| max.checked_add(1));
    let below = below.map(|number| ("was too small", json!(number)));
    let above = above.map(|number| ("was too large", json!(number)));
    below.into_iter().chain(above).collect()
}

/// Texts that have broken programs before.
const TEXTS: [(&str, &str); 12] = [
    ("one letter", "x"),
    ("control characters", "\u{0}\u{1}\u{1b}[31m\u{7f}"),
    ("marks without letters", "\u{0301}\u{0301}\u{20dd}"),
    ("text that runs backwards", "\u{202e}abc\u{202c}\u{feff}"),
    (
        "joined emoji",
        "\u{1F469}\u{200D}\u{1F4BB}\u{1F1E9}\u{1F1EA}",
    ),
    ("letters that grow in upper case", "ßŉǰΐﬃİ"),
    ("markup", "<script>alert(1)</script>{{ 7*7 }}${7*7}"),
    ("SQL", "'; DROP TABLE users; --"),
    (
        "deeply nested JSON",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    ),
    ("a broken table", "a,b\n\"1,2\n3\r\n,,,,\n"),
    ("numbers without end", "9999999999999999999999999e999999999"),
    ("lines without end", "\r\n\r\r\n\u{2028}\u{85}\n"),
];

fn odd_values(kind: &Kind) -> Vec<(&'static str, Value)> {
    match kind {
        Kind::Text { min, max, .. } => odd_texts(*min, *max),
        Kind::Integer { min, max } | Kind::Number { min, max } => {
            let bounds = [("the smallest number", min), ("the largest number", max)];
            let bounds = bounds.into_iter();
            bounds
                .filter_map(|(what, bound)| Some((what, Value::Number(bound.clone()?))))
                .collect()
        }
        Kind::Choice(choices) => {
            let options = choices.iter().map(|one| ("an option", json!(one.value)));
            options.collect()
        }
        Kind::Flag => vec![("false", json!(false))],
        Kind::File { types, max_bytes } => types
            .iter()
            .flat_map(|one| odd_files(*one, *max_bytes))
            .collect(),
    }
}

fn odd_texts(min: usize, max: Option<usize>) -> Vec<(&'static str, Value)> {
    let short = TEXTS.iter().map(|(what, text)| {
        let length = text.chars().count();
        (*what, json!(fitting(text, min, max, length)))
    });
    let longest = max.unwrap_or(20_000);
    let long = [
        ("the longest text", "a b"),
        ("the longest text of four bytes each", "\u{1F600}"),
    ];
    let long = long.map(|(what, text)| (what, json!(fitting(text, min, max, longest))));
    short.chain(long).collect()
}

fn odd_files(kind: FileType, max_bytes: usize) -> Vec<(&'static str, Value)> {
    let file = |bytes: &[u8]| file(Some(kind), bytes);
    vec![
        ("a file that ends at once", file(b"")),
        ("a file of ones", file(&[0xFF; 4096])),
        (
            "a file of zeroes",
            file(&vec![0; max_bytes.min(1024 * 1024) - 64]),
        ),
        ("a file of noise", file(&noise())),
    ]
}

/// The same bytes each time, without any order to see (xorshift, Marsaglia 2003).
fn noise() -> Vec<u8> {
    let mut state: u32 = 2_463_534_242;
    let byte = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    };
    (0..4096).map(byte).collect()
}

/// A file that begins as `kind` does, or not at all like any.
fn file(kind: Option<FileType>, rest: &[u8]) -> Value {
    let head: &[u8] = match kind {
        None => b"",
        Some(FileType::Avif) => b"\0\0\0\x18ftypavif\0\0\0\0",
        Some(FileType::Bmp) => b"BM\0\0\0\0\0\0\0\0",
        Some(FileType::Gif) => b"GIF89a",
        Some(FileType::Heic) => b"\0\0\0\x18ftypheic\0\0\0\0",
        Some(FileType::Jpeg) => b"\xFF\xD8\xFF\xE1",
        Some(FileType::Pdf) => b"%PDF-1.7\n",
        Some(FileType::Png) => b"\x89PNG\r\n\x1A\n",
        Some(FileType::Tiff) => b"II*\0",
        Some(FileType::Webp) => b"RIFF\x10\0\0\0WEBPVP8 ",
    };
    json!({ "name": "../../odd \u{202e}name", "content": STANDARD.encode([head, rest].concat()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(kind: Kind) -> InputSchema {
        let field = InputField {
            name: "value".into(),
            label: "Value".into(),
            help: String::new(),
            required: true,
            default: None,
            kind,
        };
        InputSchema {
            fields: vec![field],
            document: Value::Null,
        }
    }

    fn kinds() -> Vec<Kind> {
        let text = |min, max, format| Kind::Text {
            min,
            max: Some(max),
            format,
        };
        let number = |number: i64| Some(Number::from(number));
        vec![
            text(1, 10, TextFormat::Line),
            text(100, 5000, TextFormat::Long),
            text(0, 300, TextFormat::Email),
            Kind::Integer {
                min: number(3),
                max: number(9),
            },
            Kind::Number {
                min: None,
                max: number(9),
            },
            Kind::Flag,
            Kind::File {
                types: FileType::ALL.to_vec(),
                max_bytes: 10_000,
            },
        ]
    }

    #[test]
    fn what_must_be_refused_is_refused_and_the_rest_is_taken() {
        for kind in kinds() {
            let schema = schema(kind);
            for (what, input) in beyond_limits(&schema) {
                assert!(!schema.check(&input).is_empty(), "{what}");
            }
            let usual = &hostile(&schema)[0].1;
            assert!(schema.check(usual).is_empty(), "{:?}", schema.check(usual));
        }
    }

    #[test]
    fn odd_files_are_of_the_types_that_are_taken() {
        let schema = schema(kinds().pop().unwrap());
        for (what, input) in hostile(&schema) {
            assert!(
                schema.check(&input).is_empty(),
                "{what}: {:?}",
                schema.check(&input)
            );
        }
    }
}

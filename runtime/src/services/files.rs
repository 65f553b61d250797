//! Files as inputs of services: what a file is, is found in its content and not in its name.

use std::marker::PhantomData;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value, json};

use crate::http::UploadedFile;

/// Which files a service takes. Implemented by a type of the service's own:
///
/// ```
/// use quickscale_runtime::services::{FileInput, FileRule, FileType};
///
/// struct Photo;
///
/// impl FileRule for Photo {
///     const TYPES: &'static [FileType] = &[FileType::Jpeg, FileType::Png];
///     const MAX_BYTES: usize = 5 * 1024 * 1024;
/// }
///
/// fn size(photo: &FileInput<Photo>) -> usize {
///     photo.bytes.len()
/// }
/// ```
pub trait FileRule: Send + Sync + 'static {
    const TYPES: &'static [FileType];
    const MAX_BYTES: usize;
}

/// A file that somebody uploaded and that follows the rule `R`.
#[derive(Debug, Clone)]
pub struct FileInput<R> {
    /// What the file was called. It comes from outside: show it, but do not open anything by it.
    pub name: String,
    pub bytes: Vec<u8>,
    rule: PhantomData<fn() -> R>,
}

/// Kinds of file that are known by their first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileType {
    Avif,
    Bmp,
    Gif,
    Heic,
    Jpeg,
    Pdf,
    Png,
    Tiff,
    Webp,
}

/// How many of a file's first bytes say what it is.
pub(super) const HEAD: usize = 48;

impl FileType {
    pub const ALL: [Self; 9] = [
        Self::Avif,
        Self::Bmp,
        Self::Gif,
        Self::Heic,
        Self::Jpeg,
        Self::Pdf,
        Self::Png,
        Self::Tiff,
        Self::Webp,
    ];

    /// As people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Avif => "AVIF",
            Self::Bmp => "BMP",
            Self::Gif => "GIF",
            Self::Heic => "HEIC",
            Self::Jpeg => "JPEG",
            Self::Pdf => "PDF",
            Self::Png => "PNG",
            Self::Tiff => "TIFF",
            Self::Webp => "WebP",
        }
    }

    /// What a browser's file dialog filters by.
    pub fn extensions(self) -> &'static str {
        match self {
            Self::Avif => ".avif",
            Self::Bmp => ".bmp",
            Self::Gif => ".gif",
            Self::Heic => ".heic,.heif",
            Self::Jpeg => ".jpg,.jpeg",
            Self::Pdf => ".pdf",
            Self::Png => ".png",
            Self::Tiff => ".tif,.tiff",
            Self::Webp => ".webp",
        }
    }

    /// What begins with `head`, if it is known. The signatures are those of the formats' specifications.
    pub fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0xFF, 0xD8, 0xFF, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => Some(Self::Png),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Some(Self::Webp),
            [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => Some(Self::Tiff),
            [b'%', b'P', b'D', b'F', b'-', ..] => Some(Self::Pdf),
            [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Some(Self::Bmp),
            [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => Self::of_brand(brand.get(..4)?),
            _ => None,
        }
    }

    /// The brands of ISO/IEC 23008-12 that stand for pictures.
    fn of_brand(brand: &[u8]) -> Option<Self> {
        match brand {
            b"avif" | b"avis" => Some(Self::Avif),
            b"heic" | b"heix" | b"hevc" | b"hevx" | b"heim" | b"heis" | b"mif1" => Some(Self::Heic),
            _ => None,
        }
    }
}

/// The keyword by which a schema says that something is a file, and which files are taken.
pub(super) const KEYWORD: &str = "x-file";

impl<R: FileRule> JsonSchema for FileInput<R> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "File".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let types: Vec<_> = R::TYPES.iter().map(|one| one.name()).collect();
        json_schema!({
            "type": "object",
            "properties": {
                "name": { "type": "string" },
                "content": { "type": "string", "contentEncoding": "base64" },
            },
            "required": ["name", "content"],
            "examples": [example(R::TYPES)],
            KEYWORD: { "types": types, "maxBytes": R::MAX_BYTES },
        })
    }
}

impl<'de, R> Deserialize<'de> for FileInput<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct File {
            name: String,
            content: String,
        }
        let File { name, content } = File::deserialize(deserializer)?;
        let bytes = STANDARD.decode(content).map_err(de::Error::custom)?;
        Ok(Self {
            name,
            bytes,
            rule: PhantomData,
        })
    }
}

/// The smallest whole files, as base64: what somebody who tries a service out may send.
const SMALLEST: [(FileType, &str, &str); 3] = [
    (
        FileType::Png,
        "pixel.png",
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNgAAAAAgAB5Sfe/AAAAABJRU5ErkJggg==",
    ),
    (
        FileType::Gif,
        "pixel.gif",
        "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7",
    ),
    (FileType::Pdf, "empty.pdf", "JVBERi0xLjcKJSVFT0YK"),
];

/// A file of one of `types`.
fn example(types: &[FileType]) -> Value {
    let known = SMALLEST.iter().find(|(kind, ..)| types.contains(kind));
    let (name, content) =
        known.map_or(("file", "aGVsbG8="), |(_, name, content)| (*name, *content));
    json!({ "name": name, "content": content })
}

/// An uploaded file in the shape that the schema asks for.
pub(super) fn to_value(file: &UploadedFile) -> Value {
    json!({ "name": file.name, "content": STANDARD.encode(&file.bytes) })
}

/// What is known of a file in that shape without decoding all of it.
pub(super) struct Glance<'a> {
    pub name: &'a str,
    pub size: usize,
    pub kind: Option<FileType>,
}

/// Looks at a file in the schema's shape; `None` when it has another.
pub(super) fn glance(value: &Value) -> Option<Glance<'_>> {
    let name = value.get("name")?.as_str()?;
    let content = value.get("content")?.as_str()?;
    let padding = content.bytes().rev().take_while(|b| *b == b'=').count();
    let size = (content.len() / 4 * 3).saturating_sub(padding);
    let start = content.get(..content.len().min(HEAD / 3 * 4))?;
    let head = STANDARD.decode(start).ok()?;
    Some(Glance {
        name,
        size,
        kind: FileType::of(&head),
    })
}

/// The same without the content: what is kept of a file once its run is over.
pub(super) fn without_content(value: &Value) -> Value {
    let Some(glance) = glance(value) else {
        return Value::Object(Map::new());
    };
    json!({ "name": glance.name, "size": glance.size })
}

/// A size for people: `640 bytes`, `1.5 MB`.
pub(super) fn human_size(bytes: usize) -> String {
    const KB: usize = 1024;
    const MB: usize = KB * KB;
    let tenths = |unit: usize, name: &str| {
        let tenths = bytes.saturating_mul(10) / unit;
        match tenths % 10 {
            0 => format!("{} {name}", tenths / 10),
            rest => format!("{}.{rest} {name}", tenths / 10),
        }
    };
    match bytes {
        0..KB => format!("{bytes} bytes"),
        KB..MB => tenths(KB, "KB"),
        _ => tenths(MB, "MB"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_content_says() {
        for (head, kind) in [
            (&b"\xFF\xD8\xFF\xE0\0\x10JFIF"[..], Some(FileType::Jpeg)),
            (b"\x89PNG\r\n\x1A\n\0\0", Some(FileType::Png)),
            (b"GIF89a\x01\0", Some(FileType::Gif)),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Some(FileType::Webp)),
            (b"RIFF\x10\0\0\0WAVEfmt ", None),
            (b"II*\0\x08\0\0\0", Some(FileType::Tiff)),
            (b"MM\0*\0\0\0\x08", Some(FileType::Tiff)),
            (b"\0\0\0\x1Cftypheic\0\0", Some(FileType::Heic)),
            (b"\0\0\0\x1Cftypavif\0\0", Some(FileType::Avif)),
            (b"\0\0\0\x1Cftypmp42\0\0", None),
            (b"\0\0\0\x1Cftyp", None),
            (b"%PDF-1.7", Some(FileType::Pdf)),
            (b"BM\x46\0\0\0\0\0\0\0\x36", Some(FileType::Bmp)),
            (b"BMW is a make of car", None),
            (b"<svg onload=alert(1)>", None),
            (b"", None),
        ] {
            assert_eq!(FileType::of(head), kind, "{head:?}");
        }
    }

    #[test]
    fn a_glance_tells_name_size_and_kind() {
        for size in [0, 1, 2, 3, 47, 48, 49, 1000] {
            let mut bytes = b"%PDF-1.7".to_vec();
            bytes.resize(size, b' ');
            let file = UploadedFile {
                field: "file".into(),
                name: "a.pdf".into(),
                bytes: bytes.into(),
            };
            let value = to_value(&file);
            let glance = glance(&value).unwrap();
            assert_eq!((glance.name, glance.size), ("a.pdf", size));
            assert_eq!(glance.kind, (size > 4).then_some(FileType::Pdf));
            assert_eq!(
                without_content(&value),
                json!({ "name": "a.pdf", "size": size })
            );
        }
    }

    #[test]
    fn what_is_no_file_is_seen_at_a_glance() {
        for value in [
            json!(null),
            json!("text"),
            json!({ "name": "a" }),
            json!({ "name": 1, "content": "" }),
            json!({ "name": "a", "content": "not base64!" }),
            json!({ "name": "a", "content": "ééééééééééééééééééééééééééééééééééééééé" }),
        ] {
            assert!(glance(&value).is_none(), "{value}");
            assert_eq!(without_content(&value), json!({}));
        }
    }

    #[test]
    fn the_file_of_an_example_is_what_it_says() {
        for (kind, name, content) in SMALLEST {
            let example = example(&[FileType::Avif, kind]);
            assert_eq!(example, json!({ "name": name, "content": content }));
            assert_eq!(glance(&example).unwrap().kind, Some(kind), "{name}");
        }
    }

    #[test]
    fn sizes_are_written_for_people() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1 KB"),
            (1536, "1.5 KB"),
            (10 * 1024 * 1024, "10 MB"),
        ] {
            assert_eq!(human_size(bytes), text);
        }
    }
}

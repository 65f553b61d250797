//! Image metadata: the size of a picture and what its camera wrote into it (EXIF).

use std::collections::BTreeMap;
use std::io::Cursor;

use exif::{Exif, In, Tag, Value};
use garde::Validate;
use quickscale_runtime::credits::Credits;
use quickscale_runtime::services::{
    FileInput, FileRule, FileType, Service, ServiceContext, ServiceError,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The service. Its name is the name of this file.
pub fn service() -> impl Service {
    ImageMetadata
}

struct ImageMetadata;

/// What the form asks for.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
struct Input {
    /// A photograph as it came from the camera tells most.
    #[garde(skip)]
    image: FileInput<Picture>,
}

/// Which files are taken.
#[derive(Debug)]
struct Picture;

impl FileRule for Picture {
    const TYPES: &'static [FileType] = &[
        FileType::Jpeg,
        FileType::Png,
        FileType::Gif,
        FileType::Webp,
        FileType::Tiff,
        FileType::Heic,
        FileType::Avif,
        FileType::Bmp,
    ];
    const MAX_BYTES: usize = 10 * 1024 * 1024;
}

/// What the page shows.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct Output {
    format: String,
    /// In pixels.
    width: usize,
    /// In pixels.
    height: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    camera: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    taken_at: Option<String>,
    /// Where the picture was taken. Whoever gets the file can read this too.
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<Location>,
    /// Everything else that the camera wrote down.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    exif: BTreeMap<String, String>,
}

#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct Location {
    /// In degrees, north of the equator; south of it below zero.
    latitude: f64,
    /// In degrees, east of Greenwich; west of it below zero.
    longitude: f64,
}

impl Service for ImageMetadata {
    type Input = Input;
    type Output = Output;

    fn title(&self) -> &str {
        "Image metadata"
    }

    fn description(&self) -> &str {
        "Reads the size of a picture, and the camera, time and place that are stored in it."
    }

    fn cost(&self) -> Credits {
        Credits::whole(10)
    }

    async fn run(&self, input: Input, _: &ServiceContext) -> Result<Output, ServiceError> {
        extract(&input.image.bytes)
    }
}

fn extract(bytes: &[u8]) -> Result<Output, ServiceError> {
    let unusable = |_| ServiceError::unusable("This picture is damaged: it has no readable size.");
    let size = imagesize::blob_size(bytes).map_err(unusable)?;
    let exif = read_exif(bytes);
    let exif = exif.as_ref();
    Ok(Output {
        format: FileType::of(bytes).map_or("Unknown", FileType::name).into(),
        width: size.width,
        height: size.height,
        camera: exif.and_then(camera),
        taken_at: exif.and_then(taken_at),
        location: exif.and_then(location),
        exif: exif.map(fields).unwrap_or_default(),
    })
}

/// What is readable of the EXIF data; `None` when there is none.
fn read_exif(bytes: &[u8]) -> Option<Exif> {
    exif::Reader::new()
        .continue_on_error(true)
        .read_from_container(&mut Cursor::new(bytes))
        .or_else(|fault| fault.distill_partial_result(|_| ()))
        .ok()
}

/// The text of a field, if it is one and says something.
fn text(exif: &Exif, tag: Tag) -> Option<String> {
    text_of(&exif.get_field(tag, In::PRIMARY)?.value)
}

/// A text without blanks and control characters around it; its parts on one line.
fn text_of(value: &Value) -> Option<String> {
    let Value::Ascii(parts) = value else {
        return None;
    };
    let is_filling = |c: char| c.is_whitespace() || c.is_control();
    let parts = parts.iter().map(|part| String::from_utf8_lossy(part));
    let parts: Vec<_> = parts
        .map(|part| part.trim_matches(is_filling).to_owned())
        .filter(|part| !part.is_empty())
        .collect();
    (!parts.is_empty()).then(|| shorten(&parts.join(", ")))
}

/// Maker and model, without naming the maker twice.
fn camera(exif: &Exif) -> Option<String> {
    match (text(exif, Tag::Make), text(exif, Tag::Model)) {
        (Some(make), Some(model)) if model.starts_with(&make) => Some(model),
        (Some(make), Some(model)) => Some(format!("{make} {model}")),
        (make, model) => make.or(model),
    }
}

/// `2026-11-21 09:05:00`, as the camera's clock had it.
fn taken_at(exif: &Exif) -> Option<String> {
    let field = exif.get_field(Tag::DateTimeOriginal, In::PRIMARY);
    let field = field.or_else(|| exif.get_field(Tag::DateTime, In::PRIMARY))?;
    let Value::Ascii(lines) = &field.value else {
        return None;
    };
    let time = exif::DateTime::from_ascii(lines.first()?).ok()?;
    Some(time.to_string())
}

fn location(exif: &Exif) -> Option<Location> {
    Some(Location {
        latitude: degrees(exif, Tag::GPSLatitude, Tag::GPSLatitudeRef, "S", 90.0)?,
        longitude: degrees(exif, Tag::GPSLongitude, Tag::GPSLongitudeRef, "W", 180.0)?,
    })
}

/// Degrees, minutes and seconds as one number, below zero on the side called `negative`.
fn degrees(exif: &Exif, tag: Tag, side: Tag, negative: &str, limit: f64) -> Option<f64> {
    let Value::Rational(parts) = &exif.get_field(tag, In::PRIMARY)?.value else {
        return None;
    };
    let [degrees, minutes, seconds] = parts[..] else {
        return None;
    };
    let value = degrees.to_f64() + minutes.to_f64() / 60.0 + seconds.to_f64() / 3600.0;
    // A fraction over zero, or a place beyond the poles: the camera had no fix.
    if !value.is_finite() || value > limit {
        return None;
    }
    let rounded = (value * 1e6).round() / 1e6;
    let is_negative = text(exif, side).is_some_and(|side| side == negative);
    Some(if is_negative { -rounded } else { rounded })
}

/// Most fields that are shown.
const FIELDS: usize = 60;
/// Most characters of a value that are shown.
const VALUE_LENGTH: usize = 120;

/// The fields of the picture itself that can be read as text. The place is told by itself, the maker's own
/// notes are binary.
fn fields(exif: &Exif) -> BTreeMap<String, String> {
    let is_shown = |tag: Tag| {
        let is_place = tag.context() == exif::Context::Gps;
        !is_place
            && !matches!(tag, Tag::MakerNote | Tag::UserComment)
            && tag.description().is_some()
    };
    exif.fields()
        .filter(|field| field.ifd_num == In::PRIMARY && is_shown(field.tag))
        .take(FIELDS)
        .map(|field| {
            let number = || shorten(&field.display_value().with_unit(exif).to_string());
            let value = text_of(&field.value).unwrap_or_else(number);
            (field.tag.to_string(), value)
        })
        .collect()
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= VALUE_LENGTH {
        return text.to_owned();
    }
    let start: String = text.chars().take(VALUE_LENGTH).collect();
    format!("{start}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A GIF of one pixel.
    const GIF: &[u8] = b"GIF89a\x01\0\x01\0\0\0\0;";

    fn entry(tag: u16, kind: u16, count: u32, value: u32) -> Vec<u8> {
        let mut bytes = [tag.to_be_bytes(), kind.to_be_bytes()].concat();
        bytes.extend(count.to_be_bytes());
        bytes.extend(value.to_be_bytes());
        bytes
    }

    fn short(text: &[u8; 4]) -> u32 {
        u32::from_be_bytes(*text)
    }

    /// EXIF data (TIFF 6.0, big endian): a camera, and a place 48°30'0" S, 2°15'36" W.
    fn exif_data() -> Vec<u8> {
        let mut bytes = b"MM\0*\0\0\0\x08".to_vec();
        bytes.extend(3_u16.to_be_bytes());
        bytes.extend(entry(0x010F, 2, 4, short(b"Cam\0")));
        bytes.extend(entry(0x0110, 2, 4, short(b"X1\0\0")));
        bytes.extend(entry(0x8825, 4, 1, 50));
        bytes.extend([0; 4]);
        assert_eq!(bytes.len(), 50, "where the directory of the place begins");
        bytes.extend(4_u16.to_be_bytes());
        bytes.extend(entry(1, 2, 2, short(b"S\0\0\0")));
        bytes.extend(entry(2, 5, 3, 104));
        bytes.extend(entry(3, 2, 2, short(b"W\0\0\0")));
        bytes.extend(entry(4, 5, 3, 128));
        bytes.extend([0; 4]);
        assert_eq!(bytes.len(), 104, "where the degrees begin");
        for number in [48, 1, 30, 1, 0, 1, 2, 1, 15, 1, 36, 1_u32] {
            bytes.extend(number.to_be_bytes());
        }
        bytes
    }

    /// A JPEG of 640 x 480 without a picture in it.
    fn jpeg(exif: &[u8]) -> Vec<u8> {
        let mut bytes = b"\xFF\xD8\xFF\xE1".to_vec();
        let length = u16::try_from(exif.len() + 8).unwrap();
        bytes.extend(length.to_be_bytes());
        bytes.extend(b"Exif\0\0");
        bytes.extend(exif);
        bytes.extend(b"\xFF\xC0\0\x11\x08\x01\xE0\x02\x80\x03\x01\x22\0\x02\x11\x01\x03\x11\x01");
        bytes.extend(b"\xFF\xD9");
        bytes
    }

    #[test]
    fn a_photograph_tells_its_size_camera_and_place() {
        let output = extract(&jpeg(&exif_data())).unwrap();
        assert_eq!(output.format, "JPEG");
        assert_eq!((output.width, output.height), (640, 480));
        assert_eq!(output.camera.as_deref(), Some("Cam X1"));
        let place = Location {
            latitude: -48.5,
            longitude: -2.26,
        };
        assert_eq!(output.location, Some(place));
        assert_eq!(output.exif["Model"], "X1");
    }

    #[test]
    fn a_picture_without_exif_tells_its_size() {
        let output = extract(GIF).unwrap();
        assert_eq!((output.format.as_str(), output.width), ("GIF", 1));
        assert_eq!(output.location, None);
        assert!(output.exif.is_empty());
    }

    #[test]
    fn a_damaged_picture_is_refused_with_a_sentence() {
        for bytes in [
            &GIF[..8],
            b"\xFF\xD8\xFF\xE1\xFF\xFF",
            b"\x89PNG\r\n\x1A\n",
            b"",
        ] {
            match extract(bytes) {
                Err(ServiceError::Unusable(why)) => assert!(why.contains("damaged")),
                other => panic!("{bytes:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn damaged_exif_data_costs_only_itself() {
        let whole = exif_data();
        for end in 0..whole.len() {
            let output = extract(&jpeg(&whole[..end])).unwrap();
            assert_eq!(output.width, 640, "cut after {end} bytes");
        }
    }
}

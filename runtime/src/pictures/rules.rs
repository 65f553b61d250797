//! Making a picture of what somebody sent: told by its content, bounded in size, and written anew from its points of
//! colour, so that nothing else of it is left: no place, no camera, no second file behind the first.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, Rgb, RgbImage};

/// A picture is a square of this many points.
pub(super) const SIDE: u32 = 256;
const QUALITY: u8 = 85;
/// The most points of what somebody sends: more than cameras of telephones make usually, and 75 MB at three bytes each.
const MOST_POINTS: u64 = 25_000_000;
const LONGEST_SIDE: u32 = 12_000;
/// What reading may take of memory.
const MEMORY: u64 = 160 * 1024 * 1024;

/// Why something is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// No file at all.
    Nothing,
    /// More bytes than are allowed.
    TooManyBytes,
    /// None of the types that are taken, whatever its name says.
    OtherType,
    TooManyPoints,
    /// It begins like a picture and is none.
    Broken,
}

impl Refused {
    /// For whoever sent it.
    pub fn sentence(self, max_megabytes: u32) -> String {
        match self {
            Self::Nothing => "Choose a picture.".into(),
            Self::TooManyBytes => {
                format!("This file is too large. At most {max_megabytes} MiB are taken.")
            }
            Self::OtherType => "Choose a picture of the type JPEG, PNG or WebP.".into(),
            Self::TooManyPoints => {
                let most = MOST_POINTS / 1_000_000;
                format!("This picture is too large. At most {most} million points are taken.")
            }
            Self::Broken => "This picture cannot be read. Choose another.".into(),
        }
    }
}

/// The middle of a picture as a square, upright, as JPEG.
pub(super) fn portrait(bytes: &[u8]) -> Result<Vec<u8>, Refused> {
    let format = image::guess_format(bytes).map_err(|_| Refused::OtherType)?;
    if !matches!(
        format,
        ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP
    ) {
        return Err(Refused::OtherType);
    }
    let (image, orientation) = read(bytes, format)?;
    let mut square = square(image).resize_exact(SIDE, SIDE, FilterType::Triangle);
    square.apply_orientation(orientation);
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY)
        .encode_image(&on_white(&square))
        .map_err(|_| Refused::Broken)?;
    Ok(jpeg)
}

/// The points, and how they are to be turned.
fn read(bytes: &[u8], format: ImageFormat) -> Result<(DynamicImage, Orientation), Refused> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(refused)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_POINTS || decoder.total_bytes() > MEMORY {
        return Err(Refused::TooManyPoints);
    }
    // What is said of it wrongly is as good as nothing.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let image = DynamicImage::from_decoder(decoder).map_err(refused)?;
    Ok((image, orientation))
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
fn refused(error: image::ImageError) -> Refused {
    match error {
        image::ImageError::Limits(_) => Refused::TooManyPoints,
        _ => Refused::Broken,
    }
}

/// The largest square around the middle.
fn square(image: DynamicImage) -> DynamicImage {
    let (width, height) = (image.width(), image.height());
    let side = width.min(height);
    match width == height {
        true => image,
        false => image.crop_imm((width - side) / 2, (height - side) / 2, side, side),
    }
}

/// What can be seen through becomes white: JPEG has no such points.
fn on_white(image: &DynamicImage) -> RgbImage {
    let points = image.to_rgba8();
    RgbImage::from_fn(points.width(), points.height(), |x, y| {
        let [red, green, blue, alpha] = points.get_pixel(x, y).0;
        let mix = |color: u8| {
            let alpha = u16::from(alpha);
            let mixed = (u16::from(color) * alpha + 255 * (255 - alpha)) / 255;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        Rgb([mix(red), mix(green), mix(blue)])
    })
}

#[cfg(test)]
mod tests {
    use image::{Rgba, RgbaImage};

    use super::*;

    /// `image` as a file of `format`.
    fn file(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.into().write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn made(bytes: &[u8]) -> RgbImage {
        let jpeg = portrait(bytes).unwrap();
        let image = image::load_from_memory_with_format(&jpeg, ImageFormat::Jpeg).unwrap();
        assert_eq!((image.width(), image.height()), (SIDE, SIDE));
        image.to_rgb8()
    }

    /// Whether a point is about of a color; JPEG keeps none exactly.
    fn is_about(image: &RgbImage, (x, y): (u32, u32), color: [u8; 3]) -> bool {
        let point = image.get_pixel(x, y).0;
        let near = |(one, other): (u8, u8)| one.abs_diff(other) < 16;
        point.into_iter().zip(color).all(near)
    }

    const RED: [u8; 3] = [220, 30, 30];
    const BLUE: [u8; 3] = [30, 30, 220];

    /// Red on the left, blue on the right.
    fn two_halves(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, _| {
            Rgb(if x < width / 2 { RED } else { BLUE })
        })
    }

    #[test]
    fn every_type_becomes_a_square_of_the_middle() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
            for (width, height) in [(600, 200), (200, 600), (300, 300), (1, 1), (5, 9)] {
                let image = made(&file(two_halves(width, height), format));
                if width > 100 {
                    assert!(is_about(&image, (20, 128), RED), "{format:?} {width}");
                    assert!(is_about(&image, (235, 128), BLUE), "{format:?} {width}");
                }
            }
        }
    }

    #[test]
    fn what_can_be_seen_through_is_white() {
        let glass = RgbaImage::from_pixel(40, 40, Rgba([200, 0, 0, 0]));
        assert!(is_about(
            &made(&file(glass, ImageFormat::Png)),
            (9, 9),
            [255; 3]
        ));
    }

    /// A JPEG file with a note of Exif: how it is to be turned, and a word.
    fn with_exif(jpeg: &[u8], orientation: u8, word: &str) -> Vec<u8> {
        let mut tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
        tiff.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
        tiff.extend(word.as_bytes());
        let length = u16::try_from(tiff.len() + 8).unwrap().to_be_bytes();
        let note = [b"\xFF\xE1".as_slice(), &length, b"Exif\0\0", &tiff].concat();
        [&jpeg[..2], &note, &jpeg[2..]].concat()
    }

    #[test]
    fn it_is_turned_as_the_camera_says_and_nothing_that_it_says_is_kept() {
        let jpeg = file(two_halves(300, 300), ImageFormat::Jpeg);
        for (orientation, red, blue) in [
            (1, (20, 128), (235, 128)),
            (2, (235, 128), (20, 128)),
            (3, (235, 128), (20, 128)),
            (6, (128, 20), (128, 235)),
            (8, (128, 235), (128, 20)),
            (99, (20, 128), (235, 128)),
        ] {
            let bytes = with_exif(&jpeg, orientation, "52.5200 N, 13.4050 E");
            let image = made(&bytes);
            assert!(is_about(&image, red, RED), "{orientation}");
            assert!(is_about(&image, blue, BLUE), "{orientation}");
            let kept = portrait(&bytes).unwrap();
            let has = |what: &[u8]| kept.windows(what.len()).any(|part| part == what);
            assert!(!has(b"Exif") && !has(b"52.5200"), "{orientation}");
        }
    }

    /// A PNG file that says how large it is, with `rows` rows of zeros in it.
    fn bomb(width: u32, height: u32) -> Vec<u8> {
        let mut png = b"\x89PNG\r\n\x1A\n".to_vec();
        let mut head = [width.to_be_bytes(), height.to_be_bytes()].concat();
        head.extend([8, 6, 0, 0, 0]);
        for (name, data) in [
            (b"IHDR", head),
            (b"IDAT", Vec::new()),
            (b"IEND", Vec::new()),
        ] {
            png.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
            let chunk = [name.as_slice(), &data].concat();
            png.extend(&chunk);
            png.extend(crc32fast::hash(&chunk).to_be_bytes());
        }
        png
    }

    #[test]
    fn what_would_take_too_much_is_refused_before_it_is_read() {
        for (width, height) in [(60_000, 60_000), (12_001, 1), (6_000, 5_000)] {
            let refused = portrait(&bomb(width, height));
            assert_eq!(refused, Err(Refused::TooManyPoints), "{width} × {height}");
        }
        // As a camera would say it in a JPEG: the size stands in its frame's head.
        let mut jpeg = file(two_halves(16, 16), ImageFormat::Jpeg);
        let frame = jpeg.windows(2).position(|two| two == [0xFF, 0xC0]).unwrap();
        jpeg[frame + 5..frame + 9].copy_from_slice(&[0x2E, 0xE0, 0x2E, 0xE0]);
        assert_eq!(portrait(&jpeg), Err(Refused::TooManyPoints));
    }

    #[test]
    fn a_narrow_strip_takes_no_more_than_its_square() {
        let strip = file(RgbImage::from_pixel(1, 12_000, Rgb(RED)), ImageFormat::Png);
        assert!(is_about(&made(&strip), (128, 128), RED));
    }

    #[test]
    fn whatever_is_no_picture_is_refused() {
        let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
        for other in [
            &b""[..],
            b"GIF89a\x01\0\x01\0",
            b"BM\0\0\0\0",
            b"%PDF-1.7",
            svg,
            b"<?xml version=\"1.0\"?><svg/>",
            b"<html><script>",
        ] {
            assert_eq!(portrait(other), Err(Refused::OtherType), "{other:?}");
        }
        for broken in [
            &b"\x89PNG\r\n\x1A\n"[..],
            b"\xFF\xD8\xFF\xE0<script>",
            b"RIFF\x10\0\0\0WEBPVP8 ",
        ] {
            assert_eq!(portrait(broken), Err(Refused::Broken), "{broken:?}");
        }
        assert_eq!(portrait(&bomb(10, 10)), Err(Refused::Broken));
    }

    #[test]
    fn whatever_is_cut_off_or_changed_is_refused_or_read_and_no_more() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
            let whole = file(two_halves(64, 48), format);
            for length in (0..whole.len()).step_by(whole.len() / 40 + 1) {
                if let Ok(jpeg) = portrait(&whole[..length]) {
                    assert!(jpeg.starts_with(b"\xFF\xD8\xFF"), "{format:?} {length}");
                }
            }
            for at in (0..whole.len()).step_by(whole.len() / 60 + 1) {
                let mut changed = whole.clone();
                changed[at] ^= 0xFF;
                // Any answer will do: what matters is that there is one.
                let _ = portrait(&changed);
            }
        }
    }

    #[test]
    fn what_is_two_files_at_once_is_one_picture_afterwards() {
        let hidden = b"<script>alert(document.cookie)</script>PK\x03\x04";
        for format in [ImageFormat::Jpeg, ImageFormat::Png] {
            let mut bytes = file(two_halves(32, 32), format);
            bytes.extend(hidden);
            let kept = portrait(&bytes).unwrap();
            let has = |what: &[u8]| kept.windows(what.len()).any(|part| part == what);
            assert!(!has(b"script") && !has(b"PK\x03\x04"), "{format:?}");
            assert!(kept.ends_with(b"\xFF\xD9"), "{format:?}");
        }
    }
}

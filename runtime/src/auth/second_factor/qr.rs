//! A QR code as a picture that is part of the page, so that no secret leaves it.

use anyhow::Context as _;
use qrcode::{Color, EcLevel, QrCode};

/// Light around the code, in modules, without which cameras do not find it (ISO/IEC 18004, section 9.1).
const MARGIN: usize = 4;

/// `text` as an SVG element: black on white, whatever the colours of the page, since cameras want it so.
pub fn svg(text: &str) -> anyhow::Result<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M);
    let code = code.context("the text is too long for a QR code")?;
    let (width, colors) = (code.width(), code.to_colors());
    let mut path = String::new();
    for (y, row) in colors.chunks(width).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|left, right| left == right) {
            if run[0] == Color::Dark {
                let (left, top, length) = (x + MARGIN, y + MARGIN, run.len());
                path.push_str(&format!("M{left} {top}h{length}v1h-{length}z"));
            }
            x += run.len();
        }
    }
    let size = width + 2 * MARGIN;
    Ok(format!(
        r##"<svg class="qr-code" viewBox="0 0 {size} {size}" role="img" aria-label="QR code" shape-rendering="crispEdges"><rect width="{size}" height="{size}" fill="#fff"/><path d="{path}" fill="#000"/></svg>"##
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dark_module_is_drawn() {
        let picture = svg("otpauth://totp/x").unwrap();
        let code = QrCode::with_error_correction_level("otpauth://totp/x", EcLevel::M).unwrap();
        let dark = code
            .to_colors()
            .iter()
            .filter(|color| **color == Color::Dark)
            .count();
        let runs = picture.split('h').filter_map(|part| part.split_once('v'));
        let runs = runs.filter_map(|(length, _)| length.parse::<usize>().ok());
        assert_eq!(runs.sum::<usize>(), dark);
        // The pattern in the corner.
        assert!(picture.contains("M4 4h7v1h-7z") && picture.contains("M6 6h3v1h-3z"));
        assert!(svg(&"x".repeat(5000)).is_err());
    }
}

//! The part of a font that a document needs: the glyphs that occur, numbered anew, without the instructions that screens of
//! few dots need.

use std::collections::BTreeMap;

use super::typeface::{Tag, Typeface, u16_at};

/// Flags of a part of a glyph that is put together of others (OpenType, table `glyf`).
const WORDS: u16 = 0x0001;
const ONE_SCALE: u16 = 0x0008;
const MORE: u16 = 0x0020;
const TWO_SCALES: u16 = 0x0040;
const FOUR_SCALES: u16 = 0x0080;
const INSTRUCTIONS: u16 = 0x0100;

/// Glyphs of a font under new numbers.
#[derive(Debug)]
pub struct Subset<'a> {
    pub face: Typeface<'a>,
    /// The number in the font, by the new one. The first stands for letters that the font has not got.
    kept: Vec<u16>,
    /// The numbers of what glyphs are made of.
    parts: BTreeMap<u16, u16>,
}

impl<'a> Subset<'a> {
    pub fn new(face: Typeface<'a>) -> Self {
        Self {
            face,
            kept: vec![0],
            parts: BTreeMap::new(),
        }
    }

    /// Puts a glyph in, under a number of its own even when it is there: two letters may look the same.
    pub fn keep(&mut self, glyph: u16) -> u16 {
        let number = u16::try_from(self.kept.len()).unwrap_or_default();
        self.kept.push(glyph);
        number
    }

    fn keep_part(&mut self, glyph: u16) -> u16 {
        if let Some(number) = self.parts.get(&glyph) {
            return *number;
        }
        let number = self.keep(glyph);
        self.parts.insert(glyph, number);
        number
    }

    /// Widths in thousandths, by the new numbers.
    pub fn widths(&self) -> impl Iterator<Item = i64> {
        self.kept.iter().map(|glyph| self.face.width(*glyph))
    }

    /// The font as a file of its own.
    pub fn file(&mut self) -> Vec<u8> {
        let (glyf, loca) = self.outlines();
        let count = u16::try_from(self.kept.len()).unwrap_or(u16::MAX);
        let measures = self.kept.iter().map(|glyph| self.face.measures(*glyph));
        let hmtx = measures
            .flat_map(|(width, bearing)| [width.to_be_bytes(), bearing.to_be_bytes()])
            .flatten()
            .collect();
        let tables: [(&Tag, Vec<u8>); 6] = [
            (b"glyf", glyf),
            // Offsets are long, and the sum of the whole is filled in below.
            (
                b"head",
                self.changed(b"head", &[(8, &[0; 4]), (50, &[0, 1])]),
            ),
            (
                b"hhea",
                self.changed(b"hhea", &[(34, &count.to_be_bytes())]),
            ),
            (b"hmtx", hmtx),
            (b"loca", loca),
            (b"maxp", self.changed(b"maxp", &[(4, &count.to_be_bytes())])),
        ];
        joined(&tables)
    }

    fn changed(&self, tag: &Tag, changes: &[(usize, &[u8])]) -> Vec<u8> {
        let mut table = self.face.table(tag).to_vec();
        for (at, bytes) in changes {
            if let Some(place) = table.get_mut(*at..at + bytes.len()) {
                place.copy_from_slice(bytes);
            }
        }
        table
    }

    /// Outlines, each after the other, and where each begins. Those that others are made of join while it goes on.
    fn outlines(&mut self) -> (Vec<u8>, Vec<u8>) {
        let (mut glyf, mut loca) = (Vec::new(), vec![0; 4]);
        let mut at = 0;
        while let Some(glyph) = self.kept.get(at).copied() {
            let outline = self.face.outline(glyph);
            glyf.extend(self.plain(outline).unwrap_or_default());
            glyf.resize(glyf.len().next_multiple_of(4), 0);
            loca.extend(u32::try_from(glyf.len()).unwrap_or_default().to_be_bytes());
            at += 1;
        }
        (glyf, loca)
    }

    /// An outline without instructions; none when it is broken off.
    fn plain(&mut self, outline: &[u8]) -> Option<Vec<u8>> {
        let contours = u16_at(outline, 0)?;
        if contours.cast_signed() >= 0 {
            let at = 10 + 2 * usize::from(contours);
            let instructions = usize::from(u16_at(outline, at)?);
            let mut plain = outline.get(..at)?.to_vec();
            plain.extend([0, 0]);
            plain.extend(outline.get(at + 2 + instructions..)?);
            return Some(plain);
        }
        let mut plain = outline.get(..10)?.to_vec();
        let mut at = 10;
        loop {
            let flags = u16_at(outline, at)?;
            let part = self.keep_part(u16_at(outline, at + 2)?);
            let end = at + 4 + placing(flags);
            plain.extend((flags & !INSTRUCTIONS).to_be_bytes());
            plain.extend(part.to_be_bytes());
            plain.extend(outline.get(at + 4..end)?);
            at = end;
            if flags & MORE == 0 {
                return Some(plain);
            }
        }
    }
}

/// How many bytes say where a part of a glyph stands and how large it is.
fn placing(flags: u16) -> usize {
    let place = if flags & WORDS == 0 { 2 } else { 4 };
    let scales = [(ONE_SCALE, 2), (TWO_SCALES, 4), (FOUR_SCALES, 8)];
    let scale = scales.iter().find(|(flag, _)| flags & flag != 0);
    place + scale.map_or(0, |(_, bytes)| *bytes)
}

/// A sum as fonts have it: of words, over the end with zeros.
fn sum(bytes: &[u8]) -> u32 {
    let words = bytes.chunks(4).map(|chunk| {
        let mut word = [0; 4];
        word[..chunk.len()].copy_from_slice(chunk);
        u32::from_be_bytes(word)
    });
    words.fold(0, u32::wrapping_add)
}

/// Tables in the order of their tags as one file.
fn joined(tables: &[(&Tag, Vec<u8>)]) -> Vec<u8> {
    let long = |number: usize| u32::try_from(number).unwrap_or_default().to_be_bytes();
    let count = u16::try_from(tables.len()).unwrap_or_default();
    let power = count.max(1).ilog2();
    let range = 16_u16 << power;
    let mut file = vec![0, 1, 0, 0];
    let power = u16::try_from(power).unwrap_or_default();
    for field in [count, range, power, count * 16 - range] {
        file.extend(field.to_be_bytes());
    }
    let mut start = 12 + 16 * tables.len();
    let mut head = None;
    for (tag, table) in tables {
        if *tag == b"head" {
            head = Some(start + 8);
        }
        file.extend(tag.iter());
        file.extend(sum(table).to_be_bytes());
        file.extend(long(start));
        file.extend(long(table.len()));
        start += table.len().next_multiple_of(4);
    }
    for (_, table) in tables {
        file.extend(table);
        file.resize(file.len().next_multiple_of(4), 0);
    }
    // OpenType, table `head`: what makes the sum of the whole file this number.
    let rest = 0xb1b0_afba_u32.wrapping_sub(sum(&file));
    if let Some(place) = head.and_then(|at| file.get_mut(at..at + 4)) {
        place.copy_from_slice(&rest.to_be_bytes());
    }
    file
}

#[cfg(test)]
mod tests {
    use super::super::typeface::u32_at;
    use super::*;

    #[test]
    fn a_file_of_tables_says_where_each_is_and_sums_up() {
        let file = joined(&[(b"glyf", vec![1, 2, 3]), (b"head", vec![0; 12])]);
        assert_eq!(u16_at(&file, 4), Some(2));
        assert_eq!(u32_at(&file, 12 + 8), Some(44));
        assert_eq!(u32_at(&file, 28 + 8), Some(48));
        assert_eq!(sum(&file), 0xb1b0_afba);
        assert_eq!(&file[44..48], [1, 2, 3, 0]);
    }
}

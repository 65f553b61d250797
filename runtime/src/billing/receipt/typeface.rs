//! Reads a TrueType font as far as a document needs it: which glyph a letter has, how wide that is, and its outline
//! (OpenType 1.9, tables `cmap`, `glyf`, `head`, `hhea`, `hmtx`, `loca`, `maxp`). A fault in the font gives none, never
//! a panic.

use std::collections::BTreeMap;

/// A table's four letters.
pub type Tag = [u8; 4];

/// A font in its file.
#[derive(Debug)]
pub struct Typeface<'a> {
    tables: BTreeMap<Tag, &'a [u8]>,
    /// The part of `cmap` that is read.
    letters: Letters<'a>,
    units_per_em: i64,
    glyphs: u16,
    /// How many glyphs have a width of their own.
    widths: u16,
    has_long_offsets: bool,
}

/// How a font says which glyph a letter has.
#[derive(Debug)]
enum Letters<'a> {
    /// Format 4: segments of the first 65,536 letters.
    Segments(&'a [u8]),
    /// Format 12: groups of all letters.
    Groups(&'a [u8]),
}

pub fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    let bytes = data.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes(bytes.try_into().ok()?))
}

pub fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    let bytes = data.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

fn i16_at(data: &[u8], at: usize) -> Option<i16> {
    u16_at(data, at).map(u16::cast_signed)
}

fn offset_at(data: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32_at(data, at)?).ok()
}

impl<'a> Typeface<'a> {
    /// None when `file` is no TrueType font.
    pub fn read(file: &'a [u8]) -> Option<Self> {
        let tables: BTreeMap<Tag, &[u8]> = (0..usize::from(u16_at(file, 4)?))
            .map(|number| {
                let record = 12 + 16 * number;
                let tag: Tag = file.get(record..record + 4)?.try_into().ok()?;
                let (start, length) = (offset_at(file, record + 8)?, offset_at(file, record + 12)?);
                Some((tag, file.get(start..start.checked_add(length)?)?))
            })
            .collect::<Option<_>>()?;
        let table = |tag: &Tag| tables.get(tag).copied();
        let (head, hhea) = (table(b"head")?, table(b"hhea")?);
        for needed in [b"glyf", b"hmtx", b"loca"] {
            table(needed)?;
        }
        let units_per_em = u16_at(head, 18).filter(|units| *units > 0)?;
        Some(Self {
            letters: Letters::read(table(b"cmap")?)?,
            units_per_em: units_per_em.into(),
            glyphs: u16_at(table(b"maxp")?, 4)?,
            widths: u16_at(hhea, 34).filter(|widths| *widths > 0)?,
            has_long_offsets: u16_at(head, 50)? == 1,
            tables,
        })
    }

    /// A table that [`Self::read`] made sure of; of others nothing when there are none.
    pub fn table(&self, tag: &Tag) -> &'a [u8] {
        self.tables.get(tag).copied().unwrap_or_default()
    }

    /// None when the font has not got the letter.
    pub fn glyph(&self, letter: char) -> Option<u16> {
        let glyph = self.letters.glyph(u32::from(letter))?;
        (glyph != 0 && glyph < self.glyphs).then_some(glyph)
    }

    /// Width and left bearing of a glyph, in the font's own units.
    pub fn measures(&self, glyph: u16) -> (u16, u16) {
        let table = self.table(b"hmtx");
        let last = usize::from(self.widths - 1);
        let at = usize::from(glyph);
        let bearing = if at <= last {
            4 * at + 2
        } else {
            4 * (last + 1) + 2 * (at - last - 1)
        };
        let width = u16_at(table, 4 * at.min(last));
        (
            width.unwrap_or_default(),
            u16_at(table, bearing).unwrap_or_default(),
        )
    }

    /// In thousandths of the size, as documents measure.
    pub fn scaled(&self, units: i64) -> i64 {
        units * 1000 / self.units_per_em
    }

    pub fn width(&self, glyph: u16) -> i64 {
        self.scaled(self.measures(glyph).0.into())
    }

    /// Empty for glyphs that show nothing.
    pub fn outline(&self, glyph: u16) -> &'a [u8] {
        let index = self.table(b"loca");
        let at = |number: usize| {
            if self.has_long_offsets {
                offset_at(index, 4 * number)
            } else {
                u16_at(index, 2 * number).map(|half| 2 * usize::from(half))
            }
        };
        let number = usize::from(glyph);
        let range = at(number).zip(at(number + 1));
        range
            .and_then(|(start, end)| self.table(b"glyf").get(start..end))
            .unwrap_or_default()
    }

    /// The box that holds every glyph (left, bottom, right, top), in thousandths.
    pub fn bounds(&self) -> [i64; 4] {
        let head = self.table(b"head");
        [36, 38, 40, 42].map(|at| self.scaled(i16_at(head, at).unwrap_or_default().into()))
    }

    /// How far letters go above and below the line, in thousandths.
    pub fn heights(&self) -> (i64, i64) {
        let hhea = self.table(b"hhea");
        let at = |at| self.scaled(i16_at(hhea, at).unwrap_or_default().into());
        (at(4), at(6))
    }
}

impl<'a> Letters<'a> {
    /// The fullest part of a `cmap` table that is in Unicode.
    fn read(cmap: &'a [u8]) -> Option<Self> {
        let parts = (0..usize::from(u16_at(cmap, 2)?)).filter_map(|number| {
            let record = 4 + 8 * number;
            let is_unicode = matches!(
                (u16_at(cmap, record)?, u16_at(cmap, record + 2)?),
                (0, _) | (3, 1 | 10)
            );
            let part = cmap.get(offset_at(cmap, record + 4)?..)?;
            match u16_at(part, 0)? {
                4 if is_unicode => Some(Self::Segments(part)),
                12 if is_unicode => Some(Self::Groups(part)),
                _ => None,
            }
        });
        parts.max_by_key(|part| matches!(part, Self::Groups(_)))
    }

    fn glyph(&self, letter: u32) -> Option<u16> {
        match self {
            Self::Segments(part) => in_segments(part, u16::try_from(letter).ok()?),
            Self::Groups(part) => in_groups(part, letter),
        }
    }
}

fn in_segments(part: &[u8], letter: u16) -> Option<u16> {
    let twice = usize::from(u16_at(part, 6)?);
    let (ends, starts) = (14, 16 + twice);
    let segment = (0..twice / 2)
        .find(|number| u16_at(part, ends + 2 * number).is_some_and(|end| end >= letter))?;
    let start = u16_at(part, starts + 2 * segment).filter(|start| *start <= letter)?;
    let delta = u16_at(part, starts + twice + 2 * segment)?;
    let place = starts + 2 * twice + 2 * segment;
    match usize::from(u16_at(part, place)?) {
        0 => Some(letter.wrapping_add(delta)),
        offset => match u16_at(part, place + offset + 2 * usize::from(letter - start))? {
            0 => None,
            glyph => Some(glyph.wrapping_add(delta)),
        },
    }
}

fn in_groups(part: &[u8], letter: u32) -> Option<u16> {
    (0..offset_at(part, 12)?).find_map(|number| {
        let group = 16 + 12 * number;
        let (first, last) = (u32_at(part, group)?, u32_at(part, group + 4)?);
        let within = (first..=last).contains(&letter);
        let glyph = u32_at(part, group + 8)?.checked_add(letter.checked_sub(first)?)?;
        u16::try_from(glyph).ok().filter(|_| within)
    })
}

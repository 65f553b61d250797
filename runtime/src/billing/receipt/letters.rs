//! The letters of a document: which font each is taken from, how wide they are together, and the fonts as objects of the
//! file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::document::{Document, Object, meanings};
use super::script::{Drawn, drawn};
use super::subset::Subset;
use super::typeface::Typeface;

/// The fonts that readers have for what ours lacks: name, collection of letters, encoding (ISO 32000-1, 9.7.5.2).
const OTHERS: [(&str, &str, &str); 3] = [
    ("STSong-Light", "GB1", "UniGB-UTF16-H"),
    ("HeiseiMin-W3", "Japan1", "UniJIS-UTF16-H"),
    ("HYSMyeongJo-Medium", "Korea1", "UniKS-UTF16-H"),
];
/// How wide their letters are, in thousandths of the size.
const OTHER_WIDTH: i64 = 1000;

/// A letter in a file: 0 is our font, the others follow.
#[derive(Debug, Clone, Copy)]
struct Placed {
    font: usize,
    code: u16,
    width: i64,
}

/// Letters that were used.
#[derive(Debug)]
pub struct Letters<'a> {
    ours: Subset<'a>,
    /// What is drawn and what it means, with its number in our font.
    numbers: BTreeMap<(char, String), u16>,
    others: [BTreeSet<char>; OTHERS.len()],
}

impl<'a> Letters<'a> {
    /// None when `typeface` is no TrueType font.
    pub fn new(typeface: &'a [u8]) -> Option<Self> {
        Some(Self {
            ours: Subset::new(Typeface::read(typeface)?),
            numbers: BTreeMap::new(),
            others: Default::default(),
        })
    }

    /// `is_japanese` says which font Chinese characters are taken from.
    fn place(&mut self, letter: &Drawn, is_japanese: bool) -> Placed {
        let glyph = self.ours.face.glyph(letter.letter);
        if let (None, Ok(code), '\u{1100}'..) = (
            glyph,
            u16::try_from(u32::from(letter.letter)),
            letter.letter,
        ) {
            let other = match letter.letter {
                '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{ac00}'..='\u{d7af}' => 2,
                _ if is_japanese => 1,
                _ => 0,
            };
            self.others[other].insert(letter.letter);
            return Placed {
                font: other + 1,
                code,
                width: OTHER_WIDTH,
            };
        }
        let glyph = glyph.unwrap_or_default();
        let key = (letter.letter, letter.means.clone());
        let code = *self
            .numbers
            .entry(key)
            .or_insert_with(|| self.ours.keep(glyph));
        Placed {
            font: 0,
            code,
            width: self.ours.face.width(glyph),
        }
    }

    fn placed(&mut self, line: &str) -> Vec<Placed> {
        let is_japanese = line.chars().any(|c| ('\u{3040}'..='\u{30ff}').contains(&c));
        let letters = drawn(line);
        letters
            .iter()
            .map(|letter| self.place(letter, is_japanese))
            .collect()
    }

    /// A line as parts of one font each: the font's number and the codes in it.
    pub fn runs(&mut self, line: &str) -> Vec<(usize, Vec<u8>)> {
        let mut runs: Vec<(usize, Vec<u8>)> = Vec::new();
        for placed in self.placed(line) {
            match runs.last_mut() {
                Some((font, bytes)) if *font == placed.font => {
                    bytes.extend(placed.code.to_be_bytes());
                }
                _ => runs.push((placed.font, placed.code.to_be_bytes().to_vec())),
            }
        }
        runs
    }

    /// Lines that are no wider than `most` points at a size; a word that is wider is cut.
    pub fn wrapped(&mut self, text: &str, (most, size): (i32, i32)) -> Vec<String> {
        let most = i64::from(most) * 1000 / i64::from(size);
        let mut lines = Vec::new();
        let mut line = String::new();
        for word in text.split_whitespace() {
            let space = if line.is_empty() { "" } else { " " };
            let longer = format!("{line}{space}{word}");
            if self.width(&longer) <= most {
                line = longer;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            for letter in word.chars() {
                line.push(letter);
                if self.width(&line) > most && line.chars().count() > 1 {
                    line.pop();
                    lines.push(std::mem::replace(&mut line, letter.into()));
                }
            }
        }
        lines.push(line);
        lines
    }

    fn width(&mut self, line: &str) -> i64 {
        self.placed(line).iter().map(|letter| letter.width).sum()
    }

    /// Puts the fonts into the file; gives what pages call them by.
    pub fn write(&mut self, file: &mut Document) -> String {
        let mut fonts = format!("/F0 {}", self.write_ours(file));
        for (at, letters) in self.others.iter().enumerate() {
            if !letters.is_empty() {
                let font = write_other(file, OTHERS[at], letters);
                let _ = write!(fonts, " /F{} {font}", at + 1);
            }
        }
        fonts
    }

    fn write_ours(&mut self, file: &mut Document) -> Object {
        let data = self.ours.file();
        let data = file.stream(&data);
        let ([left, bottom, right, top], (ascent, descent)) =
            (self.ours.face.bounds(), self.ours.face.heights());
        let name = "/QSRCPT+Typeface";
        let descriptor = file.add(&format!(
            "<< /Type /FontDescriptor /FontName {name} /Flags 4 /FontBBox [{left} {bottom} {right} {top}] /ItalicAngle 0 \
             /Ascent {ascent} /Descent {descent} /CapHeight {ascent} /StemV 80 /FontFile2 {data} >>"
        ));
        let widths: Vec<String> = self.ours.widths().map(|width| width.to_string()).collect();
        let inner = file.add(&format!(
            "<< /Type /Font /Subtype /CIDFontType2 /BaseFont {name} /FontDescriptor {descriptor} /CIDToGIDMap /Identity \
             /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /DW 0 /W [0 [{}]] >>",
            widths.join(" ")
        ));
        let meant = self.numbers.iter();
        let meant: Vec<(u16, &str)> = meant
            .map(|((_, means), number)| (*number, means.as_str()))
            .collect();
        write_font(file, (name, "Identity-H"), (inner, &meant))
    }
}

/// A font that readers bring along.
fn write_other(
    file: &mut Document,
    (name, collection, encoding): (&str, &str, &str),
    letters: &BTreeSet<char>,
) -> Object {
    let descriptor = file.add(&format!(
        "<< /Type /FontDescriptor /FontName /{name} /Flags 4 /FontBBox [0 -200 1000 900] /ItalicAngle 0 /Ascent 800 \
         /Descent -200 /CapHeight 800 /StemV 80 >>"
    ));
    let inner = file.add(&format!(
        "<< /Type /Font /Subtype /CIDFontType0 /BaseFont /{name} /FontDescriptor {descriptor} \
         /CIDSystemInfo << /Registry (Adobe) /Ordering ({collection}) /Supplement 0 >> /DW {OTHER_WIDTH} >>"
    ));
    let meant: Vec<(u16, String)> = letters
        .iter()
        .filter_map(|letter| Some((u16::try_from(u32::from(*letter)).ok()?, letter.to_string())))
        .collect();
    let meant: Vec<(u16, &str)> = meant
        .iter()
        .map(|(code, letter)| (*code, letter.as_str()))
        .collect();
    write_font(
        file,
        (&format!("/{name}-{encoding}"), encoding),
        (inner, &meant),
    )
}

/// A font of codes of two bytes over `inner`, with what the codes mean.
fn write_font(
    file: &mut Document,
    (name, encoding): (&str, &str),
    (inner, meant): (Object, &[(u16, &str)]),
) -> Object {
    let meant = file.stream(meanings(meant).as_bytes());
    file.add(&format!(
        "<< /Type /Font /Subtype /Type0 /BaseFont {name} /Encoding /{encoding} /DescendantFonts [{inner}] /ToUnicode {meant} >>"
    ))
}

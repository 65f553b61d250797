//! A receipt as a PDF: names and values, in the project's own typeface, of which only the letters that occur are put in. What
//! that typeface has not of Chinese, Japanese and Korean is left to the reader's, as PDF provides for. Written here, for
//! `pdf-writer`, `subsetter` and `ttf-parser`, which would replace half of it, are 3.9 CPU seconds more in every project's
//! first build, and the joining and turning of letters would stay.

mod document;
mod letters;
mod script;
mod subset;
mod typeface;

use std::fmt::Write as _;

use document::Document;
use letters::Letters;

/// What stands in it.
#[derive(Debug, Clone)]
pub struct Receipt {
    pub title: String,
    pub rows: Vec<(String, String)>,
}

/// A4, in points.
const PAGE: (i32, i32) = (595, 842);
const MARGIN: i32 = 64;
/// Where values begin.
const SECOND: i32 = 190;
const SIZE: i32 = 10;
const TITLE: i32 = 22;
const LINE: i32 = 15;
/// Grey of names, values and rules: 0 is black.
const NAME: &str = "0.4";
const VALUE: &str = "0";
const RULE: &str = "0.85";

/// Writes lines of text from the top of the page down.
struct Sheet<'a> {
    letters: Letters<'a>,
    /// What is on each page.
    pages: Vec<String>,
    y: i32,
}

impl Sheet<'_> {
    fn write(&mut self, words: &str) {
        if let Some(page) = self.pages.last_mut() {
            page.push_str(words);
        }
    }

    fn line(&mut self, x: i32, (text, size): (&str, i32), gray: &str) {
        let mut words = format!("BT {gray} g {x} {} Td\n", self.y);
        for (font, bytes) in self.letters.runs(text) {
            let shown = document::hex(&bytes);
            let _ = writeln!(words, "/F{font} {size} Tf {shown} Tj");
        }
        self.write(&(words + "ET\n"));
    }

    /// Goes down, onto another page where this one ends.
    fn down(&mut self, by: i32) {
        self.y -= by;
        if self.y < MARGIN {
            self.pages.push(String::new());
            self.y = PAGE.1 - MARGIN - SIZE;
        }
    }

    fn row(&mut self, name: &str, value: &str) {
        self.line(MARGIN, (name, SIZE), NAME);
        for line in self
            .letters
            .wrapped(value, (PAGE.0 - MARGIN - SECOND, SIZE))
        {
            self.line(SECOND, (&line, SIZE), VALUE);
            self.down(LINE);
        }
        let (right, y) = (PAGE.0 - MARGIN, self.y + LINE / 2);
        self.write(&format!("{RULE} G 0.5 w {MARGIN} {y} m {right} {y} l S\n"));
        self.down(LINE / 2);
    }
}

/// The receipt as a file; none when `typeface` is no TrueType font.
pub fn pdf(typeface: &[u8], receipt: &Receipt) -> Option<Vec<u8>> {
    let mut sheet = Sheet {
        letters: Letters::new(typeface)?,
        pages: vec![String::new()],
        y: PAGE.1 - MARGIN - TITLE,
    };
    sheet.line(MARGIN, (&receipt.title, TITLE), VALUE);
    sheet.down(LINE * 5 / 2);
    for (name, value) in &receipt.rows {
        sheet.row(name, value);
    }
    let mut file = Document::new();
    let fonts = sheet.letters.write(&mut file);
    let tree = file.reserve();
    let leaves: Vec<String> = sheet
        .pages
        .iter()
        .map(|page| {
            let content = file.stream(page.as_bytes());
            let (width, height) = PAGE;
            let leaf = file.add(&format!(
                "<< /Type /Page /Parent {tree} /MediaBox [0 0 {width} {height}] /Contents {content} \
                 /Resources << /Font << {fonts} >> >> >>"
            ));
            leaf.to_string()
        })
        .collect();
    let (kids, count) = (leaves.join(" "), leaves.len());
    file.fill(
        tree,
        &format!("<< /Type /Pages /Kids [{kids}] /Count {count} >>"),
    );
    let root = file.add(&format!("<< /Type /Catalog /Pages {tree} /Lang (en) >>"));
    let title = document::text(&receipt.title);
    let info = file.add(&format!("<< /Title {title} >>"));
    Some(file.finish(root, info))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_typeface_is_refused_and_so_is_half_of_one() {
        let receipt = Receipt {
            title: "Receipt".into(),
            rows: Vec::new(),
        };
        let tables_beyond_the_end = [&[0, 1, 0, 0, 0, 9][..], &[0xff; 60]].concat();
        for odd in [&b""[..], b"no font", &tables_beyond_the_end] {
            assert!(pdf(odd, &receipt).is_none());
        }
    }
}

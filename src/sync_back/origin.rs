//! Where each byte of a rendering comes from. The template is rendered once more with marks around each of its parts, by
//! the engine itself; without the marks the output must be what it was.

use std::fmt::Write as _;
use std::ops::Range;

use anyhow::{Result, bail, ensure};

use super::cut::{Cut, Kind};

/// A mark that begins the part of its number, and the one that ends any: characters that nobody has a use for.
const FIRST_MARK: u32 = 0x000F_0000;
const LAST_MARK: u32 = 0x000F_FFFC;
const END_MARK: char = '\u{FFFFD}';

/// The output of a part, in one of its turns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub part: usize,
    pub range: Range<usize>,
}

/// An output whose pieces are known, in order and without a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub text: String,
    pub pieces: Vec<Piece>,
}

/// The template with marks. Whitespace that tags take with them is left out, so that they take no other.
pub fn marked(cut: &Cut<'_>) -> Result<String> {
    let last = FIRST_MARK as usize + cut.parts.len();
    ensure!(last <= LAST_MARK as usize, "a template of too many parts");
    ensure!(
        !cut.source.contains(is_mark),
        "a template with private characters"
    );
    let mut text = String::with_capacity(cut.source.len() * 2);
    let mut tags = cut.tags.iter().peekable();
    for (number, part) in cut.parts.iter().enumerate() {
        while let Some(tag) = tags.next_if(|tag| tag.end <= part.range.start) {
            text.push_str(&cut.source[tag.clone()]);
        }
        let source = &cut.source[part.range.clone()];
        text.extend(mark(number));
        match part.kind {
            Kind::Text | Kind::Expansion | Kind::Opaque => text.push_str(source),
            Kind::Raw => write!(text, "<% raw +%>{source}<%+ endraw +%>")?,
        }
        text.push(END_MARK);
    }
    for tag in tags {
        text.push_str(&cut.source[tag.clone()]);
    }
    Ok(text)
}

fn mark(part: usize) -> Option<char> {
    char::from_u32(FIRST_MARK + u32::try_from(part).ok()?)
}

fn is_mark(c: char) -> bool {
    (FIRST_MARK..=END_MARK as u32).contains(&(c as u32))
}

impl Origin {
    /// Reads the output of a [`marked`] template.
    ///
    /// # Errors
    /// When the marks are not as they were written: a value holds such characters, or the output of a tag was changed.
    pub fn read(cut: &Cut<'_>, output: &str) -> Result<Self> {
        let mut text = String::with_capacity(output.len());
        let mut pieces: Vec<Piece> = Vec::new();
        let mut open: Option<(usize, usize)> = None;
        for c in output.chars() {
            match (is_mark(c), c, open) {
                (true, END_MARK, Some((part, start))) => {
                    pieces.push(Piece {
                        part,
                        range: start..text.len(),
                    });
                    open = None;
                }
                (true, mark, None) if mark != END_MARK => {
                    open = Some(((mark as u32 - FIRST_MARK) as usize, text.len()));
                }
                (false, c, Some(_)) => text.push(c),
                (true, _, _) | (false, _, None) => bail!("the output has other marks"),
            }
        }
        let origin = Self { text, pieces };
        ensure!(
            open.is_none() && origin.says_texts(cut),
            "the output has other marks"
        );
        Ok(origin)
    }

    /// Whether every text is said as it stands in the template.
    fn says_texts(&self, cut: &Cut<'_>) -> bool {
        self.pieces
            .iter()
            .all(|piece| match cut.parts.get(piece.part) {
                None => false,
                Some(part) => match part.kind {
                    Kind::Text | Kind::Raw => {
                        self.text[piece.range.clone()] == *cut.text(piece.part)
                    }
                    Kind::Expansion | Kind::Opaque => true,
                },
            })
    }

    /// The pieces with a byte in `range`, or a place in it.
    pub fn pieces_in(&self, range: &Range<usize>) -> Range<usize> {
        let first = self
            .pieces
            .partition_point(|piece| piece.range.end < range.start);
        let last = self
            .pieces
            .partition_point(|piece| piece.range.start <= range.end);
        first..last
    }
}

#[cfg(test)]
mod tests {
    use super::super::cut::cut;
    use super::*;
    use crate::catalogue::sample::catalogue;
    use crate::project::config::Config;
    use crate::render::{Engine, Inputs, RenderContext};

    /// The pieces of a rendering as part and text; it is checked that they are the plain rendering.
    fn pieces(source: &str) -> Vec<(usize, String)> {
        let catalogue = catalogue();
        let yaml = "version: 1\nproject: {name: My SaaS, slug: my-saas}\ntheme: htmx\nmodules: {auth: {}}\n";
        let config = Config::from_text(yaml, &catalogue, None).expect("a config");
        let inputs = Inputs::default();
        let values = RenderContext::new(&config, &catalogue, &inputs);
        let engine = Engine::new().expect("an engine");
        let render = |source: &str| {
            let rendered = engine.render_text("x.j2", source, &values, &inputs);
            rendered.expect("rendered").text
        };
        let cut = cut(source, engine.syntax()).expect("a template");
        let output = render(&marked(&cut).expect("marked"));
        let origin = Origin::read(&cut, &output).expect("read");
        assert_eq!(origin.text, render(source));
        let piece = |piece: &Piece| (piece.part, origin.text[piece.range.clone()].to_owned());
        origin.pieces.iter().map(piece).collect()
    }

    fn said(pieces: &[(usize, &str)]) -> Vec<(usize, String)> {
        pieces
            .iter()
            .map(|(part, text)| (*part, (*text).to_owned()))
            .collect()
    }

    #[test]
    fn every_byte_has_its_part() {
        assert_eq!(
            pieces(
                "# <%= project.name %>\n  <% if has.auth %>\nin\n<% else %>\nout\n<% endif %>\nend"
            ),
            said(&[
                (0, "# "),
                (1, "My SaaS"),
                (2, "\n"),
                (3, "in\n"),
                (5, "end")
            ])
        );
    }

    #[test]
    fn a_loop_says_its_parts_in_turns() {
        assert_eq!(
            pieces("<% for o in modules[0].options %>\n- <%= o.name %>\n<% endfor %>\n"),
            said(&[
                (0, ""),
                (1, "- "),
                (2, "greeting"),
                (3, "\n"),
                (1, "- "),
                (2, "registration"),
                (3, "\n"),
                (1, "- "),
                (2, "remember"),
                (3, "\n"),
                (4, "")
            ])
        );
    }

    #[test]
    fn whitespace_is_the_engines_affair() {
        for source in [
            "a  <%- if has.auth -%>  b  <%- endif -%>  c",
            "a\n  <%+ if has.auth +%>\n b\n  <% endif %>  \nc\n",
            "a <% raw %>\n <%= x %> <% endraw %>\n b",
            "<%# one %>\na\n  <%# two -%>\n  b\n",
            "<% filter upper %>\n a<%= project.slug %>\n<% endfilter %>\nb",
            "<% macro m(x) %>\n<<%= x %>>\n<% endmacro %>\na\n<%= m(1) %><%= m(2) %>\n",
            "<% set x %>\n y\n<% endset %>\n<%= x -%>\n z",
        ] {
            assert!(!pieces(source).is_empty(), "{source}");
        }
    }
}

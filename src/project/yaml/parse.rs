//! From text to [`Document`].

use saphyr_parser::{Event, Parser, ScalarStyle, Span as Marks, StrInput};

use super::{Content, Document, Entry, Mistake, Node, Span, ends};

/// Deeper than any file of ours, and far from what a stack holds.
const DEEPEST: usize = 32;

/// Reads a file of one document.
///
/// # Errors
/// When it is not YAML: everything that was found up to the place where reading ends.
pub fn parse(text: &str) -> Result<Document, Vec<Mistake>> {
    let mut reader = Reader {
        text,
        offsets: text
            .char_indices()
            .map(|(at, _)| at)
            .chain([text.len()])
            .collect(),
        events: Parser::new_from_str(text),
        mistakes: Vec::new(),
    };
    match reader.document() {
        Ok(root) => Ok(Document {
            root,
            mistakes: reader.mistakes,
        }),
        Err(last) => {
            reader.mistakes.push(last);
            Err(reader.mistakes)
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    /// The byte at which each character starts; the parser counts characters.
    offsets: Vec<usize>,
    events: Parser<'a, StrInput<'a>>,
    mistakes: Vec<Mistake>,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Node, Mistake> {
        loop {
            let (event, marks) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
                Event::StreamEnd => {
                    return Ok(Node {
                        span: self.text.len()..self.text.len(),
                        content: Content::Null,
                    });
                }
                event => {
                    let node = self.node(event, marks, None, DEEPEST)?;
                    self.end()?;
                    return Ok(node);
                }
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Marks), Mistake> {
        match self.events.next() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let start = self.byte(error.marker().index());
                let label = match error.info() {
                    "invalid indentation" => "it must stand deeper than the key that it belongs to",
                    _ => "",
                };
                Err(Mistake::new(self.character(start), error.info()).label(label))
            }
            None => {
                let end = self.text.len();
                Err(Mistake::new(end..end, "the file ends too early"))
            }
        }
    }

    /// Nothing may follow the document.
    fn end(&mut self) -> Result<(), Mistake> {
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(()),
                (Event::DocumentStart(_), marks) => {
                    return Err(Mistake::new(
                        self.span(marks),
                        "only one document may stand in this file",
                    ));
                }
                _ => {}
            }
        }
    }

    /// A value; `behind` is where its key's colon ends, when it has a key.
    fn node(
        &mut self,
        event: Event<'a>,
        marks: Marks,
        behind: Option<usize>,
        depth: usize,
    ) -> Result<Node, Mistake> {
        let start = self.byte(marks.start.index());
        if depth == 0 {
            return Err(Mistake::new(
                self.character(start),
                "this stands too deep in other values",
            ));
        }
        let (anchor, tag) = match &event {
            Event::Scalar(_, _, anchor, tag) => (*anchor, tag),
            Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) => (*anchor, tag),
            _ => (0, &None),
        };
        if anchor != 0 || tag.is_some() {
            self.refuse(start);
        }
        match event {
            Event::Scalar(text, style, ..) => Ok(self.scalar(&text, style, marks, behind)),
            Event::SequenceStart(..) => self.list(start, depth),
            Event::MappingStart(..) => self.map(start, depth),
            Event::Alias(_) => {
                self.refuse(start);
                Ok(Node {
                    span: self.span(marks),
                    content: Content::Unusable,
                })
            }
            _ => Err(Mistake::new(
                self.character(start),
                "a value is missing here",
            )),
        }
    }

    fn refuse(&mut self, start: usize) {
        let rest = &self.text[start..];
        let end = start + rest.find(char::is_whitespace).unwrap_or(rest.len());
        self.mistakes.push(Mistake::new(
            start..end,
            "anchors, aliases and tags mean nothing here",
        ));
    }

    fn scalar(&self, value: &str, style: ScalarStyle, marks: Marks, behind: Option<usize>) -> Node {
        let said = self.span(marks);
        let start = match (style, behind) {
            // The parser points at its lines, which is where the text is, not at the `|` or `>` before them.
            (ScalarStyle::Literal | ScalarStyle::Folded, Some(behind)) => {
                ends::skip_blanks(self.text, behind).min(said.start)
            }
            (ScalarStyle::Plain, Some(behind)) if value.is_empty() => {
                return Node {
                    span: behind..behind,
                    content: Content::Null,
                };
            }
            _ => said.start,
        };
        let end = ends::of_scalar(self.text, start, said.end, style);
        let is_null =
            style == ScalarStyle::Plain && matches!(value, "" | "~" | "null" | "Null" | "NULL");
        let content = if is_null {
            Content::Null
        } else {
            Content::Scalar(value.to_owned())
        };
        Node {
            span: start..end,
            content,
        }
    }

    fn list(&mut self, start: usize, depth: usize) -> Result<Node, Mistake> {
        let mut items: Vec<Node> = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, marks) => {
                    let last = items.last().map_or(start, |item| item.span.end);
                    let span = self.whole(start, marks, last, ('[', ']'));
                    return Ok(Node {
                        span,
                        content: Content::List(items),
                    });
                }
                (event, marks) => items.push(self.node(event, marks, None, depth - 1)?),
            }
        }
    }

    fn map(&mut self, start: usize, depth: usize) -> Result<Node, Mistake> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut last = start;
        loop {
            let (event, marks) = match self.next()? {
                (Event::MappingEnd, marks) => {
                    let span = self.whole(start, marks, last, ('{', '}'));
                    return Ok(Node {
                        span,
                        content: Content::Map(entries),
                    });
                }
                other => other,
            };
            let key = self.node(event, marks, None, depth - 1)?;
            let colon = ends::skip_blanks(self.text, key.span.end);
            let colon = self.text[colon..].starts_with(':').then_some(colon);
            let behind = colon.map_or(key.span.end, |colon| colon + 1);
            let (event, marks) = self.next()?;
            let value = self.node(event, marks, Some(behind), depth - 1)?;
            last = value.span.end;
            self.add(&mut entries, key, colon, value);
        }
    }

    fn add(&mut self, entries: &mut Vec<Entry>, key: Node, colon: Option<usize>, value: Node) {
        let Content::Scalar(name) = key.content else {
            let is_told = key.content == Content::Unusable;
            if !is_told {
                self.mistakes
                    .push(Mistake::new(key.span, "a key must be a plain text"));
            }
            return;
        };
        if let Some(first) = entries.iter().find(|entry| entry.key == name) {
            let message = format!("`{name}` is there twice");
            let mistake = Mistake::new(key.span, message);
            self.mistakes
                .push(mistake.related(first.key_span.clone(), "first here"));
            return;
        }
        entries.push(Entry {
            key: name,
            key_span: key.span,
            colon,
            value,
        });
    }

    /// The span of a mapping or list that starts at `start` and whose last item ends at `last`.
    fn whole(&self, start: usize, end: Marks, last: usize, brackets: (char, char)) -> Span {
        if self.text[start..].starts_with(brackets.0) {
            start..ends::of_flow(self.text, self.byte(end.start.index()), brackets.1)
        } else {
            start..last
        }
    }

    fn byte(&self, character: usize) -> usize {
        let last = self.text.len();
        self.offsets.get(character).copied().unwrap_or(last)
    }

    fn span(&self, marks: Marks) -> Span {
        self.byte(marks.start.index())..self.byte(marks.end.index())
    }

    fn character(&self, start: usize) -> Span {
        let length = self.text[start..].chars().next().map_or(0, char::len_utf8);
        start..start + length
    }
}

#[cfg(test)]
mod tests {
    use super::super::Place;
    use super::*;

    fn root(text: &str) -> Node {
        let document = parse(text).unwrap();
        assert_eq!(document.mistakes, [], "{text}");
        document.root
    }

    #[test]
    fn remembers_where_things_stand() {
        let text = "\u{feff}# é\r\na:  'it''s'  # c\r\n\"b\" : { c: \"\\\"\" , # d\r\n  e, } # f\r\ng:\r\n  h: # i\r\n  j: x y \r\n";
        let node = root(text);
        let at = |path: &[&str]| {
            let mut node = &node;
            for key in path {
                node = &node.entry(key).unwrap().value;
            }
            &text[node.span.clone()]
        };
        for (path, written) in [
            (vec!["a"], "'it''s'"),
            (vec!["b"], "{ c: \"\\\"\" , # d\r\n  e, }"),
            (vec!["b", "c"], "\"\\\"\""),
            (vec!["b", "e"], ""),
            (vec!["g"], "h: # i\r\n  j: x y"),
            (vec!["g", "h"], ""),
            (vec!["g", "j"], "x y"),
        ] {
            assert_eq!(at(&path), written, "{path:?}");
        }
        let place = Place::of(text, node.entry("a").unwrap().value.span.start);
        assert_eq!(place.to_string(), "2:5");
    }

    #[test]
    fn a_text_of_several_lines_starts_at_its_sign() {
        let text = "a: >-\n  open\n\n# b\nc: |\n\nd: two\n  lines # e\n";
        let node = root(text);
        let written = |key| &text[node.entry(key).unwrap().value.span.clone()];
        assert_eq!(written("a"), ">-\n  open");
        assert_eq!(written("c"), "|");
        assert_eq!(written("d"), "two\n  lines");
    }

    #[test]
    fn refuses_with_a_place() {
        for (text, place) in [
            ("a: 1\na: 2\n", "2:1"),
            ("a: &x 1\n", "1:4"),
            ("a: !t 1\n", "1:4"),
            ("[a]: 1\n", "1:1"),
            ("a: 1\n---\nb: 2\n", "2:1"),
            ("a: [1\n", "2:1"),
            ("a:\n\t- 1\n", "2:2"),
            (&"[".repeat(100_000), "1:256"),
            (&"- ".repeat(100_000), "1:65"),
        ] {
            let mistakes = parse(text).map_or_else(|all| all, |document| document.mistakes);
            let places: Vec<_> = mistakes
                .iter()
                .map(|mistake| Place::of(text, mistake.span.start).to_string())
                .collect();
            assert_eq!(places, [place], "{:?}", &text[..text.len().min(40)]);
        }
    }

    #[test]
    fn finds_every_mistake_that_leaves_the_rest_readable() {
        let document = parse("a: &x 1\nb: *x\na: 2\nc: {d: 1, d: 2}\n").unwrap();
        assert_eq!(document.mistakes.len(), 4);
        assert_eq!(document.root.entries().unwrap().len(), 3);
    }

    #[test]
    fn an_empty_file_is_nothing() {
        assert_eq!(root("# only a comment\n").content, Content::Null);
        assert_eq!(root("").content, Content::Null);
    }
}

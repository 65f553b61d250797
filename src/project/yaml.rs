//! YAML as a tree that remembers where everything stands, for files that people write. Only what such a file needs:
//! mappings with text as keys, lists and plain values; no anchors, aliases or tags.

use std::fmt;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, StrInput};

/// A place in a file; both count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl From<&Marker> for Place {
    fn from(marker: &Marker) -> Self {
        Self {
            line: marker.line(),
            column: marker.col() + 1,
        }
    }
}

/// Something wrong at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where.
    pub place: Place,
    /// What, as a sentence without a full stop.
    pub message: String,
}

impl Mistake {
    /// A mistake at `place`.
    pub fn new(place: Place, message: impl Into<String>) -> Self {
        Self {
            place,
            message: message.into(),
        }
    }
}

/// A value and where it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it starts.
    pub place: Place,
    /// What it is.
    pub content: Content,
}

/// The kinds of value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Nothing, `~` or `null`.
    Null,
    /// A plain or quoted value, as text.
    Scalar(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping in the order of the file; no key is there twice.
    Map(Vec<Entry>),
}

/// One line of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key starts.
    pub place: Place,
    /// The value.
    pub value: Node,
}

/// Reads a file of one document; an empty one is [`Content::Null`].
pub fn parse(text: &str) -> Result<Node, Mistake> {
    let mut reader = Reader {
        events: Parser::new_from_str(text),
    };
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
            Event::StreamEnd => {
                let place = Place { line: 1, column: 1 };
                return Ok(Node {
                    place,
                    content: Content::Null,
                });
            }
            event => {
                let node = reader.node(event, span)?;
                reader.end()?;
                return Ok(node);
            }
        }
    }
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Mistake> {
        match self.events.next() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(Mistake::new(error.marker().into(), error.info())),
            None => Err(Mistake::new(
                Place { line: 1, column: 1 },
                "the file ends too early",
            )),
        }
    }

    /// Nothing may follow the document.
    fn end(&mut self) -> Result<(), Mistake> {
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(()),
                (Event::DocumentStart(_), span) => {
                    return Err(Mistake::new(
                        (&span.start).into(),
                        "only one document may stand in this file",
                    ));
                }
                _ => {}
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span) -> Result<Node, Mistake> {
        let place = Place::from(&span.start);
        let content = match event {
            Event::Scalar(text, style, 0, None) => scalar(&text, style),
            Event::SequenceStart(0, None) => self.list()?,
            Event::MappingStart(0, None) => self.map()?,
            Event::Alias(_)
            | Event::Scalar(..)
            | Event::SequenceStart(..)
            | Event::MappingStart(..) => {
                return Err(Mistake::new(
                    place,
                    "anchors, aliases and tags mean nothing here",
                ));
            }
            _ => return Err(Mistake::new(place, "a value is missing here")),
        };
        Ok(Node { place, content })
    }

    fn list(&mut self) -> Result<Content, Mistake> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Content::List(items)),
                (event, span) => items.push(self.node(event, span)?),
            }
        }
    }

    fn map(&mut self) -> Result<Content, Mistake> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, span) = match self.next()? {
                (Event::MappingEnd, _) => return Ok(Content::Map(entries)),
                other => other,
            };
            let node = self.node(event, span)?;
            let Content::Scalar(key) = node.content else {
                return Err(Mistake::new(node.place, "a key must be a plain text"));
            };
            if let Some(first) = entries.iter().find(|entry| entry.key == key) {
                let message = format!("`{key}` is there twice, first at {}", first.place);
                return Err(Mistake::new(node.place, message));
            }
            let (event, span) = self.next()?;
            let value = self.node(event, span)?;
            entries.push(Entry {
                key,
                place: node.place,
                value,
            });
        }
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Content {
    let is_plain = style == ScalarStyle::Plain;
    if is_plain && matches!(text, "" | "~" | "null" | "Null" | "NULL") {
        Content::Null
    } else {
        Content::Scalar(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_where_things_stand() {
        let node = parse("# a comment\na: 1\nb:\n  - 'x'\n  - ~\n").unwrap();
        let Content::Map(entries) = node.content else {
            panic!("a mapping")
        };
        assert_eq!(entries[0].place.to_string(), "2:1");
        assert_eq!(entries[0].value.place.to_string(), "2:4");
        let Content::List(items) = &entries[1].value.content else {
            panic!("a list")
        };
        assert_eq!(items[0].content, Content::Scalar("x".into()));
        assert_eq!(items[1].content, Content::Null);
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
        ] {
            assert_eq!(
                parse(text).unwrap_err().place.to_string(),
                place,
                "{text:?}"
            );
        }
    }

    #[test]
    fn an_empty_file_is_nothing() {
        assert_eq!(parse("# only a comment\n").unwrap().content, Content::Null);
    }
}

//! YAML as a tree that remembers where everything stands, for files that people write. Only what such a file needs:
//! mappings with text as keys, lists and plain values; no anchors, aliases or tags.

pub mod edit;
mod ends;
mod parse;

use std::fmt;
use std::ops::Range;

pub use parse::parse;

/// A part of a text, in bytes.
pub type Span = Range<usize>;

/// Something wrong at a place of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where.
    pub span: Span,
    /// What, as a sentence without a full stop.
    pub message: String,
    /// What stands there, what was wanted, or what was probably meant; may be empty.
    pub label: String,
    /// Another place that has to do with it, and how.
    pub related: Option<(Span, String)>,
}

impl Mistake {
    /// A mistake at `span`.
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            label: String::new(),
            related: None,
        }
    }

    /// Says more at the place itself.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Points at another place.
    pub fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related = Some((span, label.into()));
        self
    }
}

/// A place in a file; both count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl Place {
    /// Where the byte `offset` of `text` stands.
    pub fn of(text: &str, offset: usize) -> Self {
        let before = &text[..offset];
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[start..]
                .trim_start_matches('\u{feff}')
                .chars()
                .count()
                + 1,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A file that could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Everything that stands in it; an empty file is [`Content::Null`].
    pub root: Node,
    /// What is wrong with it, although it could be read: a key that is there twice, an anchor.
    pub mistakes: Vec<Mistake>,
}

/// A value and where it stands. Nothing at all stands right behind its key's colon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// From its first byte to behind its last one, without comments around it.
    pub span: Span,
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
    /// A mapping in the order of the file; of a key that is there twice, the first.
    Map(Vec<Entry>),
    /// Something that is no value here; a mistake says so.
    Unusable,
}

/// One line of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands, with its quotes.
    pub key_span: Span,
    /// Where its colon stands; none when there is only a key, as in `{ a, b }`.
    pub colon: Option<usize>,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The entries, when it is a mapping or nothing.
    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.content {
            Content::Map(entries) => Some(entries),
            Content::Null => Some(&[]),
            Content::Scalar(_) | Content::List(_) | Content::Unusable => None,
        }
    }

    /// The entry of a mapping.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries()?.iter().find(|entry| entry.key == key)
    }
}

impl Entry {
    /// Behind its last byte, without a comment.
    pub fn end(&self) -> usize {
        self.value.span.end
    }
}

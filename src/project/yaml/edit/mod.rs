//! Changes to the text of a file that leave every other byte as it was: comments, layout, quotes, line endings.

mod block;
mod flow;
mod lines;
mod scalar;

use super::{Content, Document, Entry, Node, Span};

pub use scalar::Value;

/// Some bytes of a text and what takes their place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Splice {
    span: Span,
    with: String,
}

impl Splice {
    fn insert(at: usize, with: impl Into<String>) -> Self {
        Self {
            span: at..at,
            with: with.into(),
        }
    }

    fn delete(span: Span) -> Self {
        Self {
            span,
            with: String::new(),
        }
    }
}

/// A file that can be changed.
#[derive(Debug, Clone, Copy)]
pub struct Editor<'a> {
    text: &'a str,
    document: &'a Document,
}

/// A mapping, or nothing where one can be.
#[derive(Debug, Clone, Copy)]
struct Holder<'a> {
    /// What it is the value of; none for the whole file.
    entry: Option<&'a Entry>,
    node: &'a Node,
    /// Whether it stands between braces.
    in_flow: bool,
}

impl<'a> Editor<'a> {
    /// For the `document` that `text` is.
    pub fn new(text: &'a str, document: &'a Document) -> Self {
        Self { text, document }
    }

    /// The text with `value` behind a key that is there. None when this is not how such a file can be changed.
    pub fn replace(&self, path: &[&str], key: &str, value: &Value<'_>) -> Option<String> {
        let holder = self.holder(path)?;
        let entry = holder.node.entry(key)?;
        let splice = match (&entry.value.content, entry.colon) {
            (Content::Null, None) => Splice::insert(entry.end(), format!(": {}", value.fresh())),
            (Content::Null, _) if entry.value.span.is_empty() => {
                Splice::insert(entry.end(), format!(" {}", value.fresh()))
            }
            (Content::Null | Content::Scalar(_), _) => {
                let span = entry.value.span.clone();
                let with = value.in_place_of(&self.text[span.clone()]);
                Splice { span, with }
            }
            (Content::List(_) | Content::Map(_) | Content::Unusable, _) => return None,
        };
        Some(self.spliced(vec![splice]))
    }

    /// The text with one more key in a mapping. None when this is not how such a file can be changed.
    pub fn insert(&self, path: &[&str], key: &str, value: &str) -> Option<String> {
        let holder = self.holder(path)?;
        let line = format!("{key}: {value}");
        let splices = match &holder.node.content {
            Content::Map(entries) if self.is_flow(holder.node) => match entries.last() {
                Some(last) => flow::insert_after(self.text, holder.node, last, &line),
                None => self.insert_first(holder, &line)?,
            },
            Content::Map(entries) => vec![block::insert_after(self.text, entries.last()?, &line)?],
            Content::Null => vec![self.insert_only(holder, &line)?],
            Content::Scalar(_) | Content::List(_) | Content::Unusable => return None,
        };
        Some(self.spliced(splices))
    }

    /// The text without a key, its value and the comments that belong to it. None when this is not how such a file
    /// can be changed.
    pub fn remove(&self, path: &[&str], key: &str) -> Option<String> {
        let holder = self.holder(path)?;
        let entries = holder.node.entries()?;
        let index = entries.iter().position(|entry| entry.key == key)?;
        if self.is_flow(holder.node) {
            return Some(self.spliced(flow::remove(self.text, holder.node, index)));
        }
        let mut splices = vec![Splice::delete(block::extent(self.text, &entries[index])?)];
        if entries.len() == 1 {
            splices.push(Splice::insert(holder.entry?.colon? + 1, " {}"));
        }
        Some(self.spliced(splices))
    }

    /// A first entry between braces; where the braces stand alone behind a key, as a line of its own instead.
    fn insert_first(&self, holder: Holder<'_>, line: &str) -> Option<Vec<Splice>> {
        let braces = &self.text[holder.node.span.clone()];
        let is_bare = braces[1..braces.len() - 1]
            .chars()
            .all(|c| c == ' ' || c == '\t');
        match holder.entry {
            Some(entry) if is_bare && !holder.in_flow && self.is_top(entry) => {
                let colon = entry.colon? + 1;
                let below = block::insert_below(self.text, &self.document.root, entry, line)?;
                Some(vec![Splice::delete(colon..holder.node.span.end), below])
            }
            _ => Some(vec![flow::insert_first(self.text, holder.node, line)]),
        }
    }

    /// Something where there is nothing yet.
    fn insert_only(&self, holder: Holder<'_>, line: &str) -> Option<Splice> {
        let entry = holder.entry?;
        let span = entry.value.span.clone();
        Some(match (entry.colon, span.is_empty()) {
            (None, _) => Splice::insert(span.end, format!(": {{ {line} }}")),
            (Some(_), true) if holder.in_flow => Splice::insert(span.end, format!(" {{ {line} }}")),
            (Some(_), true) => block::insert_below(self.text, &self.document.root, entry, line)?,
            (Some(_), false) => Splice {
                span,
                with: format!("{{ {line} }}"),
            },
        })
    }

    fn holder(&self, path: &[&str]) -> Option<Holder<'a>> {
        let mut holder = Holder {
            entry: None,
            node: &self.document.root,
            in_flow: false,
        };
        for key in path {
            let entry = holder.node.entry(key)?;
            holder = Holder {
                entry: Some(entry),
                node: &entry.value,
                in_flow: holder.in_flow || self.is_flow(holder.node),
            };
        }
        Some(holder)
    }

    fn is_flow(&self, node: &Node) -> bool {
        self.text[node.span.start..].starts_with('{')
    }

    /// Whether an entry is one of the file's own, not of a mapping in it.
    fn is_top(&self, entry: &Entry) -> bool {
        self.document.root.entry(&entry.key) == Some(entry)
    }

    fn spliced(&self, mut splices: Vec<Splice>) -> String {
        splices.sort_by_key(|splice| (splice.span.start, splice.span.end));
        let mut text = String::with_capacity(self.text.len() + 64);
        let mut done = 0;
        for splice in splices {
            text.push_str(&self.text[done..splice.span.start]);
            text.push_str(&splice.with);
            done = splice.span.end;
        }
        text.push_str(&self.text[done..]);
        text
    }
}

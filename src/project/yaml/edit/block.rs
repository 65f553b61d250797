//! Entries that are lines of their own.

use super::super::{Entry, Node, Span};
use super::{Splice, lines};

/// How much deeper the next level stands where no file tells.
const STEP: usize = 2;

/// `line` after `last`, which is the last of its mapping, and the comments that belong to it.
pub fn insert_after(text: &str, last: &Entry, line: &str) -> Option<Splice> {
    let indent = lines::indent(text, last.key_span.start)?;
    Some(insert_line(
        text,
        end(text, last)?,
        &format!("{indent}{line}"),
    ))
}

/// `line` below `entry`, which has no value, one level deeper.
pub fn insert_below(text: &str, root: &Node, entry: &Entry, line: &str) -> Option<Splice> {
    let indent = lines::indent(text, entry.key_span.start)?;
    let step = step(text, root).unwrap_or(STEP);
    let line = format!("{indent}{:step$}{line}", "");
    Some(insert_line(text, lines::next(text, entry.end()), &line))
}

/// The lines of `entry` with the comments that belong to it: those directly above it, those in it, and those behind
/// it that stand deeper. Where the file ends without a line break it does so after the removal too.
pub fn extent(text: &str, entry: &Entry) -> Option<Span> {
    let depth = lines::indent(text, entry.key_span.start)?.len();
    let start = lines::above(text, lines::start(text, entry.key_span.start), depth);
    let end = end(text, entry)?;
    let is_last = end == text.len() && !text.ends_with(['\n', '\r']);
    if !is_last {
        return Some(start..end);
    }
    Some(text[..start].trim_end_matches(['\n', '\r']).len()..end)
}

/// The start of the line after `entry` and after the comments behind it that stand deeper.
fn end(text: &str, entry: &Entry) -> Option<usize> {
    let depth = lines::indent(text, entry.key_span.start)?.len();
    let mut end = lines::next(text, entry.end());
    let mut line = end;
    while line < text.len() {
        match lines::comment_depth(text, line) {
            Some(comment) if comment > depth => end = lines::next(text, line),
            None if lines::is_blank(text, line) => {}
            Some(_) | None => break,
        }
        line = lines::next(text, line);
    }
    Some(end)
}

fn insert_line(text: &str, at: usize, line: &str) -> Splice {
    let ending = lines::line_break(text);
    if at == text.len() && !text.ends_with(['\n', '\r']) {
        Splice::insert(at, format!("{ending}{line}"))
    } else {
        Splice::insert(at, format!("{line}{ending}"))
    }
}

/// By how much the first mapping that stands in lines of its own is deeper than its key.
fn step(text: &str, node: &Node) -> Option<usize> {
    node.entries()?.iter().find_map(|entry| {
        let first = entry.value.entries()?.first()?;
        let outer = lines::indent(text, entry.key_span.start)?;
        let inner = lines::indent(text, first.key_span.start);
        let inner = inner.filter(|inner| inner.len() > outer.len());
        match inner {
            Some(inner) => Some(inner.len() - outer.len()),
            None => step(text, &entry.value),
        }
    })
}

//! Entries between braces.

use super::super::ends::skip_blanks;
use super::super::{Entry, Node};
use super::{Splice, lines};

/// `item` as the only entry of the empty mapping `node`.
pub fn insert_first(text: &str, node: &Node, item: &str) -> Splice {
    let (open, close) = (node.span.start + 1, node.span.end - 1);
    if text[open..close].trim_matches([' ', '\t']).is_empty() {
        Splice {
            span: open..close,
            with: format!(" {item} "),
        }
    } else {
        Splice::insert(open, format!(" {item}"))
    }
}

/// `item` after `last`, the last entry of `node`: in a line of its own when that has one, else behind it.
pub fn insert_after(text: &str, node: &Node, last: &Entry, item: &str) -> Vec<Splice> {
    let end = last.end();
    let after = skip_blanks(text, end);
    let has_comma = text[after..].starts_with(',');
    let next = lines::next(text, if has_comma { after } else { end });
    let close = node.span.end - 1;
    match lines::indent(text, last.key_span.start) {
        Some(indent) if next <= close => {
            let ending = lines::line_break(text);
            let comma = if has_comma { "," } else { "" };
            let mut splices = vec![Splice::insert(
                next,
                format!("{indent}{item}{comma}{ending}"),
            )];
            if !has_comma {
                splices.push(Splice::insert(end, ","));
            }
            splices
        }
        _ => vec![Splice::insert(end, format!(", {item}"))],
    }
}

/// Takes an entry away, with its line and the comments that belong to it when it has a line of its own.
pub fn remove(text: &str, node: &Node, index: usize) -> Vec<Splice> {
    let entries = node.entries().unwrap_or_default();
    let entry = &entries[index];
    let start = entry.key_span.start;
    let after = skip_blanks(text, entry.end());
    let comma = text[after..].starts_with(',').then_some(after);
    if let Some(depth) = own_lines(text, node, entry, comma) {
        let start = lines::above(text, lines::start(text, start), depth);
        let end = lines::next(text, comma.unwrap_or(entry.end()));
        return vec![Splice::delete(start..end)];
    }
    let is_simple = |span: &std::ops::Range<usize>| !text[span.clone()].contains(['#', '\n', '\r']);
    let previous = index.checked_sub(1).map(|index| &entries[index]);
    let up_to_next = entries
        .get(index + 1)
        .map(|next| start..next.key_span.start);
    let from_previous = previous.map(|previous| previous.end()..entry.end());
    let inside = (entries.len() == 1).then(|| node.span.start + 1..node.span.end - 1);
    for span in [up_to_next, from_previous, inside].into_iter().flatten() {
        if is_simple(&span) {
            return vec![Splice::delete(span)];
        }
    }
    // Comments stand in between: only the entry goes, and one comma.
    let before = previous.map(|previous| skip_blanks(text, previous.end()));
    let mut splices = vec![Splice::delete(start..entry.end())];
    splices.extend(
        comma
            .or(before)
            .map(|comma| Splice::delete(comma..comma + 1)),
    );
    splices
}

/// How deep an entry stands whose lines hold nothing else.
fn own_lines(text: &str, node: &Node, entry: &Entry, comma: Option<usize>) -> Option<usize> {
    let end = entry.end();
    let behind = match comma {
        Some(comma) if comma < lines::next(text, end) => comma + 1,
        Some(_) => return None,
        None => end,
    };
    let next = lines::next(text, behind);
    let rest = text[behind..next].trim_start();
    let is_alone = (rest.is_empty() || rest.starts_with('#')) && next < node.span.end;
    let indent = lines::indent(text, entry.key_span.start)?;
    (is_alone && lines::start(text, entry.key_span.start) > node.span.start).then_some(indent.len())
}

//! Lines of a text, by the places of bytes in it.

/// The text's first line break, or `\n` when it has none.
pub fn line_break(text: &str) -> &str {
    match text.find(['\n', '\r']) {
        Some(at) => &text[at..at + length_of_break(&text[at..])],
        None => "\n",
    }
}

/// Where the line that holds `at` starts; a byte order mark is no part of it.
pub fn start(text: &str, at: usize) -> usize {
    match text[..at].rfind(['\n', '\r']) {
        Some(found) => found + 1,
        None if text.starts_with('\u{feff}') => '\u{feff}'.len_utf8(),
        None => 0,
    }
}

/// Where the line after the one that holds `at` starts.
pub fn next(text: &str, at: usize) -> usize {
    match text[at..].find(['\n', '\r']) {
        Some(found) => at + found + length_of_break(&text[at + found..]),
        None => text.len(),
    }
}

/// What stands between the start of the line and `at`, when that is only space.
pub fn indent(text: &str, at: usize) -> Option<&str> {
    let before = &text[start(text, at)..at];
    before.chars().all(|c| c == ' ').then_some(before)
}

/// How deep the comment of the line at `start` stands; none when the line is no comment.
pub fn comment_depth(text: &str, start: usize) -> Option<usize> {
    let line = &text[start..next(text, start)];
    let comment = line.trim_start_matches([' ', '\t']);
    comment.starts_with('#').then(|| line.len() - comment.len())
}

/// Whether nothing stands in the line at `start`.
pub fn is_blank(text: &str, start: usize) -> bool {
    text[start..next(text, start)].trim().is_empty()
}

/// Where the comments start that stand directly above the line at `start` and exactly as deep as `depth`.
pub fn above(text: &str, mut start: usize, depth: usize) -> usize {
    while start > self::start(text, 0) {
        let before = text[..start].strip_suffix('\n').unwrap_or(&text[..start]);
        let before = before.strip_suffix('\r').unwrap_or(before);
        let line = self::start(text, before.len());
        if comment_depth(text, line) != Some(depth) {
            break;
        }
        start = line;
    }
    start
}

fn length_of_break(text: &str) -> usize {
    if text.starts_with("\r\n") { 2 } else { 1 }
}

//! Where a value ends. The parser's own word on that reaches over comments and commas, so the text is asked.

use saphyr_parser::ScalarStyle;

/// Behind the last byte of the scalar that starts at `start`; the parser says that it ends at `said`.
pub fn of_scalar(text: &str, start: usize, said: usize, style: ScalarStyle) -> usize {
    match style {
        ScalarStyle::SingleQuoted => of_single_quoted(text, start),
        ScalarStyle::DoubleQuoted => of_double_quoted(text, start),
        ScalarStyle::Plain | ScalarStyle::Literal | ScalarStyle::Folded => {
            start + text[start..said.max(start)].trim_end().len()
        }
    }
}

/// Behind the bracket that closes a mapping or list; the parser points at it, or at a comma or comment before it.
pub fn of_flow(text: &str, said: usize, bracket: char) -> usize {
    let mut at = said;
    loop {
        at = skip_blanks(text, at);
        let rest = &text[at..];
        match rest.chars().next() {
            Some(c) if c == bracket => return at + 1,
            Some(',') => at += 1,
            _ => return said,
        }
    }
}

/// The first byte from `at` on that is no space, line break or part of a comment.
pub fn skip_blanks(text: &str, mut at: usize) -> usize {
    loop {
        at += text[at..].len() - text[at..].trim_start().len();
        if !text[at..].starts_with('#') {
            return at;
        }
        at += text[at..].find(['\n', '\r']).unwrap_or(text.len() - at);
    }
}

fn of_single_quoted(text: &str, start: usize) -> usize {
    let mut at = start + 1;
    while let Some(found) = text[at..].find('\'') {
        at += found + 1;
        if !text[at..].starts_with('\'') {
            return at;
        }
        at += 1;
    }
    text.len()
}

fn of_double_quoted(text: &str, start: usize) -> usize {
    let mut escaped = false;
    for (at, c) in text[start + 1..].char_indices() {
        match c {
            '"' if !escaped => return start + 1 + at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

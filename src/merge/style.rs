//! Line endings and the final newline: made alike before a merge, so that they conflict with nothing, and
//! put back as the user has them.

use std::borrow::Cow;

/// How the user's file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    /// Every line ends with CRLF.
    crlf: bool,
    /// The last line of the user's file has no newline, although the template's versions have one.
    no_final_newline: bool,
    /// The user's file has a final newline, although the last applied version had none.
    added_final_newline: bool,
}

impl Style {
    pub(super) fn of_mine(base: &[u8], mine: &[u8], theirs: &[u8]) -> Self {
        let ends = |side: &[u8]| side.ends_with(b"\n");
        Self {
            crlf: is_crlf(mine) && !(is_mixed(base) || is_mixed(theirs)),
            no_final_newline: !ends(mine) && ends(base) && ends(theirs) && !mine.is_empty(),
            added_final_newline: ends(mine) && !ends(base) && !ends(theirs) && !base.is_empty(),
        }
    }

    /// One side with LF and with a final newline, where the style asks for that.
    pub(super) fn unify<'a>(self, side: &'a [u8]) -> Cow<'a, [u8]> {
        let mut text = Cow::Borrowed(side);
        if self.crlf && is_crlf(side) {
            text = Cow::Owned(to_lf(side));
        }
        let open = !text.is_empty() && !text.ends_with(b"\n");
        if open && (self.no_final_newline || self.added_final_newline) {
            text.to_mut().push(b'\n');
        }
        text
    }

    /// A merged text as the user writes files.
    pub(super) fn restore(self, mut text: Vec<u8>) -> Vec<u8> {
        if self.no_final_newline && text.ends_with(b"\n") {
            text.pop();
        }
        if self.crlf { to_crlf(&text) } else { text }
    }
}

/// Whether there are lines and each ends with CRLF.
fn is_crlf(text: &[u8]) -> bool {
    let (all, crlf) = count_endings(text);
    all > 0 && all == crlf
}

fn is_mixed(text: &[u8]) -> bool {
    let (all, crlf) = count_endings(text);
    crlf > 0 && crlf < all
}

fn count_endings(text: &[u8]) -> (usize, usize) {
    let mut crlf = 0;
    let mut all = 0;
    let mut before = 0;
    for &byte in text {
        if byte == b'\n' {
            all += 1;
            crlf += usize::from(before == b'\r');
        }
        before = byte;
    }
    (all, crlf)
}

fn to_lf(text: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\r\n") {
            Some(line) => {
                lines.extend_from_slice(line);
                lines.push(b'\n');
            }
            None => lines.extend_from_slice(line),
        }
    }
    lines
}

fn to_crlf(text: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(text.len() + text.len() / 32);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(line) => {
                lines.extend_from_slice(line);
                lines.extend_from_slice(b"\r\n");
            }
            None => lines.extend_from_slice(line),
        }
    }
    lines
}

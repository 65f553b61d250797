//! What a template should make once a project's edits are in it: the edited file, merged with what the template has become
//! since it was applied.

use std::borrow::Cow;

use crate::merge::{self, MarkerLabels, Merged, Unmergeable, Versions};

/// The versions of one file.
#[derive(Debug, Clone, Copy)]
pub struct Sides<'a> {
    /// What was applied, where it is known.
    pub base: Option<&'a [u8]>,
    /// What stands in the project.
    pub edited: &'a [u8],
    /// What the template makes now.
    pub rendered: &'a [u8],
}

/// What is wanted of the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target<'a> {
    /// The project has no edit that the template does not have.
    Same,
    /// It should make this.
    Bytes(Cow<'a, [u8]>),
    /// The template has changed in the same places.
    Conflict,
    /// The template has changed, and what was applied is not known any more.
    NoBase,
}

/// Compares the sides. Line endings are the project's own: all CRLF is no edit.
pub fn target(sides: Sides<'_>) -> Target<'_> {
    let Sides {
        base,
        edited,
        rendered,
    } = sides;
    let edited = as_written_in(rendered, edited);
    if edited == rendered || base.is_some_and(|base| *edited == *base) {
        return Target::Same;
    }
    match base {
        Some(base) if base == rendered => Target::Bytes(edited),
        Some(base) => merged(base, &edited, rendered),
        None => Target::NoBase,
    }
}

fn merged<'a>(base: &[u8], edited: &[u8], rendered: &[u8]) -> Target<'a> {
    let versions = Versions {
        base,
        mine: rendered,
        theirs: edited,
    };
    match merge::merge(versions, MarkerLabels::default()) {
        Merged::Clean(bytes) if bytes == rendered => Target::Same,
        Merged::Clean(bytes) => Target::Bytes(bytes.into()),
        Merged::Conflict { .. } => Target::Conflict,
        Merged::Unmergeable(Unmergeable::Binary | Unmergeable::TooLarge) => Target::Conflict,
    }
}

/// `edited` with LF where all of its lines end with CRLF and those of `like` do not.
fn as_written_in<'a>(like: &[u8], edited: &'a [u8]) -> Cow<'a, [u8]> {
    let endings = |text: &[u8]| {
        let count = |end: &[u8]| text.windows(end.len()).filter(|part| part == &end).count();
        (count(b"\n"), count(b"\r\n"))
    };
    let (lines, crlf) = endings(edited);
    if lines == 0 || crlf != lines || endings(like).1 > 0 {
        return Cow::Borrowed(edited);
    }
    let mut text = Vec::with_capacity(edited.len());
    for line in edited.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\r\n") {
            Some(line) => {
                text.extend_from_slice(line);
                text.push(b'\n');
            }
            None => text.extend_from_slice(line),
        }
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'a>(base: &'a str, edited: &'a str, rendered: &'a str) -> Target<'a> {
        target(Sides {
            base: Some(base.as_bytes()),
            edited: edited.as_bytes(),
            rendered: rendered.as_bytes(),
        })
    }

    fn bytes(text: &str) -> Target<'_> {
        Target::Bytes(text.as_bytes().into())
    }

    #[test]
    fn what_the_template_has_already_is_no_edit() {
        assert_eq!(of("a\n", "b\n", "b\n"), Target::Same);
        assert_eq!(of("a\n", "a\n", "b\n"), Target::Same);
    }

    #[test]
    fn line_endings_are_the_projects_own() {
        assert_eq!(of("a\nb\n", "a\r\nb\r\n", "a\nb\n"), Target::Same);
        assert_eq!(of("a\nb\n", "a\r\nc\r\n", "a\nb\n"), bytes("a\nc\n"));
        assert_eq!(of("a\nb\n", "a\r\nb\n", "a\nb\n"), bytes("a\r\nb\n"));
    }

    #[test]
    fn a_template_with_edits_of_its_own_is_merged() {
        let base = "1\n2\n3\n4\n5\n";
        assert_eq!(
            of(base, "one\n2\n3\n4\n5\n", "1\n2\n3\n4\nfive\n"),
            bytes("one\n2\n3\n4\nfive\n")
        );
        assert_eq!(
            of(base, "one\n2\n3\n4\n5\n", "uno\n2\n3\n4\n5\n"),
            Target::Conflict
        );
    }

    #[test]
    fn without_what_was_applied_nobody_can_tell() {
        let sides = Sides {
            base: None,
            edited: b"a",
            rendered: b"b",
        };
        assert_eq!(target(sides), Target::NoBase);
    }
}

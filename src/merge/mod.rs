//! Three-way merge of one file's contents, as git does it. Pure: bytes in, bytes out.
//! Which file is merged with which, and what becomes of a conflict, is `plan`'s and `apply`'s.

mod style;
#[cfg(test)]
mod tests;

use std::num::NonZeroU8;

use gix_imara_diff::{Algorithm, InternedInput};
use gix_merge::blob::Resolution;
use gix_merge::blob::builtin_driver::text::{Conflict, ConflictStyle, Labels, Merge};

use style::Style;

/// Contents beyond this size are not merged line by line: 16 MiB.
pub const SIZE_LIMIT: usize = 16 * 1024 * 1024;

/// The three versions of one file.
#[derive(Debug, Clone, Copy)]
pub struct Versions<'a> {
    /// What was applied last.
    pub base: &'a [u8],
    /// What the user made of it.
    pub mine: &'a [u8],
    /// What the templates now say.
    pub theirs: &'a [u8],
}

/// How a merge ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    /// Both sides' changes are in it.
    Clean(Vec<u8>),
    /// Some changes touch each other; `marked` holds both, between markers as git's `zdiff3` writes them.
    Conflict { marked: Vec<u8>, hunks: usize },
    /// The contents are not lines of text that could be merged.
    Unmergeable(Unmergeable),
}

/// Why contents cannot be merged by lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmergeable {
    /// One of them holds a NUL byte, as binaries and UTF-16 do.
    Binary,
    /// One of them is larger than [`SIZE_LIMIT`].
    TooLarge,
}

/// What stands behind the conflict markers.
#[derive(Debug, Clone, Copy)]
pub struct MarkerLabels<'a> {
    pub mine: &'a str,
    pub base: &'a str,
    pub theirs: &'a str,
}

impl Default for MarkerLabels<'_> {
    fn default() -> Self {
        Self {
            mine: "yours",
            base: "last applied",
            theirs: "template",
        }
    }
}

/// Merges both sides' changes since `base`. The result keeps the line endings and the final newline
/// (or its absence) of `mine`.
pub fn merge(versions: Versions<'_>, labels: MarkerLabels<'_>) -> Merged {
    let Versions { base, mine, theirs } = versions;
    if mine == theirs || theirs == base {
        return Merged::Clean(mine.to_vec());
    }
    if mine == base {
        return Merged::Clean(theirs.to_vec());
    }
    if [base, mine, theirs]
        .iter()
        .any(|side| side.len() > SIZE_LIMIT)
    {
        return Merged::Unmergeable(Unmergeable::TooLarge);
    }
    if [base, mine, theirs].iter().any(|side| side.contains(&0)) {
        return Merged::Unmergeable(Unmergeable::Binary);
    }
    let style = Style::of_mine(base, mine, theirs);
    let (base, own, other) = (style.unify(base), style.unify(mine), style.unify(theirs));
    match merge_lines(
        Versions {
            base: &base,
            mine: &own,
            theirs: &other,
        },
        labels,
    ) {
        Merged::Clean(text) => Merged::Clean(style.restore(text)),
        Merged::Conflict { marked, hunks } => Merged::Conflict {
            marked: style.restore(marked),
            hunks,
        },
        Merged::Unmergeable(why) => Merged::Unmergeable(why),
    }
}

/// How many characters a marker has, as in git.
const MARKER_SIZE: NonZeroU8 = NonZeroU8::new(7).expect("seven is not zero");

fn merge_lines(versions: Versions<'_>, labels: MarkerLabels<'_>) -> Merged {
    let Versions { base, mine, theirs } = versions;
    let mut input = InternedInput::new(&[][..], &[][..]);
    // git merge-file uses Myers' algorithm, with its own shortcuts for large inputs.
    let merge = Merge::new(&mut input, mine, base, theirs, Algorithm::Myers);
    let labels = Labels {
        ancestor: Some(labels.base.into()),
        current: Some(labels.mine.into()),
        other: Some(labels.theirs.into()),
    };
    let keep = Conflict::Keep {
        style: ConflictStyle::ZealousDiff3,
        marker_size: MARKER_SIZE,
    };
    let mut text = Vec::new();
    match merge.run(&mut text, labels, keep) {
        Resolution::Complete | Resolution::CompleteWithAutoResolvedConflict => Merged::Clean(text),
        Resolution::Conflict => {
            let hunks = count_new_markers(&text, [base, mine, theirs]);
            Merged::Conflict {
                marked: text,
                hunks,
            }
        }
    }
}

/// How many lines that open a conflict `text` has and none of `sides` had.
fn count_new_markers(text: &[u8], sides: [&[u8]; 3]) -> usize {
    let count = |text: &[u8]| opening_markers(text).count();
    let before = sides.into_iter().map(count).max().unwrap_or(0);
    count(text).saturating_sub(before).max(1)
}

/// The numbers (from 1) of the lines that open a conflict.
fn opening_markers(text: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let lines = text.split(|byte| *byte == b'\n').enumerate();
    lines
        .filter(|(_, line)| line.starts_with(b"<<<<<<< "))
        .map(|(at, _)| at + 1)
}

/// Whether `text` still holds a conflict that was marked with `labels`: an opening marker followed by its
/// separator and its end. Text that only looks like a marker is not one.
pub fn has_open_conflict(text: &[u8], labels: MarkerLabels<'_>) -> bool {
    let open = format!("<<<<<<< {}", labels.mine).into_bytes();
    let close = format!(">>>>>>> {}", labels.theirs).into_bytes();
    let mut stage = 0;
    for line in text.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        stage = match stage {
            0 if line == open => 1,
            1 if line == b"=======" => 2,
            2 if line == close => return true,
            stage => stage,
        };
    }
    false
}

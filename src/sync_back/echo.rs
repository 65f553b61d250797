//! New text that says what an expansion beside it says: it may be meant as text, or as that expansion once more.

use super::cut::Kind;
use super::ground::{Act, Ground};
use super::hunk::{Choice, Question, Tag};
use super::values::{is_distinctive, is_whole};

/// What is asked about an act that writes such text.
pub fn question(ground: &Ground<'_>, act: &Act) -> Option<Question> {
    let Act::Write { piece, cut, with } = act else {
        return None;
    };
    let (new, old) = (&ground.edited[with.clone()], &ground.text()[cut.clone()]);
    let (tag, what) = match echoed(ground, *piece, new, old) {
        Some(tag) => (
            tag,
            "it says what TAG says beside it, and can be that or text",
        ),
        None => (
            repeated(ground, new)?,
            "it repeats a line in which TAG says nothing here, and can be that line or text",
        ),
    };
    Some(Question {
        reason: what.replace("TAG", &tag.text),
        tag: Some(tag),
        choices: vec![Choice::Literal],
    })
}

/// The expansion that says something of `new` that `old` does not: of a loop only where `new` stands in one, too. What the
/// project's values are is not its affair.
fn echoed(ground: &Ground<'_>, piece: usize, new: &str, old: &str) -> Option<Tag> {
    let around = |piece: usize| ground.cut.loop_around(ground.origin.pieces[piece].part);
    let is_in_loop = around(piece).is_some();
    let is_near = |other: &usize| {
        ground.kind(*other) == Kind::Expansion && (is_in_loop || around(*other).is_none())
    };
    let says = |other: &usize| {
        let said = &ground.text()[ground.range(*other)];
        is_distinctive(said)
            && !ground.values.is_value(said)
            && said_in(new, said)
            && !said_in(old, said)
    };
    let mut pieces = 0..ground.origin.pieces.len();
    let found = pieces.find(|other| is_near(other) && says(other))?;
    Some(ground.tag_of(found))
}

/// The expansion that says nothing here, in a line that `new` has once more.
fn repeated(ground: &Ground<'_>, new: &str) -> Option<Tag> {
    let text = ground.text();
    let is_repeated = |piece: &usize| {
        let at = ground.range(*piece).start;
        let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
        let end = text[at..].find('\n').map_or(text.len(), |end| at + end);
        let line = text[start..end].trim();
        is_distinctive(line) && new.lines().any(|new| new.trim() == line)
    };
    let mut pieces = 0..ground.origin.pieces.len();
    let found = pieces.find(|piece| ground.is_silent(*piece) && is_repeated(piece))?;
    Some(ground.tag_of(found))
}

/// Whether a text says something, not within a word.
fn said_in(text: &str, said: &str) -> bool {
    let mut places = text.match_indices(said);
    places.any(|(start, _)| is_whole(text, &(start..start + said.len())))
}

//! The rendering that edits are placed on: its pieces, the tags between them, and what can be written where.

use std::ops::Range;

use super::cut::{Cut, Kind};
use super::hunk::{Choice, Tag};
use super::origin::Origin;
use super::values::Values;

/// A rendering with its origin, and the edited file.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    pub cut: &'a Cut<'a>,
    pub origin: &'a Origin,
    pub edited: &'a str,
    pub values: &'a Values,
}

/// A change of one piece of the rendering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// These bytes of a text become those of the edited file.
    Write {
        piece: usize,
        cut: Range<usize>,
        with: Range<usize>,
    },
    /// The expansion goes.
    Drop { piece: usize },
}

/// How an edit can be brought into the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// In one way.
    Sure(Vec<Act>),
    /// Only the user knows.
    Unsure {
        reason: String,
        tag: Option<Tag>,
        ways: Vec<(Choice, Vec<Act>)>,
    },
}

/// A way from the rendering's text into its piece.
impl<'a> Ground<'a> {
    /// The rendering's text.
    pub fn text(&self) -> &'a str {
        &self.origin.text
    }

    pub fn kind(&self, piece: usize) -> Kind {
        self.cut.parts[self.origin.pieces[piece].part].kind
    }

    pub fn is_text(&self, piece: usize) -> bool {
        match self.kind(piece) {
            Kind::Text | Kind::Raw => true,
            Kind::Expansion | Kind::Opaque => false,
        }
    }

    pub fn range(&self, piece: usize) -> Range<usize> {
        self.origin.pieces[piece].range.clone()
    }

    /// How deep in blocks a piece stands.
    pub fn depth(&self, piece: usize) -> usize {
        let part = &self.cut.parts[self.origin.pieces[piece].part];
        self.cut.scopes[part.scope].depth
    }

    /// Whether the part of a piece is said here only.
    pub fn is_said_once(&self, piece: usize) -> bool {
        let part = self.origin.pieces[piece].part;
        let same = self.origin.pieces.iter().filter(|piece| piece.part == part);
        same.count() == 1
    }

    /// Whether a piece is an expansion that says nothing here: nobody who edits the project can see where it stands.
    pub fn is_silent(&self, piece: usize) -> bool {
        !self.is_text(piece) && self.range(piece).is_empty()
    }

    /// Whether a tag stands between a piece and the next, or one of them is as good as one.
    fn is_joint(&self, piece: usize) -> bool {
        let pieces = &self.origin.pieces;
        !self.cut.adjoin(pieces[piece].part, pieces[piece + 1].part)
            || self.is_silent(piece)
            || self.is_silent(piece + 1)
    }

    /// The pieces after which a tag stands, at a place of `range` or at its ends.
    pub fn joints(&self, range: &Range<usize>) -> impl Iterator<Item = usize> + '_ {
        let touched = self.origin.pieces_in(range);
        let last = touched.end.min(self.origin.pieces.len().saturating_sub(1));
        let range = range.clone();
        (touched.start..last).filter(move |piece| {
            let at = self.range(*piece).end;
            range.start <= at && at <= range.end && self.is_joint(*piece)
        })
    }

    /// Whether no tag stands in `range` or at its ends.
    pub fn is_smooth(&self, range: &Range<usize>) -> bool {
        self.joints(range).next().is_none()
    }

    /// The tag behind a piece.
    pub fn tag_behind(&self, piece: usize) -> Option<Tag> {
        if let Some(silent) = [piece, piece + 1]
            .into_iter()
            .find(|at| self.is_silent(*at))
        {
            return Some(self.tag_of(silent));
        }
        let end = self.cut.parts[self.origin.pieces[piece].part].range.end;
        let tag = self.cut.tags.iter().find(|tag| tag.start >= end)?;
        Some(self.tag(tag))
    }

    /// The tag that makes a piece.
    pub fn tag_of(&self, piece: usize) -> Tag {
        self.tag(&self.cut.parts[self.origin.pieces[piece].part].range)
    }

    /// A tag as it is shown.
    pub fn tag(&self, range: &Range<usize>) -> Tag {
        let text = self.cut.source[range.clone()].lines().next();
        Tag {
            line: self.cut.line(range.start),
            text: text.unwrap_or_default().to_owned(),
        }
    }

    /// The runs of pieces that touch a place, each without a tag in it.
    pub fn runs_at(&self, at: usize) -> Vec<Range<usize>> {
        let touched = self.origin.pieces_in(&(at..at));
        let mut runs: Vec<Range<usize>> = Vec::new();
        for piece in touched {
            match runs.last_mut() {
                Some(run) if !self.is_joint(piece - 1) => run.end = piece + 1,
                _ => runs.push(piece..piece + 1),
            }
        }
        runs
    }

    /// What writes `with` at a place where no tag stands.
    pub fn insert(&self, at: usize, with: Range<usize>) -> Option<Act> {
        let mut touched = self.origin.pieces_in(&(at..at));
        let piece = touched.find(|piece| self.is_text(*piece))?;
        Some(Act::Write {
            piece,
            cut: at..at,
            with,
        })
    }

    /// What removes every byte of `range`, as far as whole expansions and texts say them.
    pub fn remove(&self, range: &Range<usize>) -> Option<Vec<Act>> {
        let mut acts = Vec::new();
        for piece in self.origin.pieces_in(range) {
            let said = self.range(piece);
            let cut = said.start.max(range.start)..said.end.min(range.end);
            if self.is_silent(piece) && range.start < said.start && said.end < range.end {
                return None;
            }
            if cut.is_empty() {
                continue;
            }
            if self.is_text(piece) {
                acts.push(Act::Write {
                    piece,
                    cut,
                    with: 0..0,
                });
            } else if cut == said && self.kind(piece) == Kind::Expansion {
                acts.push(Act::Drop { piece });
            } else {
                return None;
            }
        }
        Some(acts)
    }

    /// What makes `new` of `old`, where no tag stands; none when a part of an expansion would change.
    pub fn replace(&self, old: &Range<usize>, new: &Range<usize>) -> Option<Vec<Act>> {
        let mut acts = self.remove(old)?;
        if new.is_empty() {
            return Some(acts);
        }
        if acts.iter().any(|act| matches!(act, Act::Drop { .. })) {
            return None;
        }
        match acts.first_mut() {
            Some(Act::Write { with, .. }) => *with = new.clone(),
            Some(Act::Drop { .. }) | None => acts.push(self.insert(old.start, new.clone())?),
        }
        Some(acts)
    }
}

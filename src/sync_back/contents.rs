//! What the parts of a template say once edits are in them: text that stays, text that is new, variables.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::cut::{Cut, Kind};
use super::ground::{Act, Ground};
use super::origin::Origin;
use super::values::{Occurrence, Values};

/// The parts that change, by their numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents(BTreeMap<usize, Content>);

/// What a part says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content {
    text: String,
    /// The bytes that are new, each with the hunk that they are of.
    new: Vec<(Range<usize>, usize)>,
    /// The bytes for which a variable stands.
    variables: Vec<(Range<usize>, String)>,
}

/// Hunks that change one turn of a part that is said in several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneTurn {
    pub hunks: BTreeSet<usize>,
    /// A piece that they change.
    pub piece: usize,
}

impl Contents {
    /// What `acts`, each of the hunk of its number, make of the parts.
    ///
    /// # Errors
    /// When a part would say different things in its turns.
    pub fn of(ground: &Ground<'_>, acts: &[(usize, &Act)]) -> Result<Self, OneTurn> {
        let mut by_piece: BTreeMap<usize, Vec<(usize, &Act)>> = BTreeMap::new();
        for (hunk, act) in acts {
            let (Act::Write { piece, .. } | Act::Drop { piece }) = act;
            by_piece.entry(*piece).or_default().push((*hunk, act));
        }
        let mut contents: BTreeMap<usize, Content> = BTreeMap::new();
        for (piece, acts) in &by_piece {
            let part = ground.origin.pieces[*piece].part;
            let content = Content::of(ground, *piece, acts);
            let known = contents.entry(part).or_insert_with(|| content.clone());
            let turns = ground.origin.pieces.iter().enumerate();
            let mut turns = turns.filter(|(_, piece)| piece.part == part);
            let is_everywhere = turns.all(|(turn, _)| by_piece.contains_key(&turn));
            if known.text != content.text || !is_everywhere {
                return Err(OneTurn {
                    hunks: hunks_of(ground, part, &by_piece),
                    piece: *piece,
                });
            }
        }
        Ok(Self(contents))
    }

    /// The values of the project in new text, each with the hunk that it came with. What `variable` answers is put in
    /// their place.
    pub fn replace_values(
        &mut self,
        values: &Values,
        mut variable: impl FnMut(usize, &Occurrence<'_>) -> Option<String>,
    ) {
        for content in self.0.values_mut() {
            let text = content.text.clone();
            for found in values.occurrences(&text) {
                let overlaps = |new: &&(Range<usize>, usize)| {
                    new.0.start < found.range.end && found.range.start < new.0.end
                };
                let Some((_, hunk)) = content.new.iter().find(overlaps) else {
                    continue;
                };
                if let Some(name) = variable(*hunk, &found) {
                    content.variables.push((found.range.clone(), name));
                }
            }
        }
    }

    /// The template with these contents.
    pub fn spliced(&self, cut: &Cut<'_>) -> String {
        let mut source = String::with_capacity(cut.source.len());
        let mut done = 0;
        for (part, content) in &self.0 {
            let part = &cut.parts[*part];
            source.push_str(&cut.source[done..part.range.start]);
            source.push_str(&content.source(part.kind));
            done = part.range.end;
        }
        source + &cut.source[done..]
    }

    /// What the template with these contents should make in a project whose values are `values` and where it makes `origin`
    /// without them.
    pub fn expected(&self, origin: &Origin, values: &Values) -> String {
        let mut text = String::with_capacity(origin.text.len());
        for piece in &origin.pieces {
            match self.0.get(&piece.part) {
                Some(content) => text.push_str(&content.said(values)),
                None => text.push_str(&origin.text[piece.range.clone()]),
            }
        }
        text
    }
}

fn hunks_of(
    ground: &Ground<'_>,
    part: usize,
    by_piece: &BTreeMap<usize, Vec<(usize, &Act)>>,
) -> BTreeSet<usize> {
    let of_part = by_piece
        .iter()
        .filter(|(piece, _)| ground.origin.pieces[**piece].part == part);
    let hunks = of_part.flat_map(|(_, acts)| acts.iter().map(|(hunk, _)| *hunk));
    hunks.collect()
}

impl Content {
    fn of(ground: &Ground<'_>, piece: usize, acts: &[(usize, &Act)]) -> Self {
        let range = ground.range(piece);
        let mut writes = Vec::new();
        for (hunk, act) in acts {
            match act {
                Act::Drop { .. } => return Self::default(),
                Act::Write { cut, with, .. } => writes.push((cut, with, *hunk)),
            }
        }
        writes.sort_by_key(|(cut, ..)| (cut.start, cut.end));
        let mut content = Self::default();
        let mut done = range.start;
        for (cut, with, hunk) in writes {
            content.text.push_str(&ground.text()[done..cut.start]);
            let start = content.text.len();
            content.text.push_str(&ground.edited[with.clone()]);
            if !with.is_empty() {
                content.new.push((start..content.text.len(), hunk));
            }
            done = cut.end;
        }
        content.text.push_str(&ground.text()[done..range.end]);
        content
    }

    /// The text with `value` in the place of each variable and `text` for the rest.
    fn with(&self, value: impl Fn(&str) -> String, text: impl Fn(&str) -> String) -> String {
        let mut result = String::new();
        let mut done = 0;
        for (range, name) in &self.variables {
            result.push_str(&text(&self.text[done..range.start]));
            result.push_str(&value(name));
            done = range.end;
        }
        result + &text(&self.text[done..])
    }

    /// As it stands in a template. What would be read as a tag is written as one that says it.
    fn source(&self, kind: Kind) -> String {
        let variable = |name: &str| format!("<%= {name} %>");
        self.with(variable, |text| match kind {
            Kind::Raw => text.to_owned(),
            Kind::Text | Kind::Expansion | Kind::Opaque => text.replace("<%", "<%= \"<%\" %>"),
        })
    }

    fn said(&self, values: &Values) -> String {
        self.with(|name| values.named(name).to_owned(), str::to_owned)
    }
}

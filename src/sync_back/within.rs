//! An edit of a few lines, word by word: which words are new, which are gone, and whose they were.

use std::ops::Range;

use super::firm::{self, Lean, Region};
use super::ground::{Act, Ground, Way};
use super::hunk::{Choice, Edit};
use super::tokens::{Numbers, Tokens, words};

/// The words of an edit.
struct Words {
    old: Tokens,
    new: Tokens,
    edit: Edit,
}

/// How what `edit` says can be brought into the template.
pub fn way(ground: &Ground<'_>, edit: &Edit) -> Way {
    let words = Words::of(ground, edit);
    let Some(regions) = firm::regions(&words.old.numbers, &words.new.numbers) else {
        return unsure("it changes too much at once");
    };
    let mut acts = Vec::new();
    for region in regions {
        match words.way(ground, &region) {
            Ok(more) => acts.extend(more),
            Err(way) => return way,
        }
    }
    Way::Sure(acts)
}

fn unsure(reason: &str) -> Way {
    Way::Unsure {
        reason: reason.into(),
        tag: None,
        ways: Vec::new(),
    }
}

impl Words {
    fn of(ground: &Ground<'_>, edit: &Edit) -> Self {
        let mut numbers = Numbers::default();
        let old = ground.origin.pieces_in(&edit.old).flat_map(|piece| {
            let said = ground.range(piece);
            let start = said.start.max(edit.old.start);
            let end = said.end.min(edit.old.end);
            words(ground.text(), start..end.max(start))
        });
        let old = old.collect();
        Self {
            old: numbers.tokens(ground.text(), old),
            new: numbers.tokens(ground.edited, words(ground.edited, edit.new.clone())),
            edit: edit.clone(),
        }
    }

    fn bytes(&self, region: &Region) -> Edit {
        Edit {
            old: self.old.bytes(&region.old, self.edit.old.end),
            new: self.new.bytes(&region.new, self.edit.new.end),
        }
    }

    /// The acts for a region, or what has to be asked.
    fn way(&self, ground: &Ground<'_>, region: &Region) -> Result<Vec<Act>, Way> {
        let edit = self.bytes(region);
        if edit.new.is_empty() {
            return ground
                .remove(&edit.old)
                .ok_or_else(|| self.touched(ground, &edit));
        }
        if let Some(joint) = ground.joints(&edit.old).next() {
            return Err(at_edge(ground, &edit, joint));
        }
        let early = self.acts(ground, region, Lean::Early);
        let is_plain = |piece| ground.is_text(piece) || ground.range(piece).is_empty();
        let inside = |piece: &usize| {
            let said = ground.range(*piece);
            said.start < edit.old.end && edit.old.start < said.end
        };
        let mut over = ground.origin.pieces_in(&edit.old).filter(inside);
        if over.all(is_plain) {
            return early.ok_or_else(|| self.touched(ground, &edit));
        }
        // It can slide over an expansion: that is one edit when both ends of the way say the same.
        let late = self.acts(ground, region, Lean::Late);
        match (early, late) {
            (Some(early), Some(late))
                if said(ground, &early, &edit) == said(ground, &late, &edit) =>
            {
                Ok(early)
            }
            _ => Err(self.touched(ground, &edit)),
        }
    }

    /// What one of the shortest edits of a region does; none when it changes a part of an expansion.
    fn acts(&self, ground: &Ground<'_>, region: &Region, lean: Lean) -> Option<Vec<Act>> {
        let old = &self.old.numbers[region.old.clone()];
        let new = &self.new.numbers[region.new.clone()];
        let mut acts = Vec::new();
        for edit in firm::edits(old, new, lean)? {
            let shifted = |range: &Range<usize>, by: usize| range.start + by..range.end + by;
            let edit = self.bytes(&Region {
                old: shifted(&edit.old, region.old.start),
                new: shifted(&edit.new, region.new.start),
            });
            acts.extend(ground.replace(&edit.old, &edit.new)?);
        }
        Some(acts)
    }

    /// An edit of what an expansion says: it can only become text.
    fn touched(&self, ground: &Ground<'_>, edit: &Edit) -> Way {
        let overlaps = |piece: &usize| {
            let said = ground.range(*piece);
            let touches = said.start < edit.old.end && edit.old.start < said.end;
            let contains = said.start < edit.old.start && edit.old.end < said.end;
            !ground.is_text(*piece) && (touches || contains)
        };
        let mut pieces = ground.origin.pieces_in(&edit.old).filter(overlaps);
        let first = pieces.next();
        let tag = first.map(|piece| ground.tag_of(piece));
        let name = tag.as_ref().map_or("a tag", |tag| tag.text.as_str());
        let reason = format!(
            "it changes what {name} says: change the value in quickscale.yml, or make it text"
        );
        let whole = first.map(|first| {
            let last = pieces.next_back().unwrap_or(first);
            ground.range(first).start.min(edit.old.start)..ground.range(last).end.max(edit.old.end)
        });
        let literal = whole.and_then(|whole| self.as_text(ground, whole));
        let ways = literal.map(|acts| (Choice::Literal, acts));
        Way::Unsure {
            reason,
            tag,
            ways: ways.into_iter().collect(),
        }
    }

    /// What puts text in the place of `whole`, with the expansions in it.
    fn as_text(&self, ground: &Ground<'_>, whole: Range<usize>) -> Option<Vec<Act>> {
        if !ground.is_smooth(&whole) {
            return None;
        }
        let before = whole.start.checked_sub(self.edit.old.start)?;
        let after = self.edit.old.end.checked_sub(whole.end)?;
        // What stands around it on its lines is the same in both.
        let new = self.edit.new.start + before..self.edit.new.end.checked_sub(after)?;
        let same =
            |old: Range<usize>, new: Range<usize>| ground.text().get(old) == ground.edited.get(new);
        let is_same_around = same(
            self.edit.old.start..whole.start,
            self.edit.new.start..new.start,
        ) && same(whole.end..self.edit.old.end, new.end..self.edit.new.end);
        if new.start > new.end || !is_same_around {
            return None;
        }
        let mut acts = ground.remove(&whole)?;
        acts.push(ground.insert(whole.start, new)?);
        Some(acts)
    }
}

/// What a template says between two places once `acts` are done, with its expansions and with variables for values.
fn said(ground: &Ground<'_>, acts: &[Act], edit: &Edit) -> String {
    let mut text = String::new();
    for piece in ground.origin.pieces_in(&edit.old) {
        let own = |act: &&Act| match act {
            Act::Write { piece: own, .. } | Act::Drop { piece: own } => *own == piece,
        };
        let mut own = acts.iter().filter(own).peekable();
        if !ground.is_text(piece) {
            if own.peek().is_none() {
                text.push_str(ground.cut.text(ground.origin.pieces[piece].part));
            }
            continue;
        }
        let range = ground.range(piece);
        let mut done = range.start;
        for act in own {
            if let Act::Write { cut, with, .. } = act {
                text.push_str(&ground.text()[done..cut.start]);
                text.push_str(&ground.values.with_variables(&ground.edited[with.clone()]));
                done = cut.end;
            }
        }
        text.push_str(&ground.text()[done..range.end]);
    }
    text
}

/// New text at the edge of a block.
pub fn at_edge(ground: &Ground<'_>, edit: &Edit, joint: usize) -> Way {
    let mut ways = Vec::new();
    let reason = if edit.old.is_empty() {
        ways = inside_or_outside(ground, edit);
        "it stands at the edge of a block and can belong in it or beside it"
    } else {
        "it replaces text at the edge of a block, and can belong in it or beside it"
    };
    Way::Unsure {
        reason: reason.into(),
        tag: ground.tag_behind(joint),
        ways,
    }
}

/// The places for new text between tags: the innermost and the outermost, where there is one of each.
fn inside_or_outside(ground: &Ground<'_>, edit: &Edit) -> Vec<(Choice, Vec<Act>)> {
    let at = edit.old.start;
    let runs = ground.runs_at(at);
    let place = |run: &Range<usize>| {
        let piece = run.clone().find(|piece| ground.is_text(*piece))?;
        let act = Act::Write {
            piece,
            cut: at..at,
            with: edit.new.clone(),
        };
        ground
            .is_said_once(piece)
            .then(|| (ground.depth(piece), vec![act]))
    };
    let depths = || runs.iter().map(|run| ground.depth(run.start));
    let (Some(outer), Some(inner)) = (depths().min(), depths().max()) else {
        return Vec::new();
    };
    let only = |depth: usize| {
        let mut runs = runs.iter().filter(|run| ground.depth(run.start) == depth);
        let first = runs.next()?;
        runs.next().is_none().then(|| place(first))?
    };
    let mut ways = Vec::new();
    if inner > outer {
        ways.extend(only(inner).map(|(_, acts)| (Choice::Inside, acts)));
        ways.extend(only(outer).map(|(_, acts)| (Choice::Outside, acts)));
    }
    ways
}

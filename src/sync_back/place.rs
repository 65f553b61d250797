//! Where the edits of a rendered file belong in its template. Lines that surely stayed hold the others apart; between them a
//! line that is much like another is that one, changed; what is left is new or gone.

use std::ops::Range;

use super::firm::{self, Region};
use super::ground::{Ground, Way};
use super::hunk::Edit;
use super::moves;
use super::tokens::{Numbers, Tokens, likeness, lines};
use super::within;

/// An edit with the way for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    pub edit: Edit,
    pub way: Way,
}

/// From here on a line is another one, changed.
const LIKE: f64 = 0.5;

/// Regions of more lines are not looked at line by line.
const MOST_LINES: usize = 60;

/// Both texts by lines.
pub struct Lines {
    pub old: Tokens,
    pub new: Tokens,
}

/// The edits that make the edited file of the rendering, in order; none when they differ too much to say.
pub fn place(ground: &Ground<'_>) -> Option<Vec<Placed>> {
    let mut numbers = Numbers::default();
    let both = Lines {
        old: numbers.tokens(ground.text(), lines(ground.text())),
        new: numbers.tokens(ground.edited, lines(ground.edited)),
    };
    let regions = firm::regions(&both.old.numbers, &both.new.numbers)?;
    let regions: Vec<Region> = regions
        .into_iter()
        .flat_map(|region| both.split(ground, region))
        .collect();
    let mut placed: Vec<Placed> = regions
        .iter()
        .map(|region| both.placed(ground, region))
        .collect();
    moves::ask(ground, &both, &regions, &mut placed);
    Some(placed)
}

impl Lines {
    /// The bytes of a region in both texts.
    fn edit(&self, ground: &Ground<'_>, region: &Region) -> Edit {
        Edit {
            old: self.old.bytes(&region.old, ground.text().len()),
            new: self.new.bytes(&region.new, ground.edited.len()),
        }
    }

    /// Parts a region with tags in it at the lines that are surely another one, changed.
    fn split(&self, ground: &Ground<'_>, region: Region) -> Vec<Region> {
        let is_simple = region.old.is_empty() || region.new.is_empty();
        if is_simple || ground.is_smooth(&self.edit(ground, &region).old) {
            return vec![region];
        }
        let mut parts = Vec::new();
        let (mut old, mut new) = (region.old.start, region.new.start);
        let mut between = |old: Range<usize>, new: Range<usize>| {
            if !(old.is_empty() && new.is_empty()) {
                parts.push(Region { old, new });
            }
        };
        for (i, j) in self.pairs(ground, &region) {
            between(old..i, new..j);
            between(i..i + 1, j..j + 1);
            (old, new) = (i + 1, j + 1);
        }
        between(old..region.old.end, new..region.new.end);
        parts
    }

    /// The lines of a region that are more like each other than like any other, if their order is kept.
    fn pairs(&self, ground: &Ground<'_>, region: &Region) -> Vec<(usize, usize)> {
        if region.old.len() > MOST_LINES || region.new.len() > MOST_LINES {
            return Vec::new();
        }
        let mut like = Vec::new();
        for i in region.old.clone() {
            for j in region.new.clone() {
                let old = &ground.text()[self.old.ranges[i].clone()];
                let new = &ground.edited[self.new.ranges[j].clone()];
                like.push((i, j, likeness(old, new)));
            }
        }
        let is_best = |(i, j, likeness): &&(usize, usize, f64)| {
            let mut rivals = like.iter().filter(|(a, b, _)| (a == i) != (b == j));
            *likeness >= LIKE && rivals.all(|(_, _, other)| other < likeness)
        };
        let best = like.iter().filter(is_best);
        let pairs: Vec<_> = best.map(|(i, j, _)| (*i, *j)).collect();
        match pairs.is_sorted_by(|one, next| one.0 < next.0 && one.1 < next.1) {
            true => pairs,
            false => Vec::new(),
        }
    }

    fn placed(&self, ground: &Ground<'_>, region: &Region) -> Placed {
        let edit = self.edit(ground, region);
        let is_pair = region.old.len() == 1 && region.new.len() == 1;
        let way = match ground.joints(&edit.old).next() {
            Some(_) if edit.new.is_empty() => match ground.remove(&edit.old) {
                Some(acts) => Way::Sure(acts),
                None => within::way(ground, &edit),
            },
            Some(_) if is_pair && self.is_change(ground, &edit) => within::way(ground, &edit),
            Some(joint) => within::at_edge(ground, &edit, joint),
            None => within::way(ground, &edit),
        };
        Placed { edit, way }
    }

    /// Whether what an edit makes of a line is that line, changed.
    fn is_change(&self, ground: &Ground<'_>, edit: &Edit) -> bool {
        let (old, new) = (
            &ground.text()[edit.old.clone()],
            &ground.edited[edit.new.clone()],
        );
        likeness(old, new) >= LIKE
    }
}

//! What of a sequence surely stayed when it became another: what is matched in the same way in every shortest edit. What
//! lies between is a region, about whose inside nobody can be sure.

use std::ops::Range;

/// A stretch of both sequences that is not surely the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    pub old: Range<usize>,
    pub new: Range<usize>,
}

/// Which of the shortest edits is taken where there are several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lean {
    /// What stays is matched as early as possible.
    Early,
    /// As late as possible.
    Late,
}

/// How many cells a table may have.
const CELLS: usize = 8_000_000;

/// The longest edit that is looked for.
const LONGEST: usize = 20_000;

/// The regions in order; none when the sequences differ too much to say.
pub fn regions(old: &[u32], new: &[u32]) -> Option<Vec<Region>> {
    if old == new {
        return Some(Vec::new());
    }
    Some(Tables::of(old, new)?.regions())
}

/// The parts that differ in one shortest edit, in order; none when the sequences differ too much to say.
pub fn edits(old: &[u32], new: &[u32], lean: Lean) -> Option<Vec<Region>> {
    if old == new {
        return Some(Vec::new());
    }
    Some(Tables::of(old, new)?.edits(lean))
}

/// Lengths of shortest edits, of every beginning and of every end, along the diagonals that a shortest edit can touch.
struct Tables<'a> {
    old: &'a [u32],
    new: &'a [u32],
    /// How long the shortest edit is.
    length: usize,
    /// How many items it removes.
    removed: usize,
    begins: Vec<u16>,
    ends: Vec<u16>,
}

/// Longer than any edit.
const FAR: u16 = u16::MAX;

impl<'a> Tables<'a> {
    fn of(old: &'a [u32], new: &'a [u32]) -> Option<Self> {
        let length = length(old, new)?;
        let width = length + 1;
        if (old.len() + 1).checked_mul(width)? > CELLS {
            return None;
        }
        let removed = (length + old.len() - new.len()) / 2;
        let mut this = Self {
            old,
            new,
            length,
            removed,
            begins: vec![FAR; (old.len() + 1) * width],
            ends: vec![FAR; (old.len() + 1) * width],
        };
        this.fill();
        Some(this)
    }

    /// Where the pair of places stands in the tables; none beyond the diagonals that matter.
    fn cell(&self, i: usize, j: usize) -> Option<usize> {
        let diagonal = (j + self.removed).checked_sub(i)?;
        let is_inside = diagonal <= self.length && i <= self.old.len() && j <= self.new.len();
        is_inside.then(|| i * (self.length + 1) + diagonal)
    }

    fn begin(&self, i: usize, j: usize) -> u16 {
        self.cell(i, j).map_or(FAR, |cell| self.begins[cell])
    }

    fn end(&self, i: usize, j: usize) -> u16 {
        self.cell(i, j).map_or(FAR, |cell| self.ends[cell])
    }

    /// The places of `new` that the place `i` of `old` can be beside.
    fn beside(&self, i: usize) -> Range<usize> {
        let first = i.saturating_sub(self.removed);
        let last = (i + self.length).saturating_sub(self.removed);
        first..last.min(self.new.len()) + 1
    }

    fn fill(&mut self) {
        for i in 0..=self.old.len() {
            for j in self.beside(i) {
                let Some(cell) = self.cell(i, j) else {
                    continue;
                };
                let mut best = if (i, j) == (0, 0) { 0 } else { FAR };
                if i > 0 {
                    best = best.min(self.begin(i - 1, j).saturating_add(1));
                }
                if j > 0 {
                    best = best.min(self.begin(i, j - 1).saturating_add(1));
                }
                if i > 0 && j > 0 && self.old[i - 1] == self.new[j - 1] {
                    best = best.min(self.begin(i - 1, j - 1));
                }
                self.begins[cell] = best;
            }
        }
        for i in (0..=self.old.len()).rev() {
            for j in self.beside(i).rev() {
                let Some(cell) = self.cell(i, j) else {
                    continue;
                };
                let (n, m) = (self.old.len(), self.new.len());
                let mut best = if (i, j) == (n, m) { 0 } else { FAR };
                if i < n {
                    best = best.min(self.end(i + 1, j).saturating_add(1));
                }
                if j < m {
                    best = best.min(self.end(i, j + 1).saturating_add(1));
                }
                if i < n && j < m && self.old[i] == self.new[j] {
                    best = best.min(self.end(i + 1, j + 1));
                }
                self.ends[cell] = best;
            }
        }
    }

    /// Whether a shortest edit leads through these two places, `cost` apart.
    fn is_short(&self, from: (usize, usize), to: (usize, usize), cost: usize) -> bool {
        let (begin, end) = (self.begin(from.0, from.1), self.end(to.0, to.1));
        begin != FAR && end != FAR && usize::from(begin) + cost + usize::from(end) == self.length
    }

    /// What the item `i` of `old` surely is in `new`; none when it may be another or none.
    fn firm(&self, i: usize) -> Option<usize> {
        let mut partner = None;
        for j in self.beside(i) {
            if self.is_short((i, j), (i + 1, j), 1) {
                return None;
            }
            let matches = j < self.new.len() && self.old[i] == self.new[j];
            if matches && self.is_short((i, j), (i + 1, j + 1), 0) && partner.replace(j).is_some() {
                return None;
            }
        }
        partner
    }

    fn regions(&self) -> Vec<Region> {
        let mut regions = Vec::new();
        let (mut old, mut new) = (0, 0);
        let mut close = |i: usize, j: usize, old: &mut usize, new: &mut usize| {
            if *old < i || *new < j {
                regions.push(Region {
                    old: *old..i,
                    new: *new..j,
                });
            }
            (*old, *new) = (i + 1, j + 1);
        };
        for i in 0..self.old.len() {
            if let Some(j) = self.firm(i) {
                close(i, j, &mut old, &mut new);
            }
        }
        close(self.old.len(), self.new.len(), &mut old, &mut new);
        regions
    }

    fn edits(&self, lean: Lean) -> Vec<Region> {
        let mut edits: Vec<Region> = Vec::new();
        let (mut i, mut j) = (0, 0);
        while (i, j) != (self.old.len(), self.new.len()) {
            let same = i < self.old.len() && j < self.new.len() && self.old[i] == self.new[j];
            let stays = same && self.is_short((i, j), (i + 1, j + 1), 0);
            let goes = i < self.old.len() && self.is_short((i, j), (i + 1, j), 1);
            let comes = j < self.new.len() && self.is_short((i, j), (i, j + 1), 1);
            if stays && (lean == Lean::Early || !(goes || comes)) {
                (i, j) = (i + 1, j + 1);
                continue;
            }
            let (to_i, to_j) = if goes { (i + 1, j) } else { (i, j + 1) };
            match edits.last_mut() {
                Some(last) if last.old.end == i && last.new.end == j => {
                    (last.old.end, last.new.end) = (to_i, to_j);
                }
                _ => edits.push(Region {
                    old: i..to_i,
                    new: j..to_j,
                }),
            }
            (i, j) = (to_i, to_j);
        }
        edits
    }
}

/// How many items the shortest edit removes and adds, as Myers finds it; none when it is too long.
fn length(old: &[u32], new: &[u32]) -> Option<usize> {
    let (n, m) = (old.len(), new.len());
    let most = (n + m).min(LONGEST);
    // Per diagonal, from -most to most, how far into `old` an edit of the current length gets.
    let middle = most + 1;
    let mut reach = vec![0_usize; 2 * most + 3];
    for length in 0..=most {
        for step in 0..=length {
            // The diagonal j - i, shifted by `middle`.
            let diagonal = middle + 2 * step - length;
            let removes = reach[diagonal + 1] + 1;
            let adds = reach[diagonal - 1];
            let mut i = if length == 0 {
                0
            } else if step == 0 || step != length && removes > adds {
                removes
            } else {
                adds
            };
            let Some(mut j) = (i + diagonal).checked_sub(middle) else {
                continue;
            };
            while i < n && j < m && old[i] == new[j] {
                (i, j) = (i + 1, j + 1);
            }
            reach[diagonal] = i;
            if i >= n && j >= m {
                return Some(length);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> Vec<u32> {
        text.chars().map(u32::from).collect()
    }

    fn found(old: &str, new: &str) -> Vec<(Range<usize>, Range<usize>)> {
        let regions = regions(&of(old), &of(new)).expect("not too long");
        let pair = |region: Region| (region.old, region.new);
        regions.into_iter().map(pair).collect()
    }

    #[test]
    fn what_can_slide_is_a_region() {
        assert_eq!(found("abc", "axbc"), [(1..1, 1..2)]);
        assert_eq!(found("abc", "abbc"), [(1..2, 1..3)]);
        assert_eq!(found("abbc", "abc"), [(1..3, 1..2)]);
        assert_eq!(found("ab", "ba"), [(0..2, 0..2)]);
        assert_eq!(found("abcd", "xbcy"), [(0..1, 0..1), (3..4, 3..4)]);
    }

    #[test]
    fn edits_lean() {
        let edit = |lean| edits(&of("abc"), &of("abbc"), lean).expect("short");
        assert_eq!(
            edit(Lean::Early),
            [Region {
                old: 2..2,
                new: 2..3
            }]
        );
        assert_eq!(
            edit(Lean::Late),
            [Region {
                old: 1..1,
                new: 1..2
            }]
        );
    }

    /// Every shortest edit, as what each item of `old` becomes.
    fn all(old: &[u32], new: &[u32]) -> Vec<Vec<Option<usize>>> {
        fn walk(
            old: &[u32],
            new: &[u32],
            at: usize,
            kept: &mut Vec<Option<usize>>,
            all: &mut Vec<Vec<Option<usize>>>,
        ) {
            let i = kept.len();
            if i == old.len() {
                all.push(kept.clone());
                return;
            }
            kept.push(None);
            walk(old, new, at, kept, all);
            kept.pop();
            for j in at..new.len() {
                if old[i] == new[j] {
                    kept.push(Some(j));
                    walk(old, new, j + 1, kept, all);
                    kept.pop();
                }
            }
        }
        let mut found = Vec::new();
        walk(old, new, 0, &mut Vec::new(), &mut found);
        let kept = |edit: &Vec<Option<usize>>| edit.iter().flatten().count();
        let most = found.iter().map(kept).max().unwrap_or(0);
        found.retain(|edit| kept(edit) == most);
        found
    }

    proptest! {
        #[test]
        fn firm_is_what_every_shortest_edit_keeps(
            old in prop::collection::vec(0_u32..4, 0..8),
            new in prop::collection::vec(0_u32..4, 0..8),
        ) {
            let all = all(&old, &new);
            let regions = regions(&old, &new).expect("short");
            for i in 0..old.len() {
                let first = all[0][i];
                let is_firm = first.is_some() && all.iter().all(|edit| edit[i] == first);
                let is_inside = regions.iter().any(|region| region.old.contains(&i));
                prop_assert_eq!(is_firm, !is_inside, "{} of {:?} and {:?}", i, old, new);
            }
            for lean in [Lean::Early, Lean::Late] {
                let mut result = Vec::new();
                let mut done = 0;
                for edit in edits(&old, &new, lean).expect("short") {
                    result.extend_from_slice(&old[done..edit.old.start]);
                    result.extend_from_slice(&new[edit.new]);
                    done = edit.old.end;
                }
                result.extend_from_slice(&old[done..]);
                prop_assert_eq!(&result, &new);
            }
        }
    }
}

//! Lines that went from one place to another. When a tag is on the way, nobody can tell whether they moved or what lies
//! between did: the user is asked.

use super::firm::Region;
use super::ground::{Ground, Way};
use super::place::{Lines, Placed};

/// Over how many lines, beside twice those that moved, others could as well have moved the other way.
const REACH: usize = 8;

/// Has the user asked about every edit that such a move is a part of.
pub fn ask(ground: &Ground<'_>, lines: &Lines, regions: &[Region], placed: &mut [Placed]) {
    for from in 0..regions.len() {
        for to in 0..regions.len() {
            let moved = moved(lines, &regions[from], &regions[to]);
            if from == to || moved == 0 {
                continue;
            }
            let (first, last) = (&regions[from.min(to)], &regions[from.max(to)]);
            let between = last.old.start.saturating_sub(first.old.end);
            let hull = placed[from.min(to)].edit.old.start..placed[from.max(to)].edit.old.end;
            let joint = ground.joints(&hull).next();
            if let (Some(joint), true) = (joint, between <= REACH + 2 * moved) {
                for index in [from, to] {
                    placed[index].way = Way::Unsure {
                        reason: "lines moved past a tag, and it can be these or those between"
                            .into(),
                        tag: ground.tag_behind(joint),
                        ways: Vec::new(),
                    };
                }
            }
        }
    }
}

/// How many lines are gone at one place and new at the other.
fn moved(lines: &Lines, from: &Region, to: &Region) -> usize {
    let new = &lines.new.numbers[to.new.clone()];
    let old = &lines.old.numbers[from.old.clone()];
    old.iter().filter(|line| new.contains(line)).count()
}

//! Edits of a file that is rendered from its template: each goes to the one place that makes what was edited, and the
//! result keeps the laws; what has no such place is asked.

use std::collections::{BTreeMap, BTreeSet};

use super::contents::Contents;
use super::echo;
use super::ground::{Act, Ground, Way};
use super::hunk::{Answers, Choice, Hunk, Question, Standing, Tag};
use super::laws::Ruled;
use super::place::{Placed, place};
use super::values::variable;
use super::verbatim::{Carried, Surroundings, answered};

/// Carries what turned the rendering into `edited` back into the template, as far as it may; none when they differ too much
/// to say.
pub fn carry(around: Surroundings<'_>, ruled: &Ruled<'_>, edited: &str) -> Option<Carried> {
    let ground = Ground {
        cut: &ruled.cut,
        origin: &ruled.own,
        edited,
        values: around.values,
    };
    let placed = place(&ground)?;
    let mut carrying = Carrying {
        ground,
        ruled,
        answers: around.answers,
        hunks: Vec::new(),
        placed: &placed,
    };
    for placed in &placed {
        let hunk = carrying.hunk(around, placed);
        carrying.hunks.push(hunk);
    }
    let contents = carrying.settle();
    let source = contents.spliced(&ruled.cut).into_bytes();
    Some(Carried {
        hunks: carrying.hunks,
        source,
    })
}

struct Carrying<'a> {
    ground: Ground<'a>,
    ruled: &'a Ruled<'a>,
    answers: &'a Answers,
    hunks: Vec<Hunk>,
    placed: &'a [Placed],
}

/// Why some hunks cannot go back as they are.
struct Held {
    hunks: BTreeMap<usize, Question>,
}

impl Carrying<'_> {
    fn hunk(&self, around: Surroundings<'_>, placed: &Placed) -> Hunk {
        let removed = &self.ground.text()[placed.edit.old.clone()];
        let added = &self.ground.edited[placed.edit.new.clone()];
        let id = around.id(removed.as_bytes(), added.as_bytes(), &self.hunks);
        let before = &self.ground.edited[..placed.edit.new.start];
        let standing = if around.secrets.are_in(added) && !around.secrets.are_in(removed) {
            Standing::Refused("it holds a secret of this project".into())
        } else {
            answered(question(&placed.way), around.answers.to(&id))
        };
        Hunk {
            id,
            line: 1 + before.matches('\n').count(),
            removed: removed.to_owned(),
            added: added.to_owned(),
            standing,
        }
    }

    /// Holds back what cannot go back until the rest can.
    fn settle(&mut self) -> Contents {
        loop {
            match self.contents() {
                Ok(contents) => return contents,
                Err(held) => {
                    for (hunk, question) in held.hunks {
                        self.hunks[hunk].standing = Standing::Open(question);
                    }
                }
            }
        }
    }

    /// The numbers of the hunks that go back.
    fn going(&self) -> BTreeSet<usize> {
        let hunks = self.hunks.iter().enumerate();
        let going = hunks.filter(|(_, hunk)| hunk.standing.goes_back());
        going.map(|(number, _)| number).collect()
    }

    fn contents(&self) -> Result<Contents, Held> {
        let going = self.going();
        let contents = self.contents_of(&going)?;
        if self.keeps_laws(&going, &contents).is_ok() {
            return Ok(contents);
        }
        // One by one it shows which of them breaks a law; when none does alone, they all wait.
        let mut hunks = BTreeMap::new();
        for hunk in &going {
            let alone = BTreeSet::from([*hunk]);
            let broken = match self.contents_of(&alone) {
                Ok(contents) => self.keeps_laws(&alone, &contents).err(),
                Err(held) => held.hunks.into_values().next(),
            };
            hunks.extend(broken.map(|question| (*hunk, question)));
        }
        if hunks.is_empty() {
            let together = || only_skip("it cannot go back together with the others");
            hunks = going.into_iter().map(|hunk| (hunk, together())).collect();
        }
        Err(Held { hunks })
    }

    fn contents_of(&self, going: &BTreeSet<usize>) -> Result<Contents, Held> {
        let acts: Vec<(usize, &Act)> = going
            .iter()
            .flat_map(|hunk| self.acts(*hunk).iter().map(|act| (*hunk, act)))
            .collect();
        let mut contents = Contents::of(&self.ground, &acts).map_err(|turn| {
            let question = Question {
                reason:
                    "it changes one turn of a loop, and the template has one text for all of them"
                        .into(),
                tag: self.loop_around(turn.piece),
                choices: Vec::new(),
            };
            let held = turn.hunks.into_iter().map(|hunk| (hunk, question.clone()));
            Held {
                hunks: held.collect(),
            }
        })?;
        let mut held = BTreeMap::new();
        for (hunk, act) in &acts {
            if !self.is_literal(*hunk) {
                let question = echo::question(&self.ground, act);
                held.extend(question.map(|question| (*hunk, question)));
            }
        }
        contents.replace_values(self.ground.values, |hunk, found| {
            match variable(found, self.answers.to(&self.hunks[hunk].id)) {
                Ok(name) => name.map(str::to_owned),
                Err(question) => {
                    held.insert(hunk, question);
                    None
                }
            }
        });
        match held.is_empty() {
            true => Ok(contents),
            false => Err(Held { hunks: held }),
        }
    }

    /// The acts that bring a hunk back.
    fn acts(&self, hunk: usize) -> &[Act] {
        match (&self.placed[hunk].way, &self.hunks[hunk].standing) {
            (Way::Sure(acts), _) => acts,
            (Way::Unsure { ways, .. }, Standing::Answered(choice)) => {
                let way = ways.iter().find(|(name, _)| name == choice);
                way.map_or(&[], |(_, acts)| acts)
            }
            (Way::Unsure { .. }, _) => &[],
        }
    }

    /// Whether the user wants a hunk to say what it says, in every project.
    fn is_literal(&self, hunk: usize) -> bool {
        let answers = self.answers.to(&self.hunks[hunk].id);
        answers.contains(&Choice::Literal)
    }

    fn keeps_laws(&self, going: &BTreeSet<usize>, contents: &Contents) -> Result<(), Question> {
        let mut wanted = String::new();
        let mut done = 0;
        for hunk in going {
            let edit = &self.placed[*hunk].edit;
            wanted.push_str(&self.ground.text()[done..edit.old.start]);
            wanted.push_str(&self.ground.edited[edit.new.clone()]);
            done = edit.old.end;
        }
        wanted.push_str(&self.ground.text()[done..]);
        let leaks = going.iter().any(|hunk| self.is_literal(*hunk));
        let checked = self.ruled.check(contents, &wanted, leaks);
        checked.map_err(|broken| only_skip(broken.0))
    }

    /// The tag that begins the loop around a piece.
    fn loop_around(&self, piece: usize) -> Option<Tag> {
        let part = self.ground.origin.pieces[piece].part;
        self.ground
            .cut
            .loop_around(part)
            .map(|range| self.ground.tag(&range))
    }
}

/// What is asked about an edit before anything else is known.
fn question(way: &Way) -> Option<Question> {
    match way {
        Way::Sure(_) => None,
        Way::Unsure { reason, tag, ways } => Some(Question {
            reason: reason.clone(),
            tag: tag.clone(),
            choices: ways.iter().map(|(choice, _)| choice.clone()).collect(),
        }),
    }
}

/// A question that only the template itself can answer.
fn only_skip(reason: &str) -> Question {
    Question {
        reason: format!("{reason}: change the template by hand"),
        tag: None,
        choices: Vec::new(),
    }
}

//! Edits of a file that its template copies byte for byte: each has its place, and only what it says can be in question.

use gix_imara_diff::{Algorithm, Diff, InternedInput};

use super::hunk::{Answers, Choice, Edit, Hunk, HunkId, Question, Standing};
use super::secrets::Secrets;
use super::values::Values;
use crate::project::names::RelPath;

/// What is known of the project that a file is edited in.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    pub path: &'a RelPath,
    pub values: &'a Values,
    pub secrets: &'a Secrets,
    pub answers: &'a Answers,
}

/// The edits, and the text with those that go back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    pub hunks: Vec<Hunk>,
    pub source: Vec<u8>,
}

/// Carries what turned `source` into `edited` back, as far as it may.
pub fn carry(around: Surroundings<'_>, source: &[u8], edited: &[u8]) -> Carried {
    let mut hunks = Vec::new();
    let mut result = Vec::with_capacity(edited.len());
    let mut done = 0;
    let mut line = 1;
    let mut counted = 0;
    for edit in line_edits(source, edited) {
        let (removed, added) = (&source[edit.old.clone()], &edited[edit.new.clone()]);
        line += count_lines(&edited[counted..edit.new.start]);
        counted = edit.new.start;
        let hunk = around.judge(removed, added, line, &hunks);
        result.extend_from_slice(&source[done..edit.old.start]);
        result.extend_from_slice(if hunk.standing.goes_back() {
            added
        } else {
            removed
        });
        done = edit.old.end;
        hunks.push(hunk);
    }
    result.extend_from_slice(&source[done..]);
    Carried {
        hunks,
        source: result,
    }
}

impl Surroundings<'_> {
    fn judge(self, removed: &[u8], added: &[u8], line: usize, earlier: &[Hunk]) -> Hunk {
        let id = self.id(removed, added, earlier);
        let (removed, added) = (
            String::from_utf8_lossy(removed).into_owned(),
            String::from_utf8_lossy(added).into_owned(),
        );
        Hunk {
            standing: self.standing(&id, &removed, &added),
            id,
            line,
            removed,
            added,
        }
    }

    /// An id that none of the `earlier` hunks of the file has.
    pub fn id(self, removed: &[u8], added: &[u8], earlier: &[Hunk]) -> HunkId {
        let mut ids = (0..).map(|number| HunkId::of(self.path, removed, added, number));
        let is_new = |id: &HunkId| !earlier.iter().any(|hunk| hunk.id == *id);
        ids.find(is_new).expect("there are more numbers than hunks")
    }

    fn standing(self, id: &HunkId, removed: &str, added: &str) -> Standing {
        if self.secrets.are_in(added) && !self.secrets.are_in(removed) {
            return Standing::Refused("it holds a secret of this project".into());
        }
        let question = self.values.leaked(removed, added).map(|value| Question {
            reason: format!(
                "it holds {}, `{}`, and this file is the same in every project",
                value.what, value.text
            ),
            tag: None,
            choices: vec![Choice::Literal],
        });
        answered(question, self.answers.to(id))
    }
}

/// What becomes of an edit with a question or without, after these answers. An answer that was not among the choices is
/// none.
pub fn answered(question: Option<Question>, answers: &[Choice]) -> Standing {
    if answers.contains(&Choice::Skip) {
        return Standing::Left;
    }
    let Some(question) = question else {
        return Standing::Placed;
    };
    let choice = answers
        .iter()
        .find(|choice| question.choices.contains(choice));
    match choice.cloned() {
        Some(choice) => Standing::Answered(choice),
        None => Standing::Open(question),
    }
}

/// The lines that differ, in order.
fn line_edits(old: &[u8], new: &[u8]) -> Vec<Edit> {
    let input = InternedInput::new(old, new);
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let starts = |lines: &[gix_imara_diff::Token]| {
        let mut at = 0;
        let mut starts = vec![0];
        for line in lines {
            at += input.interner[*line].len();
            starts.push(at);
        }
        starts
    };
    let (old, new) = (starts(&input.before), starts(&input.after));
    let range = |starts: &[usize], lines: std::ops::Range<u32>| {
        starts[lines.start as usize]..starts[lines.end as usize]
    };
    let edit = |hunk: gix_imara_diff::Hunk| Edit {
        old: range(&old, hunk.before),
        new: range(&new, hunk.after),
    };
    diff.hunks().map(edit).collect()
}

fn count_lines(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'\n').count()
}

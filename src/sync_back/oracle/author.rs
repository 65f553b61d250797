//! Authors: they change a template at random, as one would who works on it.

use std::ops::Range;

/// A stream of random numbers that is the same every time.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).expect("48 bits") % end.max(1)
    }

    pub fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }
}

const WORDS: [&str; 16] = [
    "server",
    "quickly",
    "and",
    "port",
    "the",
    "deploys",
    "first",
    "mode",
    "true",
    "42",
    "in",
    "a",
    "logs:",
    "path/to",
    "\"quoted\"",
    "{{ value }}",
];

const VARIABLES: [&str; 3] = [
    "<%= project.slug %>",
    "<%= project.name %>",
    "<%= project.crate_name %>",
];

/// A line that an author has before them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    /// Which line of the template it is, as long as nothing was done to it.
    from: Option<usize>,
    text: String,
}

impl Line {
    fn new(text: String) -> Self {
        Self { from: None, text }
    }
}

/// Lines of the template with what stands in their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub old: Range<usize>,
    pub new: String,
}

/// What an author did.
#[derive(Debug, Clone)]
pub struct Work {
    lines: Vec<Line>,
    /// How many lines the template has.
    count: usize,
    pub kind: &'static str,
    /// Whether no line that was touched, nor one beside it, holds a tag.
    pub is_away_from_tags: bool,
}

impl Work {
    /// The changes, in order.
    pub fn changes(&self) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut change = Change {
            old: 0..0,
            new: String::new(),
        };
        let end = Line {
            from: Some(self.count),
            text: String::new(),
        };
        for line in self.lines.iter().chain([&end]) {
            let Some(from) = line.from else {
                change.new.push_str(&line.text);
                continue;
            };
            change.old.end = from;
            let next = Change {
                old: from + 1..from + 1,
                new: String::new(),
            };
            let done = std::mem::replace(&mut change, next);
            if !(done.old.is_empty() && done.new.is_empty()) {
                changes.push(done);
            }
        }
        changes
    }

    /// The changes, line by line.
    pub fn lines(&self) -> Vec<Change> {
        self.changes().iter().flat_map(Change::lines).collect()
    }
}

impl Change {
    /// The same, one line after the other.
    fn lines(&self) -> impl Iterator<Item = Self> + '_ {
        let start = self.old.start;
        let added = self.new.split_inclusive('\n').map(move |line| Self {
            old: start..start,
            new: line.to_owned(),
        });
        let dropped = self.old.clone().map(|at| Self {
            old: at..at + 1,
            new: String::new(),
        });
        added.chain(dropped)
    }
}

/// `source` with some changes.
pub fn changed<'a>(source: &str, changes: impl IntoIterator<Item = &'a Change>) -> String {
    let lines: Vec<&str> = source.split_inclusive('\n').collect();
    let mut text = String::new();
    let mut done = 0;
    for change in changes {
        text.push_str(&lines[done..change.old.start].concat());
        text.push_str(&change.new);
        done = change.old.end;
    }
    text + &lines[done..].concat()
}

/// Changes `source` in one way or another; none when the dice fell on nothing that can be done.
pub fn work(source: &str, random: &mut Random) -> Option<Work> {
    let line = |(at, text): (usize, &str)| Line {
        from: Some(at),
        text: text.to_owned(),
    };
    let lines: Vec<Line> = source.split_inclusive('\n').enumerate().map(line).collect();
    let mut work = Work {
        count: lines.len(),
        lines,
        kind: "",
        is_away_from_tags: true,
    };
    match random.below(11) {
        0 | 1 => work.change_word(random),
        2 => work.add_word(random),
        3 => work.drop_word(random),
        4 | 5 => work.add_lines(random),
        6 => work.copy_line(random),
        7 => work.drop_lines(random),
        8 => work.move_lines(random),
        9 => work.change_value(random),
        _ => work.several(random),
    }?;
    Some(work)
}

impl Work {
    /// Two or three changes in one go.
    fn several(&mut self, random: &mut Random) -> Option<()> {
        for _ in 0..2 + random.below(2) {
            match random.below(6) {
                0 => self.change_word(random),
                1 => self.add_lines(random),
                2 => self.drop_lines(random),
                3 => self.move_lines(random),
                4 => self.add_word(random),
                _ => self.copy_line(random),
            }?;
        }
        self.kind = "several";
        Some(())
    }

    /// Takes note that something is done to these lines.
    fn touch(&mut self, kind: &'static str, touched: Range<usize>) {
        let around = touched.start.saturating_sub(1)..(touched.end + 1).min(self.lines.len());
        let is_near = self.lines[around]
            .iter()
            .any(|line| line.text.contains("<%"));
        self.is_away_from_tags &= !is_near;
        self.kind = kind;
    }

    /// A line, and the place of a word in it that is in no tag.
    fn word(&self, random: &mut Random) -> Option<(usize, Range<usize>)> {
        let at = random.below(self.lines.len());
        let line = &self.lines.get(at)?.text;
        let mut words = Vec::new();
        let mut from = 0;
        for part in line.split_inclusive("%>") {
            let text = part.split("<%").next().unwrap_or_default();
            let mut at = from;
            for word in text.split_inclusive(' ') {
                let bare = word.trim_end();
                if !bare.is_empty() {
                    words.push(at..at + bare.len());
                }
                at += word.len();
            }
            from += part.len();
        }
        (!words.is_empty()).then(|| (at, random.one(&words)))
    }

    /// Has a line say something else.
    fn rewrite(&mut self, kind: &'static str, at: usize, text: String) {
        self.touch(kind, at..at + 1);
        self.lines[at] = Line::new(text);
    }

    /// The line at `at` with `new` in the place of `range`.
    fn with(&self, at: usize, range: Range<usize>, new: &str) -> String {
        let mut text = self.lines[at].text.clone();
        text.replace_range(range, new);
        text
    }

    fn change_word(&mut self, random: &mut Random) -> Option<()> {
        let (at, word) = self.word(random)?;
        let text = self.with(at, word, random.one(&WORDS));
        self.rewrite("word changed", at, text);
        Some(())
    }

    fn add_word(&mut self, random: &mut Random) -> Option<()> {
        let (at, word) = self.word(random)?;
        let (start, end) = (word.start..word.start, word.end..word.end);
        let text = match random.below(3) {
            0 => self.with(at, start, &format!("{} ", random.one(&WORDS))),
            1 => self.with(at, end, &format!(" {}", random.one(&WORDS))),
            _ => self.with(at, end, random.one(&[",", ".", " x", "-y", ")"])),
        };
        self.rewrite("word added", at, text);
        Some(())
    }

    fn drop_word(&mut self, random: &mut Random) -> Option<()> {
        let (at, word) = self.word(random)?;
        let text = self.with(at, word, "");
        self.rewrite("word dropped", at, text);
        Some(())
    }

    fn add_lines(&mut self, random: &mut Random) -> Option<()> {
        let at = random.below(self.lines.len() + 1);
        self.touch("lines added", at..at);
        for _ in 0..1 + random.below(3) {
            self.lines.insert(at, Line::new(line(random)));
        }
        Some(())
    }

    fn copy_line(&mut self, random: &mut Random) -> Option<()> {
        let from = self.movable(random, 1)?;
        let at = match random.below(2) {
            0 => from.end,
            _ => random.below(self.lines.len() + 1),
        };
        self.touch("line copied", at..at);
        let copy = Line::new(self.lines[from.start].text.clone());
        // What a copy says need not be near the place where it is put.
        self.is_away_from_tags &= !copy.text.contains("<%");
        self.lines.insert(at, copy);
        Some(())
    }

    fn drop_lines(&mut self, random: &mut Random) -> Option<()> {
        let count = 1 + random.below(3);
        let gone = self.movable(random, count)?;
        self.touch("lines dropped", gone.clone());
        self.lines.drain(gone);
        Some(())
    }

    fn move_lines(&mut self, random: &mut Random) -> Option<()> {
        let count = 1 + random.below(3);
        let from = self.movable(random, count)?;
        let to = match random.below(2) {
            0 => (from.start + random.below(9)).saturating_sub(4),
            _ => random.below(self.lines.len() + 1),
        };
        let to = to.min(self.lines.len());
        if from.contains(&to) || to == from.end {
            return None;
        }
        self.touch("lines moved", from.clone());
        self.touch("lines moved", to..to);
        let moved = self.lines.drain(from.clone());
        let moved: Vec<Line> = moved.map(|line| Line::new(line.text)).collect();
        let place = if to > from.start {
            to - moved.len()
        } else {
            to
        };
        self.lines.splice(place..place, moved);
        Some(())
    }

    fn change_value(&mut self, random: &mut Random) -> Option<()> {
        let (at, word) = self.word(random)?;
        let new = random.one(&VARIABLES);
        let text = match random.below(2) {
            0 => self.with(at, word, new),
            _ => {
                let line = &self.lines[at].text;
                let old = VARIABLES.iter().find(|name| line.contains(**name))?;
                line.replacen(*old, new, 1)
            }
        };
        self.rewrite("value changed", at, text);
        Some(())
    }

    /// So many lines in a row without a block's tag.
    fn movable(&self, random: &mut Random, count: usize) -> Option<Range<usize>> {
        let start = random.below(self.lines.len());
        let range = start..start + count;
        let lines = self.lines.get(range.clone())?;
        let is_block =
            |line: &Line| line.text.replace("<%=", "").contains("<%") || !line.text.ends_with('\n');
        (!lines.iter().any(is_block)).then_some(range)
    }
}

/// A line of its own.
fn line(random: &mut Random) -> String {
    let mut line = random.one(&["", "", "    ", "# ", "- "]).to_string();
    for _ in 0..random.below(6) {
        let word = match random.below(12) {
            0 => random.one(&VARIABLES),
            _ => random.one(&WORDS),
        };
        line.push_str(word);
        line.push(' ');
    }
    format!("{}\n", line.trim_end())
}

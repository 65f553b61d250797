//! Texts as lines and as words, to be compared.

use std::collections::HashMap;
use std::ops::Range;

use super::firm;
use super::values::is_word;

/// A text in pieces that are compared as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tokens {
    pub ranges: Vec<Range<usize>>,
    /// The same number for the same text, among tokens made together.
    pub numbers: Vec<u32>,
}

/// Gives texts numbers.
#[derive(Debug, Default)]
pub struct Numbers<'a>(HashMap<&'a str, u32>);

impl<'a> Numbers<'a> {
    /// The tokens at `ranges` of `text`.
    pub fn tokens(&mut self, text: &'a str, ranges: Vec<Range<usize>>) -> Tokens {
        let number = |range: &Range<usize>| {
            let next = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
            *self.0.entry(&text[range.clone()]).or_insert(next)
        };
        Tokens {
            numbers: ranges.iter().map(number).collect(),
            ranges,
        }
    }
}

impl Tokens {
    /// The bytes that some of the tokens take; where they would stand when there are none.
    pub fn bytes(&self, tokens: &Range<usize>, length: usize) -> Range<usize> {
        let start = |at: usize| self.ranges.get(at).map_or(length, |range| range.start);
        match tokens.is_empty() {
            true => start(tokens.start)..start(tokens.start),
            false => start(tokens.start)..self.ranges[tokens.end - 1].end,
        }
    }
}

/// The lines of a text, each with its end.
pub fn lines(text: &str) -> Vec<Range<usize>> {
    let mut at = 0;
    let line = |line: &str| {
        at += line.len();
        at - line.len()..at
    };
    text.split_inclusive('\n').map(line).collect()
}

/// The words, the stretches of blanks and the other characters of `text[range]`.
pub fn words(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let mut words: Vec<Range<usize>> = Vec::new();
    let mut last = None;
    for (at, c) in text[range.clone()].char_indices() {
        let class = class(c);
        let end = range.start + at + c.len_utf8();
        match words.last_mut() {
            Some(word) if class.is_some() && class == last => word.end = end,
            _ => words.push(range.start + at..end),
        }
        last = class;
    }
    words
}

/// What characters stand together; none for one that stands alone.
fn class(c: char) -> Option<bool> {
    match c {
        ' ' | '\t' => Some(false),
        c if is_word(c) => Some(true),
        _ => None,
    }
}

/// How much of two lines is the same, from 0 to 1, blanks aside.
pub fn likeness(one: &str, other: &str) -> f64 {
    let mut numbers = Numbers::default();
    let mut visible = |text| {
        let mut tokens = numbers.tokens(text, words(text, 0..text.len()));
        let mut ranges = tokens.ranges.iter();
        tokens.numbers.retain(|_| {
            let range = ranges.next();
            range.is_some_and(|range| !text[range.clone()].trim().is_empty())
        });
        tokens.numbers
    };
    let (one, other) = (visible(one), visible(other));
    let all = one.len() + other.len();
    let Some(edits) = firm::edits(&one, &other, firm::Lean::Early) else {
        return 0.0;
    };
    let changed: usize = edits
        .iter()
        .map(|edit| edit.old.len() + edit.new.len())
        .sum();
    if all == 0 {
        0.0
    } else {
        ratio(all - changed, all)
    }
}

fn ratio(part: usize, all: usize) -> f64 {
    let number = |value: usize| f64::from(u32::try_from(value).unwrap_or(u32::MAX));
    number(part) / number(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_words_blanks_and_signs() {
        let text = "  a_b: c-1\n";
        let words: Vec<_> = words(text, 0..text.len())
            .into_iter()
            .map(|range| &text[range])
            .collect();
        assert_eq!(words, ["  ", "a_b", ":", " ", "c", "-", "1", "\n"]);
    }

    #[test]
    fn lines_are_alike_by_their_words() {
        assert!(likeness("POSTGRES_USER: app", "POSTGRES_USER: other") > 0.6);
        assert!(likeness("one two three", "four five six") < 0.1);
        assert!(likeness("", "\n") < 0.1);
    }
}

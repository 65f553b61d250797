//! The values of one project: where they stand in newly written text, and what is said of them there.

use std::ops::Range;

use super::hunk::{Choice, Question};
use crate::catalogue::Catalogue;
use crate::catalogue::option::OptionValue;
use crate::project::config::Config;

/// Shorter values are words like others.
const DISTINCTIVE_LENGTH: usize = 4;

/// The values that tell a project from others.
#[derive(Debug, Clone)]
pub struct Values(Vec<Value>);

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    pub text: String,
    /// How templates call it; several names when they all mean this text, none when no name does.
    pub names: Vec<&'static str>,
    /// What it is, for people.
    pub what: String,
}

/// A value in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence<'a> {
    pub value: &'a Value,
    pub range: Range<usize>,
    /// Whether it stands there as a word of its own.
    pub whole: bool,
}

impl Values {
    /// The values of the project that `config` describes: its names, and the texts that its options hold.
    pub fn of(config: &Config, catalogue: &Catalogue) -> Self {
        let crate_name = config.slug.crate_name();
        let mut values = Self(Vec::new());
        for (name, text) in [
            ("project.name", config.name.as_str()),
            ("project.slug", config.slug.as_str()),
            ("project.crate_name", &crate_name),
        ] {
            values.add_name(name, text);
        }
        for (module, options) in &config.modules {
            for (name, value) in options {
                let known = catalogue.module(module.as_str());
                let default = known.and_then(|known| known.manifest.options.get(name));
                let is_default = default.is_some_and(|option| option.default == *value);
                if let (OptionValue::Text(text), false) = (value, is_default) {
                    values.add_text(&format!("{module}.{name}"), text);
                }
            }
        }
        // The longest first: a name may hold the slug.
        values
            .0
            .sort_by_key(|value| std::cmp::Reverse(value.text.len()));
        values
    }

    fn add_name(&mut self, name: &'static str, text: &str) {
        match self.0.iter_mut().find(|value| value.text == text) {
            Some(value) => value.names.push(name),
            None => self.0.push(Value {
                text: text.to_owned(),
                names: vec![name],
                what: format!("this project's {}", name.trim_start_matches("project.")),
            }),
        }
    }

    fn add_text(&mut self, option: &str, text: &str) {
        if is_distinctive(text) && !self.0.iter().any(|value| value.text == text) {
            self.0.push(Value {
                text: text.to_owned(),
                names: Vec::new(),
                what: format!("the value of {option} in this project"),
            });
        }
    }

    /// The value that templates call `name`.
    pub fn named(&self, name: &str) -> &str {
        let value = self.0.iter().find(|value| value.names.contains(&name));
        value.map_or("", |value| value.text.as_str())
    }

    /// Whether `text` is a value and nothing else.
    pub fn is_value(&self, text: &str) -> bool {
        self.0.iter().any(|value| value.text == text)
    }

    /// Where values stand in `text`, in order, none over another. A value that is not distinctive counts only where it is
    /// a word.
    pub fn occurrences<'a>(&'a self, text: &str) -> Vec<Occurrence<'a>> {
        let mut found: Vec<Occurrence<'a>> = Vec::new();
        for value in &self.0 {
            for (start, _) in text.match_indices(value.text.as_str()) {
                let range = start..start + value.text.len();
                let whole = is_whole(text, &range);
                let taken = |other: &Occurrence<'_>| {
                    other.range.start < range.end && range.start < other.range.end
                };
                if (whole || is_distinctive(&value.text)) && !found.iter().any(taken) {
                    found.push(Occurrence {
                        value,
                        range,
                        whole,
                    });
                }
            }
        }
        found.sort_by_key(|occurrence| occurrence.range.start);
        found
    }

    /// `text` with variables for the values that surely are theirs.
    pub fn with_variables(&self, text: &str) -> String {
        let mut result = String::new();
        let mut done = 0;
        for found in self.occurrences(text) {
            if let Some(name) = found.variable() {
                result.push_str(&text[done..found.range.start]);
                result.push_str(&format!("<%= {name} %>"));
                done = found.range.end;
            }
        }
        result + &text[done..]
    }

    /// The value that stands more often in `after` than in `before`, if there is one.
    pub fn leaked(&self, before: &str, after: &str) -> Option<&Value> {
        let counted = |text: &str, value: &Value| {
            let found = self.occurrences(text);
            found.iter().filter(|found| found.value == value).count()
        };
        self.0.iter().find(|value| {
            after.contains(&value.text) && counted(after, value) > counted(before, value)
        })
    }
}

impl Occurrence<'_> {
    /// The variable that it surely is: a distinctive value, as a word, with one name.
    pub fn variable(&self) -> Option<&'static str> {
        match self.value.names.as_slice() {
            [name] if self.whole && is_distinctive(&self.value.text) => Some(name),
            _ => None,
        }
    }
}

/// What stands for a value of the project in text that is new: the variable that it surely is or that was answered, or
/// nothing when it is to stay text.
///
/// # Errors
/// What has to be asked.
pub fn variable(
    found: &Occurrence<'_>,
    answers: &[Choice],
) -> Result<Option<&'static str>, Question> {
    if answers.contains(&Choice::Literal) {
        return Ok(None);
    }
    let names = &found.value.names;
    let is_said = |name: &&&str| answers.contains(&Choice::Var((**name).to_owned()));
    if let Some(name) = names.iter().find(is_said).copied().or(found.variable()) {
        return Ok(Some(name));
    }
    let names = names.iter().map(|name| Choice::Var((*name).to_owned()));
    let reason = match names.len() {
        0 | 1 => format!(
            "`{}` in it can be {}, or a word",
            found.value.text, found.value.what
        ),
        _ => format!(
            "`{}` in it is the value of several variables",
            found.value.text
        ),
    };
    Err(Question {
        reason,
        tag: None,
        choices: names.chain([Choice::Literal]).collect(),
    })
}

/// Whether a text is hardly written by chance.
pub fn is_distinctive(text: &str) -> bool {
    text.chars().count() >= DISTINCTIVE_LENGTH && text.chars().any(char::is_alphabetic)
}

/// Whether no part of a word stands right before or behind a range.
pub fn is_whole(text: &str, range: &Range<usize>) -> bool {
    let before = text[..range.start].chars().next_back();
    let after = text[range.end..].chars().next();
    ![before, after].into_iter().flatten().any(is_word)
}

/// Whether a character is part of words.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

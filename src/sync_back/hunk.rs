//! One place where an edited file differs from what its template makes of it, and what becomes of that.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::digest::Digest;
use crate::project::names::{NameError, RelPath};

/// How many hexadecimal digits tell hunks apart.
const ID_LENGTH: usize = 7;

/// What a hunk is called on the command line: the same as long as the edit is the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct HunkId(String);

impl HunkId {
    /// The id of what was done at `path`; `number` tells edits apart that are the same word for word.
    pub fn of(path: &RelPath, removed: &[u8], added: &[u8], number: usize) -> Self {
        let mut text = format!("{path}\0{number}\0{}\0", removed.len()).into_bytes();
        text.extend_from_slice(removed);
        text.extend_from_slice(added);
        let digest = Digest::of(&text).to_string();
        Self(digest[..ID_LENGTH].to_owned())
    }
}

impl fmt::Display for HunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An answer to what nobody but the user can know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Choice {
    /// Into the block, so that it comes and goes with it.
    Inside,
    /// Beside the block.
    Outside,
    /// As text, for every project the same.
    Literal,
    /// With this variable for the value that it holds.
    Var(String),
    /// It stays an edit of the project.
    Skip,
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inside => f.write_str("inside"),
            Self::Outside => f.write_str("outside"),
            Self::Literal => f.write_str("literal"),
            Self::Var(name) => write!(f, "var:{name}"),
            Self::Skip => f.write_str("skip"),
        }
    }
}

impl Serialize for Choice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for Choice {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Ok(match text {
            "inside" => Self::Inside,
            "outside" => Self::Outside,
            "literal" => Self::Literal,
            "skip" => Self::Skip,
            other => match other.strip_prefix("var:") {
                Some(name) if !name.is_empty() => Self::Var(name.to_owned()),
                _ => {
                    return Err(NameError::new(format!(
                        "`{other}` is no answer: inside, outside, literal, var:NAME or skip"
                    )));
                }
            },
        })
    }
}

/// `ID=ANSWER`, as it stands on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub id: String,
    pub choice: Choice,
}

impl FromStr for Answer {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let Some((id, choice)) = text.split_once('=') else {
            let message = format!("`{text}` is no answer: ID=inside, for example");
            return Err(NameError::new(message));
        };
        Ok(Self {
            id: id.to_owned(),
            choice: choice.parse()?,
        })
    }
}

/// The answers that were given, by the id of what they answer: an edit can need two, where it goes and what it says.
#[derive(Debug, Clone, Default)]
pub struct Answers(BTreeMap<String, Vec<Choice>>);

impl Answers {
    /// What was answered to the hunk `id`.
    pub fn to(&self, id: &HunkId) -> &[Choice] {
        self.0.get(&id.0).map_or(&[], Vec::as_slice)
    }

    /// The ids that none of `known` has.
    pub fn strangers<'a>(&'a self, known: &[&HunkId]) -> impl Iterator<Item = &'a str> {
        let known: Vec<String> = known.iter().map(|id| id.0.clone()).collect();
        let ids = self.0.keys().map(String::as_str);
        ids.filter(move |id| !known.iter().any(|known| known == id))
    }
}

impl FromIterator<Answer> for Answers {
    fn from_iter<I: IntoIterator<Item = Answer>>(answers: I) -> Self {
        let mut all = Self::default();
        all.extend(answers);
        all
    }
}

impl Extend<Answer> for Answers {
    fn extend<I: IntoIterator<Item = Answer>>(&mut self, answers: I) {
        for Answer { id, choice } in answers {
            self.0.entry(id).or_default().push(choice);
        }
    }
}

/// An edit: these bytes of the rendering have become those of the edited file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    pub old: Range<usize>,
    pub new: Range<usize>,
}

/// An edit with what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    pub id: HunkId,
    /// The first line in the edited file, from 1.
    pub line: usize,
    pub removed: String,
    pub added: String,
    pub standing: Standing,
}

/// What becomes of an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It goes back: there is one place for it.
    Placed,
    /// It goes back as the user said.
    Answered(Choice),
    /// It stays an edit of the project, as the user said.
    Left,
    /// It never goes back, whatever the user says; why.
    Refused(String),
    /// It needs an answer.
    Open(Question),
}

impl Standing {
    /// Whether it goes back.
    pub fn goes_back(&self) -> bool {
        match self {
            Self::Placed | Self::Answered(_) => true,
            Self::Left | Self::Refused(_) | Self::Open(_) => false,
        }
    }
}

/// What the user has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Why there is no one place for the edit.
    pub reason: String,
    /// The tag of the template that it touches, with its line.
    pub tag: Option<Tag>,
    /// What can be answered, beside `skip`.
    pub choices: Vec<Choice>,
}

/// A tag of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tag {
    /// From 1.
    pub line: usize,
    pub text: String,
}

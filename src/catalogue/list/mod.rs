//! Options that are lists of records: which fields a record has. `read` reads records with every mistake at its place,
//! `write` writes them as Rust and as YAML.

mod read;
#[cfg(test)]
mod tests;
mod write;

pub use read::twins;
pub use write::written;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::option::{OptionKind, OptionValue};
use crate::project::names::Word;
use crate::project::yaml::{self, Mistake, Node};

/// What each record of a list has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Records {
    /// The runtime's struct, whose fields these are.
    pub rust_type: String,
    /// The field that no two records share, in whatever list of the module they stand.
    pub key: Word,
    /// In the order in which they are shown.
    pub fields: Vec<(Word, Field)>,
}

/// One field of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// What it decides, in one line.
    pub description: String,
    pub kind: FieldKind,
    /// What it is when nothing is said; none when it must be said.
    pub default: Option<FieldValue>,
}

/// The type of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldKind {
    /// As of an option.
    One(OptionKind),
    /// A name for addresses and other programs: small letters, digits and hyphens.
    Id,
    /// An amount of money for each currency: `{ eur: 5.00, jpy: 800 }`.
    Prices(Currencies),
}

/// The currencies that there are by their three letters, with the places that amounts of each may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Currencies(BTreeMap<String, usize>);

/// The longest id.
pub const LONGEST_ID: usize = 40;

/// No price is higher, in whole units.
pub const HIGHEST: i64 = 1_000_000_000;

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldValue {
    One(OptionValue),
    /// By the currency's three letters, as it was written.
    Prices(BTreeMap<String, String>),
}

/// One record, with every field.
pub type Record = BTreeMap<Word, FieldValue>;

impl Records {
    /// Reads a list from a file; `name` is the option's.
    ///
    /// # Errors
    /// All mistakes, each at its place, with the path of the fault.
    pub fn read(&self, node: &Node, name: &str) -> Result<Vec<Record>, Vec<Mistake>> {
        read::read(self, node, name)
    }

    /// Reads a list from text of its own, as [`written`] writes it.
    ///
    /// # Errors
    /// The first mistake, as an end of the sentence "`x` is not …".
    pub fn read_text(&self, text: &str) -> Result<Vec<Record>, String> {
        let document = yaml::parse(text).map_err(|_| self.wanted())?;
        let told = |mistake: &Mistake| format!("{}: {}", self.wanted(), mistake.message);
        let list = self.read(&document.root, "list");
        let list = list.map_err(|mistakes| mistakes.first().map_or_else(|| self.wanted(), told))?;
        match twins(&[(self, &document.root)]).first() {
            Some(mistake) => Err(told(mistake)),
            None => Ok(list),
        }
    }

    /// What does, as an end of the sentence "`x` is not …".
    pub fn wanted(&self) -> String {
        let fields: Vec<_> = self.names().collect();
        format!("a list of records with {}", fields.join(", "))
    }

    fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.fields.iter().map(|(name, _)| name.as_str())
    }
}

impl Currencies {
    /// What a manifest says: the letters of all currencies that have so many places, with spaces between them.
    ///
    /// # Errors
    /// The first that is no currency.
    pub fn new(by_places: &BTreeMap<usize, String>) -> Result<Self, String> {
        let mut all = BTreeMap::new();
        for (places, codes) in by_places {
            for code in codes.split_whitespace() {
                let is_code = code.len() == 3 && code.bytes().all(|b| b.is_ascii_lowercase());
                if !is_code || *places > 3 || all.insert(code.to_owned(), *places).is_some() {
                    return Err(format!(
                        "`{code}` with {places} places is no currency, or one twice"
                    ));
                }
            }
        }
        Ok(Self(all))
    }

    /// Those with so many places.
    pub fn with_places(&self, places: usize) -> impl Iterator<Item = &str> {
        let all = self.0.iter().filter(move |(_, has)| **has == places);
        all.map(|(code, _)| code.as_str())
    }
}

//! What a form lets people choose from.

use serde::Serialize;

/// A value of a form's field, and how people read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    pub value: String,
    pub label: String,
}

impl Choice {
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            label: label.into(),
        }
    }

    /// The choice that narrows nothing down, which is read so, and these.
    pub fn or_all(label: &str, choices: impl IntoIterator<Item = Self>) -> Vec<Self> {
        std::iter::once(Self::new("", label))
            .chain(choices)
            .collect()
    }
}

//! Names that end up in paths, packages and code, checked where they enter.

mod slug;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

pub use slug::Slug;

/// The longest name: a DNS label and a PostgreSQL identifier hold 63 bytes.
const LONGEST: usize = 63;

/// Words that Rust keeps for itself, in any edition so far.
const RUST_KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "union", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Names that stand beside those of services: the pages below `/services/`, the function that adds them all, the crate
/// that they are written with.
const TAKEN_SERVICES: &[&str] = &["add", "quickscale_runtime", "runs"];

/// Declares a newtype over text that only its `FromStr` makes, also when it is read from a file.
macro_rules! checked_text {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::project::names::NameError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
use checked_text;

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameError {
    message: String,
    proposal: Option<String>,
}

impl NameError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            proposal: None,
        }
    }

    /// A name close to the refused one that would do.
    pub fn proposal(&self) -> Option<&str> {
        self.proposal.as_deref()
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for NameError {}

checked_text! {
    /// The name of a service: a Rust module, so lower-case ASCII letters, digits and underscores, a letter first.
    ServiceName
}

checked_text! {
    /// The name of a module, a theme or an option: it stands in YAML, in paths and in code.
    Word
}

checked_text! {
    /// A path inside a project, with `/` between its parts on every system. It cannot lead out: no part is empty, `.`
    /// or `..`, and it does not start with a drive. Nor does it lead into git's own folder, whose hooks git runs.
    RelPath
}

impl FromStr for ServiceName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let message = if !is_word(text) {
            format!(
                "`{text}` cannot be the name of a service: lower-case letters, digits and `_`, a letter first"
            )
        } else if text.len() > LONGEST {
            format!(
                "a name may have {LONGEST} letters, this one has {}",
                text.len()
            )
        } else if RUST_KEYWORDS.contains(&text) {
            format!("`{text}` is a name that Rust keeps for itself")
        } else if TAKEN_SERVICES.contains(&text) {
            format!("`{text}` is a name that the application has for something else")
        } else {
            return Ok(Self(text.to_owned()));
        };
        let near = slug::hyphenated(text).replace('-', "_");
        let is_taken = |near: &&str| [RUST_KEYWORDS, TAKEN_SERVICES].concat().contains(near);
        let near = if is_taken(&near.as_str()) {
            format!("{near}_service")
        } else {
            near
        };
        Err(NameError {
            message,
            proposal: (is_word(&near) && near.len() <= LONGEST).then_some(near),
        })
    }
}

impl FromStr for Word {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if is_word(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::new(format!(
                "`{text}` is no name: lower-case letters, digits and `_`, a letter first"
            )))
        }
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Lets a map with [`Word`] keys be asked with `&str`.
impl std::borrow::Borrow<str> for Word {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl RelPath {
    /// The path of `file` inside `root`; none when it stands elsewhere, or its name cannot be one of ours.
    pub fn of(root: &Path, file: &Path) -> Option<Self> {
        let parts = file.strip_prefix(root).ok()?.iter();
        let parts: Option<Vec<_>> = parts.map(|part| part.to_str()).collect();
        parts?.join("/").parse().ok()
    }

    /// The folders that it stands in, the outermost first.
    pub fn folders(&self) -> impl DoubleEndedIterator<Item = Self> + '_ {
        let ends = self.0.match_indices('/').map(|(end, _)| end);
        ends.map(|end| Self(self.0[..end].to_owned()))
    }

    /// The path under `root`, as this system writes it.
    pub fn under(&self, root: &Path) -> PathBuf {
        let mut path = root.to_path_buf();
        path.extend(self.0.split('/'));
        path
    }
}

impl FromStr for RelPath {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let inside = !text.is_empty()
            && text
                .split('/')
                .all(|part| !matches!(part, "" | "." | "..") && !part.eq_ignore_ascii_case(".git"))
            && !text.contains(['\\', ':', '\0']);
        if inside {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::new(format!(
                "`{text}` is no path inside a project"
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_name_is_a_rust_module() {
        assert!("text_sentiment_analysis".parse::<ServiceName>().is_ok());
        let error = "Text-Sentiment".parse::<ServiceName>().unwrap_err();
        assert_eq!(error.proposal(), Some("text_sentiment"));
        assert_eq!(
            "match".parse::<ServiceName>().unwrap_err().proposal(),
            Some("match_service")
        );
    }

    #[test]
    fn no_path_leads_out_of_a_project() {
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a//b",
            "./a",
            "c:/x",
            "a\\b",
            "a/.",
            ".git/hooks/pre-commit",
            "a/.GIT/config",
        ] {
            assert!(path.parse::<RelPath>().is_err(), "{path}");
        }
        assert!(".github/workflows/ci.yml".parse::<RelPath>().is_ok());
    }
}

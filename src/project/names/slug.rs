//! [`Slug`]: the one name of a project that folders, packages, host names and databases all take.

use std::str::FromStr;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::{LONGEST, NameError, RUST_KEYWORDS, checked_text};

/// Packages and target folders that cargo and the compiler keep for themselves.
const CARGO_NAMES: &[&str] = &[
    "alloc",
    "build",
    "core",
    "deps",
    "examples",
    "incremental",
    "proc-macro",
    "std",
    "test",
];

/// Devices that Windows finds in every folder; `com1`…`com9` and `lpt1`…`lpt9` come on top.
const WINDOWS_DEVICES: &[&str] = &["aux", "con", "nul", "prn"];

checked_text! {
    /// The name of a project as a folder, a cargo package and a host name know it: lower-case ASCII letters, digits and
    /// single hyphens, starting with a letter, at most 63 bytes, and no word that Rust, cargo or Windows keeps.
    Slug
}

impl Slug {
    /// As an identifier in Rust code and SQL: hyphens become underscores.
    pub fn crate_name(&self) -> String {
        self.0.replace('-', "_")
    }

    /// As a title, for a project that was given no other: `my-saas` is `My Saas`.
    pub fn title(&self) -> String {
        let words = self.0.split('-').map(|word| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |first| {
                first.to_ascii_uppercase().to_string() + letters.as_str()
            })
        });
        words.collect::<Vec<_>>().join(" ")
    }

    /// Makes a slug of what a person would call a project: `MySaaS`, `naïve café`, `my_saas`.
    ///
    /// Fails with a proposal where one can be made.
    pub fn from_display(name: &str) -> Result<Self, NameError> {
        if name.trim().is_empty() {
            return Err(NameError::new("a project needs a name"));
        }
        if name.chars().any(|c| matches!(c, '/' | '\\' | '\0')) {
            return Err(path_instead_of_name(name));
        }
        if let Some(c) = name.chars().find(|c| c.is_control()) {
            return Err(NameError::new(format!(
                "a name cannot hold the control character {c:?}"
            )));
        }
        let slug = hyphenated(name);
        if slug.is_empty() {
            let message = format!(
                "`{name}` has no letter or digit that a folder, a package and a host name all allow"
            );
            return Err(NameError::new(message));
        }
        slug.parse()
    }
}

impl FromStr for Slug {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let fault = fault_of(text);
        match fault {
            None => Ok(Self(text.to_owned())),
            Some(message) => Err(NameError {
                message,
                proposal: proposal(text),
            }),
        }
    }
}

/// What keeps `text` from being a slug.
fn fault_of(text: &str) -> Option<String> {
    let first = text.chars().next();
    if text.is_empty() {
        return Some("a project needs a name".into());
    }
    if let Some(c) = text
        .chars()
        .find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-'))
    {
        return Some(format!(
            "`{text}` cannot be the name of a package: it holds `{c}`"
        ));
    }
    if first.is_some_and(|c| !c.is_ascii_lowercase()) {
        return Some(format!(
            "`{text}` cannot be the name of a package: it must start with a letter"
        ));
    }
    if text.ends_with('-') || text.contains("--") {
        return Some(format!(
            "`{text}` cannot be a host name: a hyphen must stand between two letters or digits"
        ));
    }
    if text.len() > LONGEST {
        return Some(format!(
            "a name may have {LONGEST} letters, this one has {}",
            text.len()
        ));
    }
    keeper_of(text).map(|keeper| format!("`{text}` is a name that {keeper} keeps for itself"))
}

/// Who keeps this name for itself.
fn keeper_of(text: &str) -> Option<&'static str> {
    let numbered_device = || {
        let digit = text
            .strip_prefix("com")
            .or_else(|| text.strip_prefix("lpt"));
        digit.is_some_and(|digit| {
            digit.len() == 1 && digit != "0" && digit.bytes().all(|b| b.is_ascii_digit())
        })
    };
    if RUST_KEYWORDS.contains(&text) {
        Some("Rust")
    } else if CARGO_NAMES.contains(&text) {
        Some("cargo")
    } else if WINDOWS_DEVICES.contains(&text) || numbered_device() {
        Some("Windows")
    } else if matches!(text, "quickscale" | "quickscale-runtime") {
        Some("QuickScale")
    } else {
        None
    }
}

/// A slug near `text`, if one can be made.
fn proposal(text: &str) -> Option<String> {
    let slug = hyphenated(text);
    let candidates = [
        slug.clone(),
        format!("app-{slug}"),
        format!("{slug}-app"),
        shortened(&slug),
    ];
    // A word that is kept reads better with `-app` behind it, a number with `app-` before it.
    let order = if slug.starts_with(|c: char| c.is_ascii_digit()) {
        [0, 1, 2, 3]
    } else {
        [0, 2, 1, 3]
    };
    order
        .into_iter()
        .map(|index| &candidates[index])
        .find(|name| fault_of(name).is_none())
        .cloned()
}

/// The first words of a name that is too long, or its first half when it is one word.
fn shortened(slug: &str) -> String {
    let cut: String = slug.chars().take(LONGEST / 2).collect();
    let cut = cut
        .rsplit_once('-')
        .map_or(cut.as_str(), |(words, _)| words);
    cut.trim_matches('-').to_owned()
}

fn path_instead_of_name(name: &str) -> NameError {
    let last = name
        .rsplit(['/', '\\'])
        .find(|part| !part.is_empty())
        .unwrap_or_default();
    let proposal = hyphenated(last);
    NameError {
        message: format!("`{name}` is a path, not a name; --path says where the project goes"),
        proposal: fault_of(&proposal)
            .is_none()
            .then(|| format!("{proposal} --path {name}")),
    }
}

/// Lower case, accents dropped, words of `CamelCase` taken apart, everything else a single hyphen.
pub(super) fn hyphenated(name: &str) -> String {
    let plain: String = name
        .nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(spelled_out)
        .collect();
    let words: Vec<String> = plain
        .split(|c: char| !c.is_ascii_alphanumeric())
        .flat_map(camel_words)
        .map(|word| word.to_ascii_lowercase())
        .collect();
    words.join("-")
}

/// Letters that have no accent to drop but a customary spelling.
fn spelled_out(c: char) -> Vec<char> {
    match c {
        'ß' => vec!['s', 's'],
        'æ' | 'Æ' => vec!['a', 'e'],
        'œ' | 'Œ' => vec!['o', 'e'],
        'ø' | 'Ø' => vec!['o'],
        'ł' | 'Ł' => vec!['l'],
        'đ' | 'Đ' | 'ð' | 'Ð' => vec!['d'],
        'þ' | 'Þ' => vec!['t', 'h'],
        'ı' => vec!['i'],
        // An apostrophe is within a word, not between two.
        '\'' | '’' => vec![],
        other => vec![other],
    }
}

/// `MySaaSApp` is `My`, `SaaS`, `App`: a word starts where lower case turns upper, or before the last capital of a run;
/// a word of one letter belongs to the one before.
fn camel_words(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut words: Vec<String> = Vec::new();
    for (index, &letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).map(|index| letters[index]);
        let after = letters.get(index + 1);
        let starts = letter.is_ascii_uppercase()
            && before.is_some_and(|before| {
                !before.is_ascii_uppercase() || after.is_some_and(char::is_ascii_lowercase)
            });
        match words.last_mut() {
            Some(word) if !starts => word.push(letter),
            _ => words.push(letter.to_string()),
        }
    }
    let mut merged: Vec<String> = Vec::new();
    for word in words {
        match merged.last_mut() {
            Some(previous) if word.len() == 1 => previous.push_str(&word),
            _ => merged.push(word),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_a_slug_of_what_people_call_a_project() {
        for (name, slug) in [
            ("my-saas-app", "my-saas-app"),
            ("MySaaS", "my-saas"),
            ("MySaaSApp", "my-saas-app"),
            ("naïve café", "naive-cafe"),
            ("my_saas", "my-saas"),
            ("  My   SaaS!  ", "my-saas"),
            ("a", "a"),
            ("A", "a"),
            ("ABTest", "ab-test"),
            ("Straßenbahn", "strassenbahn"),
            ("Bob's Shop", "bobs-shop"),
            ("web2print", "web2print"),
            ("x²", "x2"),
        ] {
            assert_eq!(
                Slug::from_display(name).map(String::from),
                Ok(slug.to_owned()),
                "{name}"
            );
        }
    }

    #[test]
    fn refuses_a_name_with_a_proposal_that_would_be_taken() {
        let long = "a".repeat(80);
        let words = "word ".repeat(20);
        for (name, proposal) in [
            ("2fast", "app-2fast"),
            ("test", "test-app"),
            ("async", "async-app"),
            ("CON", "con-app"),
            ("lpt7", "lpt7-app"),
            ("proc macro", "proc-macro-app"),
            (&long, &"a".repeat(31)),
            (&words, "word-word-word-word-word-word"),
        ] {
            let error = Slug::from_display(name).unwrap_err();
            assert_eq!(error.proposal(), Some(proposal), "{name}");
            assert!(proposal.parse::<Slug>().is_ok(), "{proposal}");
        }
    }

    #[test]
    fn takes_a_path_for_a_path() {
        let error = Slug::from_display("../x").unwrap_err();
        assert_eq!(error.proposal(), Some("x --path ../x"));
        let error = Slug::from_display("/abs").unwrap_err();
        assert_eq!(error.proposal(), Some("abs --path /abs"));
        assert_eq!(Slug::from_display("..").unwrap_err().proposal(), None);
    }

    #[test]
    fn refuses_what_has_no_name_in_it() {
        for name in ["", "   ", "日本語", "!!!", "a\nb"] {
            assert!(Slug::from_display(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_slug_in_a_file_is_checked_too() {
        for text in ["My", "a_b", "a--b", "-a", "a-", "é", "quickscale-runtime"] {
            assert!(text.parse::<Slug>().is_err(), "{text}");
        }
    }
}

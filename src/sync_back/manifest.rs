//! What a manifest says about single files, edited so that everything else in it stays as it is.

use crate::catalogue::manifest::Rule;
use crate::project::names::RelPath;
use crate::project::owner::{Mode, Policy};
use crate::project::yaml::edit::Editor;
use crate::project::yaml::{Document, parse};

/// The key of a manifest that holds the rules.
const FILES: &str = "files";

/// The text of a manifest in which `rule` is what is said about the file at `path`. None when the manifest is not written
/// in a way that can be edited.
pub fn with_rule(text: &str, path: &RelPath, rule: &Rule) -> Option<String> {
    let text = without_rule(text, path)?;
    let written = written(rule)?;
    if written.is_empty() {
        return Some(text);
    }
    let document = read(&text)?;
    let editor = Editor::new(&text, &document);
    let rule = format!("{{ {written} }}");
    match document.root.entry(FILES) {
        Some(_) => editor.insert(&[FILES], &key(path)?, &rule),
        None => editor.insert(&[], FILES, &format!("{{ {}: {rule} }}", key(path)?)),
    }
}

/// The same without anything about the file at `path`.
pub fn without_rule(text: &str, path: &RelPath) -> Option<String> {
    let document = read(text)?;
    let rules = document.root.entry(FILES);
    if rules.is_none_or(|rules| rules.value.entry(path.as_str()).is_none()) {
        return Some(text.to_owned());
    }
    Editor::new(text, &document).remove(&[FILES], path.as_str())
}

fn read(text: &str) -> Option<Document> {
    parse(text)
        .ok()
        .filter(|document| document.mistakes.is_empty())
}

/// A path as a key; one that would need quotes is left to a person.
fn key(path: &RelPath) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | '_' | '-');
    let text = path.as_str();
    (text.chars().all(is_plain) && !text.starts_with('-')).then(|| text.to_owned())
}

/// What differs from the usual, as in a mapping between braces.
fn written(rule: &Rule) -> Option<String> {
    let Rule {
        policy,
        mode,
        moved_from,
    } = rule;
    let mut parts = Vec::new();
    match policy {
        Policy::Managed => {}
        Policy::Once => parts.push("policy: once".to_owned()),
    }
    match mode {
        Mode::Plain => {}
        Mode::Executable => parts.push("mode: \"0755\"".to_owned()),
        Mode::Private => parts.push("mode: \"0600\"".to_owned()),
    }
    if !moved_from.is_empty() {
        let paths: Option<Vec<String>> = moved_from.iter().map(key).collect();
        parts.push(format!("moved_from: [{}]", paths?.join(", ")));
    }
    Some(parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str, path: &str, rule: &Rule) -> Option<String> {
        with_rule(text, &path.parse().expect("a path"), rule)
    }

    fn executable() -> Rule {
        Rule {
            mode: Mode::Executable,
            ..Rule::default()
        }
    }

    #[test]
    fn a_rule_is_added_and_the_rest_stays() {
        let text = "# Why.\nsecrets: [a]\nfiles:\n  .env: { policy: once } # mine\n";
        assert_eq!(
            with(text, "bin/run", &executable()).as_deref(),
            Some(
                "# Why.\nsecrets: [a]\nfiles:\n  .env: { policy: once } # mine\n  bin/run: { mode: \"0755\" }\n"
            )
        );
        assert_eq!(
            with("name: one\n", "bin/run", &executable()).as_deref(),
            Some("name: one\nfiles: { bin/run: { mode: \"0755\" } }\n")
        );
    }

    #[test]
    fn a_rule_takes_the_place_of_another() {
        let text = "files:\n  a: { mode: \"0755\" }\n  b: { policy: once }\n";
        let rule = Rule {
            moved_from: vec!["old/a".parse().expect("a path")],
            ..executable()
        };
        assert_eq!(
            with(text, "a", &rule).as_deref(),
            Some("files:\n  b: { policy: once }\n  a: { mode: \"0755\", moved_from: [old/a] }\n")
        );
        assert_eq!(
            with(text, "a", &Rule::default()).as_deref(),
            Some("files:\n  b: { policy: once }\n")
        );
    }

    #[test]
    fn what_needs_quotes_is_left_to_a_person() {
        assert_eq!(with("files: {}\n", "two words", &executable()), None);
        assert_eq!(with("files: [\n", "a", &executable()), None);
    }
}

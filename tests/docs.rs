//! The documentation names only what exists: pages, pictures, files, commands and their flags.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use walkdir::WalkDir;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// README, CONTRIBUTING and every page of the book.
fn pages() -> Vec<PathBuf> {
    let book = WalkDir::new(root().join("docs")).into_iter();
    let book = book.map(|entry| entry.expect("docs/ can be read").into_path());
    let pages = book.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let pages: Vec<_> = pages
        .chain(["README.md", "CONTRIBUTING.md"].map(|name| root().join(name)))
        .collect();
    assert!(pages.len() > 4, "hardly a page was found: {pages:?}");
    pages
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a page can be read")
}

/// Where the links of a page lead, without those to other sites.
fn links(page: &str) -> Vec<String> {
    let ends = page
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    let local = ends.filter(|target| !target.contains("://") && !target.starts_with('#'));
    local
        .map(|target| target.split('#').next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn every_link_leads_somewhere() {
    for page in pages() {
        let folder = page.parent().expect("a file is in a folder");
        for link in links(&read(&page)) {
            assert!(
                folder.join(&link).exists(),
                "{} links to {link}, which is not there",
                page.display()
            );
        }
    }
}

#[test]
fn the_table_of_contents_lists_every_page() {
    let docs = root().join("docs");
    let listed: BTreeSet<PathBuf> = links(&read(&docs.join("SUMMARY.md")))
        .iter()
        .map(|link| docs.join(link))
        .collect();
    for page in pages() {
        let is_of_book = page.starts_with(&docs) && !page.ends_with("SUMMARY.md");
        assert!(
            !is_of_book || listed.contains(&page),
            "SUMMARY.md does not list {}",
            page.display()
        );
    }
}

/// The commands of `program` that a page shows: in blocks behind `$ `, and in code spans.
fn commands(page: &str, program: &str) -> Vec<Vec<String>> {
    let lines = page
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("$ "));
    let spans = page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|span| !span.contains('\n'));
    let shown = lines
        .chain(spans)
        .filter_map(|command| command.strip_prefix(program)?.strip_prefix(' '));
    let words = |command: &str| -> Vec<String> {
        let command = command.split(['#', '|', '>']).next().unwrap_or_default();
        command.split_whitespace().map(str::to_owned).collect()
    };
    shown
        .map(words)
        .filter(|words: &Vec<String>| !words.is_empty())
        .collect()
}

/// Every command has its help, and its help names the flags that are shown with it.
fn assert_known(help: impl Fn(&str) -> Option<String>, program: &str) {
    for page in pages() {
        for words in commands(&read(&page), program) {
            let place = format!("{}: `{program} {}`", page.display(), words.join(" "));
            let Some(verb) = words.iter().find(|word| !word.starts_with('-')) else {
                continue;
            };
            let text = help(verb).unwrap_or_else(|| panic!("{place}: there is no {verb}"));
            let ours = words
                .iter()
                .take_while(|word| *word != "--" && *word != "manage");
            for flag in ours.filter(|word| word.starts_with("--")) {
                let flag = flag.split('=').next().unwrap_or_default();
                assert!(text.contains(flag), "{place}: {verb} knows no {flag}");
            }
        }
    }
}

#[test]
fn every_shown_command_of_quickscale_exists() {
    let help = |verb: &str| {
        let mut help = Command::new(env!("CARGO_BIN_EXE_quickscale"));
        let output = help.args(["help", verb]).output().expect("quickscale runs");
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert_known(help, "quickscale");
}

#[test]
fn every_shown_task_exists() {
    let help = |verb: &str| {
        let mut help = Command::new(env!("CARGO"));
        help.current_dir(root()).args([
            "run",
            "--quiet",
            "--package",
            "xtask",
            "--",
            verb,
            "--help",
        ]);
        let output = help.output().expect("cargo runs");
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert_known(help, "cargo xtask");
}

use std::process::Command;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;

fn merge_text(base: &str, mine: &str, theirs: &str) -> Merged {
    let versions = Versions {
        base: base.as_bytes(),
        mine: mine.as_bytes(),
        theirs: theirs.as_bytes(),
    };
    merge(versions, MarkerLabels::default())
}

fn clean(text: &str) -> Merged {
    Merged::Clean(text.as_bytes().to_vec())
}

#[test]
fn disjoint_edits_and_equal_edits_merge() {
    assert_eq!(
        merge_text("a\nb\nc\nd\n", "A\nb\nc\nd\n", "a\nb\nc\nD\n"),
        clean("A\nb\nc\nD\n")
    );
    assert_eq!(merge_text("a\nb\n", "a\nX\n", "a\nX\n"), clean("a\nX\n"));
}

#[test]
fn the_same_line_and_adjacent_lines_conflict() {
    for (mine, theirs) in [
        ("a\nX\nc\nd\n", "a\nY\nc\nd\n"),
        ("a\nX\nc\nd\n", "a\nb\nY\nd\n"),
    ] {
        let merged = merge_text("a\nb\nc\nd\n", mine, theirs);
        assert!(
            matches!(merged, Merged::Conflict { hunks: 1, .. }),
            "{merged:?}"
        );
    }
}

#[test]
fn markers_are_those_of_zdiff3() {
    let Merged::Conflict { marked, hunks } = merge_text("a\nb\nc\n", "a\nX\nc\n", "a\nY\nc\n")
    else {
        panic!("two edits of one line must conflict");
    };
    let expected =
        "a\n<<<<<<< yours\nX\n||||||| last applied\nb\n=======\nY\n>>>>>>> template\nc\n";
    assert_eq!(String::from_utf8(marked).unwrap(), expected);
    assert_eq!(hunks, 1);
    assert!(has_open_conflict(
        expected.as_bytes(),
        MarkerLabels::default()
    ));
}

#[test]
fn text_that_looks_like_markers_is_no_open_conflict() {
    let looks = "# <<<<<<< yours\n<<<<<<< HEAD\n=======\n>>>>>>> other\n";
    assert!(!has_open_conflict(
        looks.as_bytes(),
        MarkerLabels::default()
    ));
    assert_eq!(
        merge_text(looks, &format!("x\n{looks}"), &format!("{looks}y\n")),
        clean(&format!("x\n{looks}y\n"))
    );
}

#[test]
fn many_conflicts_are_counted() {
    for count in [2, 130] {
        let side = |word: &str| {
            (0..count)
                .map(|n| format!("{word}{n}\nk{n}\nl{n}\nm{n}\n"))
                .collect::<String>()
        };
        let merged = merge_text(&side("b"), &side("x"), &side("y"));
        assert!(
            matches!(merged, Merged::Conflict { hunks, .. } if hunks == count),
            "{count}"
        );
    }
}

#[test]
fn the_users_line_endings_stay() {
    let crlf = |text: &str| text.replace('\n', "\r\n");
    let merged = merge_text("a\nb\nc\nd\n", &crlf("A\nb\nc\nd\n"), "a\nb\nc\nD\n");
    assert_eq!(merged, clean(&crlf("A\nb\nc\nD\n")));
    let merged = merge_text(
        &crlf("a\nb\nc\n"),
        &crlf("A\nb\nc\n"),
        &crlf("a\nb\nc\nD\n"),
    );
    assert_eq!(merged, clean(&crlf("A\nb\nc\nD\n")));
    let merged = merge_text("a\nb\nc\n", "A\nb\nc\n", &crlf("a\nb\nc\n"));
    assert!(!matches!(merged, Merged::Unmergeable(_)));
}

#[test]
fn the_users_final_newline_stays() {
    assert_eq!(
        merge_text("a\nb\nc\n", "a\nb\nc", "X\nb\nc\n"),
        clean("X\nb\nc")
    );
    assert_eq!(
        merge_text("a\nb\nc", "a\nb\nc\n", "X\nb\nc"),
        clean("X\nb\nc\n")
    );
}

#[test]
fn latin_1_merges_as_bytes_and_utf_16_does_not() {
    let versions = Versions {
        base: b"a\nb\nc\n",
        mine: b"\xe9\nb\nc\n",
        theirs: b"a\nb\nC\n",
    };
    assert_eq!(
        merge(versions, MarkerLabels::default()),
        Merged::Clean(b"\xe9\nb\nC\n".to_vec())
    );
    let versions = Versions {
        base: b"a\0\n\0",
        mine: b"b\0\n\0",
        theirs: b"c\0\n\0",
    };
    let merged = merge(versions, MarkerLabels::default());
    assert_eq!(merged, Merged::Unmergeable(Unmergeable::Binary));
}

/// A text of short lines over a small alphabet, so that lines repeat and edits meet.
fn text() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(0u8..6, 0..14)
}

/// An edit: at a line, remove some and put others there.
fn edits() -> impl Strategy<Value = Vec<(prop::sample::Index, usize, Vec<u8>)>> {
    let edit = (
        any::<prop::sample::Index>(),
        0usize..3,
        proptest::collection::vec(0u8..9, 0..3),
    );
    proptest::collection::vec(edit, 0..4)
}

fn edited(mut lines: Vec<u8>, edits: &[(prop::sample::Index, usize, Vec<u8>)]) -> Vec<u8> {
    for (at, removed, added) in edits {
        let start = at.index(lines.len() + 1);
        let end = (start + removed).min(lines.len());
        lines.splice(start..end, added.iter().copied());
    }
    lines
}

fn written(lines: &[u8]) -> Vec<u8> {
    lines.iter().flat_map(|line| [b'a' + line, b'\n']).collect()
}

/// What `git merge-file` makes of three files: its text, and whether it was clean.
fn git(folder: &std::path::Path, versions: Versions<'_>) -> (Vec<u8>, bool) {
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs_err::write(&path, bytes).unwrap();
        path
    };
    let (mine, base) = (file("mine", versions.mine), file("base", versions.base));
    let theirs = file("theirs", versions.theirs);
    let output = Command::new("git")
        .args([
            "merge-file",
            "-p",
            "--zdiff3",
            "-L",
            "yours",
            "-L",
            "last applied",
        ])
        .args(["-L", "template"])
        .args([mine, base, theirs])
        .output()
        .unwrap();
    (output.stdout, output.status.success())
}

/// Every line of either side that is not in the base stands in the merged text.
fn loses_nothing(merged: &[u8], versions: Versions<'_>) -> bool {
    let lines = |text: &[u8]| -> Vec<Vec<u8>> {
        text.split(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect()
    };
    let (kept, base) = (lines(merged), lines(versions.base));
    lines(versions.mine)
        .iter()
        .all(|line| kept.contains(line) || base.contains(line))
}

/// As many triples as `PROPTEST_CASES` says; `cargo xtask test` says 10,000.
#[test]
fn agrees_with_git_wherever_git_is_clean_and_loses_no_line_of_the_user() {
    let folder = tempfile::tempdir().unwrap();
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::default()
    });
    let outcome = runner.run(&(text(), edits(), edits()), |(base, mine, theirs)| {
        let (mine, theirs) = (edited(base.clone(), &mine), edited(base.clone(), &theirs));
        let (base, mine, theirs) = (written(&base), written(&mine), written(&theirs));
        let versions = Versions {
            base: &base,
            mine: &mine,
            theirs: &theirs,
        };
        let ours = merge(versions, MarkerLabels::default());
        let (by_git, is_clean) = git(folder.path(), versions);
        let text = match &ours {
            Merged::Clean(text) | Merged::Conflict { marked: text, .. } => text,
            Merged::Unmergeable(_) => return Err(TestCaseError::fail("text must be mergeable")),
        };
        prop_assert!(loses_nothing(text, versions));
        if is_clean {
            prop_assert_eq!(&ours, &Merged::Clean(by_git));
        }
        Ok(())
    });
    outcome.unwrap();
}

//! Files of every kind: text of other encodings and line endings, what looks like markers, binaries, modes and links.

use crate::support::Said;
use crate::templates::Evolving;

#[test]
fn adjacent_lines_conflict() {
    let it = Evolving::new(&[("page.md", "a\nb\nc\nd\n")]);
    it.project.write("page.md", "a\nB\nc\nd\n");
    it.base("page.md", "a\nb\nC\nd\n");
    it.refuses(&[], 3, "page.md");
}

#[test]
fn the_same_edit_on_both_sides_is_taken_note_of() {
    let it = Evolving::new(&[("page.md", "a\nb\n")]);
    it.project.write("page.md", "a\nB\n");
    it.base("page.md", "a\nB\n");
    assert_eq!(it.action("page.md").as_deref(), Some("adopt"));
    it.applies(&[]);
    assert_eq!(
        (it.project.read("page.md"), it.action("page.md")),
        ("a\nB\n".into(), None)
    );
}

#[test]
fn two_and_a_hundred_and_thirty_conflicting_hunks_exit_alike() {
    for count in [2, 130] {
        let side = |word: &str| -> String {
            (0..count)
                .map(|n| format!("{word}{n}\nk{n}\nl{n}\nm{n}\n"))
                .collect()
        };
        let it = Evolving::new(&[("page.md", &side("base"))]);
        it.project.write("page.md", side("mine"));
        it.base("page.md", side("theirs"));
        it.refuses(&[], 3, "page.md");
        assert_eq!(
            it.project.apply(&["--on-conflict", "markers"]).code,
            Some(0)
        );
        assert_eq!(
            it.project
                .read("page.md")
                .matches("<<<<<<< yours\n")
                .count(),
            count
        );
    }
}

#[test]
fn text_that_looks_like_markers_is_nothing_to_wait_for() {
    let manual = "a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> other\nd\n";
    let it = Evolving::new(&[("page.md", manual)]);
    it.base("page.md", format!("{manual}e\n"));
    it.project.write("page.md", format!("mine\n{manual}"));
    it.applies(&[]);
    assert_eq!(it.project.read("page.md"), format!("mine\n{manual}e\n"));
    assert!(!it.project.run(&["status"]).out.contains("markers"));
}

#[test]
fn latin_1_is_merged_on_bytes_on_either_side() {
    for (template, newer) in [
        (&b"a\nb\nc\nd\n"[..], &b"a\nb\nc\nD\n"[..]),
        (b"\xe4\nb\nc\nd\n", b"\xe4\nb\nc\n\xd6\n"),
    ] {
        let it = Evolving::new(&[]);
        it.base("page.txt", template);
        it.applies(&[]);
        let mine = [b"\xfc\n", template].concat();
        it.project.write("page.txt", mine);
        it.base("page.txt", newer);
        it.applies(&[]);
        let merged = std::fs::read(it.project.path("page.txt")).expect("there");
        assert_eq!(merged, [b"\xfc\n", newer].concat());
    }
}

#[test]
fn utf_16_that_both_changed_is_a_conflict() {
    let utf_16 =
        |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let it = Evolving::new(&[("page.txt", "a\nb\nc\n")]);
    let mine = utf_16("A\nb\nc\n");
    it.project.write("page.txt", &mine);
    it.base("page.txt", "a\nb\nC\n");
    it.refuses(&[], 3, "not text");
    it.applies(&["--on-conflict", "markers"]);
    assert_eq!(
        std::fs::read(it.project.path("page.txt")).expect("there"),
        mine
    );
    assert_eq!(it.project.read("page.txt.quickscale-new"), "a\nb\nC\n");
}

#[test]
fn a_template_with_crlf_is_merged_in_the_style_of_the_user() {
    let crlf = |text: &str| text.replace('\n', "\r\n");
    let it = Evolving::new(&[("page.md", "a\nb\nc\nd\n")]);
    it.project.write("page.md", "A\nb\nc\nd\n");
    it.base("page.md", crlf("a\nb\nc\nD\n"));
    let said = it.project.apply(&["--on-conflict", "abort"]);
    let text = it.project.read("page.md");
    // Merged in the user's style, or a conflict: never a file with both endings.
    let merged = said.code == Some(0) && text == "A\nb\nc\nD\n";
    assert!(
        merged || (said.code == Some(3) && text == "A\nb\nc\nd\n"),
        "{said:?} {text:?}"
    );
    let it = Evolving::new(&[("page.md", &crlf("a\nb\nc\nd\n"))]);
    it.project.write("page.md", crlf("A\nb\nc\nd\n"));
    it.base("page.md", crlf("a\nb\nc\nD\n"));
    it.applies(&[]);
    assert_eq!(it.project.read("page.md"), crlf("A\nb\nc\nD\n"));
}

#[test]
fn the_final_newline_is_the_users() {
    let it = Evolving::new(&[("page.md", "a\nb\nc\n")]);
    it.project.write("page.md", "a\nb\nc");
    it.base("page.md", "A\nb\nc\n");
    it.applies(&[]);
    assert_eq!(it.project.read("page.md"), "A\nb\nc");
}

#[test]
fn a_binary_is_taken_kept_or_asked_about() {
    let it = Evolving::new(&[("icon.bin", "old\0"), ("photo.bin", "old\0")]);
    it.base("icon.bin", "new\0");
    it.project.write("photo.bin", "mine\0");
    it.applies(&[]);
    assert_eq!(
        (it.project.read("icon.bin"), it.project.read("photo.bin")),
        ("new\0".into(), "mine\0".into())
    );
    it.base("photo.bin", "new\0");
    it.refuses(&[], 3, "photo.bin");
    it.applies(&["--on-conflict", "markers"]);
    assert_eq!(it.project.read("photo.bin"), "mine\0");
    assert_eq!(it.project.read("photo.bin.quickscale-new"), "new\0");
    // The new one from last time is still there: it is the user's to look at.
    it.base("photo.bin", "newer\0");
    it.refuses(
        &["--on-conflict", "markers"],
        1,
        "photo.bin.quickscale-new is left from an earlier conflict",
    );
}

#[test]
fn a_huge_file_is_taken_kept_or_asked_about() {
    let huge = |word: &str| format!("{word}\n{}", "a line of many\n".repeat(1_150_000));
    let it = Evolving::new(&[("data.csv", &huge("1"))]);
    it.base("data.csv", huge("2"));
    assert_eq!(it.project.apply(&[]).code, Some(0));
    assert!(it.project.read("data.csv") == huge("2"));
    it.project.write("data.csv", huge("mine"));
    it.base("data.csv", huge("3"));
    let said = it.project.apply(&[]);
    assert_eq!(said.code, Some(3), "{said:?}");
    let reason = "(you and the template changed it, and it is too large to merge)";
    assert!(said.err.contains(reason), "{said:?}");
    assert_eq!(
        it.project.apply(&["--on-conflict", "markers"]).code,
        Some(0)
    );
    assert!(it.project.read("data.csv") == huge("mine"));
    assert!(it.project.read("data.csv.quickscale-new") == huge("3"));
}

#[test]
fn both_add_a_file_or_a_new_one_meets_an_ignored_file() {
    let it = Evolving::new(&[(".gitignore", "/local.md\n")]);
    it.git(&["init", "--quiet"]);
    for (path, mine) in [("local.md", "ignored\n"), ("page.md", "untracked\n")] {
        it.project.write(path, mine);
        it.base(path, "theirs\n");
    }
    it.refuses(&[], 3, "local.md");
    it.refuses(&[], 3, "page.md");
    it.applies(&["--on-conflict", "mine"]);
    assert_eq!(it.project.read("local.md"), "ignored\n");
    let it = Evolving::new(&[]);
    it.project.write("page.md", "theirs\n");
    it.base("page.md", "theirs\n");
    assert_eq!(it.action("page.md").as_deref(), Some("adopt"));
}

#[test]
fn a_missing_pristine_copy_makes_a_conflict_and_comes_back() {
    let it = Evolving::new(&[("page.md", "a\nb\nc\nd\n")]);
    std::fs::remove_dir_all(it.project.path(".quickscale/base")).expect("removed");
    it.project.write("page.md", "A\nb\nc\nd\n");
    it.base("page.md", "a\nb\nC\nd\n");
    it.refuses(&[], 3, "its pristine copy is missing or damaged");
    it.applies(&["--on-conflict", "mine"]);
    it.base("page.md", "a\nb\nC\nd\ne\n");
    it.applies(&[]);
    assert_eq!(it.project.read("page.md"), "A\nb\nc\nd\ne\n");
}

/// What the user's answer was is not asked again.
fn asked(said: &Said) -> bool {
    said.code == Some(3)
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(it: &Evolving, path: &str) -> u32 {
        let found = std::fs::metadata(it.project.path(path)).expect("there");
        found.permissions().mode() & 0o777
    }

    fn set_mode(it: &Evolving, path: &str, mode: u32) {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(it.project.path(path), permissions).expect("changed");
    }

    #[test]
    fn the_executable_bit_of_either_side_is_kept() {
        let mut it = Evolving::born(
            &[("a.sh", "1\n"), ("b.sh", "1\n"), ("c.sh", "1\n")],
            "  c.sh: {mode: '0755'}\n",
        );
        // The template's, the user's, and the user's against the template.
        set_mode(&it, "b.sh", 0o755);
        set_mode(&it, "c.sh", 0o644);
        it.rules("  a.sh: {mode: '0755'}\n  c.sh: {mode: '0755'}\n");
        it.base("b.sh", "2\n");
        it.base("c.sh", "2\n");
        it.applies(&[]);
        let modes = ["a.sh", "b.sh", "c.sh"].map(|path| mode(&it, path));
        assert_eq!(modes, [0o755, 0o755, 0o644]);
        assert_eq!(it.project.run(&["undo"]).code, Some(0));
        let modes = ["a.sh", "b.sh", "c.sh"].map(|path| mode(&it, path));
        assert_eq!(modes, [0o644, 0o755, 0o644]);
    }

    #[test]
    fn who_may_read_a_file_is_the_users_to_say() {
        let it = Evolving::new(&[("page.md", "1\n"), ("gone.md", "1\n")]);
        for path in ["page.md", "gone.md"] {
            set_mode(&it, path, 0o600);
        }
        assert_eq!(it.project.plan(), []);
        it.base("page.md", "2\n");
        it.drop_base("gone.md");
        it.applies(&[]);
        assert_eq!(
            (it.project.read("page.md").as_str(), mode(&it, "page.md")),
            ("2\n", 0o600)
        );
        assert!(!it.project.path("gone.md").exists());
    }

    #[test]
    fn a_link_in_the_place_of_a_file_is_kept_until_the_template_changes_and_asked_about_then() {
        let it = Evolving::new(&[("page.md", "1\n"), ("other.md", "other\n")]);
        std::fs::remove_file(it.project.path("page.md")).expect("removed");
        symlink("other.md", it.project.path("page.md")).expect("linked");
        assert_eq!(it.action("page.md").as_deref(), Some("keep_edit"));
        it.base("page.md", "2\n");
        it.refuses(&[], 3, "page.md");
        it.refuses(
            &["--on-conflict", "theirs"],
            1,
            "page.md is a symbolic link",
        );
        // Led elsewhere, and answered.
        std::fs::remove_file(it.project.path("page.md")).expect("removed");
        symlink("nowhere.md", it.project.path("page.md")).expect("linked");
        it.refuses(&[], 3, "page.md");
        it.applies(&["--on-conflict", "mine"]);
        let leads = std::fs::read_link(it.project.path("page.md")).expect("a link");
        assert_eq!(leads.to_str(), Some("nowhere.md"));
        // A file again: the template's next change is merged into it.
        std::fs::remove_file(it.project.path("page.md")).expect("removed");
        it.project.write("page.md", "2\n");
        it.base("page.md", "3\n");
        it.applies(&[]);
        assert_eq!(
            (it.project.read("page.md"), it.project.read("other.md")),
            ("3\n".into(), "other\n".into())
        );
        assert!(!asked(&it.project.apply(&[])));
    }

    #[test]
    fn hard_links_of_the_user_are_not_written_through() {
        let it = Evolving::new(&[("page.md", "1\n")]);
        let other = it.project.beside("other.md");
        std::fs::hard_link(it.project.path("page.md"), &other).expect("linked");
        it.base("page.md", "2\n");
        it.applies(&[]);
        assert_eq!(std::fs::read_to_string(&other).expect("there"), "1\n");
        std::fs::write(&other, "changed by its other name\n").expect("written");
        let said = it.project.run(&["undo"]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains("page.md"), "{said:?}");
        assert_eq!(it.project.read("page.md"), "2\n");
    }

    #[test]
    fn folders_of_quickscales_that_are_links_are_not_followed() {
        for name in ["base", "undo", "apply"] {
            let it = Evolving::new(&[("page.md", "1\n")]);
            let outside = it.project.beside("outside");
            std::fs::create_dir(&outside).expect("a folder");
            let own = it.project.path(&format!(".quickscale/{name}"));
            let _ = std::fs::remove_dir_all(&own);
            symlink(&outside, &own).expect("linked");
            it.base("page.md", "2\n");
            it.refuses(&[], 1, "symbolic link");
            assert_eq!(std::fs::read_dir(&outside).expect("a folder").count(), 0);
        }
    }
}

//! Files that move: their templates do, users rename them, a name becomes a folder's, a module hands one to another.

use crate::templates::Evolving;

const PAGE: &str = "one\ntwo\nthree\nfour\nfive\n";
const NEWER: &str = "one\ntwo\nthree\nfour\nFIVE\n";
const EDITED: &str = "ONE\ntwo\nthree\nfour\nfive\n";
const BOTH: &str = "ONE\ntwo\nthree\nfour\nFIVE\n";

#[test]
fn a_template_moves_and_the_edits_with_it() {
    for (mine, then) in [(PAGE, NEWER), (EDITED, BOTH)] {
        let mut it = Evolving::new(&[("docs/old/page.md", PAGE)]);
        it.project.write("docs/old/page.md", mine);
        it.drop_base("docs/old/page.md");
        it.base("docs/new/page.md", NEWER);
        it.rules("  docs/new/page.md: {moved_from: [docs/old/page.md]}\n");
        it.applies(&[]);
        assert_eq!(it.project.read("docs/new/page.md"), then);
        assert!(!it.project.path("docs/old").exists());
        assert_eq!(it.project.run(&["undo"]).code, Some(0));
        assert_eq!(it.project.read("docs/old/page.md"), mine);
        assert!(!it.project.path("docs/new").exists());
    }
}

#[test]
fn a_template_moves_with_a_conflict_and_every_answer_leaves_one_file() {
    for (answer, then) in [
        ("mine", "mine\n"),
        ("theirs", NEWER),
        ("markers", "<<<<<<< yours\n"),
    ] {
        let mut it = Evolving::new(&[("old.md", PAGE)]);
        it.project.write("old.md", "mine\n");
        it.drop_base("old.md");
        it.base("new.md", NEWER);
        it.rules("  new.md: {moved_from: [old.md]}\n");
        it.refuses(&[], 3, "new.md");
        assert_eq!(it.project.apply(&["--on-conflict", answer]).code, Some(0));
        assert!(it.project.read("new.md").starts_with(then), "{answer}");
        assert!(!it.project.path("old.md").exists(), "{answer}");
        assert_eq!(it.action("old.md"), None, "{answer}");
    }
}

#[test]
fn a_template_that_changes_the_case_of_its_name_moves() {
    for (mine, then) in [(PAGE, NEWER), (EDITED, BOTH)] {
        let mut it = Evolving::new(&[("docs/Page.md", PAGE)]);
        it.project.write("docs/Page.md", mine);
        it.drop_base("docs/Page.md");
        it.base("docs/page.md", NEWER);
        it.rules("  docs/page.md: {moved_from: [docs/Page.md]}\n");
        it.applies(&[]);
        assert_eq!(it.project.names("docs"), ["page.md"]);
        assert_eq!(it.project.read("docs/page.md"), then);
    }
}

#[test]
fn a_user_who_changes_the_case_of_a_name_is_followed() {
    let it = Evolving::new(&[("docs/README.md", PAGE)]);
    it.project.rename("docs/README.md", "docs/Readme.md");
    let said = it.project.run(&["plan"]).out;
    assert!(
        said.contains("docs/Readme.md  (you have renamed it; it is followed)"),
        "{said}"
    );
    it.base("docs/README.md", NEWER);
    it.applies(&[]);
    assert_eq!(it.project.names("docs"), ["Readme.md"]);
    assert_eq!(it.project.read("docs/Readme.md"), NEWER);
}

#[test]
fn a_renamed_file_is_followed_wherever_it_goes_and_keeps_its_edits() {
    let it = Evolving::new(&[("page.md", PAGE)]);
    it.project.rename("page.md", "docs/first.md");
    it.applies(&[]);
    // Edited there, while the template goes on: a merge needs the pristine copy of another name.
    it.project.write("docs/first.md", EDITED);
    it.base("page.md", NEWER);
    it.applies(&[]);
    assert_eq!(it.project.read("docs/first.md"), BOTH);
    // Renamed once more, and then put back.
    it.project.write("docs/first.md", NEWER);
    it.applies(&[]);
    it.project.rename("docs/first.md", "second.md");
    it.base("page.md", PAGE);
    it.applies(&[]);
    assert_eq!(it.project.read("second.md"), PAGE);
    it.project.rename("second.md", "page.md");
    it.base("page.md", NEWER);
    it.applies(&[]);
    assert_eq!(it.project.read("page.md"), NEWER);
    assert!(!it.project.path("second.md").exists() && !it.project.path("docs/first.md").exists());
}

#[test]
fn a_file_that_was_renamed_and_edited_is_asked_about() {
    let it = Evolving::new(&[("page.md", PAGE)]);
    it.project.rename("page.md", "mine.md");
    it.project.write("mine.md", EDITED);
    it.base("page.md", NEWER);
    it.refuses(&[], 3, "mine.md");
    it.applies(&["--on-conflict", "markers"]);
    assert_eq!(it.project.read("mine.md"), BOTH);
    assert!(!it.project.path("page.md").exists());
}

#[test]
fn a_new_version_beside_a_conflict_is_no_renamed_file() {
    let it = Evolving::new(&[("icon.bin", "old\0"), ("lost.bin", "new\0")]);
    it.project.write("icon.bin", "mine\0");
    it.base("icon.bin", "new\0");
    std::fs::remove_file(it.project.path("lost.bin")).expect("removed");
    it.applies(&["--on-conflict", "markers"]);
    assert_eq!(it.project.read("icon.bin.quickscale-new"), "new\0");
    it.base("lost.bin", "newer\0");
    it.applies(&[]);
    assert_eq!(it.project.read("icon.bin.quickscale-new"), "new\0");
}

#[test]
fn a_file_becomes_a_folder_and_a_folder_a_file() {
    let it = Evolving::new(&[
        ("guide", PAGE),
        ("notes/a.md", "a\n"),
        ("notes/deep/b.md", "b\n"),
    ]);
    it.drop_base("guide");
    it.base("guide/index.md", NEWER);
    it.drop_base("notes/a.md");
    it.drop_base("notes/deep/b.md");
    it.base("notes", "flat\n");
    let before = it.project.snapshot();
    it.applies(&[]);
    assert_eq!(it.project.read("guide/index.md"), NEWER);
    assert_eq!(it.project.read("notes"), "flat\n");
    assert_eq!(it.project.run(&["undo"]).code, Some(0));
    assert_eq!(it.project.snapshot(), before);
    it.applies(&[]);
    // And back.
    it.drop_base("guide/index.md");
    it.base("guide", PAGE);
    it.drop_base("notes");
    it.base("notes/a.md", "a\n");
    it.applies(&[]);
    assert_eq!(
        (it.project.read("guide"), it.project.read("notes/a.md")),
        (PAGE.into(), "a\n".into())
    );
}

#[test]
fn a_file_that_moves_into_a_folder_of_its_own_name_keeps_its_edits() {
    let mut it = Evolving::new(&[("guide", PAGE)]);
    it.project.write("guide", EDITED);
    it.drop_base("guide");
    it.base("guide/index.md", NEWER);
    it.rules("  guide/index.md: {moved_from: [guide]}\n");
    it.applies(&[]);
    assert_eq!(it.project.read("guide/index.md"), BOTH);
}

#[test]
fn what_the_user_has_in_the_way_of_a_folder_or_a_file_is_a_conflict() {
    // A file of the template becomes a folder, but the user has changed it.
    let it = Evolving::new(&[("guide", PAGE), ("notes/a.md", "a\n")]);
    it.project.write("guide", EDITED);
    it.drop_base("guide");
    it.base("guide/index.md", NEWER);
    it.refuses(&[], 3, "guide/index.md");
    it.refuses(&["--on-conflict", "theirs"], 1, "guide/index.md");
    // And the other way: there is more in the folder than the template's.
    let it = Evolving::new(&[("notes/a.md", "a\n")]);
    it.project.write("notes/mine.md", "mine\n");
    it.drop_base("notes/a.md");
    it.base("notes", "flat\n");
    it.refuses(&[], 3, "notes");
    it.refuses(&["--on-conflict", "theirs"], 1, "notes");
    assert_eq!(it.project.apply(&["--on-conflict", "mine"]).code, Some(0));
    assert_eq!(it.project.names("notes"), ["mine.md"]);
}

#[test]
fn a_file_that_goes_to_another_module_keeps_its_edits() {
    let it = Evolving::new(&[]);
    it.template("modules/one/page.md", PAGE);
    it.applies(&[]);
    it.project.write("page.md", EDITED);
    std::fs::remove_file(
        it.project
            .beside("templates/project_templates/modules/one/page.md"),
    )
    .expect("removed");
    it.template("modules/two/page.md", NEWER);
    it.applies(&[]);
    assert_eq!(it.project.read("page.md"), BOTH);
    let state = it.project.read(".quickscale/state.yml");
    let (_, entry) = state.split_once("  page.md:\n").expect("known");
    assert!(entry.starts_with("    owner: module:two\n"), "{entry}");
}

//! Files that are new, gone, elsewhere or executable in the project.

use serde_json::Value;

use crate::support::Workshop;

const PLAIN: &str = "one\ntwo\nthree\nfour\n";

fn shop() -> Workshop {
    let shop = Workshop::with_templates(&[
        ("base/notes.md.j2", b"Run <%= project.slug %>.\n"),
        ("base/docs/plain.md", PLAIN.as_bytes()),
        ("modules/two/docs/two.md", b"two\n"),
        ("themes/plain/two/templates/two.html", b"<p>two</p>\n"),
        ("runtime/src/lib.rs", b"//! The runtime.\n"),
    ]);
    shop.init("my-saas", &["--module", "two"]);
    shop.init("second", &["--module", "one"]);
    shop
}

/// What goes back only when it is asked for, with its flag.
fn offers(shop: &Workshop) -> Vec<(String, String)> {
    let json = shop.json();
    let offers = json["offers"].as_array().expect("offers").iter();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    offers
        .map(|offer| (text(&offer["kind"]), text(&offer["flag"])))
        .collect()
}

fn offer(kind: &str, flag: &str) -> (String, String) {
    (kind.to_owned(), flag.to_owned())
}

/// Builds the tool again with what went back and updates both projects; the first must have nothing left.
fn update_both(shop: &Workshop) {
    shop.rebuild();
    shop.updates("my-saas");
    shop.updates("second");
    assert!(shop.hunks().is_empty(), "the project has nothing left");
    assert_eq!(offers(shop), [], "the project has nothing left");
}

#[test]
fn a_new_file_is_offered_and_goes_where_it_is_said_to_belong() {
    let shop = shop();
    shop.edit("docs/new.md", "Run my-saas, ${{ x }} or <%= y %>.\n");
    assert_eq!(offers(&shop), [offer("new", "--new docs/new.md=LAYER")]);
    let before = shop.snapshot();
    shop.applies(&[]);
    assert_eq!(shop.snapshot(), before, "nobody asked for it");
    shop.applies(&["--new", "docs/new.md=base"]);
    assert_eq!(
        shop.checkout("base/docs/new.md.j2"),
        "Run <%= project.slug %>, ${{ x }} or <%= \"<%\" %>= y %>.\n"
    );
    update_both(&shop);
    assert_eq!(
        shop.file_of("second", "docs/new.md"),
        "Run second, ${{ x }} or <%= y %>.\n"
    );
}

#[test]
fn a_new_file_without_values_is_copied() {
    let shop = shop();
    for (path, home, template) in [
        ("docs/a.md", "base", "base/docs/a.md"),
        ("docs/b.md", "module:two", "modules/two/docs/b.md"),
        (
            "templates/c.html",
            "theme:plain",
            "themes/plain/base/templates/c.html",
        ),
        (
            "templates/d.html",
            "theme:plain/two",
            "themes/plain/two/templates/d.html",
        ),
        (
            "vendor/quickscale-runtime/src/e.rs",
            "runtime",
            "runtime/src/e.rs",
        ),
        (".github/f.yml", "base", "base/dot-github/f.yml"),
    ] {
        shop.edit(path, "all <%= the same %>\n");
        shop.applies(&["--new", &format!("{path}={home}")]);
        assert_eq!(shop.checkout(template), "all <%= the same %>\n");
        shop.rebuild();
        shop.updates("my-saas");
    }
    update_both(&shop);
    let has = |path| shop.path("second").join(path).exists();
    assert!(has("docs/a.md") && has("templates/c.html") && has(".github/f.yml"));
    assert!(
        !has("docs/b.md") && !has("templates/d.html"),
        "its module is off"
    );
}

#[test]
fn a_name_that_holds_a_value_gets_the_variable() {
    let shop = shop();
    shop.edit("docs/my-saas/my_saas.md", "text\n");
    shop.applies(&["--new", "docs/my-saas/my_saas.md=base"]);
    assert_eq!(
        shop.checkout("base/docs/PROJECT_SLUG/PROJECT_CRATE_NAME.md"),
        "text\n"
    );
    shop.init("two-words", &[]);
    shop.rebuild();
    shop.updates("two-words");
    assert_eq!(
        shop.file_of("two-words", "docs/two-words/two_words.md"),
        "text\n"
    );
    update_both(&shop);
}

#[test]
fn a_new_file_whose_value_can_be_a_word_is_asked_about() {
    let shop = shop();
    shop.edit("docs/new.md", "Stop remy_saasing.\n");
    let new = ["--new", "docs/new.md=base"];
    shop.refuses(&new, 3, "or a word");
    let json = shop.sync(&[&["--preview", "--json"], &new[..]].concat());
    let json: Value = serde_json::from_str(&json.out).expect("JSON");
    let id = json["files"][0]["hunks"][0]["id"].as_str().expect("an id");
    shop.applies(&[&new[..], &["--hunk", &format!("{id}=literal")]].concat());
    assert_eq!(shop.checkout("base/docs/new.md"), "Stop remy_saasing.\n");
}

#[test]
fn what_never_goes_back_is_not_offered() {
    let shop = shop();
    let env = shop.project(".env");
    let secret = env.trim().split_once('=').expect("a value").1.to_owned();
    for path in [
        ".env.local",
        "migrations/0001_notes.sql",
        "var/app.db",
        "dev.sqlite3",
        "app.log",
        "Gemfile.lock",
        "target/debug/app",
        "ignored/key.txt",
    ] {
        shop.edit(path, "x\n");
    }
    shop.edit(".gitignore", "/ignored/\n");
    assert_eq!(offers(&shop), [offer("new", "--new .gitignore=LAYER")]);
    shop.refuses(&["--new", ".env.local=base"], 2, "settings and secrets");
    shop.refuses(
        &["--new", "migrations/0001_notes.sql=base"],
        2,
        "own tables",
    );
    shop.refuses(&["--new", "ignored/key.txt=base"], 2, "git ignores it");
    shop.refuses(&["--new", "notes.md=base"], 2, "a template made it");

    shop.edit("docs/new.md", format!("the key is {secret}\n"));
    let new = ["--new", "docs/new.md=base"];
    let said = shop.sync(&[&["--preview"], &new[..]].concat());
    assert!(said.out.contains("it holds a secret"), "{said:?}");
    assert!(!said.out.contains(&secret), "it is shown");
    let before = shop.snapshot();
    shop.applies(&new);
    assert_eq!(shop.snapshot(), before);
}

#[test]
fn an_edited_file_that_git_ignores_stays() {
    let shop = shop();
    shop.edit(".gitignore", "/notes.md\n");
    shop.replace("notes.md", "Run", "Start");
    assert_eq!(shop.skipped("notes.md").as_deref(), Some("git ignores it"));
}

#[test]
fn a_place_that_is_taken_or_does_not_exist_is_refused() {
    let shop = shop();
    // The first project has no page of this name, because one can be had only with a module that is off in the second.
    shop.edit_in("second", "templates/two.html", "mine\n");
    let said = shop.sync_of(
        "second",
        &["--apply", "--new", "templates/two.html=theme:plain"],
    );
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("wanted twice"), "{said:?}");
    shop.edit("docs/new.md", "new\n");
    shop.refuses(
        &["--new", "docs/new.md=module:three"],
        1,
        "module.yml is missing",
    );
    shop.refuses(
        &["--new", "docs/new.md=nowhere"],
        2,
        "is no layer of the templates",
    );
    shop.refuses(
        &["--new", "docs/new.md=runtime", "--new", "docs/old.md=base"],
        2,
        "docs/old.md",
    );
    assert!(
        shop.sync(&["--preview", "--new", "docs/new.md=runtime"])
            .out
            .contains("no place for it")
    );
}

#[test]
fn a_deleted_file_goes_only_when_that_is_asked_for() {
    let shop = shop();
    std::fs::remove_file(shop.path("my-saas/docs/plain.md")).expect("removed");
    assert_eq!(
        offers(&shop),
        [offer("deleted", "--delete --only docs/plain.md")]
    );
    let before = shop.snapshot();
    shop.applies(&[]);
    assert_eq!(shop.snapshot(), before);
    shop.applies(&["--delete", "--only", "docs"]);
    assert!(
        !shop
            .path("checkout/project_templates/base/docs/plain.md")
            .exists()
    );
    let kept = std::fs::read(shop.path("checkout/.quickscale/undo/old/0")).expect("kept");
    assert_eq!(kept, PLAIN.as_bytes());
    update_both(&shop);
    assert!(!shop.path("second/docs/plain.md").exists());
}

#[test]
fn a_file_that_is_absent_because_its_module_is_off_is_not_deleted() {
    let shop = shop();
    let before = shop.snapshot();
    let said = shop.sync_of("second", &["--apply", "--delete"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(shop.snapshot(), before);
}

#[test]
fn a_rename_is_proposed_and_takes_edits_along() {
    let shop = shop();
    shop.edit_in("second", "docs/plain.md", PLAIN.replace("one", "ONE"));
    std::fs::remove_file(shop.path("my-saas/docs/plain.md")).expect("removed");
    shop.edit("docs/better.md", PLAIN.replace("four", "4"));
    shop.edit("docs/other.md", "something else\n");
    assert_eq!(
        offers(&shop),
        [
            offer("renamed", "--rename docs/plain.md=docs/better.md"),
            offer("new", "--new docs/other.md=LAYER")
        ]
    );
    shop.applies(&["--rename", "docs/plain.md=docs/better.md"]);
    assert_eq!(
        shop.checkout("base/docs/better.md"),
        PLAIN.replace("four", "4")
    );
    assert!(
        !shop
            .path("checkout/project_templates/base/docs/plain.md")
            .exists()
    );
    std::fs::remove_file(shop.path("my-saas/docs/other.md")).expect("removed");
    update_both(&shop);
    assert_eq!(
        shop.file_of("second", "docs/better.md"),
        PLAIN.replace("four", "4").replace("one", "ONE"),
        "it has its own edit and the other's, under the new name"
    );
    assert!(!shop.path("second/docs/plain.md").exists());
}

#[test]
fn a_page_of_a_module_can_be_renamed_too() {
    let shop = shop();
    let (old, new) = ("templates/two.html", "templates/better.html");
    std::fs::rename(
        shop.path("my-saas").join(old),
        shop.path("my-saas").join(new),
    )
    .expect("moved");
    shop.applies(&["--rename", &format!("{old}={new}")]);
    assert_eq!(
        shop.checkout("themes/plain/two/templates/better.html"),
        "<p>two</p>\n"
    );
    update_both(&shop);
}

#[test]
fn what_cannot_have_been_renamed_is_refused() {
    let shop = shop();
    shop.edit("docs/new.md", PLAIN);
    shop.refuses(
        &["--rename", "docs/plain.md=docs/new.md"],
        2,
        "it is still there",
    );
    shop.refuses(
        &["--rename", "docs/none.md=docs/new.md"],
        2,
        "no template made it",
    );
    shop.refuses(&["--rename", "quickscale.yml=docs/new.md"], 2, "its birth");
    std::fs::remove_file(shop.path("my-saas/docs/plain.md")).expect("removed");
    shop.refuses(
        &["--rename", "docs/plain.md=docs/none.md"],
        2,
        "it is not there",
    );
}

#[cfg(unix)]
#[test]
fn the_executable_bit_goes_into_the_manifest() {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    let shop = shop();
    let script = |project: &str| shop.path(project).join("docs/plain.md");
    let set = |bits| {
        let set = std::fs::set_permissions(script("my-saas"), Permissions::from_mode(bits));
        set.expect("set");
    };
    let is_executable = |project: &str| {
        let found = std::fs::metadata(script(project)).expect("there");
        found.permissions().mode() & 0o111 != 0
    };
    let manifest = shop.checkout("base/base.yml");
    set(0o755);
    let hunks = shop.hunks();
    assert_eq!(
        (&hunks[0]["removed"], &hunks[0]["added"]),
        (&"mode 0644".into(), &"mode 0755".into())
    );
    let said = shop.sync(&["--preview"]);
    assert!(
        said.out.contains("+  docs/plain.md: { mode: \"0755\" }"),
        "{said:?}"
    );
    shop.applies(&[]);
    update_both(&shop);
    assert!(is_executable("my-saas") && is_executable("second"));
    assert_eq!(shop.checkout("base/docs/plain.md"), PLAIN);

    set(0o644);
    shop.applies(&[]);
    assert_eq!(shop.checkout("base/base.yml"), manifest);
    update_both(&shop);
    assert!(!is_executable("my-saas") && !is_executable("second"));

    set(0o755);
    let id = shop.hunks()[0]["id"].as_str().expect("an id").to_owned();
    shop.applies(&["--hunk", &format!("{id}=skip")]);
    assert_eq!(shop.checkout("base/base.yml"), manifest);

    shop.edit("bin/new", "#!/bin/sh\n");
    let new = shop.path("my-saas/bin/new");
    std::fs::set_permissions(new, Permissions::from_mode(0o755)).expect("set");
    shop.applies(&["--only", "bin", "--new", "bin/new=base"]);
    assert!(
        shop.checkout("base/base.yml")
            .contains("  bin/new: { mode: \"0755\" }\n")
    );
}

#[cfg(unix)]
#[test]
fn a_mode_that_no_manifest_can_say_is_asked_about() {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    let shop = shop();
    let file = shop.path("my-saas/vendor/quickscale-runtime/src/lib.rs");
    std::fs::set_permissions(file, Permissions::from_mode(0o755)).expect("set");
    shop.refuses(&[], 3, "cannot be said in a manifest");
}

//! Files that their templates copy byte for byte, and files of the runtime.

use crate::support::Workshop;

const PAGE: &[u8] = b"<h1>Welcome</h1>\n<p>{{ user.email }}</p>\n<p>one</p>\n<p>two</p>\n<p>three</p>\n<p>four</p>\n";

fn page() -> Workshop {
    Workshop::new(&[
        ("themes/plain/base/templates/home.html", PAGE),
        ("runtime/src/lib.rs", b"//! The runtime.\n\npub mod auth;\n"),
    ])
}

const HOME: &str = "templates/home.html";

const TEMPLATE: &str = "themes/plain/base/templates/home.html";

#[test]
fn an_edit_goes_back_and_the_project_has_nothing_left() {
    let shop = page();
    shop.replace(HOME, "Welcome", "Good morning, {{ user.name }}");
    let edited = shop.project(HOME);
    let said = shop.sync(&["--preview"]);
    assert!(
        said.out.contains("+<h1>Good morning, {{ user.name }}</h1>"),
        "{said:?}"
    );
    assert_eq!(shop.checkout(TEMPLATE).as_bytes(), PAGE);
    shop.applies(&[]);
    assert_eq!(shop.checkout(TEMPLATE), edited);
    shop.rebuild();
    shop.updates("my-saas");
    assert_eq!(shop.project(HOME), edited);
    let plan = shop.run(&["--project", "my-saas", "plan", "--exit-code"]);
    assert_eq!(plan.code, Some(0), "{plan:?}");
}

#[test]
fn a_project_without_edits_writes_nothing() {
    let shop = page();
    let before = shop.snapshot();
    let said = shop.sync(&["--apply"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.err.contains("Nothing to carry back."), "{said:?}");
    assert_eq!(shop.snapshot(), before);
}

#[test]
fn the_runtime_goes_back_to_its_crate() {
    let shop = page();
    shop.replace(
        "vendor/quickscale-runtime/src/lib.rs",
        "pub mod auth;",
        "pub mod auth;\npub mod credits;",
    );
    shop.applies(&[]);
    assert_eq!(
        shop.checkout("runtime/src/lib.rs"),
        "//! The runtime.\n\npub mod auth;\npub mod credits;\n"
    );
}

#[test]
fn what_stood_there_is_kept() {
    let shop = page();
    shop.replace(HOME, "one", "1");
    shop.applies(&[]);
    let kept = shop.path("checkout/.quickscale/undo/old/0");
    assert_eq!(std::fs::read(kept).expect("kept"), PAGE);
}

#[test]
fn edits_of_the_checkout_stay() {
    let shop = page();
    shop.replace(HOME, "Welcome", "Hello");
    let own = String::from_utf8_lossy(PAGE).replace("four", "4");
    shop.write_checkout(TEMPLATE, &own);
    shop.applies(&[]);
    assert_eq!(shop.checkout(TEMPLATE), own.replace("Welcome", "Hello"));
}

#[test]
fn an_edit_of_the_same_line_in_the_checkout_is_a_conflict() {
    let shop = page();
    shop.replace(HOME, "Welcome", "Hello");
    let own = String::from_utf8_lossy(PAGE).replace("Welcome", "Hi");
    shop.write_checkout(TEMPLATE, own);
    shop.refuses(&[], 3, "changed in the same place");
    let id = shop.hunks()[0]["id"].as_str().expect("text").to_owned();
    let before = shop.snapshot();
    shop.applies(&["--hunk", &format!("{id}=skip")]);
    assert_eq!(shop.snapshot(), before);
}

#[test]
fn the_same_edit_from_two_projects_is_there_already() {
    let shop = page();
    shop.init("other", &[]);
    shop.replace(HOME, "Welcome", "Hello");
    shop.applies(&[]);
    shop.edit_in("other", HOME, shop.project(HOME));
    let said = shop.sync_of("other", &["--apply"]);
    assert!(said.err.contains("Nothing to carry back."), "{said:?}");
}

#[test]
fn one_of_two_edits_can_stay_in_the_project() {
    let shop = page();
    shop.replace(HOME, "Welcome", "Hello");
    shop.replace(HOME, "four", "4");
    let hunks = shop.hunks();
    assert_eq!(hunks.len(), 2, "{hunks:?}");
    let id = hunks[0]["id"].as_str().expect("text");
    shop.applies(&["--hunk", &format!("{id}=skip")]);
    assert_eq!(
        shop.checkout(TEMPLATE),
        String::from_utf8_lossy(PAGE).replace("four", "4")
    );
    shop.rebuild();
    shop.updates("my-saas");
    assert_eq!(shop.hunks().len(), 1, "the other is still an edit");
}

#[test]
fn only_what_was_named_goes_back() {
    let shop = page();
    shop.replace(HOME, "Welcome", "Hello");
    shop.replace("vendor/quickscale-runtime/src/lib.rs", "runtime", "core");
    shop.applies(&["--only", "vendor"]);
    assert_eq!(shop.checkout(TEMPLATE).as_bytes(), PAGE);
    assert!(shop.checkout("runtime/src/lib.rs").contains("The core"));
}

#[test]
fn an_answer_to_nothing_is_wrong_usage() {
    let shop = page();
    shop.replace(HOME, "Welcome", "Hello");
    shop.refuses(&["--hunk", "0000000=skip"], 2, "no edit is called 0000000");
    shop.refuses(&["--hunk", "0000000=maybe"], 2, "maybe");
}

#[test]
fn a_value_of_the_project_in_a_file_that_all_share_is_asked_about() {
    let shop = page();
    shop.replace(HOME, "one", "ask my-saas");
    shop.refuses(&[], 3, "this project's slug, `my-saas`");
    let id = shop.hunks()[0]["id"].as_str().expect("text").to_owned();
    shop.refuses(&["--hunk", &format!("{id}=inside")], 2, "is no answer");
    shop.applies(&["--hunk", &format!("{id}=literal")]);
    assert!(shop.checkout(TEMPLATE).contains("<p>ask my-saas</p>"));
}

#[test]
fn a_secret_is_refused_always() {
    let shop = page();
    let env = shop.project(".env");
    let secret = env.trim().split_once('=').expect("a value").1.to_owned();
    shop.replace(HOME, "one", &format!("key {secret}"));
    shop.replace(HOME, "four", "4");
    let said = shop.sync(&["--preview"]);
    assert!(!said.out.contains(&secret), "it is shown");
    assert!(said.out.contains("it holds a secret"), "{said:?}");
    let id = shop.hunks()[0]["id"].as_str().expect("text").to_owned();
    shop.applies(&["--hunk", &format!("{id}=literal")]);
    assert_eq!(
        shop.checkout(TEMPLATE),
        String::from_utf8_lossy(PAGE).replace("four", "4")
    );
}

#[test]
fn line_endings_are_no_edit_and_stay_out_of_the_template() {
    let shop = page();
    let crlf = shop.project(HOME).replace('\n', "\r\n");
    shop.edit(HOME, &crlf);
    assert!(shop.hunks().is_empty());
    shop.edit(HOME, crlf.replace("Welcome", "Hello"));
    shop.applies(&[]);
    assert_eq!(
        shop.checkout(TEMPLATE),
        String::from_utf8_lossy(PAGE).replace("Welcome", "Hello")
    );
}

#[test]
fn the_final_newline_is_an_edit_like_others() {
    let shop = page();
    shop.edit(HOME, shop.project(HOME).trim_end());
    shop.applies(&[]);
    assert_eq!(
        shop.checkout(TEMPLATE),
        String::from_utf8_lossy(PAGE).trim_end()
    );
}

#[test]
fn a_file_with_conflict_markers_stays() {
    let shop = page();
    shop.replace(
        HOME,
        "<p>one</p>",
        "<<<<<<< yours\n1\n=======\n<p>one</p>\n>>>>>>> template",
    );
    assert_eq!(
        shop.skipped(HOME).as_deref(),
        Some("it holds conflict markers")
    );
    shop.applies(&[]);
    assert_eq!(shop.checkout(TEMPLATE).as_bytes(), PAGE);
}

#[test]
fn a_binary_is_copied_when_only_the_project_changed_it() {
    let icon = b"\x89PNG\0\x01";
    let shop = Workshop::new(&[("base/static/icon.png", icon)]);
    shop.edit("static/icon.png", b"\x89PNG\0\x02");
    let said = shop.sync(&["--preview"]);
    assert!(said.out.contains("not text"), "{said:?}");
    shop.applies(&[]);
    let template = shop.path("checkout/project_templates/base/static/icon.png");
    assert_eq!(std::fs::read(template).expect("there"), b"\x89PNG\0\x02");

    shop.edit("static/icon.png", b"\x89PNG\0\x03");
    shop.refuses(&[], 3, "changed in the same place");
}

#[test]
fn a_file_of_5_mb_goes_back() {
    let line = |number: usize| format!("line {number} of a long file\n");
    let text: String = (0..200_000).map(line).collect();
    assert!(text.len() > 5_000_000);
    let shop = Workshop::new(&[("base/data.txt", text.as_bytes())]);
    let edited = text.replace("line 100000 of", "line one hundred thousand of");
    shop.edit("data.txt", &edited);
    shop.applies(&[]);
    assert_eq!(shop.checkout("base/data.txt"), edited);
}

#[test]
fn a_file_that_is_not_utf_8_goes_back() {
    let shop = Workshop::new(&[("base/latin.txt", b"caf\xe9\none\n")]);
    shop.edit("latin.txt", b"caf\xe9\n\xfcber\n");
    shop.applies(&[]);
    let template = shop.path("checkout/project_templates/base/latin.txt");
    assert_eq!(
        std::fs::read(template).expect("there"),
        b"caf\xe9\n\xfcber\n"
    );
}

#[test]
fn a_project_of_older_templates_is_updated_first_or_rebased() {
    let shop = page();
    shop.replace(HOME, "Welcome", "Hello");
    shop.write_checkout(TEMPLATE, String::from_utf8_lossy(PAGE).replace("four", "4"));
    shop.rebuild();
    shop.refuses(&[], 1, "made from other templates");
    shop.applies(&["--rebase"]);
    assert_eq!(
        shop.checkout(TEMPLATE),
        String::from_utf8_lossy(PAGE)
            .replace("Welcome", "Hello")
            .replace("four", "4")
    );
}

#[test]
fn what_is_once_or_secret_never_goes_back() {
    let shop = page();
    shop.edit(".env", "APP_SECRET_KEY=another\n");
    shop.edit(
        "quickscale.yml",
        shop.project("quickscale.yml") + "# mine\n",
    );
    assert!(shop.hunks().is_empty());
}

#[test]
fn a_folder_without_templates_says_how_to_get_some() {
    let shop = page();
    let said = shop.run(&[
        "sync-back",
        "my-saas",
        "--preview",
        "--templates",
        "my-saas",
    ]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.contains("names a checkout of QuickScale"),
        "{said:?}"
    );
    let said = shop.run(&["sync-back", "my-saas"]);
    assert_eq!(said.code, Some(2), "{said:?}");
}

#[test]
fn only_one_writes_to_a_checkout() {
    let shop = page();
    shop.replace(HOME, "Welcome", "Hello");
    let folder = shop.path("checkout/.quickscale");
    std::fs::create_dir_all(&folder).expect("a folder");
    let lock = std::fs::File::create(folder.join("lock")).expect("a lock");
    lock.lock().expect("free");
    shop.refuses(&[], 4, "is changing these templates");
}

#[test]
fn a_checkout_that_cannot_be_written_to_says_so() {
    let shop = page();
    shop.replace(HOME, "Welcome", "Hello");
    std::fs::write(shop.path("checkout/.quickscale"), "in the way").expect("written");
    shop.refuses(&[], 1, "cannot be written to");
    let said = shop.sync(&["--preview"]);
    assert_eq!(said.code, Some(0), "looking is allowed: {said:?}");
}

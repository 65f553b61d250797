//! What a project may be called.

use insta::assert_snapshot;

use crate::support::{Scratch, read};

/// The folder, the package and the name for people that `typed` gives.
#[track_caller]
fn works(typed: &str, slug: &str, display: &str) {
    let scratch = Scratch::new();
    scratch.init(&[typed, "--no-git"]).exits(0);
    assert_eq!(scratch.names(), [slug]);
    let config = read(&scratch.path(slug).join("quickscale.yml"));
    assert!(config.contains(&format!("name: \"{display}\"")), "{config}");
    // Cargo takes the package's name and finds its lockfile in order.
    let mut cargo = scratch.command("cargo");
    cargo.args(["metadata", "--locked", "--format-version", "1"]);
    let metadata = scratch
        .run(cargo.current_dir(scratch.path(slug)))
        .exits(0)
        .out;
    let metadata: serde_json::Value = serde_json::from_str(&metadata).expect("JSON");
    let packages = metadata["packages"].as_array().expect("a list");
    assert!(packages.iter().any(|package| package["name"] == slug));
}

/// A refusal, which leaves nothing behind.
#[track_caller]
fn refused(arguments: &[&str]) -> String {
    let scratch = Scratch::new();
    let said = scratch.init(arguments).exits(1);
    assert_eq!(scratch.names(), [""; 0]);
    assert_eq!(said.out, "");
    said.err
}

#[test]
fn a_name_with_hyphens_works() {
    works("my-saas-app", "my-saas-app", "My Saas App");
}

#[test]
fn a_name_in_camel_case_works() {
    works("MySaaS", "my-saas", "MySaaS");
}

#[test]
fn a_name_with_a_space_and_accents_works() {
    works("naïve café", "naive-cafe", "naïve café");
}

#[test]
fn a_single_letter_works() {
    works("a", "a", "A");
}

#[test]
fn a_name_with_quotes_works() {
    works(r#"Bob's "Shop""#, "bobs-shop", r#"Bob's \"Shop\""#);
}

#[test]
fn a_name_that_starts_with_a_digit_is_refused() {
    assert_snapshot!(refused(&["2fast"]), @r"
    error: `2fast` cannot be the name of a package: it must start with a letter
    hint: try `quickscale init app-2fast --name '2fast'`
    ");
}

#[test]
fn a_name_of_80_letters_is_refused() {
    assert_snapshot!(refused(&[&"a".repeat(80)]), @r"
    error: a name may have 63 letters, this one has 80
    hint: try `quickscale init aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa`
    ");
}

#[test]
fn names_that_cargo_rust_or_windows_keep_are_refused() {
    assert_snapshot!(refused(&["test"]), @r"
    error: `test` is a name that cargo keeps for itself
    hint: try `quickscale init test-app`
    ");
    assert_snapshot!(refused(&["async"]), @r"
    error: `async` is a name that Rust keeps for itself
    hint: try `quickscale init async-app`
    ");
    assert_snapshot!(refused(&["nul"]), @r"
    error: `nul` is a name that Windows keeps for itself
    hint: try `quickscale init nul-app`
    ");
}

#[test]
fn the_name_of_a_dependency_is_refused() {
    assert_snapshot!(refused(&["tokio"]), @r"
    error: `tokio` is the name of a package that every project uses
    hint: try `quickscale init tokio-app`
    ");
}

#[test]
fn a_path_is_no_name() {
    assert_snapshot!(refused(&["../x"]), @r"
    error: `../x` is a path, not a name; --path says where the project goes
    hint: try `quickscale init x --path ../x`
    ");
    assert_snapshot!(refused(&["/abs"]), @r"
    error: `/abs` is a path, not a name; --path says where the project goes
    hint: try `quickscale init abs --path /abs`
    ");
    assert_snapshot!(refused(&[".."]), @r"
    error: `..` has no letter or digit that a folder, a package and a host name all allow
    hint: try `quickscale init my-saas --name '..'`
    ");
}

#[test]
fn no_name_is_refused() {
    assert_snapshot!(refused(&[""]), @r"
    error: a project needs a name
    hint: try `quickscale init my-saas`
    ");
    assert_snapshot!(Scratch::new().init(&[]).exits(2).err, @r"
    error: the following required arguments were not provided:
      <NAME>

    Usage: quickscale init <NAME>

    For more information, try '--help'.
    ");
}

#[test]
fn letters_of_another_script_are_refused_and_kept_for_people() {
    assert_snapshot!(refused(&["日本語"]), @r"
    error: `日本語` has no letter or digit that a folder, a package and a host name all allow
    hint: try `quickscale init my-saas --name '日本語'`
    ");
    let scratch = Scratch::new();
    scratch
        .init(&["my-saas", "--name", "日本語", "--no-git"])
        .exits(0);
    assert!(read(&scratch.path("my-saas/src/modules.rs")).contains("NAME: &str = \"日本語\";"));
}

#[test]
fn a_name_for_people_has_a_length() {
    assert_snapshot!(refused(&["x", "--name", &"é".repeat(61)]), @r"
    error: a name may have 60 characters, this one has 61
    hint: pass a shorter one with --name; people read it, machines do not
    ");
}

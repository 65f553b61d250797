//! What the flags of `init` do where nobody can be asked.

use insta::assert_snapshot;

use crate::support::{QUICKSCALE, Scratch, read};

#[track_caller]
fn refused(arguments: &[&str]) -> String {
    let scratch = Scratch::new();
    let said = scratch.init(arguments).exits(2);
    assert_eq!(scratch.names(), [""; 0]);
    said.err
}

#[test]
fn without_a_terminal_every_module_is_taken_and_nothing_is_asked() {
    let scratch = Scratch::new();
    let said = scratch.init(&["my-saas"]).exits(0);
    let files = said
        .err
        .split(['(', ' '])
        .find_map(|word| word.parse::<u32>().ok())
        .unwrap();
    assert_snapshot!(said.to_string().replace(&format!("({files} files)"), "([N] files)"), @r"
    exit 0
    --- stdout
    --- stderr
         Created My Saas in my-saas ([N] files)

    Next:
      cd my-saas
      quickscale up
    ");
    let config = read(&scratch.path("my-saas/quickscale.yml"));
    for module in ["auth:", "credits:", "services:", "admin:"] {
        assert!(config.contains(module), "{config}");
    }
}

#[test]
fn a_module_brings_those_that_it_needs() {
    let scratch = Scratch::new();
    let said = scratch
        .init(&["my-saas", "--module", "services", "--no-git"])
        .exits(0);
    assert!(
        said.err
            .contains("Module credits comes with services, which needs it."),
        "{said}"
    );
    assert!(
        said.err
            .contains("Module auth comes with credits, which needs it."),
        "{said}"
    );
    let config = read(&scratch.path("my-saas/quickscale.yml"));
    assert!(
        config.contains("auth:") && !config.contains("admin"),
        "{config}"
    );
    assert!(!scratch.path("my-saas/templates/admin").exists());
}

#[test]
fn modules_can_be_left_out_altogether() {
    let scratch = Scratch::new();
    scratch
        .init(&["my-saas", "--module", "none", "--no-git"])
        .exits(0);
    assert!(read(&scratch.path("my-saas/quickscale.yml")).contains("modules: {}"));
    assert!(!scratch.path("my-saas/templates/auth").exists());
}

#[test]
fn options_are_set_and_typed() {
    let scratch = Scratch::new();
    let settings = [
        "--set",
        "credits.signup_grant=2.5",
        "--set",
        "auth.registration=closed",
    ];
    scratch
        .init(&[&["my-saas", "--no-git"][..], &settings].concat())
        .exits(0);
    let code = read(&scratch.path("my-saas/src/modules.rs"));
    assert!(code.contains("Credits::from_milli(2_500)"), "{code}");
    assert!(code.contains("Registration::Closed"), "{code}");
    assert!(read(&scratch.path("my-saas/quickscale.yml")).contains("signup_grant: 2.5"));
}

#[test]
fn what_is_not_known_is_refused_with_what_is() {
    assert_snapshot!(refused(&["x", "--module", "credit"]), @r"
    error: unknown module `credit`
    hint: did you mean `credits`?
    ");
    assert_snapshot!(refused(&["x", "--theme", "flash"]), @r"
    error: unknown theme `flash`
    hint: there is htmx
    ");
    assert_snapshot!(refused(&["x", "--set", "auth.registraton=open"]), @r"
    error: unknown option of auth `registraton`
    hint: did you mean `registration`?
    ");
    assert_snapshot!(refused(&["x", "--set", "auth.registration=maybe"]), @"error: --set auth.registration: `maybe` is not one of open, invitation, closed");
    assert_snapshot!(refused(&["x", "--set", "signup_grant=5"]), @"error: --set signup_grant=5 is not MODULE.OPTION=VALUE");
    assert_snapshot!(refused(&["x", "--module", "auth", "--set", "credits.signup_grant=5"]), @r"
    error: --set credits.signup_grant=5: module credits is not chosen
    hint: add --module credits
    ");
    assert_snapshot!(refused(&["x", "--module", "none", "--module", "auth"]), @"error: --module none stands alone");
}

#[test]
fn a_project_is_no_place_for_another() {
    let scratch = Scratch::new();
    let mut command = scratch.command(QUICKSCALE);
    let said = scratch
        .run(command.args(["--project", ".", "init", "x"]))
        .exits(2);
    assert_snapshot!(said.err, @r"
    error: --project means nothing here
    hint: init makes a project; --path says where
    ");
}

#[test]
fn quiet_says_nothing() {
    let scratch = Scratch::new();
    assert_eq!(scratch.init(&["x", "--quiet"]).exits(0).err, "");
}

//! Generated projects pass their own formatting, lints and tests as they are born, whatever modules they have.

use super::project::{Project, database, succeed};

/// As a project's own continuous integration does it.
fn passes_its_own_checks(project: &Project) {
    succeed(&mut project.cargo(&["fmt", "--all", "--check"]));
    succeed(&mut project.cargo(&[
        "clippy",
        "--locked",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]));
    let told = succeed(&mut project.cargo(&["test", "--locked"]));
    assert!(told.contains("test result: ok. "), "no tests ran:\n{told}");
}

#[test]
fn a_full_project_passes_its_own_checks() {
    let project = Project::init("my-saas-app", &[]);
    passes_its_own_checks(&project);
}

#[test]
fn a_full_project_passes_its_tests_on_postgresql() {
    let project = Project::init("my-saas-app", &[]);
    let mut tests = project.cargo(&["test", "--locked"]);
    succeed(tests.env("TEST_DATABASE_URL", database("project_tests")));
}

#[test]
fn a_project_without_modules_passes_its_own_checks() {
    passes_its_own_checks(&Project::init("bare", &["--module", "none"]));
}

#[test]
fn a_project_with_accounts_only_passes_its_own_checks() {
    passes_its_own_checks(&Project::init("members", &["--module", "auth"]));
}

#[test]
fn a_project_with_staff_but_without_credits_passes_its_own_checks() {
    passes_its_own_checks(&Project::init("staffed", &["--module", "auth,admin"]));
}

#[test]
fn a_project_with_credits_but_without_services_passes_its_own_checks() {
    passes_its_own_checks(&Project::init("prepaid", &["--module", "credits,admin"]));
}

#[test]
fn a_project_with_services_but_without_staff_passes_its_own_checks() {
    passes_its_own_checks(&Project::init("unstaffed", &["--module", "services"]));
}

#[test]
fn a_project_with_closed_registration_passes_its_own_checks() {
    let project = Project::init("closed", &["--set", "auth.registration=closed"]);
    passes_its_own_checks(&project);
}

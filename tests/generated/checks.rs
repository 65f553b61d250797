//! Generated projects pass their own formatting, lints and tests as they are born, whatever modules they have.

use super::programs;
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
fn a_full_project_passes_its_own_checks_on_both_databases_and_answers_programs() {
    let project = Project::init("my-saas-app", &[]);
    passes_its_own_checks(&project);
    // In the project that is built by now.
    let mut tests = project.cargo(&["test", "--locked"]);
    succeed(tests.env("TEST_DATABASE_URL", database("project_tests")));
    programs::call(&project);
    tells_what_a_deployment_lacks(&project);
}

/// What is too weak stands there with its remedy, and what is only advice does not fail.
fn tells_what_a_deployment_lacks(project: &Project) {
    let check = |variables: &[(&str, &str)]| {
        let mut check = project.cargo(&["run", "--locked", "--quiet", "--", "check", "--deploy"]);
        let output = check.envs(variables.iter().copied()).output();
        let output = output.expect("the program can be run");
        assert!(!output.status.success(), "no mail could be sent");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let told = check(&[("APP_URL", "http://localhost:8000")]);
    assert!(told.starts_with("error    APP_URL: "), "{told}");
    let public = ("APP_URL", "https://shop.example");
    let told = check(&[public]);
    assert!(
        told.starts_with("ok       the configuration holds\n"),
        "{told}"
    );
    let caution = "\nwarning  auth.second_factor_for_staff in quickscale.yml: ";
    let fault = "\nerror    mails cannot be sent: SMTP_URL is not set; ";
    assert!(told.contains(caution) && told.contains(fault), "{told}");
    // Features of production, which this build is without.
    for (variable, value, feature) in [
        ("SMTP_URL", "smtp://localhost", "smtp"),
        (
            "DATABASE_URL",
            "postgres://app@127.0.0.1:1/app?sslmode=require",
            "postgres-tls",
        ),
    ] {
        let told = check(&[public, (variable, value)]);
        let remedy = format!("build with `--features {feature}`");
        assert!(told.contains(&remedy), "{told}");
    }
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

#[test]
fn an_option_of_one_environment_holds_there_and_nowhere_else() {
    // Projects share a target folder; the binary that is run needs a name of its own there.
    let project = Project::init("by-environment", &[]);
    let path = project.folder().join("quickscale.yml");
    let mut text = std::fs::read_to_string(&path).expect("init wrote it");
    text += "environments:\n  test: { modules: { auth: { registration: closed }, credits: { signup_grant: 2.5 } } }\n";
    std::fs::write(&path, text).expect("it can be written");
    project.quickscale(&["apply", "--yes"]);
    passes_its_own_checks(&project);
    for (environment, is_open) in [("development", true), ("test", false)] {
        let mut routes = project.cargo(&["run", "--locked", "--quiet", "--", "routes", "--json"]);
        let routes = succeed(routes.env("APP_ENV", environment));
        let routes: Vec<serde_json::Value> = serde_json::from_str(&routes).expect("JSON");
        let signs_up = |route: &serde_json::Value| {
            route["method"] == "POST" && route["path"] == "/accounts/signup"
        };
        assert_eq!(routes.iter().any(signs_up), is_open, "{environment}");
    }
}

#[test]
fn a_service_of_each_kind_passes_the_projects_checks_and_keeps_its_contract() {
    let project = Project::init("all-kinds", &[]);
    let examples = project.quickscale(&["service-examples", "--json"]);
    let examples: serde_json::Value = serde_json::from_str(&examples).expect("JSON");
    let kinds = examples.as_array().expect("a list").iter();
    let kinds: Vec<_> = kinds
        .map(|one| one["kind"].as_str().expect("a kind"))
        .collect();
    for kind in &kinds {
        let name = format!("my_{kind}");
        project.quickscale(&["generate-service", &name, "--type", kind, "--cost", "1.5"]);
    }
    // Makes the environments of Python programs, too, which the projects' own tests need.
    let report = project.quickscale(&["validate-service", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    // It was built where the caller's cargo builds.
    assert!(!project.folder().join("target").exists());
    let findings = report["findings"].as_array().expect("a list");
    for kind in kinds {
        let name = format!("my_{kind}");
        assert!(
            findings.iter().any(|one| one["service"] == name.as_str()),
            "{kind}: {report}"
        );
    }
    passes_its_own_checks(&project);
}

//! `generate-service`, `services` and `service-examples`: what is written, what is refused, and that nothing else changes.

use crate::support::Project;

#[test]
fn every_kind_is_generated_and_planning_is_quiet_then() {
    let project = Project::new(&[]);
    let examples = project.run(&["service-examples", "--json"]);
    let examples: serde_json::Value = serde_json::from_str(&examples.out).expect("JSON");
    let kinds: Vec<&str> = examples
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["kind"].as_str().expect("a kind"))
        .collect();
    assert!(
        kinds.contains(&"basic") && kinds.contains(&"data"),
        "{kinds:?}"
    );
    for kind in &kinds {
        let said = project.run(&["generate-service", &format!("my_{kind}"), "--type", kind]);
        assert_eq!(said.code, Some(0), "{kind}: {said:?}");
        assert_eq!(project.plan(), [], "after {kind}");
    }
    let listed = project.run(&["services", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed.out).expect("JSON");
    for kind in kinds {
        let name = format!("my_{kind}");
        let mut found = listed.as_array().expect("a list").iter();
        let found = found.find(|one| one["name"] == name.as_str());
        assert_eq!(found.expect(&name)["kind"], kind, "{listed}");
    }
}

#[test]
fn a_service_has_the_words_that_it_was_given() {
    let project = Project::new(&[]);
    let said = project.run(&[
        "generate-service",
        "meeting_notes",
        "--type",
        "text",
        "--cost",
        "2.5",
        "--description",
        r#"Says "who" \ what."#,
    ]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let source = project.read("src/services/meeting_notes.rs");
    for part in [
        "struct MeetingNotes;",
        "\"Meeting notes\"",
        r#""Says \"who\" \\ what.""#,
        "Credits::from_milli(2_500)",
    ] {
        assert!(source.contains(part), "{part}: {source}");
    }
    let page = project.read("docs/services/meeting_notes.md");
    assert!(
        page.contains("2.5 credits a run") && page.contains("/services/meeting_notes"),
        "{page}"
    );
}

#[test]
fn only_what_a_service_needs_is_touched_and_undo_takes_it_back() {
    let project = Project::new(&[]);
    project.write("templates/about.html", "mine\n");
    let before = project.snapshot();
    let said = project.run(&["generate-service", "checks", "--type", "data"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let after = project.snapshot();
    let changed: Vec<&str> = after
        .iter()
        .filter(|file| !before.contains(file) && !file.0.starts_with(".quickscale/"))
        .map(|(path, _)| path.as_str())
        .collect();
    let expected = [
        "Cargo.lock",
        "Cargo.toml",
        "docs/services/checks.md",
        "src/services/checks.rs",
    ];
    assert_eq!(changed, expected);
    assert!(project.read("Cargo.toml").contains("csv = "));
    assert_eq!(project.run(&["undo"]).code, Some(0));
    assert_eq!(project.snapshot(), before);
}

#[test]
fn the_first_service_of_a_kind_brings_what_it_needs_and_a_project_without_it_has_none_of_it() {
    let features = |project: &Project| {
        let manifest = project.read("Cargo.toml");
        let (_, rest) = manifest.split_once("features = [").expect("of the runtime");
        let mut runtime = manifest
            .lines()
            .filter(|line| line.starts_with("quickscale-runtime"));
        let line = runtime.next().expect(rest).to_owned();
        ["python", "llm"].map(|feature| line.contains(&format!("\"{feature}\"")))
    };
    let project = Project::new(&[]);
    assert_eq!(features(&project), [false, false]);
    assert!(!project.read("Dockerfile").contains("python"));
    assert!(!project.read(".env.example").contains("LLM_"));

    assert_eq!(
        project
            .run(&["generate-service", "words", "--type", "python"])
            .code,
        Some(0)
    );
    assert_eq!(features(&project), [true, false]);
    assert!(project.read("Dockerfile").contains("COPY --from=python"));
    assert!(
        project
            .read("services/python/words/service.py")
            .contains("def run(input, context)")
    );
    assert!(
        project
            .read("services/python/words/requirements.txt")
            .contains("--hash=sha256:")
    );

    assert_eq!(
        project
            .run(&["generate-service", "summary", "--type", "llm"])
            .code,
        Some(0)
    );
    assert_eq!(features(&project), [true, true]);
    assert!(
        project
            .read(".env.example")
            .contains("#LLM_BASE_URL=https://api.openai.com/v1")
    );
    assert!(project.read("compose.yml").contains("LLM_API_KEY"));
    assert_eq!(project.plan(), []);
    assert_eq!(
        project
            .run(&["generate-service", "more", "--type", "python"])
            .code,
        Some(0)
    );
    assert_eq!(project.plan(), []);
}

#[test]
fn a_service_is_the_users_from_then_on() {
    let project = Project::new(&[]);
    project.run(&["generate-service", "mine"]);
    project.write("src/services/mine.rs", "// all mine\n");
    assert_eq!(project.apply(&[]).code, Some(0));
    assert_eq!(project.read("src/services/mine.rs"), "// all mine\n");
    std::fs::remove_file(project.path("src/services/mine.rs")).expect("removed");
    assert_eq!(project.plan(), []);
    // Its name is free again.
    let said = project.run(&["generate-service", "mine", "--free"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        project
            .read("src/services/mine.rs")
            .contains("Credits::ZERO")
    );
}

#[test]
fn what_cannot_be_generated_is_refused_with_a_proposal() {
    let project = Project::new(&[]);
    project.run(&["generate-service", "taken"]);
    let before = project.snapshot();
    for (arguments, code, hint) in [
        (&["generate-service", "taken"][..], 1, "`taken_2`"),
        (&["generate-service", "match"], 2, "`match_service`"),
        (&["generate-service", "My-Service"], 2, "`my_service`"),
        (&["generate-service", "../../etc"], 2, "`etc`"),
        (&["generate-service", "runs"], 2, "`runs_service`"),
        (&["generate-service", ""], 2, "letter first"),
        (&["generate-service"], 2, "pass NAME"),
        (&["generate-service", "x", "--type", "tex"], 2, "`text`"),
        (&["generate-service", "x", "--cost", "-1"], 2, "no price"),
        (
            &["generate-service", "x", "--cost", "1", "--free"],
            2,
            "cannot be used",
        ),
        (
            &["generate-service", "x", "--description", "a\nb"],
            2,
            "one line",
        ),
    ] {
        let said = project.run(arguments);
        assert_eq!(said.code, Some(code), "{arguments:?}: {said:?}");
        assert!(said.err.contains(hint), "{arguments:?}: {said:?}");
    }
    assert_eq!(project.snapshot(), before);
}

#[test]
fn a_project_that_is_behind_or_has_no_services_is_told_what_to_do_first() {
    let project = Project::new(&[]);
    let manifest = project.read("Cargo.toml");
    project.age("Cargo.toml", format!("# older\n{manifest}"));
    let said = project.run(&["generate-service", "x"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("quickscale apply"), "{said:?}");
    let bare = Project::new(&["--module", "auth"]);
    let said = bare.run(&["generate-service", "x"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.contains("quickscale apply --add services"),
        "{said:?}"
    );
}

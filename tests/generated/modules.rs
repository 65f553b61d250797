//! Modules that are turned off and on again in a project with users: what they brought is gone, and comes back with its data.

use super::project::Project;
use super::visitor::Visitor;

#[test]
fn a_module_that_is_off_is_gone_and_comes_back_with_its_data() {
    let project = Project::init("switched", &[]);
    let seeds = project.quickscale(&["manage", "seed", "--json"]);
    let seeds: serde_json::Value = serde_json::from_str(&seeds).expect("seed tells JSON");
    let user = &seeds["users"][0];
    let (email, password) = (
        user["email"].as_str().unwrap(),
        user["password"].as_str().unwrap(),
    );

    let visitor = Visitor::sign_in(&project.quickscale(&["up"]), email, password);
    assert!(
        visitor
            .get("/dashboard")
            .text
            .contains("100 credits available")
    );
    assert_eq!(
        (
            visitor.get("/credits").status,
            visitor.get("/services").status
        ),
        (200, 200)
    );
    project.quickscale(&["down"]);

    let going = with_those_that_need(&project, "credits");
    project.quickscale(&["apply", "--yes", "--remove", &going]);
    for gone in ["templates/credits", "templates/services"] {
        assert!(!project.folder().join(gone).exists(), "{gone}");
    }
    let manifest = std::fs::read_to_string(project.folder().join("Cargo.toml")).unwrap();
    assert!(!manifest.contains("\"credits\""), "{manifest}");
    let visitor = Visitor::sign_in(&project.quickscale(&["up"]), email, password);
    let dashboard = visitor.get("/dashboard");
    assert_eq!(dashboard.status, 200);
    for path in ["/credits", "/services"] {
        assert!(
            !dashboard.text.contains(&format!("href=\"{path}")),
            "{path}"
        );
        assert_eq!(visitor.get(path).status, 404);
    }
    project.quickscale(&["down"]);

    project.quickscale(&["apply", "--yes", "--add", "services"]);
    let visitor = Visitor::sign_in(&project.quickscale(&["up"]), email, password);
    assert!(
        visitor
            .get("/dashboard")
            .text
            .contains("100 credits available")
    );
    assert_eq!(
        (
            visitor.get("/credits").status,
            visitor.get("/services").status
        ),
        (200, 200)
    );
}

/// A module and all that need it, with commas between them.
fn with_those_that_need(project: &Project, module: &str) -> String {
    let all = project.quickscale(&["modules", "--json"]);
    let all: Vec<serde_json::Value> = serde_json::from_str(&all).expect("JSON");
    let mut names = vec![module.to_owned()];
    // Each module stands after those that it needs.
    for module in &all {
        let needed = module["requires"].as_array().expect("a list");
        if needed
            .iter()
            .any(|name| names.iter().any(|other| name == other))
        {
            names.push(module["name"].as_str().expect("a name").to_owned());
        }
    }
    names.join(",")
}

//! Environment variables come with their module, are told, and go with it; `.env` is the user's.

use crate::templates::Evolving;

const MODULE: &str = "modules/two/module.yml";

/// What `two` declares.
const VARIABLES: &str = "
name: two
summary: more
feature: two
requires: [one]
environment:
  TWO_KEY: {description: What opens the door, secret: true}
  TWO_PLACE: {description: Where the door is, default: 'https://two.example:8443/door'}
";

/// A project with the files of every project in which variables stand, after an update in which `two` has got some.
fn project() -> Evolving {
    let base = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("project_templates/base");
    let read = |name: &str| std::fs::read_to_string(base.join(name)).expect("there");
    let (example, compose) = (read(".env.example.j2"), read("compose.yml.j2"));
    let it = Evolving::new(&[(".env.example.j2", &example), ("compose.yml.j2", &compose)]);
    assert_eq!(stand(&it), (false, false));
    it.template(MODULE, VARIABLES);
    it.applies(&[]);
    it
}

/// Whether the variables stand in `.env.example`, and whether compose.yml hands them on: all of them or none.
fn stand(it: &Evolving) -> (bool, bool) {
    let all_of = |text: &str, lines: [&str; 2]| {
        let found = lines.map(|line| text.lines().any(|other| other.trim() == line));
        assert_eq!(found[0], found[1], "{text}");
        assert_eq!(text.contains("TWO_"), found[0], "{text}");
        found[0]
    };
    let compose = it.project.read("compose.yml");
    let services: serde_json::Value = serde_yaml::from_str(&compose).expect("YAML");
    let passed = &services["services"]["app"]["environment"];
    let handed_on = [&passed["TWO_KEY"], &passed["TWO_PLACE"]].map(|value| value.as_str());
    let is_handed_on = match handed_on {
        [None, None] => false,
        values => {
            let place = "${TWO_PLACE:-https://two.example:8443/door}";
            assert_eq!(values, [Some("${TWO_KEY:-}"), Some(place)]);
            true
        }
    };
    let example = it.project.read(".env.example");
    let lines = ["TWO_KEY=", "#TWO_PLACE=https://two.example:8443/door"];
    (all_of(&example, lines), is_handed_on)
}

#[test]
fn variables_go_with_their_module_and_come_back_with_it() {
    let it = project();
    assert_eq!(stand(&it), (true, true));
    let env = format!("{}TWO_KEY=mine\n", it.project.read(".env"));
    it.project.write(".env", &env);

    let said = it.project.apply(&["--remove", "two"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let note = "Nothing reads TWO_KEY and TWO_PLACE any more; `.env` is yours to tidy up.";
    assert!(said.err.contains(note), "{said:?}");
    assert_eq!(stand(&it), (false, false));

    let said = it.project.apply(&["--add", "two"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let note = "Module two reads TWO_KEY and TWO_PLACE from the environment; .env.example says what that is.";
    assert!(said.err.contains(note), "{said:?}");
    assert_eq!(stand(&it), (true, true));
    assert_eq!(it.project.read(".env"), env, "it is the user's");
}

#[test]
fn variables_are_told_with_their_module() {
    let it = project();
    let said = it.project.run(&["modules", "show", "two"]);
    for part in [
        "\nenvironment variables\n",
        "  TWO_KEY (secret)\n      What opens the door\n",
        "Where the door is; https://two.example:8443/door when it is not set",
    ] {
        assert!(said.out.contains(part), "no {part:?} in {said:?}");
    }
}

#[test]
fn variables_that_cannot_stand_anywhere_are_mistakes_of_the_templates() {
    for (variables, told) in [
        ("lower: {description: x}", "lower is no name"),
        ("1_X: {description: x}", "1_X is no name"),
        ("X: {description: x, default: a b}", "the default of X"),
        ("X: {description: x, default: '}'}", "the default of X"),
        (
            "X: {description: x, default: a, secret: true}",
            "X is a secret and has a default",
        ),
    ] {
        let it = Evolving::new(&[]);
        let head = "{name: two, summary: more, feature: two, requires: [one], environment: {";
        it.template(MODULE, format!("{head}{variables}}}}}"));
        it.refuses(&[], 1, told);
    }
    let it = Evolving::new(&[]);
    for name in ["one", "two"] {
        let manifest = "summary: x, feature: x, environment: {SHARED: {description: x}}";
        it.template(
            &format!("modules/{name}/module.yml"),
            format!("{{name: {name}, {manifest}}}"),
        );
    }
    it.refuses(&[], 1, "SHARED belongs to the modules one and two");
}

#[test]
fn no_variable_stands_twice_in_a_project_with_every_module() {
    let project = crate::support::Project::new(&[]);
    let example = project.read(".env.example");
    let names = example.lines().filter_map(|line| line.split_once('='));
    let names = names.map(|(name, _)| name.trim_start_matches('#'));
    let is_name = |name: &&str| {
        !name.is_empty() && !name.contains(|c: char| !(c.is_ascii_uppercase() || c == '_'))
    };
    let mut names: Vec<_> = names.filter(is_name).collect();
    assert!(
        names.contains(&"APP_SECRET_KEY") && names.contains(&"SMTP_URL"),
        "{names:?}"
    );
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "{example}");
}

//! The embedded catalogue, rendered in every combination, and small catalogues with one mistake each.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::catalogue::Pack;
use crate::catalogue::template::Source;

fn word(text: &str) -> Word {
    text.parse().unwrap()
}

fn config(theme: &Word, modules: impl IntoIterator<Item = Word>) -> Config {
    Config {
        name: "Bob's \"Shop\" \\ Söhne".parse().unwrap(),
        slug: "bobs-shop".parse().unwrap(),
        theme: theme.clone(),
        modules: modules
            .into_iter()
            .map(|name| (name, BTreeMap::new()))
            .collect(),
        environments: BTreeMap::new(),
    }
}

fn inputs(catalogue: &Catalogue) -> Inputs {
    let secret = |name: &Word| (name.clone(), format!("secret-{name}-value"));
    Inputs {
        secrets: catalogue.secrets.iter().map(secret).collect(),
        ..Inputs::default()
    }
}

/// Every theme with every set of modules that holds all that its members require.
fn combinations(catalogue: &Catalogue) -> Vec<Config> {
    let names: Vec<&Word> = catalogue
        .modules
        .iter()
        .map(|module| &module.manifest.name)
        .collect();
    let sets = (0..1_u32 << names.len()).map(|bits| {
        let chosen = names
            .iter()
            .enumerate()
            .filter(|(index, _)| bits >> index & 1 == 1);
        chosen
            .map(|(_, name)| (*name).clone())
            .collect::<BTreeSet<_>>()
    });
    let closed: Vec<_> = sets
        .filter(|set| catalogue.closure(set).added.is_empty())
        .collect();
    let themes = catalogue.themes.keys();
    themes
        .flat_map(|theme| closed.iter().map(|set| config(theme, set.clone())))
        .collect()
}

#[test]
fn every_combination_renders_and_is_the_same_twice() {
    let catalogue = Catalogue::embedded();
    let combinations = combinations(catalogue);
    assert!(combinations.len() > catalogue.modules.len());
    for config in combinations {
        let desired = render(&config, catalogue, &inputs(catalogue)).unwrap();
        assert_eq!(
            desired,
            render(&config, catalogue, &inputs(catalogue)).unwrap()
        );
        let path = |text: &str| text.parse::<RelPath>().unwrap();
        for needed in [
            "Cargo.toml",
            "Cargo.lock",
            "src/main.rs",
            "vendor/quickscale-runtime/Cargo.toml",
        ] {
            assert!(desired.files.contains_key(&path(needed)), "{needed}");
        }
    }
}

#[test]
fn the_configuration_of_every_combination_reads_back() {
    let catalogue = Catalogue::embedded();
    for config in combinations(catalogue) {
        let desired = render(&config, catalogue, &inputs(catalogue)).unwrap();
        let file = &desired.files[&"quickscale.yml".parse::<RelPath>().unwrap()];
        let text = std::str::from_utf8(&file.bytes).unwrap();
        assert_eq!(Config::parse(text, catalogue, None), Ok(config));
    }
}

#[test]
fn every_yaml_file_is_yaml() {
    let catalogue = Catalogue::embedded();
    for config in combinations(catalogue) {
        let files = render(&config, catalogue, &inputs(catalogue))
            .unwrap()
            .files;
        let yaml = files
            .iter()
            .filter(|(path, _)| path.as_str().ends_with(".yml"));
        assert!(yaml.clone().count() >= 3);
        for (path, file) in yaml {
            let parsed = serde_yaml::from_slice::<serde_yaml::Value>(&file.bytes);
            assert!(parsed.is_ok_and(|value| value.is_mapping()), "{path}");
        }
    }
}

#[test]
fn no_file_holds_a_scaffold_tag() {
    let catalogue = Catalogue::embedded();
    for config in combinations(catalogue) {
        for (path, file) in render(&config, catalogue, &inputs(catalogue))
            .unwrap()
            .files
        {
            // Code of others is copied as it is, and nobody renders it.
            let Ok(text) = std::str::from_utf8(&file.bytes) else {
                continue;
            };
            assert!(
                path.as_str().starts_with("static/vendor/") || !text.contains("<%"),
                "{path}"
            );
            assert!(!path.as_str().ends_with(".j2"), "{path}");
        }
    }
}

#[test]
fn secrets_stand_only_in_files_that_are_written_once_and_private() {
    let catalogue = Catalogue::embedded();
    let inputs = inputs(catalogue);
    for config in combinations(catalogue) {
        for (path, file) in render(&config, catalogue, &inputs).unwrap().files {
            let text = String::from_utf8_lossy(&file.bytes);
            if inputs
                .secrets
                .values()
                .any(|secret| text.contains(secret.as_str()))
            {
                assert_eq!(
                    (file.policy, file.mode, file.digest),
                    (Policy::Once, Mode::Private, None),
                    "{path}"
                );
            } else {
                assert_eq!(file.digest, Some(Digest::of(&file.bytes)), "{path}");
            }
        }
    }
}

#[test]
fn only_a_module_that_is_on_leaves_a_trace() {
    let catalogue = Catalogue::embedded();
    for config in combinations(catalogue) {
        let desired = render(&config, catalogue, &inputs(catalogue)).unwrap();
        let code = &desired.files[&"src/modules.rs".parse::<RelPath>().unwrap()];
        let code = String::from_utf8_lossy(&code.bytes);
        let manifest = &desired.files[&"Cargo.toml".parse::<RelPath>().unwrap()];
        let manifest = String::from_utf8_lossy(&manifest.bytes);
        for module in &catalogue.modules {
            let is_on = config.modules.contains_key(&module.manifest.name);
            let feature = &module.manifest.feature;
            assert_eq!(
                code.contains(&format!("quickscale_runtime::{feature}::module")),
                is_on,
                "{code}"
            );
            assert_eq!(
                manifest.contains(&format!("\"{feature}\"")),
                is_on,
                "{manifest}"
            );
        }
    }
}

#[cfg(unix)]
#[test]
fn a_template_that_can_be_run_says_so_in_its_manifest() {
    use std::os::unix::fs::PermissionsExt;
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let catalogue = Catalogue::embedded();
    for config in combinations(catalogue) {
        for (path, file) in render(&config, catalogue, &inputs(catalogue))
            .unwrap()
            .files
        {
            let source = root.join(&file.template);
            let Ok(metadata) = source.metadata() else {
                // A browser package, which only the build sees.
                continue;
            };
            let runs = metadata.permissions().mode() & 0o111 != 0;
            assert_eq!(runs, file.mode == Mode::Executable, "{path}");
        }
    }
}

/// A catalogue of one module and one theme, whose files are given by their paths.
fn small(files: &[(&str, &str)]) -> Result<Catalogue> {
    let mut all = BTreeMap::from([
        ("base/base.yml", "secrets: [key]"),
        (
            "modules/blog/module.yml",
            "{name: blog, summary: x, feature: blog}",
        ),
        ("themes/plain/theme.yml", "{name: plain, summary: x}"),
    ]);
    all.extend(files.iter().copied());
    let source = |(path, text): (&str, &str)| Source::new(path, text);
    let project = all.into_iter().map(source).collect();
    Catalogue::load(&Pack {
        project,
        ..Pack::default()
    })
}

fn fault_of(files: &[(&str, &str)]) -> String {
    let rendered = small(files).and_then(|catalogue| {
        let config = config(&word("plain"), [word("blog")]);
        render(&config, &catalogue, &inputs(&catalogue))
    });
    format!("{:#}", rendered.expect_err("the catalogue holds a mistake"))
}

#[test]
fn a_path_has_one_owner() {
    let fault = fault_of(&[
        ("base/src/lib.rs", ""),
        ("themes/plain/blog/src/lib.rs", ""),
    ]);
    assert_eq!(
        fault,
        "src/lib.rs is wanted twice: by base (project_templates/base/src/lib.rs) and by theme:plain \
         (project_templates/themes/plain/blog/src/lib.rs)"
    );
    let fault = fault_of(&[("base/docs", ""), ("modules/blog/docs/blog.md", "")]);
    assert_eq!(
        fault,
        "docs is wanted as a file and as the folder of docs/blog.md"
    );
}

#[test]
fn projects_are_born_with_services_of_their_own_name() {
    let manifest = "{kind: echo, summary: x, title: Echo, description: Says it again., cost: 0, born_as: parrot, \
        dependencies: {b: {version: '2', features: [f]}, a: '1'}}";
    let quiet = "{kind: quiet, summary: x, title: Quiet, description: Says nothing., cost: 1}";
    let services = vec![
        Source::new("echo/service.yml", manifest),
        Source::new(
            "echo/src/services/NAME.rs",
            "Echo \"Echo\" \"Says it again.\" Credits::ZERO",
        ),
        Source::new("quiet/service.yml", quiet),
        Source::new(
            "quiet/src/services/NAME.rs",
            "Quiet \"Quiet\" \"Says nothing.\" Credits::whole(1)",
        ),
    ];
    let project = [
        ("base/base.yml", "secrets: []"),
        (
            "base/Cargo.toml.j2",
            "<% for name, value in dependencies | items %><%= name %> = <%= value %>\n<% endfor %>",
        ),
        (
            "modules/services/module.yml",
            "{name: services, summary: x, feature: services}",
        ),
        ("themes/plain/theme.yml", "{name: plain, summary: x}"),
    ];
    let project = project.map(|(path, text)| Source::new(path, text)).into();
    let catalogue = Catalogue::load(&Pack {
        project,
        services,
        ..Pack::default()
    })
    .unwrap();
    let files = |modules: &[Word]| {
        let config = config(&word("plain"), modules.iter().cloned());
        render(&config, &catalogue, &Inputs::default())
            .unwrap()
            .files
    };
    let with = files(&[word("services")]);
    let service = &with[&"src/services/parrot.rs".parse::<RelPath>().unwrap()];
    assert_eq!(service.owner.to_string(), "service:parrot");
    assert_eq!(service.policy, Policy::Once);
    let manifest = &with[&"Cargo.toml".parse::<RelPath>().unwrap()].bytes;
    let expected = "a = \"1\"\nb = { version = \"2\", features = [\"f\"] }\n";
    assert_eq!(std::str::from_utf8(manifest).unwrap(), expected);
    assert_eq!(with.len(), 2);
    assert_eq!(files(&[]).len(), 1);
}

#[test]
fn a_template_is_strict() {
    assert!(fault_of(&[("base/x.j2", "<%= project.nmae %>")]).contains("base/x.j2"));
    assert!(fault_of(&[("base/x.j2", "<%= secret.other %>")]).contains("undefined"));
    assert!(fault_of(&[("base/x.j2", "<% if %>")]).contains("base/x.j2:1"));
    assert!(
        fault_of(&[("base/x.j2", "<%= secret.key %>")]).contains("must have the policy `once`")
    );
}

#[test]
fn manifests_are_held_to_what_is_there() {
    let ghost = "secrets: []\nfiles: { ghost: { mode: \"0600\" } }";
    assert_eq!(
        fault_of(&[("base/base.yml", ghost)]),
        "base.yml speaks of ghost, which is not among its files"
    );
    assert!(fault_of(&[("base/base.yml", "secrets: []\nsecert: 1")]).contains("secert"));
    assert!(fault_of(&[("themes/plain/shop/x.html", "")]).contains("shop, which is no module"));
    let circle = "{name: blog, summary: x, feature: blog, requires: [blog]}";
    assert!(fault_of(&[("modules/blog/module.yml", circle)]).contains("require each other"));
    let named = "{name: shop, summary: x, feature: blog}";
    assert!(fault_of(&[("modules/blog/module.yml", named)]).contains("names itself shop"));
}

#[test]
fn what_is_no_template_is_copied_byte_for_byte() {
    let catalogue = small(&[
        ("base/page.html", "{{ user }} <%= x %>\r\n"),
        ("base/name.txt.j2", "<%= project.slug %>\n"),
    ])
    .unwrap();
    let config = config(&word("plain"), []);
    let desired = render(&config, &catalogue, &inputs(&catalogue)).unwrap();
    let bytes = |path: &str| &*desired.files[&path.parse::<RelPath>().unwrap()].bytes;
    assert_eq!(bytes("page.html"), b"{{ user }} <%= x %>\r\n");
    assert_eq!(bytes("name.txt"), b"bobs-shop\n");
}

/// The real template of `src/modules.rs` and of `.env.example`, over the catalogue of tests, as it is rendered for
/// what `rest` adds to a quickscale.yml.
fn rendered(path: &str, rest: &str) -> String {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("project_templates/base");
    let files = ["src/modules.rs.j2", ".env.example.j2"];
    let texts = files.map(|file| std::fs::read_to_string(root.join(file)).unwrap());
    let files: Vec<_> = files
        .into_iter()
        .zip(texts.iter().map(String::as_str))
        .collect();
    let catalogue = crate::catalogue::sample::with_base(&files);
    let head = "version: 1\nproject: { name: My SaaS, slug: my-saas }\ntheme: htmx\n";
    let config = Config::parse(&format!("{head}{rest}"), &catalogue, None).unwrap();
    let desired = render(&config, &catalogue, &Inputs::default()).unwrap();
    let file = &desired.files[&path.parse::<RelPath>().unwrap()];
    String::from_utf8(file.bytes.to_vec()).unwrap()
}

#[test]
fn an_option_that_differs_by_environment_is_chosen_where_the_application_runs() {
    let code = rendered(
        "src/modules.rs",
        "modules:
  auth: {registration: closed}
  billing: {bonus: 1}
environments:
  development: {modules: {auth: {registration: open}, billing: {trial_days: 0}}}
  test: {modules: {auth: {registration: open}, billing: {trial_days: 1, bonus: 2}}}
  production: {modules: {auth: {greeting: Welcome}}}
",
    );
    insta::assert_snapshot!(code);
    let plain = rendered("src/modules.rs", "modules: {auth: {}}");
    assert!(
        !plain.contains("Environment") && !plain.contains("rustfmt"),
        "{plain}"
    );
}

#[test]
fn variables_of_modules_that_are_on_are_named() {
    let text = rendered(".env.example", "modules: {auth: {}, billing: {}}");
    let wanted = "\n#RUST_LOG=info\n\n# Of the module auth\n# Is mixed into every password; a secret\nAUTH_PEPPER=\n\n# Of compose.yml";
    assert!(text.contains(wanted), "{text}");
    assert!(!rendered(".env.example", "modules: {}").contains("Of the module"));
}

#[test]
fn settings_stand_as_rustfmt_writes_them() {
    let texts = [
        "x",
        "Grüß Gott",
        &"long ".repeat(9),
        &"long ".repeat(12),
        &"long ".repeat(30),
        &"日本".repeat(20),
    ];
    let overlays = [
        "",
        "production: {modules: {auth: {registration: closed, remember: false}}}",
        "test: {modules: {auth: {greeting: Other}, billing: {bonus: 999999.999}}}",
        "{test: {modules: {auth: {greeting: A}}}, development: {modules: {auth: {greeting: B}}}}",
    ];
    for text in texts {
        for overlay in overlays {
            let rest = format!(
                "modules: {{auth: {{greeting: '{}'}}, billing: {{bonus: 0.001}}}}\nenvironments:\n  {overlay}\n",
                text.trim()
            );
            let code = rendered("src/modules.rs", &rest);
            assert_eq!(rustfmt(&code), code, "{rest}");
        }
    }
}

#[test]
fn lists_stand_as_rustfmt_writes_them() {
    let card = |id: &str, name: &str, prices: &str| {
        format!("{{id: {id}, name: '{name}', prices: {{{prices}}}}}")
    };
    let short = card("a", "A card", "eur: 5.00");
    let several = card("b", "Karte für Größere", "eur: 5.00, jpy: 800, kwd: 2.500");
    let long = card("c", &"long ".repeat(20), "usd: 1");
    for cards in [
        String::new(),
        short.clone(),
        format!("{short}, {several}"),
        format!("{several}, {long}"),
    ] {
        for overlay in [
            "",
            "production: {modules: {gifts: {cards: []}}}",
            "test: {modules: {gifts: {cards: [{id: t, name: T, prices: {eur: 1, usd: 2}}]}}}",
        ] {
            let rest = format!(
                "modules: {{auth: {{}}, gifts: {{cards: [{cards}]}}}}\nenvironments:\n  {overlay}\n"
            );
            let code = rendered("src/modules.rs", &rest);
            assert_eq!(rustfmt(&code), code, "{rest}");
            if overlay.is_empty() {
                assert_eq!(
                    code.contains("rustfmt::skip"),
                    cards.contains("long"),
                    "{code}"
                );
            }
        }
    }
}

/// What rustfmt makes of a file.
fn rustfmt(code: &str) -> String {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition", "2024", "--emit", "stdout"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("rustfmt is there");
    let mut input = rustfmt.stdin.take().expect("it is piped");
    input.write_all(code.as_bytes()).expect("rustfmt reads");
    drop(input);
    let output = rustfmt.wait_with_output().expect("rustfmt ends");
    assert!(output.status.success(), "{code}");
    String::from_utf8(output.stdout).expect("it is text")
}

//! What a born project holds.

use std::collections::BTreeSet;

use crate::support::{Scratch, names, read};

/// The values of `.env` that nobody may guess.
fn secrets(scratch: &Scratch, project: &str) -> Vec<String> {
    let text = read(&scratch.path(project).join(".env"));
    let value = |name: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_else(|| panic!("no {name} in {text}"))
            .to_owned()
    };
    vec![value("APP_SECRET_KEY"), value("POSTGRES_PASSWORD")]
}

#[test]
fn two_projects_share_no_secret() {
    let scratch = Scratch::new();
    scratch.init(&["one", "--no-git"]).exits(0);
    scratch.init(&["two", "--no-git"]).exits(0);
    let all = [secrets(&scratch, "one"), secrets(&scratch, "two")].concat();
    assert!(all.iter().all(|secret| secret.len() == 64), "{all:?}");
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 4);
}

#[test]
fn secrets_stand_in_one_file_that_only_its_owner_reads() {
    let scratch = Scratch::new();
    scratch.init(&["one"]).exits(0);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(scratch.path("one/.env"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let secrets = secrets(&scratch, "one");
    let mut grep = scratch.command("grep");
    grep.args(["--recursive", "--files-with-matches", "--text"]);
    for secret in secrets {
        grep.args(["-e", &secret]);
    }
    assert_eq!(scratch.run(grep.arg(".")).exits(0).out, "./one/.env\n");
}

#[test]
fn the_state_knows_every_file_and_keeps_its_pristine_contents() {
    let scratch = Scratch::new();
    scratch.init(&["one", "--no-git"]).exits(0);
    let project = scratch.path("one");
    let state =
        quickscale::project::state::State::from_yaml(&read(&project.join(".quickscale/state.yml")))
            .unwrap();
    let on_disk: BTreeSet<String> = walkdir::WalkDir::new(&project)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| {
            entry.file_type().is_file() && !entry.path().starts_with(project.join(".quickscale"))
        })
        .map(|entry| {
            entry
                .path()
                .strip_prefix(&project)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    let known: BTreeSet<String> = state.files.keys().map(ToString::to_string).collect();
    assert_eq!(known, on_disk);
    let kept = names(&project.join(".quickscale/base"));
    for (path, file) in &state.files {
        let bytes = std::fs::read(path.under(&project)).unwrap();
        let Some(digest) = file.digest else {
            assert_eq!(path.as_str(), ".env");
            continue;
        };
        assert_eq!(digest, quickscale::digest::Digest::of(&bytes), "{path}");
        let managed = file.policy == quickscale::project::owner::Policy::Managed;
        let is_text = !bytes.contains(&0) && std::str::from_utf8(&bytes).is_ok();
        assert!(
            !managed || !is_text || kept.contains(&digest.to_string()),
            "{path}"
        );
    }
    for name in kept {
        let bytes = std::fs::read(project.join(".quickscale/base").join(&name)).unwrap();
        assert_eq!(quickscale::digest::Digest::of(&bytes).to_string(), name);
    }
}

#[test]
fn the_browser_packages_come_with_their_licences() {
    let scratch = Scratch::new();
    scratch.init(&["one", "--no-git"]).exits(0);
    for (package, file) in [
        ("bulma", "bulma.min.css"),
        ("htmx", "htmx.min.js"),
        ("alpine", "alpine-csp.min.js"),
        ("dejavu", "DejaVuSans.ttf"),
    ] {
        let folder = scratch.path("one/static/vendor").join(package);
        let bytes = std::fs::read(folder.join(file)).unwrap();
        assert!(bytes.len() > 10_000, "{package}");
        assert!(
            read(&folder.join("LICENSE"))
                .to_lowercase()
                .contains("permission"),
            "{package}"
        );
    }
}

#[test]
fn the_configuration_reads_back_as_what_was_asked_for() {
    let scratch = Scratch::new();
    scratch
        .init(&[
            "one",
            "--no-git",
            "--name",
            "A: \"b\" #c",
            "--set",
            "credits.signup_grant=0.005",
        ])
        .exits(0);
    let catalogue = quickscale::catalogue::Catalogue::embedded();
    let text = read(&scratch.path("one/quickscale.yml"));
    let config = quickscale::project::config::Config::parse(&text, catalogue, None).unwrap();
    assert_eq!(config.name.as_str(), "A: \"b\" #c");
    assert_eq!(
        config
            .option(catalogue, "credits", "signup_grant")
            .unwrap()
            .to_string(),
        "0.005"
    );
    let usual = catalogue.modules.iter();
    let usual = usual.filter(|module| !module.manifest.on_request);
    assert_eq!(config.modules.len(), usual.count());
}

#[test]
fn what_was_generated_is_formatted() {
    let scratch = Scratch::new();
    for modules in ["none", "auth", "admin", "credits", "services,admin"] {
        scratch
            .init(&["one", "--no-git", "--path", modules, "--module", modules])
            .exits(0);
        let mut cargo = scratch.command("cargo");
        scratch
            .run(
                cargo
                    .args(["fmt", "--check"])
                    .current_dir(scratch.path(modules)),
            )
            .exits(0);
    }
}

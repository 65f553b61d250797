//! The build.rs of a born project, compiled and run by itself: how services are found.

use std::path::PathBuf;

use crate::support::{Said, Scratch, read};

/// Compiles the script of a new project and returns its path.
fn script(scratch: &Scratch) -> PathBuf {
    scratch
        .init(&["app", "--module", "none", "--no-git"])
        .exits(0);
    let mut rustc = scratch.command("rustc");
    scratch
        .run(rustc.args(["--edition", "2024", "-o", "script", "app/build.rs"]))
        .exits(0);
    scratch.path("script")
}

/// Runs it for a project with these files in `src/services/`.
fn run(files: Option<&[&str]>) -> (Said, String) {
    let scratch = Scratch::new();
    let script = script(&scratch);
    let out = scratch.path("out");
    std::fs::create_dir(&out).expect("a folder");
    if let Some(files) = files {
        let services = scratch.path("app/src/services");
        std::fs::create_dir_all(&services).expect("a folder");
        files
            .iter()
            .for_each(|file| std::fs::write(services.join(file), "").expect("a file"));
    }
    let mut command = scratch.command(script.to_str().expect("a path of text"));
    command
        .env("CARGO_MANIFEST_DIR", scratch.path("app"))
        .env("OUT_DIR", &out);
    let said = scratch.run(&mut command);
    let code = out.join("services.rs");
    let code = if code.exists() {
        read(&code)
    } else {
        String::new()
    };
    let work = scratch.work();
    (
        said,
        code.replace(work.to_str().expect("a path of text"), ""),
    )
}

#[test]
fn services_are_found_by_their_files_in_order() {
    let (said, code) = run(Some(&["zoom.rs", "demo.rs", "notes.md", ".#demo.rs"]));
    said.exits(0);
    insta::assert_snapshot!(code, @r#"
    #[path = "/app/src/services/demo.rs"]
    pub mod demo;
    #[path = "/app/src/services/zoom.rs"]
    pub mod zoom;

    /// Adds every service.
    pub fn add(module: quickscale_runtime::services::Services) -> quickscale_runtime::services::Services {
        module
            .service("demo", demo::service())
            .service("zoom", zoom::service())
    }
    "#);
}

#[test]
fn without_services_there_is_nothing_to_add() {
    for files in [None, Some(&[][..])] {
        let (said, code) = run(files);
        said.exits(0);
        assert!(code.ends_with("{\n    module\n}\n"), "{code}");
    }
}

#[test]
fn a_file_that_cannot_be_a_service_stops_the_build_and_says_why() {
    for (file, reason) in [
        ("Text.rs", "src/services/Text.rs is no service"),
        ("my-service.rs", "src/services/my-service.rs is no service"),
        ("2d.rs", "src/services/2d.rs is no service"),
        ("mod.rs", "src/services/mod.rs is not needed"),
        ("match.rs", "src/services/match.rs is no service"),
    ] {
        let (said, code) = run(Some(&["demo.rs", file]));
        let said = said.exits(1);
        assert!(
            said.out.contains(&format!("cargo::error={reason}")),
            "{said}"
        );
        assert_eq!(code, "");
    }
}

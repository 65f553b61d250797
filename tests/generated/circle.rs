//! The full circle with the tool really built again: what went back into a checkout is in the quickscale that is built
//! from it, and comes out of it in other projects.

use std::path::{Path, PathBuf};
use std::process::Command;

use walkdir::{DirEntry, WalkDir};

use crate::project::{sealed, succeed};

const QUICKSCALE: &str = env!("CARGO_BIN_EXE_quickscale");

/// What a copy of the repository does not need.
const NOT_COPIED: [&str; 3] = ["target", ".git", ".quickscale"];

/// Copies the repository, under another name: what it builds must not take the place of what is tested here.
fn checkout(to: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let is_wanted = |entry: &DirEntry| {
        let name = entry.file_name().to_string_lossy();
        !(entry.depth() == 1 && NOT_COPIED.contains(&name.as_ref()))
    };
    for entry in WalkDir::new(root).into_iter().filter_entry(is_wanted) {
        let entry = entry.expect("an entry");
        let to = to.join(entry.path().strip_prefix(root).expect("inside"));
        if entry.file_type().is_dir() {
            std::fs::create_dir(to).expect("a folder");
        } else {
            std::fs::copy(entry.path(), to).expect("copied");
        }
    }
    let manifest = to.join("Cargo.toml");
    let text = std::fs::read_to_string(&manifest).expect("the manifest is there");
    let text = text
        .replacen("name = \"quickscale\"", "name = \"rebuilt\"", 1)
        .replacen(
            "default-run = \"quickscale\"",
            "default-run = \"rebuilt\"",
            1,
        )
        .replacen("[lib]\n", "[lib]\nname = \"quickscale\"\n", 1)
        .replacen(", \"xtask\"]", "]", 1);
    std::fs::write(manifest, text).expect("written");
}

/// Builds a checkout; what it needs was built for this test already.
fn build(checkout: &Path) -> PathBuf {
    let bin = Path::new(QUICKSCALE).parent().expect("a folder");
    let packages = Path::new(env!("OUT_DIR")).join("frontend/node_modules");
    let mut cargo = sealed("cargo", checkout);
    cargo.args(["build", "--offline", "--bin", "rebuilt"]);
    cargo.env("CARGO_TARGET_DIR", bin.parent().expect("a folder"));
    if packages.is_dir() {
        cargo.env("QUICKSCALE_FRONTEND_DIR", packages);
    }
    succeed(&mut cargo);
    bin.join("rebuilt")
}

fn edit(file: &Path, old: &str, new: &str) {
    let text = std::fs::read_to_string(file).expect("the file is there");
    assert!(text.contains(old), "{} has no {old:?}", file.display());
    std::fs::write(file, text.replacen(old, new, 1)).expect("written");
}

#[test]
fn what_went_back_comes_out_of_the_rebuilt_tool() {
    let scratch = tempfile::Builder::new()
        .prefix("quickscale-circle-")
        .tempdir()
        .expect("a scratch folder");
    let path = |name: &str| scratch.path().join(name);
    let read = |name: &str| std::fs::read_to_string(path(name)).expect("the file is there");
    let run = |program: &Path, arguments: &[&str]| {
        let mut command: Command = sealed(program.to_str().expect("text"), scratch.path());
        succeed(command.args(arguments))
    };
    let now = Path::new(QUICKSCALE);
    checkout(&path("checkout"));
    run(now, &["init", "ant-farm", "--no-git"]);
    run(now, &["init", "bee-hive", "--no-git", "--module", "auth"]);
    edit(
        &path("ant-farm/README.md"),
        "## Deploy it\n",
        "## Deploy it\n\nThis is Ant Farm.\n",
    );
    edit(
        &path("ant-farm/templates/home.html"),
        "not for seats",
        "not for chairs",
    );
    edit(
        &path("ant-farm/vendor/quickscale-runtime/src/lib.rs"),
        "//! ",
        "//! Better: ",
    );
    edit(
        &path("bee-hive/README.md"),
        "## Test it\n",
        "## Test it twice\n",
    );
    let edited = read("ant-farm/README.md");
    run(
        now,
        &[
            "sync-back",
            "ant-farm",
            "--apply",
            "--templates",
            "checkout",
        ],
    );

    let rebuilt = build(&path("checkout"));
    run(
        &rebuilt,
        &["update", "--no-steps", "--all", "ant-farm", "bee-hive"],
    );
    // It knows the checkout that it was built from.
    let left = run(&rebuilt, &["sync-back", "ant-farm", "--preview"]);
    assert_eq!(left, "Nothing to carry back.");
    assert_eq!(read("ant-farm/README.md"), edited);
    let readme = read("bee-hive/README.md");
    assert!(
        readme.contains("This is Bee Hive.") && readme.contains("## Test it twice"),
        "{readme}"
    );
    assert!(read("bee-hive/templates/home.html").contains("not for chairs"));
    let runtime = read("bee-hive/vendor/quickscale-runtime/src/lib.rs");
    assert!(runtime.starts_with("//! Better: "), "{runtime}");

    std::fs::remove_dir_all(path("checkout")).expect("removed");
    let mut alone = sealed(rebuilt.to_str().expect("text"), scratch.path());
    let alone = alone.args(["sync-back", "ant-farm", "--preview"]).output();
    let alone = alone.expect("it can be run");
    let said = String::from_utf8_lossy(&alone.stderr);
    assert!(
        !alone.status.success() && said.contains("clone QuickScale's repository"),
        "{said}"
    );
}

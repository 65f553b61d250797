//! Where things stand in this repository, and its `quickscale` binary.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process;

/// The repository's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask/ stands in the repository's root")
}

/// The folder that this repository's builds go to.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// The one folder that all generated projects are built in, so that they share their dependencies.
pub fn generated_target() -> PathBuf {
    target().join("generated")
}

/// cargo, at work in the repository's root.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = cargo_in(root());
    command.args(arguments);
    command
}

/// cargo, at work in `folder`, without what an outer cargo left in the environment for this program.
pub fn cargo_in(folder: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(folder);
    for (name, _) in std::env::vars_os() {
        let of_package = name.to_str().is_some_and(|name| {
            ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
        });
        if of_package {
            command.env_remove(name);
        }
    }
    command
}

/// How the `quickscale` binary is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Debug,
    Release,
}

/// Builds the `quickscale` binary and returns where it stands.
pub fn build_cli(profile: Profile) -> Result<PathBuf> {
    let mut command = cargo(&["build", "--package", "quickscale", "--bin", "quickscale"]);
    let folder = match profile {
        Profile::Debug => "debug",
        Profile::Release => {
            command.arg("--release");
            "release"
        }
    };
    process::run(&mut command)?;
    let binary = target()
        .join(folder)
        .join(format!("quickscale{}", std::env::consts::EXE_SUFFIX));
    binary
        .canonicalize()
        .with_context(|| format!("cargo left no {}", binary.display()))
}

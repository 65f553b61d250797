//! What the browser's journeys need beside a browser: what finds faults in pages, and the files that the pages fetch.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::process::run_quietly;
use crate::repo;

/// axe's script, as its lock file has it.
pub fn axe() -> Result<PathBuf> {
    let source = repo::root().join("tests/axe");
    let target = repo::target().join("tmp/axe");
    fs_err::create_dir_all(&target)?;
    for name in ["package.json", "package-lock.json"] {
        fs_err::copy(source.join(name), target.join(name))?;
    }
    let install = [
        "ci",
        "--silent",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
    ];
    run_quietly(Command::new("npm").args(install).current_dir(&target))?;
    let script = target.join("node_modules/axe-core/axe.min.js");
    script.canonicalize().context("axe-core holds no script")
}

/// A folder with a project called `site`, whose assets are whole. Made by the binary of the journeys before, which another
/// build would make anew.
pub fn theme_assets() -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let binary = format!("debug/quickscale{}", std::env::consts::EXE_SUFFIX);
    let mut init = Command::new(repo::target().join(binary));
    init.args(["init", "site", "--no-git", "--yes"]);
    init.args(["--module", "auth,admin,social,passkeys,pictures"]);
    run_quietly(init.current_dir(folder.path()))?;
    Ok(folder)
}

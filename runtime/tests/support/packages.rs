//! Folders of the tests' with packages from npm, as their lock files have them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A copy of `tests/{folder}` with its packages, which are fetched once.
pub fn installed(folder: &str) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(folder);
    let name = source.file_name().expect("a folder has a name");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&target).expect("the folder can be made");
    let lock = std::fs::read(source.join("package-lock.json")).expect("there is a lock file");
    let is_there = std::fs::read(target.join("installed.json")).ok() == Some(lock.clone());
    for file in std::fs::read_dir(&source).expect("the folder can be read") {
        let file = file.expect("the folder can be read");
        std::fs::copy(file.path(), target.join(file.file_name())).expect("a file can be copied");
    }
    if !is_there {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]);
        let done = npm.current_dir(&target).output();
        let done = done.expect("npm is there: `cargo xtask test --install`");
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        std::fs::write(target.join("installed.json"), lock).expect("a file can be written");
    }
    target
}

//! What a new project needs of git.

use std::io;
use std::path::Path;
use std::process::{Command, Output};

/// What became of a new project's repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repository {
    /// It has one of its own.
    Made,
    /// It stands in one.
    Around,
    /// There is no git on this machine.
    NoGit,
    /// git did not want to; what it said.
    Refused(String),
}

/// Makes a repository in `folder`, without a commit, unless `around`, where the project will stand, is in one.
pub fn init(folder: &Path, around: &Path) -> Repository {
    match git(around, &["rev-parse", "--is-inside-work-tree"]) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Repository::NoGit,
        Err(error) => return Repository::Refused(error.to_string()),
        Ok(output) if output.stdout.starts_with(b"true") => return Repository::Around,
        Ok(_) => {}
    }
    match git(folder, &["init", "--quiet"]) {
        Ok(output) if output.status.success() => Repository::Made,
        Ok(output) => {
            Repository::Refused(String::from_utf8_lossy(&output.stderr).trim().to_owned())
        }
        Err(error) => Repository::Refused(error.to_string()),
    }
}

/// Runs git in `folder` and for it: a hook's variables would name another repository.
fn git(folder: &Path, args: &[&str]) -> io::Result<Output> {
    let mut command = Command::new("git");
    for variable in [
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
    ] {
        command.env_remove(variable);
    }
    command.args(args).current_dir(folder).output()
}

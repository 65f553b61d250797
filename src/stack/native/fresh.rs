//! Whether a running app is what the project is now.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::stack::python;
use crate::stack::record::{Fingerprint, Native};
use crate::stack::settings::ENV_FILE;

/// What changed in `root` since the app was started, in words; none when it is up to date. Costs no build: it looks at
/// the binary and at the sources that cargo noted beside it,
/// and at the Python programs.
pub fn outdated(root: &Path, native: &Native) -> Option<String> {
    if Fingerprint::of(&native.program).is_ok_and(|now| now != native.binary) {
        return Some("it was built again since".to_owned());
    }
    let env = root.join(ENV_FILE);
    if is_newer(&env, native.started_at) {
        return Some(format!("{ENV_FILE} changed since"));
    }
    let programs = python::programs(root).unwrap_or_default();
    let programs = programs.iter().flat_map(python::Program::sources);
    let source = sources(&native.program)
        .into_iter()
        .chain(programs)
        .find(|source| is_newer(source, native.built_at))?;
    let shown = source.strip_prefix(root).unwrap_or(&source);
    Some(format!("{} changed since", shown.display()))
}

fn is_newer(path: &Path, moment: Timestamp) -> bool {
    let modified = fs_err::metadata(path).and_then(|metadata| metadata.modified());
    modified
        .is_ok_and(|modified| Timestamp::try_from(modified).is_ok_and(|modified| modified > moment))
}

/// What the binary is made of: cargo writes `PROGRAM.d` beside it, a line `PROGRAM: SOURCE SOURCE …` with spaces in
/// names as `\ `.
fn sources(program: &Path) -> Vec<PathBuf> {
    let Ok(text) = fs_err::read_to_string(program.with_extension("d")) else {
        return Vec::new();
    };
    let Some((_, names)) = text.lines().next().and_then(|line| line.split_once(": ")) else {
        return Vec::new();
    };
    let escaped = names.replace("\\ ", "\0");
    escaped
        .split_ascii_whitespace()
        .map(|name| PathBuf::from(name.replace('\0', " ")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_sources_that_cargo_noted() {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("my-saas");
        fs_err::write(
            program.with_extension("d"),
            "/t/my-saas: /p/a\\ b/main.rs /p/lib.rs\n",
        )
        .expect("written");
        assert_eq!(
            sources(&program),
            [PathBuf::from("/p/a b/main.rs"), PathBuf::from("/p/lib.rs")]
        );
    }
}

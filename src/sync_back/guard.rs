//! What never goes back, by its path: what belongs to one project or one machine.

use crate::merge::{MarkerLabels, has_open_conflict};
use crate::project::names::RelPath;
use crate::project::{CONFIG_FILE, STATE_DIR};

/// Folders of a project whose contents are made, not written.
const MADE: [(&str, &str); 4] = [
    (STATE_DIR, "what quickscale knows of this project"),
    ("target", "it is built"),
    ("node_modules", "it is installed"),
    ("var", "the application's data"),
];

/// Ends of names of files that hold data.
const DATA: [&str; 8] = [
    ".db", ".db-shm", ".db-wal", ".sqlite", ".sqlite3", ".dump", ".log", ".pid",
];

/// Why the file at `path` never goes back; none when it may.
pub fn never(path: &RelPath) -> Option<&'static str> {
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    let is_inside = |folder: &str| path.folders().any(|around| around.as_str() == folder);
    if let Some((_, why)) = MADE.iter().find(|(folder, _)| is_inside(folder)) {
        return Some(why);
    }
    if path.as_str() == CONFIG_FILE {
        return Some("what this project should be");
    }
    if name.starts_with(".env") {
        return Some("settings and secrets");
    }
    if name.ends_with(".lock") || name == "package-lock.json" {
        return Some("a lock: dependencies are pinned in QuickScale's repository");
    }
    let is_data = DATA.iter().any(|end| name.ends_with(end));
    is_data.then_some("data or a log")
}

/// Why a file that no template made never goes back; none when it may.
pub fn never_as_new(path: &RelPath) -> Option<&'static str> {
    let is_migration = path.as_str().starts_with("migrations/");
    let migration = is_migration.then_some("a migration of this project's own tables");
    never(path).or(migration)
}

/// Whether a file holds conflict markers that its template does not.
pub fn has_markers(edited: &[u8], rendered: &[u8]) -> bool {
    let of_git = |text: &[u8]| {
        let lines = || text.split(|byte| *byte == b'\n');
        let starts = |mark: &str| lines().any(|line| line.starts_with(mark.as_bytes()));
        starts("<<<<<<< ") && starts(">>>>>>> ")
    };
    has_open_conflict(edited, MarkerLabels::default()) || of_git(edited) && !of_git(rendered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_a_project_or_a_machine_stays_there() {
        for path in [
            ".env",
            ".env.production",
            ".env.example",
            "quickscale.yml",
            ".quickscale/state.yml",
            "Cargo.lock",
            "target/debug/app",
            "var/app.db",
            "dev.sqlite3",
            "logs/app.log",
            "node_modules/x/index.js",
        ] {
            assert!(never(&path.parse().expect("a path")).is_some(), "{path}");
        }
        for path in [
            "README.md",
            "src/lib.rs",
            "static/css/app.css",
            "src/target.rs",
        ] {
            assert_eq!(never(&path.parse().expect("a path")), None, "{path}");
        }
    }

    #[test]
    fn a_new_migration_is_the_projects_and_one_of_the_runtime_is_not() {
        let never = |path: &str| never_as_new(&path.parse().expect("a path"));
        assert!(never("migrations/0001_notes.sql").is_some());
        let of_runtime = "vendor/quickscale-runtime/src/auth/migrations/9.sql";
        assert_eq!(never(of_runtime), None);
    }

    #[test]
    fn markers_count_when_the_template_has_none() {
        let marked = b"<<<<<<< HEAD\na\n=======\nb\n>>>>>>> main\n";
        assert!(has_markers(marked, b"a\n"));
        assert!(!has_markers(marked, marked));
        assert!(!has_markers(b"a\n=======\nb\n", b""));
    }
}

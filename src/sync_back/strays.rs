//! The files of a project that git would keep: only these can go back, and those that no template made are offered.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use ignore::{DirEntry, WalkBuilder};

use crate::project::names::RelPath;

/// Folders that are not looked into, whatever git says.
const NOT_SEARCHED: [&str; 5] = [".git", ".quickscale", "node_modules", "target", "var"];

/// The paths of the project at `root` that git does not ignore.
///
/// # Errors
/// When a folder cannot be read.
pub fn unignored(root: &Path) -> Result<BTreeSet<RelPath>> {
    let is_searched = |entry: &DirEntry| {
        let name = entry.file_name().to_string_lossy();
        !(entry.depth() == 1 && NOT_SEARCHED.contains(&name.as_ref()))
    };
    let mut walk = WalkBuilder::new(root);
    // A project need be no repository for its .gitignore to count; a .ignore file is none of git's.
    walk.hidden(false).require_git(false).ignore(false);
    walk.filter_entry(is_searched);
    let mut paths = BTreeSet::new();
    for entry in walk.build() {
        let entry = entry?;
        let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
        paths.extend(RelPath::of(root, entry.path()).filter(|_| is_file));
    }
    Ok(paths)
}

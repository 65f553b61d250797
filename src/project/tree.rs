//! [`Tree`]: what stands on disk at the paths that a plan is about. Read once; nothing is followed out of the project.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io;
use std::path::Path;

use anyhow::{Context, Result};

use super::names::RelPath;
use super::owner::Mode;

/// The entries at some paths of a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    entries: BTreeMap<RelPath, Entry>,
}

/// What stands at one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Nothing.
    Missing,
    /// A regular file.
    File(FileOnDisk),
    /// A symbolic link, wherever it leads.
    Link,
    /// A folder, or something else that is no file (a socket, a device).
    Folder,
    /// One of its folders is a file or a symbolic link.
    Blocked,
}

/// A regular file with its contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileOnDisk {
    pub bytes: Vec<u8>,
    pub mode: Mode,
}

impl Tree {
    /// Reads what stands at `paths` below `root`.
    ///
    /// # Errors
    /// When a file is there and cannot be read.
    pub fn read<'a>(root: &Path, paths: impl IntoIterator<Item = &'a RelPath>) -> Result<Self> {
        let mut entries = BTreeMap::new();
        for path in paths {
            if !entries.contains_key(path) {
                let entry =
                    read_entry(root, path).with_context(|| format!("cannot read {path}"))?;
                entries.insert(path.clone(), entry);
            }
        }
        Ok(Self { entries })
    }

    /// The regular files among the entries.
    pub fn files(&self) -> impl Iterator<Item = (&RelPath, &FileOnDisk)> {
        self.entries.iter().filter_map(|(path, entry)| match entry {
            Entry::File(file) => Some((path, file)),
            Entry::Missing | Entry::Link | Entry::Folder | Entry::Blocked => None,
        })
    }

    /// What stands at `path`; a path that was not asked for is missing.
    pub fn entry(&self, path: &RelPath) -> &Entry {
        self.entries.get(path).unwrap_or(&Entry::Missing)
    }
}

impl FromIterator<(RelPath, Entry)> for Tree {
    fn from_iter<I: IntoIterator<Item = (RelPath, Entry)>>(entries: I) -> Self {
        Self {
            entries: entries.into_iter().collect(),
        }
    }
}

fn read_entry(root: &Path, path: &RelPath) -> Result<Entry> {
    for (end, _) in path.as_str().match_indices('/') {
        let folder: RelPath = path.as_str()[..end].parse()?;
        match metadata(&folder.under(root))? {
            None => return Ok(Entry::Missing),
            Some(found) if found.is_dir() => {}
            Some(_) => return Ok(Entry::Blocked),
        }
    }
    let file = path.under(root);
    Ok(match metadata(&file)? {
        None => Entry::Missing,
        Some(found) if found.is_symlink() => Entry::Link,
        Some(found) if found.is_file() => Entry::File(FileOnDisk {
            bytes: fs_err::read(&file)?,
            mode: mode_of(&found),
        }),
        Some(_) => Entry::Folder,
    })
}

/// What stands there itself, not what a link leads to.
fn metadata(path: &Path) -> io::Result<Option<Metadata>> {
    match fs_err::symlink_metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn mode_of(found: &Metadata) -> Mode {
    use std::os::unix::fs::PermissionsExt as _;
    match found.permissions().mode() {
        bits if bits & 0o100 != 0 => Mode::Executable,
        bits if bits & 0o077 == 0 => Mode::Private,
        _ => Mode::Plain,
    }
}

/// Systems without permission bits keep every file plain.
#[cfg(not(unix))]
fn mode_of(_: &Metadata) -> Mode {
    Mode::Plain
}

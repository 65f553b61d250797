//! [`Tree`]: what stands on disk at the paths that a plan is about. Read once; nothing is followed out of the project.

mod spelling;

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io;
use std::path::Path;

use anyhow::{Context, Result};

use super::names::RelPath;
use super::owner::Mode;
use spelling::Spelling;

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
    /// A folder that holds these files and empty folders, at any depth; itself, if it is empty or holds what no path of
    /// ours can name.
    Folder(Vec<RelPath>),
    /// Something that is neither file nor folder: a socket, a device.
    Special,
    /// This one of its folders is a file or a symbolic link.
    Blocked(RelPath),
    /// Nothing of this very name, but the file system takes this path, in other letters, for the same.
    Alias(RelPath),
}

/// A regular file with its contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileOnDisk {
    pub bytes: Vec<u8>,
    /// As [`Mode::on_disk`] tells it.
    pub mode: Mode,
}

/// How many files of a folder are looked at before it counts as holding too much to be replaced.
const FOLDER_LIMIT: usize = 1000;

impl Entry {
    /// Whether nothing stands there once the paths that `gone` names are removed.
    pub fn is_free_without(&self, gone: impl Fn(&RelPath) -> bool) -> bool {
        match self {
            Self::Missing => true,
            Self::Folder(inside) => inside.iter().all(gone),
            Self::Blocked(path) | Self::Alias(path) => gone(path),
            Self::File(_) | Self::Link | Self::Special => false,
        }
    }
}

impl Tree {
    /// Reads what stands at `paths` below `root`.
    ///
    /// # Errors
    /// When a file is there and cannot be read.
    pub fn read<'a>(root: &Path, paths: impl IntoIterator<Item = &'a RelPath>) -> Result<Self> {
        let spelling = Spelling::of(root);
        let mut entries = BTreeMap::new();
        for path in paths {
            if !entries.contains_key(path) {
                let entry = read_entry(root, path, spelling.as_ref())
                    .with_context(|| format!("cannot read {path}"))?;
                entries.insert(path.clone(), entry);
            }
        }
        Ok(Self { entries })
    }

    /// The regular files among the entries.
    pub fn files(&self) -> impl Iterator<Item = (&RelPath, &FileOnDisk)> {
        self.entries.iter().filter_map(|(path, entry)| match entry {
            Entry::File(file) => Some((path, file)),
            Entry::Missing | Entry::Link | Entry::Folder(_) | Entry::Special => None,
            Entry::Blocked(_) | Entry::Alias(_) => None,
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

fn read_entry(root: &Path, path: &RelPath, spelling: Option<&Spelling<'_>>) -> Result<Entry> {
    for folder in path.folders() {
        match metadata(&folder.under(root))? {
            None => return Ok(Entry::Missing),
            Some(found) if found.is_dir() => {}
            Some(_) => return Ok(Entry::Blocked(folder)),
        }
    }
    let file = path.under(root);
    let Some(found) = metadata(&file)? else {
        return Ok(Entry::Missing);
    };
    if let Some(other) = spelling.and_then(|spelling| spelling.of_alias(path)) {
        return Ok(Entry::Alias(other));
    }
    Ok(if found.is_symlink() {
        Entry::Link
    } else if found.is_file() {
        Entry::File(FileOnDisk {
            bytes: fs_err::read(&file)?,
            mode: mode_of(&found),
        })
    } else if found.is_dir() {
        Entry::Folder(inside(root, path))
    } else {
        Entry::Special
    })
}

/// What a folder holds, as [`Entry::Folder`] tells it.
fn inside(root: &Path, folder: &RelPath) -> Vec<RelPath> {
    let mut leaves = Vec::new();
    for entry in walkdir::WalkDir::new(folder.under(root)) {
        let path = entry.ok().and_then(|entry| {
            let is_empty =
                || fs_err::read_dir(entry.path()).is_ok_and(|mut all| all.next().is_none());
            let is_leaf = !entry.file_type().is_dir() || is_empty();
            Some((is_leaf, RelPath::of(root, entry.path())?))
        });
        match path {
            Some((true, path)) if leaves.len() < FOLDER_LIMIT => leaves.push(path),
            Some((false, _)) => {}
            Some((true, _)) | None => return vec![folder.clone()],
        }
    }
    leaves
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
    match found.permissions().mode() & 0o100 {
        0 => Mode::Plain,
        _ => Mode::Executable,
    }
}

/// Systems without permission bits keep every file plain.
#[cfg(not(unix))]
fn mode_of(_: &Metadata) -> Mode {
    Mode::Plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelPath {
        text.parse().expect("a path")
    }

    #[test]
    fn a_folder_is_free_once_all_that_it_holds_is_gone() {
        let root = tempfile::tempdir().expect("a folder");
        for file in ["docs/a.md", "docs/deep/b.md"] {
            let file = root.path().join(file);
            fs_err::create_dir_all(file.parent().expect("a folder")).expect("made");
            fs_err::write(file, "x").expect("written");
        }
        let docs = path("docs");
        let read = || {
            Tree::read(root.path(), [&docs])
                .expect("read")
                .entry(&docs)
                .clone()
        };
        let gone = [path("docs/a.md"), path("docs/deep/b.md")];
        assert!(read().is_free_without(|path| gone.contains(path)));
        assert!(!read().is_free_without(|path| *path == gone[0]));
        fs_err::create_dir(root.path().join("docs/empty")).expect("made");
        assert!(!read().is_free_without(|path| gone.contains(path)));
        fs_err::remove_dir_all(root.path().join("docs")).expect("removed");
        fs_err::create_dir(root.path().join("docs")).expect("made");
        assert!(!read().is_free_without(|path| gone.contains(path)));
    }

    #[test]
    fn a_path_below_a_file_names_the_file() {
        let root = tempfile::tempdir().expect("a folder");
        fs_err::write(root.path().join("docs"), "x").expect("written");
        let below = path("docs/deep/a.md");
        let tree = Tree::read(root.path(), [&below]).expect("read");
        assert_eq!(*tree.entry(&below), Entry::Blocked(path("docs")));
    }
}

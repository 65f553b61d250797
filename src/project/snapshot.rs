//! [`Snapshot`]: what was applied to a project and what stands there now, as a plan needs it. Reads only.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::Project;
use super::names::RelPath;
use super::owner::Policy;
use super::state::{BASE_DIR, FileState, State};
use super::tree::{Entry, Tree};
use crate::digest::Digest;
use crate::render::Desired;

/// A project as it is.
#[derive(Debug)]
pub struct Snapshot {
    /// None when nothing was ever applied.
    pub state: Option<State>,
    /// Pristine contents that a merge may need, whole ones only.
    pub pristine: BTreeMap<Digest, Vec<u8>>,
    pub tree: Tree,
    /// The project's own files, read only when a managed one is gone: one of them may be it.
    pub strays: Tree,
}

/// Folders in which no file of a template is looked for.
const NOT_SEARCHED: [&str; 6] = [
    ".git",
    ".quickscale",
    "node_modules",
    "target",
    "var",
    "vendor",
];

/// Files beyond this size are no renamed templates: 1 MiB.
const STRAY_SIZE: u64 = 1024 * 1024;

impl Snapshot {
    /// Reads the state and every path that is known or wanted.
    ///
    /// # Errors
    /// When the state cannot be read or a newer quickscale wrote it, or a file cannot be read.
    pub fn read(project: &Project, desired: &Desired) -> Result<Self> {
        let state = State::load(project)?;
        let known = state.iter().flat_map(|state| state.files.keys());
        let former = desired.files.values().flat_map(|file| &file.moved_from);
        let paths: BTreeSet<&RelPath> = known.chain(desired.files.keys()).chain(former).collect();
        let tree = Tree::read(project.root(), paths)?;
        let strays = strays(project, state.as_ref(), desired, &tree)?;
        let pristine = state
            .as_ref()
            .map(|state| pristine(project, state, desired, &tree));
        Ok(Self {
            state,
            pristine: pristine.unwrap_or_default(),
            tree,
            strays,
        })
    }
}

/// The pristine contents of the files that both sides changed. One that is missing or damaged is left out: what it was
/// the base of becomes a conflict.
fn pristine(
    project: &Project,
    state: &State,
    desired: &Desired,
    tree: &Tree,
) -> BTreeMap<Digest, Vec<u8>> {
    let folder = project.state_dir().join(BASE_DIR);
    let needed = state.files.iter().filter_map(|(path, known)| {
        let digest = known.digest?;
        let edited = match tree.entry(path) {
            Entry::File(file) => Digest::of(&file.bytes) != digest,
            Entry::Missing => true,
            Entry::Link | Entry::Folder | Entry::Blocked => false,
        };
        let wanted = desired.files.get(path).or_else(|| {
            desired
                .files
                .values()
                .find(|file| file.moved_from.contains(path))
        });
        let changed = wanted.is_some_and(|file| file.digest != Some(digest));
        (edited && changed).then_some(digest)
    });
    needed
        .filter_map(|digest| {
            let bytes = fs_err::read(folder.join(digest.to_string())).ok()?;
            (Digest::of(&bytes) == digest).then_some((digest, bytes))
        })
        .collect()
}

/// The files that the state does not know, if a managed file is gone that they could be.
fn strays(
    project: &Project,
    state: Option<&State>,
    desired: &Desired,
    tree: &Tree,
) -> Result<Tree> {
    let Some(state) = state else {
        return Ok(Tree::default());
    };
    let is_gone =
        |path: &RelPath| desired.files.contains_key(path) && *tree.entry(path) == Entry::Missing;
    let managed = |known: &FileState| known.policy == Policy::Managed;
    if !state
        .files
        .iter()
        .any(|(path, known)| managed(known) && is_gone(path))
    {
        return Ok(Tree::default());
    }
    let searched = |entry: &walkdir::DirEntry| {
        let name = entry.file_name().to_string_lossy();
        !(entry.depth() == 1 && NOT_SEARCHED.contains(&name.as_ref()))
    };
    let mut unknown = Vec::new();
    for entry in walkdir::WalkDir::new(project.root())
        .into_iter()
        .filter_entry(searched)
    {
        let Ok(entry) = entry else { continue };
        let small = entry
            .metadata()
            .is_ok_and(|found| found.len() <= STRAY_SIZE);
        if !entry.file_type().is_file() || !small {
            continue;
        }
        let Ok(path) = entry.path().strip_prefix(project.root()) else {
            continue;
        };
        let text = path
            .to_string_lossy()
            .replace(std::path::MAIN_SEPARATOR, "/");
        if let Ok(path) = text.parse::<RelPath>()
            && !state.files.contains_key(&path)
        {
            unknown.push(path);
        }
    }
    Tree::read(project.root(), &unknown)
}

//! [`Snapshot`]: what was applied to a project and what stands there now, as a plan needs it. Reads only.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::Project;
use super::names::RelPath;
use super::owner::Policy;
use super::state::{BASE_DIR, FileState, State};
use super::tree::{Entry, Tree};
use crate::digest::Digest;
use crate::render::{Desired, DesiredFile};

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
    /// Reads every path that is known or wanted.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn read(project: &Project, state: Option<State>, desired: &Desired) -> Result<Self> {
        let known = state.iter().flat_map(|state| state.files.keys());
        let former = desired.files.values().flat_map(|file| &file.moved_from);
        let paths: BTreeSet<&RelPath> = known.chain(desired.files.keys()).chain(former).collect();
        let tree = Tree::read(project.root(), paths)?;
        let Some(state) = state else {
            return Ok(Self {
                state: None,
                pristine: BTreeMap::new(),
                tree,
                strays: Tree::default(),
            });
        };
        Ok(Self {
            pristine: pristine(project, &state, desired, &tree),
            strays: strays(project, &state, desired, &tree)?,
            state: Some(state),
            tree,
        })
    }
}

/// What the templates want of a file that is known at `path`, wherever they want it now.
fn wanted<'a>(desired: &'a Desired, path: &RelPath, known: &FileState) -> Option<&'a DesiredFile> {
    let place = known.renamed_from.as_ref().unwrap_or(path);
    desired.files.get(place).or_else(|| {
        let mut files = desired.files.values();
        files.find(|file| file.moved_from.contains(place))
    })
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
            // It may have been renamed, and edited since.
            Entry::Missing | Entry::Alias(_) => true,
            Entry::Link | Entry::Folder(_) | Entry::Special | Entry::Blocked(_) => false,
        };
        let changed =
            || wanted(desired, path, known).is_some_and(|file| file.digest != Some(digest));
        (edited && changed()).then_some(digest)
    });
    needed
        .filter_map(|digest| {
            let bytes = fs_err::read(folder.join(digest.to_string())).ok()?;
            (Digest::of(&bytes) == digest).then_some((digest, bytes))
        })
        .collect()
}

/// The files that the state does not know, if a managed file is gone that they could be.
fn strays(project: &Project, state: &State, desired: &Desired, tree: &Tree) -> Result<Tree> {
    let is_lost = |(path, known): (&RelPath, &FileState)| {
        let lost = match tree.entry(path) {
            Entry::Alias(_) => true,
            entry => *entry == Entry::Missing && wanted(desired, path, known).is_some(),
        };
        known.policy == Policy::Managed && lost
    };
    if !state.files.iter().any(is_lost) {
        return Ok(Tree::default());
    }
    let searched = |entry: &walkdir::DirEntry| {
        let name = entry.file_name().to_string_lossy();
        // The environments of Python programs hold thousands of files, none of them a template's.
        name != ".venv" && !(entry.depth() == 1 && NOT_SEARCHED.contains(&name.as_ref()))
    };
    let files = walkdir::WalkDir::new(project.root())
        .into_iter()
        .filter_entry(searched)
        .flatten()
        .filter(|entry| entry.file_type().is_file())
        .filter(|entry| {
            entry
                .metadata()
                .is_ok_and(|found| found.len() <= STRAY_SIZE)
        });
    let paths = files.filter_map(|entry| RelPath::of(project.root(), entry.path()));
    let unknown: Vec<_> = paths
        .filter(|path| !state.files.contains_key(path))
        .collect();
    Tree::read(project.root(), &unknown)
}

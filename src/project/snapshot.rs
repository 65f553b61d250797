//! [`Snapshot`]: what was applied to a project and what stands there now, as a plan needs it. Reads only.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::Project;
use super::names::RelPath;
use super::state::{BASE_DIR, State};
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
}

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
        let pristine = state
            .as_ref()
            .map(|state| pristine(project, state, desired, &tree));
        Ok(Self {
            state,
            pristine: pristine.unwrap_or_default(),
            tree,
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
            Entry::Missing | Entry::Link | Entry::Folder | Entry::Blocked => false,
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

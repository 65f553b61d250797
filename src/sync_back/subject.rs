//! [`Subject`]: the project that is looked at, as the rest of sync-back needs it. Reads only.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::Wish;
use super::checkout::Checkout;
use super::guard::never_as_new;
use super::secrets::Secrets;
use super::strays::unignored;
use super::values::Values;
use crate::catalogue::Catalogue;
use crate::digest::Digest;
use crate::error::Fault;
use crate::project::Project;
use crate::project::config::{AppliedConfig, Config, text};
use crate::project::names::RelPath;
use crate::project::owner::Policy;
use crate::project::state::{BASE_DIR, FileState, State};
use crate::project::tree::{Entry, FileOnDisk, Tree};

/// Files beyond this size are no renamed templates: 1 MiB.
const STRAY_SIZE: u64 = 1024 * 1024;

/// More files than this are not compared with those that are gone.
const MOST_STRAYS: usize = 1000;

/// The one file of its kind that everybody may read.
const EXAMPLE: &str = ".env.example";

/// A project with edits.
#[derive(Debug)]
pub struct Subject {
    root: PathBuf,
    pub config: Config,
    pub state: State,
    /// What stands where something was applied.
    pub tree: Tree,
    /// What was applied where something else stands now, as far as it is kept and whole.
    pub pristine: BTreeMap<Digest, Vec<u8>>,
    /// The files that git does not ignore.
    pub kept: BTreeSet<RelPath>,
    /// Those of them that no template made and that could become templates.
    pub strays: BTreeSet<RelPath>,
    /// Those of the strays that are asked for or can be a file that is gone.
    fresh: Tree,
    pub secrets: Secrets,
    pub values: Values,
}

impl Subject {
    /// Reads `project`, whose edits go to `checkout`.
    ///
    /// # Errors
    /// When nothing was ever applied to it, its templates or its configuration are not those that were applied, or it
    /// cannot be read.
    pub fn read(project: &Project, checkout: &Checkout, wish: &Wish) -> Result<Self> {
        let state = State::load(project)?.ok_or_else(|| {
            Fault::new("nothing was ever applied to this project, so no template is known to be its files'")
                .hint("run `quickscale apply` in it")
        })?;
        if !wish.rebase {
            made_from_known_templates(&state, checkout)?;
        }
        let config = Config::from_text(&text(project)?, &checkout.catalogue, None)?;
        if !wish.rebase && AppliedConfig::of(&config, &checkout.catalogue) != state.config {
            let message = "quickscale.yml says something else than what was applied";
            let hint = "run `quickscale apply` in the project first";
            return Err(Fault::new(message).hint(hint).into());
        }
        let tree = Tree::read(project.root(), state.files.keys())?;
        let kept = unignored(project.root())?;
        let is_stray =
            |path: &&RelPath| !state.files.contains_key(path) && never_as_new(path).is_none();
        let strays = kept.iter().filter(is_stray).cloned().collect();
        Ok(Self {
            root: project.root().to_path_buf(),
            fresh: fresh(project.root(), wish, &strays, &gone(&state, &tree))?,
            kept,
            strays,
            values: Values::of(&config, &checkout.catalogue),
            secrets: secrets(project, &state)?,
            pristine: pristine(project, &state, &tree),
            config,
            state,
            tree,
        })
    }

    /// A file that no template made, if it was asked for or something is gone.
    pub fn fresh_file(&self, path: &RelPath) -> Option<&FileOnDisk> {
        match self.fresh.entry(path) {
            Entry::File(file) => Some(file),
            Entry::Missing | Entry::Link | Entry::Folder(_) | Entry::Special => None,
            Entry::Blocked(_) | Entry::Alias(_) => None,
        }
    }

    /// Reads the files that no template made and that `wish` names by now.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn read_named(&mut self, wish: &Wish) -> Result<()> {
        let gone = gone(&self.state, &self.tree);
        self.fresh = fresh(&self.root, wish, &self.strays, &gone)?;
        Ok(())
    }

    /// The files that one that is gone can have become.
    pub fn fresh(&self) -> &Tree {
        &self.fresh
    }

    /// What was applied at a path, as far as it is kept.
    pub fn base(&self, known: &FileState) -> Option<&[u8]> {
        self.pristine.get(&known.digest?).map(Vec::as_slice)
    }
}

/// The files that are gone and that a template made and keeps.
fn gone<'a>(state: &'a State, tree: &Tree) -> Vec<&'a RelPath> {
    let managed = state
        .files
        .iter()
        .filter(|(_, known)| known.policy == Policy::Managed);
    let paths = managed.map(|(path, _)| path);
    paths
        .filter(|path| *tree.entry(path) == Entry::Missing)
        .collect()
}

/// The contents of the files that were named, and of those that a file that is gone can have become.
fn fresh(root: &Path, wish: &Wish, strays: &BTreeSet<RelPath>, gone: &[&RelPath]) -> Result<Tree> {
    let kind = |path: &RelPath| path.as_str().rsplit('.').next().map(str::to_owned);
    let kinds: BTreeSet<_> = gone.iter().map(|path| kind(path)).collect();
    let can_be = |path: &&RelPath| {
        let found = fs_err::metadata(path.under(root));
        kinds.contains(&kind(path)) && found.is_ok_and(|found| found.len() <= STRAY_SIZE)
    };
    let others = strays.iter().filter(can_be).take(MOST_STRAYS);
    let named = wish.named().filter(|path| strays.contains(path));
    Tree::read(root, others.chain(named))
}

/// The templates that a project was made from are those of this quickscale or those that its edits go to.
fn made_from_known_templates(state: &State, checkout: &Checkout) -> Result<()> {
    let known = [Catalogue::pack_digest(), checkout.catalogue.digest];
    if known.contains(&state.templates) {
        return Ok(());
    }
    Err(Fault::new("this project was made from other templates than those of this quickscale")
        .hint("run `quickscale update` in it first, or pass --rebase to merge its edits into newer templates")
        .into())
}

fn kept(project: &Project, digest: Digest) -> Option<Vec<u8>> {
    let file = project.state_dir().join(BASE_DIR).join(digest.to_string());
    let bytes = fs_err::read(file).ok()?;
    (Digest::of(&bytes) == digest).then_some(bytes)
}

fn pristine(project: &Project, state: &State, tree: &Tree) -> BTreeMap<Digest, Vec<u8>> {
    let edited = state.files.iter().filter_map(|(path, known)| {
        let digest = known.digest.filter(|_| known.policy == Policy::Managed)?;
        match tree.entry(path) {
            Entry::File(file) if Digest::of(&file.bytes) == digest => None,
            Entry::File(_) | Entry::Missing => Some(digest),
            Entry::Link | Entry::Folder(_) | Entry::Special => None,
            Entry::Blocked(_) | Entry::Alias(_) => None,
        }
    });
    edited
        .filter_map(|digest| Some((digest, kept(project, digest)?)))
        .collect()
}

/// The values of the project's `.env` files.
fn secrets(project: &Project, state: &State) -> Result<Secrets> {
    let mut texts = Vec::new();
    for entry in fs_err::read_dir(project.root())? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(".env") && name != EXAMPLE && entry.file_type()?.is_file() {
            texts.push(fs_err::read(entry.path())?);
        }
    }
    let path: RelPath = EXAMPLE.parse()?;
    let example = state.files.get(&path).and_then(|known| known.digest);
    let example = example.and_then(|digest| kept(project, digest));
    let texts = texts.iter().map(Vec::as_slice);
    Ok(Secrets::of(texts, &example.unwrap_or_default()))
}

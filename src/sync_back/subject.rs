//! [`Subject`]: the project that is looked at, as the rest of sync-back needs it. Reads only.

use std::collections::BTreeMap;

use anyhow::Result;

use super::checkout::Checkout;
use super::secrets::Secrets;
use super::values::Values;
use crate::catalogue::Catalogue;
use crate::digest::Digest;
use crate::error::Fault;
use crate::project::Project;
use crate::project::config::{AppliedConfig, Config, text};
use crate::project::names::RelPath;
use crate::project::owner::Policy;
use crate::project::state::{BASE_DIR, FileState, State};
use crate::project::tree::{Entry, Tree};

/// The one file of its kind that everybody may read.
const EXAMPLE: &str = ".env.example";

/// A project with edits.
#[derive(Debug)]
pub struct Subject {
    pub config: Config,
    pub state: State,
    /// What stands where something was applied.
    pub tree: Tree,
    /// What was applied where something else stands now, as far as it is kept and whole.
    pub pristine: BTreeMap<Digest, Vec<u8>>,
    pub secrets: Secrets,
    pub values: Values,
}

impl Subject {
    /// Reads `project`, whose edits go to `checkout`. With `rebase` it may have been made from other templates than those
    /// of this quickscale.
    ///
    /// # Errors
    /// When nothing was ever applied to it, its templates or its configuration are not those that were applied, or it
    /// cannot be read.
    pub fn read(project: &Project, checkout: &Checkout, rebase: bool) -> Result<Self> {
        let state = State::load(project)?.ok_or_else(|| {
            Fault::new("nothing was ever applied to this project, so no template is known to be its files'")
                .hint("run `quickscale apply` in it")
        })?;
        if !rebase {
            made_from_known_templates(&state, checkout)?;
        }
        let config = Config::from_text(&text(project)?, &checkout.catalogue, None)?;
        if !rebase && AppliedConfig::of(&config, &checkout.catalogue) != state.config {
            let message = "quickscale.yml says something else than what was applied";
            let hint = "run `quickscale apply` in the project first";
            return Err(Fault::new(message).hint(hint).into());
        }
        let tree = Tree::read(project.root(), state.files.keys())?;
        Ok(Self {
            values: Values::of(&config, &checkout.catalogue),
            secrets: secrets(project, &state)?,
            pristine: pristine(project, &state, &tree),
            config,
            state,
            tree,
        })
    }

    /// What was applied at a path, as far as it is kept.
    pub fn base(&self, known: &FileState) -> Option<&[u8]> {
        self.pristine.get(&known.digest?).map(Vec::as_slice)
    }
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

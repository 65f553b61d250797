//! The folder that edits go back to, laid out as QuickScale's repository: where it is, what it holds, how it is written.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::apply::{Disk, Recovered, Transaction};
use crate::catalogue::template::Source;
use crate::catalogue::{Catalogue, Pack, folder};
use crate::error::Fault;
use crate::interrupt;
use crate::plan::Operation;
use crate::project::STATE_DIR;
use crate::project::lock::Lock;
use crate::project::names::RelPath;
use crate::project::tree::Tree;

/// The trees of a checkout; each may be missing.
const TREES: [&str; 3] = ["project_templates", "service_templates", "runtime"];

/// Templates that can be changed.
#[derive(Debug)]
pub struct Checkout {
    root: PathBuf,
    pack: Pack,
    /// What the templates make, as they stand now.
    pub catalogue: Catalogue,
}

impl Checkout {
    /// The templates at `given`, else those that `QUICKSCALE_TEMPLATES` names, else those that this binary was built from.
    ///
    /// # Errors
    /// When there are none, or they hold a mistake.
    pub fn open(given: Option<&Path>) -> Result<Self> {
        let root = match given {
            Some(folder) => folder.to_path_buf(),
            None => std::env::var_os(folder::VARIABLE)
                .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from),
        };
        let missing = || none(given, &root);
        let root = fs_err::canonicalize(&root).map_err(|_| missing())?;
        let pack = Pack::in_folder(&root)?.ok_or_else(missing)?;
        let catalogue = Catalogue::load(&pack).context(
            Fault::new(format!(
                "the templates in {} hold a mistake",
                root.display()
            ))
            .hint("mend it first: what cannot be rendered cannot be compared"),
        )?;
        Ok(Self {
            root,
            pack,
            catalogue,
        })
    }

    /// The absolute path of the folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The template that stands at `origin`, if this folder has it; what comes from elsewhere cannot be changed here.
    pub fn source(&self, origin: &str) -> Option<&Source> {
        let (tree, path) = origin.split_once('/')?;
        if !TREES.contains(&tree) || !self.root.join(tree).is_dir() {
            return None;
        }
        let sources = match tree {
            "project_templates" => &self.pack.project,
            "service_templates" => &self.pack.services,
            _ => &self.pack.runtime,
        };
        sources.iter().find(|source| source.path == path)
    }

    /// The sources.
    pub fn pack(&self) -> &Pack {
        &self.pack
    }

    /// What stands on disk at some places of the folder.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn tree<'a>(&self, paths: impl IntoIterator<Item = &'a RelPath>) -> Result<Tree> {
        Tree::read(&self.root, paths)
    }

    /// Ends a writing that was interrupted, and says what became of it. The caller holds the lock.
    ///
    /// # Errors
    /// When it cannot be ended.
    pub fn recover(&self) -> Result<Recovered> {
        Transaction::new(&self.root, &Disk::default()).recover()
    }

    /// Whether a writing was interrupted.
    pub fn is_interrupted(&self) -> bool {
        Transaction::is_pending(&self.root)
    }

    /// Keeps every other quickscale from writing to the folder.
    ///
    /// # Errors
    /// When one does already ([`crate::error::Exit::Stale`]), or the folder cannot be written to.
    pub fn lock(&self) -> Result<Lock> {
        let busy = "is changing these templates";
        Lock::take(&self.root.join(STATE_DIR), "sync-back", busy).map_err(|error| {
            if error.is::<Fault>() {
                return error;
            }
            let message = format!("{} cannot be written to", self.root.display());
            error.context(Fault::new(message).hint("name a checkout of yours with --templates DIR"))
        })
    }

    /// Carries out `operations`, all or none. What stood there before is kept in [`Self::backup`].
    ///
    /// # Errors
    /// When a file is not as it was read ([`crate::error::Exit::Stale`]), or cannot be written.
    pub fn write(&self, operations: &[Operation]) -> Result<()> {
        let interruption = interrupt::defer();
        let disk = Disk::default();
        Transaction::new(&self.root, &disk).change(operations, &mut |_| {
            interruption.check("interrupted; nothing was changed")
        })
    }

    /// Where the last writing keeps what stood there before it.
    pub fn backup(&self) -> PathBuf {
        self.root.join(STATE_DIR).join("undo")
    }
}

fn none(given: Option<&Path>, root: &Path) -> Fault {
    match given {
        Some(folder) => Fault::new(format!("{} holds no templates", folder.display())).hint(
            "--templates names a checkout of QuickScale: the folder that holds project_templates",
        ),
        None => Fault::new(format!(
            "there is no checkout of QuickScale to carry edits to: {} holds no templates",
            root.display()
        ))
        .hint("clone QuickScale's repository and name it with --templates DIR"),
    }
}

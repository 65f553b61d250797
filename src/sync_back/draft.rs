//! The checkout as it would be: what is written, what is removed, what its manifests would say.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};

use super::checkout::Checkout;
use super::home::Home;
use super::manifest::{with_rule, without_rule};
use super::others::{Renderer, Setting};
use super::proposal::Write;
use super::values::Values;
use crate::catalogue::manifest::Rule;
use crate::catalogue::{Catalogue, Pack};
use crate::project::names::RelPath;
use crate::project::tree::FileOnDisk;
use crate::render::{Desired, render};

/// Changes that are not written yet.
#[derive(Debug)]
pub struct Draft<'a> {
    checkout: &'a Checkout,
    writes: BTreeMap<RelPath, Write>,
    /// What the project must get at paths whose templates are new or gone.
    wanted: BTreeMap<RelPath, Option<FileOnDisk>>,
    /// The new templates in which a value of this project may stand as text.
    literal: BTreeSet<RelPath>,
    /// Whether a manifest changes, or which files there are.
    is_reshaped: bool,
}

impl<'a> Draft<'a> {
    pub fn new(checkout: &'a Checkout) -> Self {
        Self {
            checkout,
            writes: BTreeMap::new(),
            wanted: BTreeMap::new(),
            literal: BTreeSet::new(),
            is_reshaped: false,
        }
    }

    /// What the file at `path` of the checkout holds by now.
    fn now(&self, path: &RelPath) -> Option<Vec<u8>> {
        match self.writes.get(path) {
            Some(write) => write.after.clone(),
            None => self.stands(path),
        }
    }

    fn stands(&self, path: &RelPath) -> Option<Vec<u8>> {
        let source = self.checkout.source(path.as_str())?;
        Some(source.bytes.to_vec())
    }

    /// Has a file of the checkout hold `after`, or be gone.
    pub fn put(&mut self, path: &RelPath, after: Option<Vec<u8>>) {
        let before = self.stands(path);
        if before == after {
            self.writes.remove(path);
        } else {
            self.writes.insert(path.clone(), Write { before, after });
        }
    }

    /// Has a value of this project stand in a new template as text.
    pub fn allow_values(&mut self, path: &RelPath) {
        self.literal.insert(path.clone());
    }

    /// Whether something stands at a path of the checkout.
    pub fn has(&self, path: &RelPath) -> bool {
        self.now(path).is_some()
    }

    /// Has the manifest of a layer say `rule` of the project's file at `path`; nothing when the rule says nothing.
    ///
    /// # Errors
    /// With what is to be done by hand.
    pub fn rule(&mut self, home: &Home, path: &RelPath, rule: &Rule) -> Result<(), String> {
        let Some(manifest) = home.manifest() else {
            let is_usual = *rule == Rule::default();
            let why =
                || format!("what is special about files of {home} cannot be said in a manifest");
            return is_usual.then_some(()).ok_or_else(why);
        };
        let text = self
            .now(&manifest)
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let text = text.and_then(|text| match *rule == Rule::default() {
            true => without_rule(&text, path),
            false => with_rule(&text, path, rule),
        });
        let text = text.ok_or_else(|| format!("say so in {manifest} by hand"))?;
        self.put(&manifest, Some(text.into_bytes()));
        self.is_reshaped = true;
        Ok(())
    }

    /// The project must get `file` at `path`, or nothing.
    pub fn expect(&mut self, path: &RelPath, file: Option<&FileOnDisk>) {
        self.wanted.insert(path.clone(), file.cloned());
        self.is_reshaped = true;
    }

    /// The changes, once they keep the laws: the templates still fit together in every project, this project gets what it
    /// has, and the others lose nothing and gain nothing else, and nothing of this project's values.
    ///
    /// # Errors
    /// The law that is broken.
    pub fn finish(self, renderer: &Renderer) -> Result<BTreeMap<RelPath, Write>> {
        if self.is_reshaped {
            let before = &self.checkout.catalogue;
            let after = Catalogue::load(&self.pack())?;
            self.check_own(&after, renderer.own())?;
            for other in renderer.others() {
                let had = render(&other.config, before, &other.inputs)?;
                let gets = render(&other.config, &after, &other.inputs)?;
                let others = "other projects would get other files";
                ensure!(self.rest(&gets).eq(self.rest(&had)), others);
                self.check_leaks(&gets, &renderer.own().values)?;
            }
        }
        Ok(self.writes)
    }

    /// The paths of a project's files but those of the templates that change.
    fn rest<'d>(&'d self, desired: &'d Desired) -> impl Iterator<Item = &'d RelPath> {
        let stays = |template: &str| !self.writes.keys().any(|path| path.as_str() == template);
        let files = desired.files.iter();
        let files = files.filter(move |(_, file)| stays(&file.template));
        files.map(|(path, _)| path)
    }

    /// Nothing of this project's values stands in another project's new files, but where the user wants it.
    fn check_leaks(&self, desired: &Desired, own: &Values) -> Result<()> {
        let is_new = |template: &str| {
            let write = self
                .writes
                .iter()
                .find(|(path, _)| path.as_str() == template);
            write
                .is_some_and(|(path, write)| write.before.is_none() && !self.literal.contains(path))
        };
        for (path, file) in desired
            .files
            .iter()
            .filter(|(_, file)| is_new(&file.template))
        {
            let text = String::from_utf8_lossy(&file.bytes);
            let leaked = own
                .leaked("", path.as_str())
                .or_else(|| own.leaked("", &text));
            let value = leaked.map_or("", |value| &value.what);
            ensure!(
                leaked.is_none(),
                "{value} would stand in {path} of other projects"
            );
        }
        Ok(())
    }

    fn check_own(&self, catalogue: &Catalogue, own: &Setting) -> Result<()> {
        let Desired { files, gone: _ } = render(&own.config, catalogue, &own.inputs)?;
        for (path, wanted) in &self.wanted {
            let made = files.get(path);
            let is_right = match wanted {
                None => made.is_none(),
                Some(wanted) => made.is_some_and(|made| {
                    made.bytes[..] == wanted.bytes[..] && made.mode.on_disk() == wanted.mode
                }),
            };
            ensure!(is_right, "the project would get another {path}");
        }
        Ok(())
    }

    /// The checkout's templates with these changes.
    fn pack(&self) -> Pack {
        let mut pack = self.checkout.pack().clone();
        for (path, write) in &self.writes {
            pack.put(path.as_str(), write.after.clone());
        }
        pack
    }
}

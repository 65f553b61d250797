//! From a Config to every file that it wants. Pure: the same Config, catalogue and inputs give the same bytes.

mod context;
mod engine;
mod layers;
mod settings;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};

use crate::catalogue::template::Template;
use crate::catalogue::{Catalogue, NewService};
use crate::digest::Digest;
use crate::project::config::Config;
use crate::project::names::{RelPath, Word};
use crate::project::owner::{Mode, Owner, Policy};
use layers::Layer;

pub use context::RenderContext;
pub use engine::Engine;

/// What a rendering takes from outside, so that it is the same twice.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// The random values that the catalogue wants, by name.
    pub secrets: BTreeMap<Word, String>,
    /// The kinds of the services that were generated before.
    pub kinds: BTreeSet<Word>,
    /// The service that is generated now.
    pub service: Option<NewService>,
}

/// Every file that a Config wants, by its path in the project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Desired {
    /// The files.
    pub files: BTreeMap<RelPath, DesiredFile>,
    /// What is to be done about files that are not wanted any more, where there is something.
    pub gone: BTreeMap<RelPath, String>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredFile {
    /// The layer that wants it.
    pub owner: Owner,
    /// What happens to it after its birth.
    pub policy: Policy,
    /// Who may do what with it.
    pub mode: Mode,
    /// Where its template stands in QuickScale's repository.
    pub template: String,
    /// Where the file stood in earlier templates.
    pub moved_from: Vec<RelPath>,
    /// The contents.
    pub bytes: Cow<'static, [u8]>,
    /// The digest of the contents; none when they hold a secret, which a digest would help to guess.
    pub digest: Option<Digest>,
}

/// Renders everything that `config` wants. An error is a mistake in the catalogue.
pub fn render(config: &Config, catalogue: &Catalogue, inputs: &Inputs) -> Result<Desired> {
    let engine = Engine::new()?;
    let mut context = RenderContext::new(config, catalogue, inputs);
    let mut files = BTreeMap::new();
    for Layer {
        owner,
        templates,
        service,
    } in layers::of(config, catalogue, inputs)?
    {
        context.service = service;
        for template in templates.iter() {
            let mut file = file(&engine, &context, inputs, &owner, template)?;
            file.moved_from = template.moved_from_in(&config.slug)?;
            let path = template.path_in(&config.slug)?;
            if let Some(other) = files.insert(path, file) {
                let DesiredFile {
                    owner: first,
                    template: from,
                    ..
                } = other;
                bail!(
                    "{} is wanted twice: by {first} ({from}) and by {owner} ({})",
                    template.path,
                    template.origin
                );
            }
        }
    }
    no_file_is_a_folder(&files)?;
    let modules = catalogue.modules.iter().map(|module| &module.manifest);
    let on = modules.filter(|manifest| config.modules.contains_key(&manifest.name));
    let gone = on.flat_map(|manifest| manifest.gone.clone()).collect();
    Ok(Desired { files, gone })
}

fn file(
    engine: &Engine,
    context: &RenderContext,
    inputs: &Inputs,
    owner: &Owner,
    template: &Template,
) -> Result<DesiredFile> {
    let (bytes, digest) = if template.rendered {
        let rendered = engine.render(template, context, inputs)?;
        ensure!(
            !rendered.holds_secret || template.rule.policy == Policy::Once,
            "{} holds a secret and must have the policy `once`",
            template.origin
        );
        let bytes = rendered.text.into_bytes();
        let digest = (!rendered.holds_secret).then(|| Digest::of(&bytes));
        (Cow::Owned(bytes), digest)
    } else {
        (template.bytes.clone(), Some(template.digest))
    };
    Ok(DesiredFile {
        owner: owner.clone(),
        policy: template.rule.policy,
        mode: template.rule.mode,
        template: template.origin.clone(),
        moved_from: Vec::new(),
        bytes,
        digest,
    })
}

/// A path cannot be a file for one layer and a folder for another.
fn no_file_is_a_folder(files: &BTreeMap<RelPath, DesiredFile>) -> Result<()> {
    for path in files.keys() {
        let parents = path
            .as_str()
            .match_indices('/')
            .map(|(end, _)| &path.as_str()[..end]);
        for parent in parents {
            let parent: RelPath = parent.parse().context("the parent of a path is a path")?;
            ensure!(
                !files.contains_key(&parent),
                "{parent} is wanted as a file and as the folder of {path}"
            );
        }
    }
    Ok(())
}

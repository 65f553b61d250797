//! Templates from a folder instead of those inside this binary: for whoever works on templates and wants to see what
//! they do to a project without building quickscale first.

use std::path::Path;

use anyhow::{Context, Result};

use super::Pack;
use super::template::Source;
use crate::error::Fault;
use crate::project::names::RelPath;

/// The environment variable that names the folder.
pub const VARIABLE: &str = "QUICKSCALE_TEMPLATES";

impl Pack {
    /// The pack inside this binary with what `folder`, laid out as QuickScale's repository, has of its trees:
    /// `project_templates`, `service_templates` and `runtime`.
    ///
    /// # Errors
    /// When it has none of them, or a file cannot be read.
    pub fn with_folder(folder: &Path) -> Result<Self> {
        let none = || {
            Fault::new(format!(
                "{VARIABLE} names no templates: {}",
                folder.display()
            ))
            .hint("name the folder that holds project_templates, or unset it")
        };
        let found = Self::in_folder(folder).with_context(none)?;
        found.ok_or_else(|| none().into())
    }

    /// The same; none when `folder` has none of the trees.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn in_folder(folder: &Path) -> Result<Option<Self>> {
        let tree = |name: &str| sources(&folder.join(name));
        let (project, services) = (tree("project_templates")?, tree("service_templates")?);
        let mut runtime = tree("runtime")?;
        if project.is_none() && services.is_none() && runtime.is_none() {
            return Ok(None);
        }
        // They stand on QuickScale's repository and would fail in a project.
        if let Some(sources) = &mut runtime {
            sources.retain(|source| !source.path.starts_with("tests/"));
        }
        let own = Self::embedded();
        Ok(Some(Self {
            project: project.unwrap_or(own.project),
            services: services.unwrap_or(own.services),
            runtime: runtime.unwrap_or(own.runtime),
            packages: own.packages,
        }))
    }
}

/// Every file below `folder`, in the order of the paths; none when there is no such folder.
fn sources(folder: &Path) -> Result<Option<Vec<Source>>> {
    if !folder.is_dir() {
        return Ok(None);
    }
    let mut sources = Vec::new();
    let is_built = |entry: &walkdir::DirEntry| entry.depth() == 1 && entry.file_name() == "target";
    let entries = walkdir::WalkDir::new(folder).follow_links(true).into_iter();
    for entry in entries.filter_entry(|entry| !is_built(entry)) {
        let entry = entry?;
        if entry.file_type().is_file() {
            let path = RelPath::of(folder, entry.path())
                .with_context(|| format!("{} cannot stand in a project", entry.path().display()))?;
            sources.push(Source::new(path, fs_err::read(entry.path())?));
        }
    }
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(Some(sources))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;

    #[test]
    fn the_folder_of_this_repository_is_what_is_embedded() {
        let pack = Pack::with_folder(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("read");
        let here = Catalogue::load(&pack).expect("a catalogue");
        assert_eq!(here.digest, Catalogue::pack_digest());
    }

    #[test]
    fn a_folder_without_templates_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = Pack::with_folder(folder.path()).expect_err("nothing is there");
        assert!(error.to_string().contains(VARIABLE), "{error}");
    }
}

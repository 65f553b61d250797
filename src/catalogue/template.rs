//! Templates: where a source file goes in a project and what is done with it on the way.

use std::borrow::Cow;

use anyhow::{Context, Result, bail};

use super::embedded::Embedded;
use super::manifest::{Rule, Rules};
use crate::digest::Digest;
use crate::project::names::RelPath;

/// A file that templates are made of: embedded, or read from a folder.
#[derive(Debug, Clone)]
pub struct Source {
    /// The path in its tree, with `/`.
    pub path: String,
    /// The contents.
    pub bytes: Cow<'static, [u8]>,
    /// The digest of the contents.
    pub digest: Digest,
}

impl Source {
    /// A source with contents of its own.
    pub fn new(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self {
            path: path.into(),
            digest: Digest::of(&bytes),
            bytes: Cow::Owned(bytes),
        }
    }

    /// The contents as text.
    pub fn text(&self) -> Result<&str> {
        std::str::from_utf8(&self.bytes).with_context(|| format!("{} is not UTF-8", self.path))
    }
}

impl From<&Embedded> for Source {
    fn from(file: &Embedded) -> Self {
        Self {
            path: file.path.to_owned(),
            bytes: Cow::Borrowed(file.bytes),
            digest: file.digest.parse().expect("build/embed.rs writes digests"),
        }
    }
}

/// A source with its place in a project.
#[derive(Debug, Clone)]
pub struct Template {
    /// Where the source stands in the repository: `project_templates/base/Cargo.toml.j2`.
    pub origin: String,
    /// Where the file goes in a project.
    pub path: RelPath,
    /// True when the source ends in `.j2`: it is rendered; else it is copied byte for byte.
    pub rendered: bool,
    /// What is special about it.
    pub rule: Rule,
    /// The contents of the source.
    pub bytes: Cow<'static, [u8]>,
    /// The digest of the source.
    pub digest: Digest,
}

/// The part of a path in a service's templates that stands for the service's name.
const SERVICE_NAME: &str = "NAME";

impl Template {
    /// Makes a template of the source at `inside`, its path below the layer's folder, which lands below `prefix`.
    pub fn new(origin: String, prefix: &str, inside: &str, source: &Source) -> Result<Self> {
        let (inside, rendered) = inside
            .strip_suffix(".j2")
            .map_or((inside, false), |path| (path, true));
        let parts: Vec<Cow<'_, str>> = inside.split('/').map(undotted).collect();
        let path = format!("{prefix}{}", parts.join("/"));
        Ok(Self {
            path: path
                .parse()
                .with_context(|| format!("{origin} has no place in a project"))?,
            origin,
            rendered,
            rule: Rule::default(),
            bytes: source.bytes.clone(),
            digest: source.digest,
        })
    }

    /// The same template for a service called `name`.
    pub fn for_service(&self, name: &str) -> Result<Self> {
        let path = self.path.as_str().replace(SERVICE_NAME, name).parse()?;
        Ok(Self {
            path,
            ..self.clone()
        })
    }
}

impl Template {
    /// The same template with the digest of the contents that it has now.
    pub(super) fn with_own_digest(self) -> Self {
        Self {
            digest: Digest::of(&self.bytes),
            ..self
        }
    }
}

/// Names that git would act upon in this repository are stored with `dot-` for their dot.
fn undotted(part: &str) -> Cow<'_, str> {
    part.strip_prefix("dot-")
        .map_or(Cow::Borrowed(part), |rest| Cow::Owned(format!(".{rest}")))
}

/// Gives templates what a manifest says about their paths; a path that no template has is a mistake in the manifest.
pub fn apply_rules(templates: &mut [Template], rules: &Rules, manifest: &str) -> Result<()> {
    for (path, rule) in rules {
        let Some(template) = templates.iter_mut().find(|template| template.path == *path) else {
            bail!("{manifest} speaks of {path}, which is not among its files");
        };
        template.rule = rule.clone();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(inside: &str) -> (String, bool) {
        let template = Template::new("x".into(), "", inside, &Source::new(inside, "")).unwrap();
        (template.path.to_string(), template.rendered)
    }

    #[test]
    fn a_path_says_where_a_file_goes_and_whether_it_is_rendered() {
        assert_eq!(place("Cargo.toml.j2"), ("Cargo.toml".into(), true));
        assert_eq!(
            place("dot-github/workflows/ci.yml"),
            (".github/workflows/ci.yml".into(), false)
        );
        assert_eq!(place("docs/dot-com.md"), ("docs/.com.md".into(), false));
        assert_eq!(place(".env.j2"), (".env".into(), true));
    }
}

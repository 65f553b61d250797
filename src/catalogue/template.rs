//! Templates: where a source file goes in a project and what is done with it on the way.

use std::borrow::Cow;
use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use super::embedded::Embedded;
use super::manifest::{Rule, Rules};
use crate::digest::Digest;
use crate::project::names::{RelPath, Slug};

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

/// The parts of a path that stand for a project's names, by what templates call these.
const NAMES: [(&str, &str); 2] = [
    ("project.slug", "PROJECT_SLUG"),
    ("project.crate_name", "PROJECT_CRATE_NAME"),
];

/// What stands in a template's path for the project's value that templates call `variable`.
pub fn name_in_path(variable: &str) -> Option<&'static str> {
    let name = NAMES.iter().find(|(name, _)| *name == variable);
    name.map(|(_, part)| *part)
}

/// A path of templates as it is in a project of this name.
fn in_project(path: &RelPath, slug: &Slug) -> Result<RelPath> {
    let mut text = Cow::from(path.as_str());
    for (variable, part) in NAMES {
        if text.contains(part) {
            let value = match variable {
                "project.slug" => slug.to_string(),
                _ => slug.crate_name(),
            };
            text = text.replace(part, &value).into();
        }
    }
    Ok(text.parse()?)
}

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

    /// Where the file goes in a project of this name.
    ///
    /// # Errors
    /// When that is no path.
    pub fn path_in(&self, slug: &Slug) -> Result<RelPath> {
        in_project(&self.path, slug)
    }

    /// Where the file of a project of this name stood in earlier templates.
    ///
    /// # Errors
    /// When one of them is no path.
    pub fn moved_from_in(&self, slug: &Slug) -> Result<Vec<RelPath>> {
        let former = self.rule.moved_from.iter();
        former.map(|path| in_project(path, slug)).collect()
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
pub fn apply_rules<'a>(
    templates: impl Iterator<Item = &'a mut Template>,
    rules: &Rules,
    manifest: &str,
) -> Result<()> {
    let mut waiting: BTreeMap<&RelPath, &Rule> = rules.iter().collect();
    for template in templates {
        if let Some(rule) = waiting.remove(&template.path) {
            template.rule = rule.clone();
        }
    }
    match waiting.keys().next() {
        Some(path) => bail!("{manifest} speaks of {path}, which is not among its files"),
        None => Ok(()),
    }
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

    #[test]
    fn a_path_can_hold_the_names_of_the_project() {
        let source = Source::new("x", "");
        let inside = "docs/PROJECT_SLUG/PROJECT_CRATE_NAME.md";
        let template = Template::new("x".into(), "", inside, &source).unwrap();
        let path = template.path_in(&"my-saas".parse().unwrap()).unwrap();
        assert_eq!(path.as_str(), "docs/my-saas/my_saas.md");
    }
}

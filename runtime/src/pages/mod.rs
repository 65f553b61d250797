//! Pages: one typed context each, rendered with the project's own templates. Logic stays in Rust.

mod choice;
mod context;
mod error_page;
mod filters;
mod navigation;

pub use choice::Choice;
pub use error_page::ErrorPage;
pub(crate) use navigation::{Link, Navigation};

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

use crate::error::Result;
use crate::http::{Assets, Message, Visit};
use context::PageContext;

/// What one template is rendered with.
pub trait Page: Serialize {
    /// The path below `templates/`.
    const TEMPLATE: &'static str;

    /// A filled-in context. A test renders every page with it, on every theme.
    fn sample() -> Self
    where
        Self: Sized;
}

/// A page's template with its sample, for tests that render all of them.
#[derive(Debug, Clone)]
pub struct Sample {
    pub template: &'static str,
    pub context: Value,
}

impl Sample {
    pub fn of<P: Page>() -> Self {
        Self {
            template: P::TEMPLATE,
            context: Value::from(Serde(P::sample())),
        }
    }
}

/// The templates of the application.
#[derive(Clone)]
pub struct Pages {
    roots: Arc<[PathBuf]>,
    assets: Assets,
    /// All templates, parsed. Development parses them anew for each page, so that edits show at once.
    parsed: Option<Arc<Environment<'static>>>,
}

impl Pages {
    /// Templates below `roots`, the first that has a file winning. With `settled` they are read and
    /// parsed now and do not change any more.
    ///
    /// # Errors
    /// When a settled template cannot be read or parsed.
    pub fn new(roots: &[PathBuf], assets: Assets, settled: bool) -> anyhow::Result<Self> {
        let mut pages = Self {
            roots: roots.into(),
            assets,
            parsed: None,
        };
        if settled {
            let mut environment = pages.environment();
            for root in roots.iter().rev() {
                add_folder(&mut environment, root, root)?;
            }
            pages.parsed = Some(Arc::new(environment));
        }
        Ok(pages)
    }

    fn environment(&self) -> Environment<'static> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|name| {
            if name.ends_with(".html") {
                AutoEscape::Html
            } else {
                AutoEscape::None
            }
        });
        filters::install(&mut environment, self.assets.clone());
        environment
    }

    /// The page as HTML: `template` filled in with `page`.
    ///
    /// # Errors
    /// When the template is missing or uses what the page does not have.
    pub fn render(
        &self,
        visit: &Visit,
        messages: &[Message],
        template: &str,
        page: Value,
    ) -> Result<String> {
        let context = Value::from_object(PageContext::new(visit.clone(), messages.to_vec(), page));
        self.fill_in(template, context)
    }

    /// A text that nobody has asked for with a request, such as a mail. It sees its own names, and `site`.
    ///
    /// # Errors
    /// When the template is missing or uses what it does not have.
    pub fn render_bare(&self, template: &str, site: Value, own: Value) -> Result<String> {
        self.fill_in(template, minijinja::context! { site, ..own })
    }

    fn fill_in(&self, template: &str, context: Value) -> Result<String> {
        if let Some(environment) = &self.parsed {
            return Ok(environment.get_template(template)?.render(context)?);
        }
        let mut environment = self.environment();
        let roots = self.roots.clone();
        environment.set_loader(move |name| load(&roots, name));
        Ok(environment.get_template(template)?.render(context)?)
    }
}

fn load(roots: &[PathBuf], name: &str) -> std::result::Result<Option<String>, minijinja::Error> {
    let safe = name
        .split('/')
        .all(|part| !part.is_empty() && !part.starts_with('.'));
    let file = roots
        .iter()
        .map(|root| root.join(name))
        .find(|file| safe && file.is_file());
    file.map(std::fs::read_to_string)
        .transpose()
        .map_err(|cause| {
            let text = format!("cannot read the template {name}");
            minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, text).with_source(cause)
        })
}

fn add_folder(
    environment: &mut Environment<'static>,
    root: &Path,
    folder: &Path,
) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("cannot read the templates in {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            add_folder(environment, root, &path)?;
            continue;
        }
        let name = path
            .strip_prefix(root)?
            .to_string_lossy()
            .replace('\\', "/");
        let source = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        environment
            .add_template_owned(name, source)
            .with_context(|| format!("{} is not a template", path.display()))?;
    }
    Ok(())
}

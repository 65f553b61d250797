//! Where in a checkout a file of a project belongs: which layer, under which name, beside which manifest.

use std::fmt;
use std::str::FromStr;

use crate::project::names::{NameError, RelPath, Word};
use crate::project::owner::Owner;

/// Where the runtime stands in a project.
const RUNTIME: &str = "vendor/quickscale-runtime/";

/// A layer of the templates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Home {
    /// `base`: what every project has.
    Base,
    /// `runtime`: the crate that is vendored.
    Runtime,
    /// `module:credits`: what only that module brings, whatever the theme.
    Module(Word),
    /// `theme:htmx`: what the theme brings, whatever the modules.
    Theme(Word),
    /// `theme:htmx/credits`: the theme's pages of a module.
    Pages { theme: Word, module: Word },
}

impl Home {
    /// The layer of the template at `origin`; none for what is no project's as it stands.
    pub fn of(origin: &str) -> Option<Self> {
        let mut parts = origin.split('/');
        Some(match (parts.next()?, parts.next()?) {
            ("runtime", _) => Self::Runtime,
            ("project_templates", "base") => Self::Base,
            ("project_templates", "modules") => Self::Module(parts.next()?.parse().ok()?),
            ("project_templates", "themes") => {
                let theme = parts.next()?.parse().ok()?;
                match parts.next()? {
                    "base" => Self::Theme(theme),
                    module => Self::Pages {
                        theme,
                        module: module.parse().ok()?,
                    },
                }
            }
            _ => return None,
        })
    }

    fn folder(&self) -> String {
        match self {
            Self::Base => "project_templates/base".into(),
            Self::Runtime => "runtime".into(),
            Self::Module(module) => format!("project_templates/modules/{module}"),
            Self::Theme(theme) => format!("project_templates/themes/{theme}/base"),
            Self::Pages { theme, module } => format!("project_templates/themes/{theme}/{module}"),
        }
    }

    /// The manifest that says what is special about files of this layer; none where there is no such manifest.
    pub fn manifest(&self) -> Option<RelPath> {
        let path = match self {
            Self::Base => "project_templates/base/base.yml".to_owned(),
            Self::Module(module) => format!("project_templates/modules/{module}/module.yml"),
            Self::Theme(theme) | Self::Pages { theme, .. } => {
                format!("project_templates/themes/{theme}/theme.yml")
            }
            Self::Runtime => return None,
        };
        path.parse().ok()
    }

    /// Whom its files belong to in a project.
    pub fn owner(&self) -> Owner {
        match self {
            Self::Base => Owner::Base,
            Self::Runtime => Owner::Runtime,
            Self::Module(module) => Owner::Module(module.clone()),
            Self::Theme(theme) | Self::Pages { theme, .. } => Owner::Theme(theme.clone()),
        }
    }

    /// Which projects get its files, in a few words.
    pub fn summary(&self) -> String {
        match self {
            Self::Base => "every project has it".into(),
            Self::Runtime => "the crate that every project has".into(),
            Self::Module(module) => format!("projects with {module}, whatever the theme"),
            Self::Theme(theme) => format!("projects with the theme {theme}"),
            Self::Pages { theme, module } => {
                format!("projects with the theme {theme} and with {module}")
            }
        }
    }

    /// Where the template of the file at `path` stands; none when this layer has no place for it.
    pub fn template(&self, path: &str, rendered: bool) -> Option<RelPath> {
        let end = if rendered { ".j2" } else { "" };
        let inside = match self {
            Self::Runtime => path.strip_prefix(RUNTIME)?.to_owned(),
            _ if path.starts_with(RUNTIME) => return None,
            _ => path.split('/').map(stored).collect::<Vec<_>>().join("/"),
        };
        format!("{}/{inside}{end}", self.folder()).parse().ok()
    }
}

/// Names that git acts upon are stored with `dot-` for their dot.
fn stored(part: &str) -> String {
    match part.strip_prefix('.') {
        Some(rest) if rest.starts_with("git") => format!("dot-{rest}"),
        _ => part.to_owned(),
    }
}

impl FromStr for Home {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let stranger = || {
            let layers = "base, runtime, module:NAME, theme:NAME or theme:NAME/MODULE";
            NameError::new(format!("`{text}` is no layer of the templates: {layers}"))
        };
        Ok(match text.split_once(':') {
            None if text == "base" => Self::Base,
            None if text == "runtime" => Self::Runtime,
            Some(("module", module)) => Self::Module(module.parse()?),
            Some(("theme", theme)) => match theme.split_once('/') {
                None => Self::Theme(theme.parse()?),
                Some((theme, module)) => Self::Pages {
                    theme: theme.parse()?,
                    module: module.parse()?,
                },
            },
            _ => return Err(stranger()),
        })
    }
}

impl fmt::Display for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base => f.write_str("base"),
            Self::Runtime => f.write_str("runtime"),
            Self::Module(module) => write!(f, "module:{module}"),
            Self::Theme(theme) => write!(f, "theme:{theme}"),
            Self::Pages { theme, module } => write!(f, "theme:{theme}/{module}"),
        }
    }
}

/// `PATH=LAYER`: a file of the project that is to become a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    pub path: RelPath,
    pub home: Home,
}

impl FromStr for NewFile {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let Some((path, home)) = text.rsplit_once('=') else {
            return Err(NameError::new(format!(
                "`{text}` names no layer: PATH=base, for example"
            )));
        };
        Ok(Self {
            path: path.parse()?,
            home: home.parse()?,
        })
    }
}

/// `OLD=NEW`: a file that the project has under another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    pub from: RelPath,
    pub to: RelPath,
}

impl FromStr for Rename {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let Some((from, to)) = text.split_once('=') else {
            return Err(NameError::new(format!("`{text}` is no renaming: OLD=NEW")));
        };
        Ok(Self {
            from: from.parse()?,
            to: to.parse()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(home: &str, path: &str, rendered: bool) -> Option<String> {
        let home: Home = home.parse().expect("a layer");
        home.template(path, rendered).map(String::from)
    }

    #[test]
    fn a_file_has_a_place_in_a_layer() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            template("base", ".github/ci.yml", true),
            some("project_templates/base/dot-github/ci.yml.j2")
        );
        assert_eq!(
            template("theme:htmx/credits", "templates/x.html", false),
            some("project_templates/themes/htmx/credits/templates/x.html")
        );
        let vendored = "vendor/quickscale-runtime/src/x.rs";
        assert_eq!(
            template("runtime", vendored, false),
            some("runtime/src/x.rs")
        );
        assert_eq!(template("base", vendored, false), None);
        assert_eq!(template("runtime", "src/x.rs", false), None);
    }

    #[test]
    fn layers_read_as_they_are_written() {
        for text in [
            "base",
            "runtime",
            "module:credits",
            "theme:htmx",
            "theme:htmx/credits",
        ] {
            let home: Home = text.parse().expect("a layer");
            assert_eq!(home.to_string(), text);
            let template = home.template("vendor/quickscale-runtime/a", false);
            let template = template
                .or_else(|| home.template("a", false))
                .expect("a place");
            assert_eq!(Home::of(template.as_str()), Some(home));
        }
        for text in ["", "service:x", "theme:", "module:A", "base:x"] {
            assert!(text.parse::<Home>().is_err(), "{text}");
        }
    }
}

//! Who a file of a project belongs to, and what quickscale may do with it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::names::{NameError, ServiceName, Word};

/// The layer that a file comes from. Every path has one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Owner {
    /// What every project has: `base`.
    Base,
    /// The vendored runtime: `runtime`.
    Runtime,
    /// Pages and assets: `theme:htmx`.
    Theme(Word),
    /// What only a module brings: `module:credits`.
    Module(Word),
    /// A generated service: `service:demo`.
    Service(ServiceName),
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base => f.write_str("base"),
            Self::Runtime => f.write_str("runtime"),
            Self::Theme(name) => write!(f, "theme:{name}"),
            Self::Module(name) => write!(f, "module:{name}"),
            Self::Service(name) => write!(f, "service:{name}"),
        }
    }
}

impl FromStr for Owner {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.split_once(':') {
            None if text == "base" => Ok(Self::Base),
            None if text == "runtime" => Ok(Self::Runtime),
            Some(("theme", name)) => Ok(Self::Theme(name.parse()?)),
            Some(("module", name)) => Ok(Self::Module(name.parse()?)),
            Some(("service", name)) => Ok(Self::Service(name.parse()?)),
            None | Some(_) => Err(NameError::new(format!(
                "`{text}` is no owner: base, runtime, theme:NAME, module:NAME or service:NAME"
            ))),
        }
    }
}

impl TryFrom<String> for Owner {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<Owner> for String {
    fn from(owner: Owner) -> Self {
        owner.to_string()
    }
}

/// What happens to a file after its birth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Kept equal to its template, merged with the user's edits.
    #[default]
    Managed,
    /// Written once, then the user's.
    Once,
}

/// Who may do what with a file; three are enough, so that a project is the same on every system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Mode {
    /// 0644: everybody reads.
    #[default]
    #[serde(rename = "0644")]
    Plain,
    /// 0755: everybody may run it.
    #[serde(rename = "0755")]
    Executable,
    /// 0600: for the owner's eyes only.
    #[serde(rename = "0600")]
    Private,
}

impl Mode {
    /// The permission bits, where the system has them.
    pub fn bits(self) -> u32 {
        match self {
            Self::Plain => 0o644,
            Self::Executable => 0o755,
            Self::Private => 0o600,
        }
    }

    /// What a file of this mode has on disk: like git, nobody looks at more than whether it can be run, and on systems
    /// without that bit not even at this.
    pub fn on_disk(self) -> Self {
        match self {
            Self::Executable if cfg!(unix) => Self::Executable,
            Self::Executable | Self::Plain | Self::Private => Self::Plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in [
            "base",
            "runtime",
            "theme:htmx",
            "module:credits",
            "service:image_metadata",
        ] {
            assert_eq!(text.parse::<Owner>().map(String::from), Ok(text.to_owned()));
        }
    }

    #[test]
    fn takes_nothing_else() {
        for text in [
            "",
            "user",
            "base:x",
            "theme",
            "theme:",
            "module:Billing",
            "service:../x",
        ] {
            assert!(text.parse::<Owner>().is_err(), "{text}");
        }
    }
}

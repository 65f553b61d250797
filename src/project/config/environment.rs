//! The kinds of place that an application runs in, as `APP_ENV` names them.

use serde::{Deserialize, Serialize};

/// Where an application runs. Overlays of the configuration are chosen by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// On the machine of somebody who works on it.
    Development,
    /// In its tests.
    Test,
    /// Where people use it.
    Production,
}

impl Environment {
    /// All of them, in the order in which code is made for them.
    pub const ALL: [Self; 3] = [Self::Development, Self::Test, Self::Production];

    /// As `APP_ENV` and quickscale.yml write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Test => "test",
            Self::Production => "production",
        }
    }

    /// The environment of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|environment| environment.name() == name)
    }
}

//! What a project should be: what quickscale.yml says, or what it would say with the selectors of the command line.

use anyhow::Result;

use super::Selectors;
use super::selectors::Wish;
use crate::catalogue::Catalogue;
use crate::project::config::{self, Blame, Config};
use crate::project::state::State;

/// What a project should be, and how quickscale.yml comes to say it.
pub(super) struct Wished {
    pub config: Config,
    /// The text of quickscale.yml when it is to be edited.
    pub text: Option<String>,
    pub notes: Vec<String>,
}

/// Reads quickscale.yml's `text` as it is, or as `selectors` want it.
pub(super) fn wished(
    text: &str,
    selectors: &Selectors,
    catalogue: &Catalogue,
    state: Option<&State>,
) -> Result<Wished> {
    let applied = state.map(|state| &state.config);
    if !selectors.is_wish() {
        return Ok(Wished {
            config: Config::from_text(text, catalogue, applied)?,
            text: None,
            notes: Vec::new(),
        });
    }
    let flags = selectors.to_string();
    let in_the_way = |mistakes: &[_]| {
        let fault = config::fault(text, mistakes, Blame::FileBefore(&flags));
        match selectors.names_are_known(catalogue) {
            Ok(()) => fault,
            Err(other) => fault.and(&other),
        }
    };
    let now = Config::parse(text, catalogue, None).map_err(|mistakes| in_the_way(&mistakes))?;
    let Wish { edits, notes } = selectors.wish(&now, catalogue, applied)?;
    let edited = config::edit::apply(text, &edits)?;
    let wished =
        Config::parse(&edited, catalogue, applied).map_err(|mistakes| {
            match Config::parse(text, catalogue, applied) {
                Err(own) => in_the_way(&own),
                Ok(_) => config::fault(&edited, &mistakes, Blame::Flags(&flags)),
            }
        })?;
    Ok(Wished {
        config: wished,
        text: (edited != text).then_some(edited),
        notes,
    })
}

//! Where each file stands: usually where its template wants it, but templates move and users rename.

use std::collections::{BTreeMap, BTreeSet};

use super::Input;
use crate::digest::Digest;
use crate::project::names::RelPath;
use crate::project::owner::Policy;
use crate::project::state::State;
use crate::project::tree::Entry;
use crate::render::DesiredFile;

/// One file with its places.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// Where its template wants it; none when no template does.
    pub wanted: Option<&'a RelPath>,
    /// Where the state knows it.
    pub known: &'a RelPath,
    /// Where it stands now.
    pub stands: &'a RelPath,
    /// Where it stands afterwards.
    pub written: &'a RelPath,
    pub kind: Kind,
}

/// Why a file's places differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// They do not, or were found to differ by an earlier apply.
    Usual,
    /// The template stood elsewhere before.
    TemplateMoved,
    /// The file is gone, and an unknown one has just its contents.
    UserRenamed,
    /// The file is gone, and an unknown one resembles it.
    UserMayHaveRenamed,
}

impl Place<'_> {
    /// What stands there now.
    pub(super) fn entry<'a>(&self, input: &Input<'a>) -> &'a Entry {
        match self.kind {
            Kind::Usual | Kind::TemplateMoved => input.tree.entry(self.stands),
            Kind::UserRenamed | Kind::UserMayHaveRenamed => input.strays.entry(self.stands),
        }
    }

    /// Whether the user gave it another name than the template.
    pub(super) fn is_renamed(&self) -> bool {
        match self.kind {
            Kind::Usual | Kind::UserRenamed => self.wanted.is_some_and(|path| path != self.stands),
            Kind::TemplateMoved => false,
            Kind::UserMayHaveRenamed => true,
        }
    }
}

/// Every file that is known or wanted.
pub(super) fn places<'a>(input: &Input<'a>) -> Vec<Place<'a>> {
    let known = || input.state.into_iter().flat_map(|state| &state.files);
    let renamed: BTreeMap<&RelPath, &RelPath> = known()
        .filter_map(|(path, file)| Some((file.renamed_from.as_ref()?, path)))
        .filter(|(wanted, _)| input.desired.files.contains_key(*wanted))
        .collect();
    let mut places = Vec::new();
    let mut placed = BTreeSet::new();
    for (path, file) in &input.desired.files {
        let place = if let Some(at) = renamed.get(path) {
            Place {
                wanted: Some(path),
                known: at,
                stands: at,
                written: at,
                kind: Kind::Usual,
            }
        } else if let Some(from) = input
            .state
            .and_then(|state| moved(input, state, path, file))
        {
            let kind = Kind::TemplateMoved;
            Place {
                wanted: Some(path),
                known: from,
                stands: from,
                written: path,
                kind,
            }
        } else if let Some((at, kind)) = stray(input, path, file) {
            Place {
                wanted: Some(path),
                known: path,
                stands: at,
                written: at,
                kind,
            }
        } else {
            let kind = Kind::Usual;
            Place {
                wanted: Some(path),
                known: path,
                stands: path,
                written: path,
                kind,
            }
        };
        placed.insert(place.known);
        places.push(place);
    }
    let rest = known()
        .map(|(path, _)| path)
        .filter(|path| !placed.contains(path));
    places.extend(rest.map(|path| Place {
        wanted: None,
        known: path,
        stands: path,
        written: path,
        kind: Kind::Usual,
    }));
    places.sort_by_key(|place| place.written);
    places
}

/// Where the file of a template that has moved stands until now.
fn moved<'a>(
    input: &Input<'a>,
    state: &State,
    path: &RelPath,
    file: &'a DesiredFile,
) -> Option<&'a RelPath> {
    let from = file
        .moved_from
        .iter()
        .find(|from| state.files.contains_key(*from) && !input.desired.files.contains_key(*from))?;
    let free = file.policy == Policy::Managed
        && !state.files.contains_key(path)
        && *input.tree.entry(path) == Entry::Missing;
    free.then_some(from)
}

/// Where the user has put a file that is gone from its place, if just one unknown file tells.
fn stray<'a>(input: &Input<'a>, path: &RelPath, file: &DesiredFile) -> Option<(&'a RelPath, Kind)> {
    let known = input.state?.files.get(path)?;
    let digest = known.digest?;
    let gone = known.policy == Policy::Managed
        && file.policy == Policy::Managed
        && *input.tree.entry(path) == Entry::Missing;
    if !gone {
        return None;
    }
    let files = || {
        input
            .strays
            .files()
            .filter(|(at, _)| !input.desired.files.contains_key(*at))
    };
    let mut same = files().filter(|(_, file)| Digest::of(&file.bytes) == digest);
    if let Some((at, _)) = same.next() {
        return same.next().is_none().then_some((at, Kind::UserRenamed));
    }
    if file.digest == Some(digest) {
        // Nothing new to bring to it: no reason to ask.
        return None;
    }
    let pristine = input.pristine.get(&digest)?;
    let mut alike = files().filter(|(_, file)| are_alike(pristine, &file.bytes));
    let (at, _) = alike.next()?;
    alike
        .next()
        .is_none()
        .then_some((at, Kind::UserMayHaveRenamed))
}

/// Whether at least half of both files' lines are the same, as git counts renames.
fn are_alike(one: &[u8], other: &[u8]) -> bool {
    let lines = |bytes: &[u8]| {
        bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .count()
    };
    let longest = lines(one).max(lines(other));
    if longest == 0 || lines(one).min(lines(other)) * 2 < longest {
        return false;
    }
    let mut counts: BTreeMap<&[u8], usize> = BTreeMap::new();
    for line in one
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        *counts.entry(line).or_default() += 1;
    }
    let mut shared = 0;
    for line in other.split(|byte| *byte == b'\n') {
        if let Some(count) = counts.get_mut(line).filter(|count| **count > 0) {
            *count -= 1;
            shared += 1;
        }
    }
    shared * 2 >= longest
}

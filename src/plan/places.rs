//! Where each file stands: usually where its template wants it, but templates move and users rename.

use std::collections::{BTreeMap, BTreeSet};

use super::Input;
use crate::digest::Digest;
use crate::project::names::RelPath;
use crate::project::owner::Policy;
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
        let known = renamed.get(path).copied().unwrap_or(path);
        let place = place(input, path, known, file);
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

/// The place of the file that a template wants at `path` and that the state knows at `known`, if it knows it.
fn place<'a>(
    input: &Input<'a>,
    path: &'a RelPath,
    known: &'a RelPath,
    file: &'a DesiredFile,
) -> Place<'a> {
    let (known, stands, written, kind) = if let Some(from) = moved(input, path, file) {
        (from, from, path, Kind::TemplateMoved)
    } else if let Some((at, kind)) = stray(input, path, known, file) {
        (known, at, at, kind)
    } else {
        (known, known, known, Kind::Usual)
    };
    Place {
        wanted: Some(path),
        known,
        stands,
        written,
        kind,
    }
}

/// Where the file of a template that has moved stands until now.
fn moved<'a>(input: &Input<'a>, path: &RelPath, file: &'a DesiredFile) -> Option<&'a RelPath> {
    let state = input.state?;
    let from = file
        .moved_from
        .iter()
        .find(|from| state.files.contains_key(*from) && !input.desired.files.contains_key(*from))?;
    // What the file leaves behind is free: its folder's name, its own in other letters.
    let free = file.policy == Policy::Managed
        && !state.files.contains_key(path)
        && input.tree.entry(path).is_free_without(|gone| gone == from);
    free.then_some(from)
}

/// Where the user has put a file that is gone from where it is known, if just one unknown file tells.
fn stray<'a>(
    input: &Input<'a>,
    path: &'a RelPath,
    known: &RelPath,
    file: &DesiredFile,
) -> Option<(&'a RelPath, Kind)> {
    let last = input.state?.files.get(known)?;
    let digest = last.digest?;
    let entry = input.tree.entry(known);
    if last.policy != Policy::Managed || file.policy != Policy::Managed || !entry.is_gone() {
        return None;
    }
    let files = || {
        let files = input.strays.files();
        files.filter(|(at, _)| *at == path || !input.desired.files.contains_key(*at))
    };
    // Back where its template wants it, or there in other letters: nobody has to be asked.
    let certain = |at: &RelPath| at == path || matches!(entry, Entry::Alias(alias) if alias == at);
    if let Some((at, _)) = files().find(|(at, _)| certain(at)) {
        return Some((at, Kind::UserRenamed));
    }
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

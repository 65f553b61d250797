//! Where each file stands: usually where its template wants it, but templates move and users rename.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::{BESIDE_SUFFIX, Input};
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
    /// Whether its template stood elsewhere before. Where its user has moved it too, the user's place counts.
    moved: bool,
}

/// Why a file's places differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// They do not, or were found to differ by an earlier apply.
    Usual,
    /// The template stood elsewhere before.
    TemplateMoved,
    /// It is there, in other letters, and the file system takes these for the same.
    Respelled,
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
            Kind::Respelled | Kind::UserRenamed | Kind::UserMayHaveRenamed => {
                input.strays.entry(self.stands)
            }
        }
    }
}

/// Every file that is known or wanted.
pub(super) fn places<'a>(input: &Input<'a>) -> Vec<Place<'a>> {
    let known = || input.state.into_iter().flat_map(|state| &state.files);
    let renamed: BTreeMap<&RelPath, &RelPath> = known()
        .filter_map(|(path, file)| Some((wanted_now(input, file.renamed_from.as_ref()?)?, path)))
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
    places.extend(rest.map(|path| {
        let other = respelled(input, path).filter(|at| !input.desired.files.contains_key(*at));
        Place {
            wanted: None,
            known: path,
            stands: other.unwrap_or(path),
            written: other.unwrap_or(path),
            kind: other.map_or(Kind::Usual, |_| Kind::Respelled),
            moved: false,
        }
    }));
    one_file_a_place(&mut places);
    places.sort_by_key(|place| place.written);
    places
}

/// Where a template that wanted `path` wants its file now.
fn wanted_now<'a>(input: &Input<'a>, path: &RelPath) -> Option<&'a RelPath> {
    let files = &input.desired.files;
    let here = files.get_key_value(path);
    let moved = || {
        files
            .iter()
            .find(|(_, file)| file.moved_from.contains(path))
    };
    here.or_else(moved).map(|(path, _)| path)
}

/// An unknown file is at most one of the missing ones: that which it is byte for byte, before one that it resembles. Where
/// two have as good a claim, it is neither.
fn one_file_a_place(places: &mut [Place<'_>]) {
    let rank = |kind| match kind {
        Kind::Respelled => 3,
        Kind::UserRenamed => 2,
        Kind::UserMayHaveRenamed => 1,
        Kind::Usual | Kind::TemplateMoved => 0,
    };
    let mut claims: BTreeMap<&RelPath, (u8, usize)> = BTreeMap::new();
    for place in places.iter().filter(|place| rank(place.kind) > 0) {
        let (best, count) = claims.entry(place.stands).or_default();
        match rank(place.kind).cmp(best) {
            Ordering::Greater => (*best, *count) = (rank(place.kind), 1),
            Ordering::Equal => *count += 1,
            Ordering::Less => {}
        }
    }
    for place in places {
        let wins = claims
            .get(place.stands)
            .is_none_or(|claim| *claim == (rank(place.kind), 1));
        if rank(place.kind) > 0 && !wins {
            place.stands = place.known;
            (place.written, place.kind) = match place.wanted.filter(|_| place.moved) {
                Some(path) => (path, Kind::TemplateMoved),
                None => (place.known, Kind::Usual),
            };
        }
    }
}

/// The place of the file that a template wants at `path` and that the state knows at `known`, if it knows it.
fn place<'a>(
    input: &Input<'a>,
    path: &'a RelPath,
    known: &'a RelPath,
    file: &'a DesiredFile,
) -> Place<'a> {
    let from = moved(input, path, file);
    let known = from.unwrap_or(known);
    let stray = stray(input, path, known, file);
    let (stands, written, kind) = match (from, stray) {
        // Only one that is it byte for byte: else it is a file of the user's beside one that was deleted.
        (Some(_), Some((at, Kind::UserRenamed))) => (at, at, Kind::UserRenamed),
        (Some(from), _) => (from, path, Kind::TemplateMoved),
        (None, Some((at, kind))) => (at, at, kind),
        (None, None) => (known, known, Kind::Usual),
    };
    Place {
        wanted: Some(path),
        known,
        stands,
        written,
        kind,
        moved: from.is_some(),
    }
}

/// Where the file of a template that has moved stands until now.
fn moved<'a>(input: &Input<'a>, path: &RelPath, file: &'a DesiredFile) -> Option<&'a RelPath> {
    let state = input.state?;
    let from = file.moved_from.iter().find(|from| {
        // What the user renamed to this is another template's file.
        let known = state.files.get(*from);
        known.is_some_and(|file| file.renamed_from.is_none())
            && !input.desired.files.contains_key(*from)
    })?;
    // What the file leaves behind is free: its folder's name, its own in other letters.
    let free = file.policy == Policy::Managed
        && !state.files.contains_key(path)
        && input.tree.entry(path).is_free_without(|gone| gone == from);
    free.then_some(from)
}

/// The unknown file that stands at a known path, in other letters.
fn respelled<'a>(input: &Input<'a>, path: &RelPath) -> Option<&'a RelPath> {
    let Entry::Alias(at) = input.tree.entry(path) else {
        return None;
    };
    let mut strays = input.strays.files();
    strays.find(|(stray, _)| *stray == at).map(|(at, _)| at)
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
    if last.policy != Policy::Managed || file.policy != Policy::Managed {
        return None;
    }
    if let Some(at) = respelled(input, known) {
        return Some((at, Kind::Respelled));
    }
    if *input.tree.entry(known) != Entry::Missing {
        return None;
    }
    let files = || {
        let files = input.strays.files();
        let files = files.filter(|(at, _)| !at.as_str().ends_with(BESIDE_SUFFIX));
        files.filter(|(at, _)| *at == path || !input.desired.files.contains_key(*at))
    };
    // Back where its template wants it: nobody has to be asked.
    if let Some((at, _)) = files().find(|(at, _)| *at == path) {
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

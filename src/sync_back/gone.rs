//! Files that a template made and that the project no longer has: deleted, or there under another name.

use std::collections::HashMap;

use super::draft::Draft;
use super::file::{Found, Sight};
use super::fresh::with_names;
use super::home::{Home, Rename};
use super::hunk::{Choice, Hunk, HunkId, Standing};
use super::proposal::FileEdit;
use crate::catalogue::manifest::Rule;
use crate::project::names::RelPath;
use crate::project::state::FileState;
use crate::project::tree::{FileOnDisk, Tree};

/// From this share of common lines on a file is probably another one, renamed.
const LIKE: usize = 50;

/// Removes the template of a file that was deleted.
///
/// # Errors
/// Why that cannot be.
pub fn deleted(
    sight: Sight<'_>,
    path: &RelPath,
    known: &FileState,
    draft: &mut Draft<'_>,
) -> Result<FileEdit, String> {
    let (home, template) = place(known)?;
    if !sight.renderer.own().has(&known.template) {
        return Err("its module or theme is off here".into());
    }
    let text = sight.subject.base(known).unwrap_or_default();
    let id = HunkId::of(path, text, b"gone", 0);
    let standing = match sight.answers.to(&id).contains(&Choice::Skip) {
        true => Standing::Left,
        false => {
            let rule = in_templates(sight, known, path);
            draft.rule(&home, &rule, &Rule::default())?;
            draft.put(&template, None);
            draft.expect(path, None);
            Standing::Placed
        }
    };
    let hunk = Hunk {
        id,
        line: 1,
        removed: String::from_utf8_lossy(text).into_owned(),
        added: String::new(),
        standing,
    };
    Ok(edit(path, template, known, vec![hunk]))
}

/// Moves the template of a file that has another name now, with the edits made to it.
///
/// # Errors
/// Why that cannot be.
pub fn renamed(
    sight: Sight<'_>,
    rename: &Rename,
    known: &FileState,
    draft: &mut Draft<'_>,
) -> Result<FileEdit, String> {
    let (home, old) = place(known)?;
    let file = sight.subject.fresh_file(&rename.to);
    let file = file.ok_or_else(|| format!("{} is no file", rename.to))?;
    let template = sight.checkout.catalogue.template(&known.template);
    let template = template.ok_or("its template is not known here")?;
    let named = with_names(&sight.subject.values, rename.to.as_str(), &[]);
    let named = named.map_err(|question| question.reason)?;
    let no_place = || format!("{home} has no place for {}", rename.to);
    let new = home.template(&named, old.as_str().ends_with(".j2"));
    let new = new.ok_or_else(no_place)?;
    if draft.has(&new) {
        return Err(format!("{new} is there already"));
    }
    let (hunks, bytes) = match sight.carry(&rename.to, known, file) {
        Found::Edited(edit, write) => (edit.hunks, write.and_then(|write| write.after)),
        Found::Nothing | Found::Deleted => (Vec::new(), None),
        Found::Skip(reason) => return Err(reason),
    };
    let mut rule = template.rule.clone();
    rule.moved_from.push(template.path.clone());
    if rule.mode.on_disk() != file.mode {
        rule.mode = file.mode;
    }
    let path = named.parse().map_err(|_| no_place())?;
    draft.rule(&home, &template.path, &Rule::default())?;
    draft.rule(&home, &path, &rule)?;
    draft.put(&old, None);
    draft.put(&new, Some(bytes.unwrap_or_else(|| template.bytes.to_vec())));
    draft.expect(&rename.from, None);
    if hunks.iter().all(|hunk| hunk.standing.goes_back()) {
        draft.expect(&rename.to, Some(file));
    }
    Ok(edit(&rename.to, new, known, hunks))
}

/// The stray that a file that is gone has probably become.
pub fn become_of<'a>(base: &[u8], strays: &'a Tree) -> Option<&'a RelPath> {
    let likeness = |(path, file): (&'a RelPath, &FileOnDisk)| (likeness(base, &file.bytes), path);
    let all = strays.files().map(likeness);
    let best = all.max_by(|one, other| one.0.cmp(&other.0).then_with(|| other.1.cmp(one.1)))?;
    (best.0 >= LIKE).then_some(best.1)
}

/// How many lines of a hundred two files have in common; blank lines are no sign of anything.
fn likeness(one: &[u8], other: &[u8]) -> usize {
    let lines = |text: &'_ [u8]| -> HashMap<Vec<u8>, usize> {
        let mut lines = HashMap::new();
        for line in text.split(|byte| *byte == b'\n') {
            let line = line.trim_ascii();
            if !line.is_empty() {
                *lines.entry(line.to_vec()).or_default() += 1;
            }
        }
        lines
    };
    if one == other {
        return 100;
    }
    let (one, other) = (lines(one), lines(other));
    let common = one
        .iter()
        .map(|(line, count)| other.get(line).unwrap_or(&0).min(count));
    let most = one.values().sum::<usize>().max(other.values().sum());
    100 * common.sum::<usize>() / most.max(1)
}

fn place(known: &FileState) -> Result<(Home, RelPath), String> {
    let home = Home::of(&known.template);
    let template = known.template.parse().ok();
    home.zip(template)
        .ok_or_else(|| format!("its template, {}, is not here", known.template))
}

/// The path by which manifests speak of a file.
fn in_templates(sight: Sight<'_>, known: &FileState, path: &RelPath) -> RelPath {
    let template = sight.checkout.catalogue.template(&known.template);
    template.map_or_else(|| path.clone(), |template| template.path.clone())
}

fn edit(path: &RelPath, template: RelPath, known: &FileState, hunks: Vec<Hunk>) -> FileEdit {
    FileEdit {
        path: path.clone(),
        template,
        owner: known.owner.clone(),
        hunks,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::owner::Mode;
    use crate::project::tree::Entry;

    #[test]
    fn the_likest_file_is_the_one_that_was_renamed() {
        let file = |(path, text): (&str, &str)| {
            let bytes = text.as_bytes().to_vec();
            let entry = Entry::File(FileOnDisk {
                bytes,
                mode: Mode::Plain,
            });
            (path.parse().expect("a path"), entry)
        };
        let strays = [
            ("a", "1\n2\nx\ny\n"),
            ("b", "1\n2\n3\nx\n"),
            ("c", "\n\n\n\n"),
        ];
        let strays: Tree = strays.into_iter().map(file).collect();
        let become_of = |text: &str| become_of(text.as_bytes(), &strays).map(RelPath::as_str);
        assert_eq!(become_of("1\n2\n3\n4\n"), Some("b"));
        assert_eq!(become_of("1\n2\nx\ny\n"), Some("a"));
        assert_eq!(become_of("1\n7\n8\n9\n"), None);
        assert_eq!(become_of("\n\n"), None);
    }
}

//! Who may run a file: said in the manifest beside its template, not in the template.

use super::draft::Draft;
use super::file::Sight;
use super::guard;
use super::home::Home;
use super::hunk::{Choice, Hunk, HunkId, Question, Standing};
use crate::project::names::RelPath;
use crate::project::owner::Mode;
use crate::project::state::FileState;
use crate::project::tree::FileOnDisk;

/// The edit that gave the file at `path` another mode, if it has one.
pub fn mode(
    sight: Sight<'_>,
    (path, known): (&RelPath, &FileState),
    file: &FileOnDisk,
    draft: &mut Draft<'_>,
) -> Option<Hunk> {
    if file.mode == known.mode.on_disk() || guard::never(path).is_some() {
        return None;
    }
    let (removed, added) = (shown(known.mode.on_disk()), shown(file.mode));
    let id = HunkId::of(path, removed.as_bytes(), added.as_bytes(), 0);
    let standing = match sight.answers.to(&id).contains(&Choice::Skip) {
        true => Standing::Left,
        false => match say(sight, known, file.mode, draft) {
            Ok(()) => Standing::Placed,
            Err(reason) => Standing::Open(Question {
                reason: format!("who may run it has changed: {reason}"),
                tag: None,
                choices: Vec::new(),
            }),
        },
    };
    Some(Hunk {
        id,
        line: 1,
        removed,
        added,
        standing,
    })
}

fn say(
    sight: Sight<'_>,
    known: &FileState,
    mode: Mode,
    draft: &mut Draft<'_>,
) -> Result<(), String> {
    let template = sight.checkout.catalogue.template(&known.template);
    let template = template.ok_or("its template is not here")?;
    let home = Home::of(&known.template).ok_or("its template has no manifest")?;
    let mut rule = template.rule.clone();
    if rule.mode.on_disk() == mode {
        return Ok(());
    }
    rule.mode = mode;
    draft.rule(&home, &template.path, &rule)
}

fn shown(mode: Mode) -> String {
    format!("mode {:04o}", mode.bits())
}

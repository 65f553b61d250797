//! Edit by edit on a terminal: what is answered there is what `--hunk`, `--new`, `--rename` and `--delete` say on the
//! command line.

use std::collections::BTreeSet;

use anyhow::Result;

use super::home::{Home, NewFile, Rename};
use super::hunk::{Answer, Choice, Hunk, HunkId, Standing};
use super::preview;
use super::proposal::{FileEdit, Offer, Proposal};
use super::{SyncBack, Wish};
use crate::error::{Exit, Fault};
use crate::project::names::RelPath;
use crate::ui::{Choice as Line, Ui};

/// Asks about everything in the project that is not said by `wish` yet, and what becomes of it then.
///
/// # Errors
/// When nobody can be asked ([`Exit::Usage`]), or somebody leaves without an answer ([`Exit::Interrupted`]).
pub fn ask(sync: &mut SyncBack, mut wish: Wish, ui: &Ui) -> Result<Proposal> {
    if !ui.interactive() {
        return Err(Fault::new("nobody can be asked here")
            .hint("--preview shows the edits, and --apply takes answers as --hunk ID=CHOICE")
            .exit(Exit::Usage)
            .into());
    }
    let proposal = sync.propose(&wish)?;
    files(sync, &proposal, &mut wish, ui)?;
    sync.subject.read_named(&wish)?;
    let mut asked = BTreeSet::new();
    loop {
        let proposal = sync.propose(&wish)?;
        let Some((file, hunk)) = next(&proposal, &wish, &asked) else {
            return Ok(proposal);
        };
        let answers = wish.answers.to(&hunk.id).to_vec();
        let choice = one(file, hunk, &answers, ui)?;
        if !matches!(hunk.standing, Standing::Open(_)) {
            asked.insert(hunk.id.clone());
        }
        wish.answers.extend(choice.map(|choice| Answer {
            id: hunk.id.to_string(),
            choice,
        }));
    }
}

/// The first edit that is open, or that goes back and was not asked about.
fn next<'a>(
    proposal: &'a Proposal,
    wish: &Wish,
    asked: &BTreeSet<HunkId>,
) -> Option<(&'a FileEdit, &'a Hunk)> {
    let is_said = |path: &RelPath| {
        wish.deleted.contains(path) || wish.new.iter().any(|new| new.path == *path)
    };
    let hunks = |file: &'a FileEdit| file.hunks.iter().map(move |hunk| (file, hunk));
    let mut all = proposal.files.iter().flat_map(hunks);
    all.find(|(file, hunk)| match &hunk.standing {
        Standing::Open(_) => true,
        Standing::Placed => !asked.contains(&hunk.id) && !is_said(&file.path),
        Standing::Answered(_) | Standing::Left | Standing::Refused(_) => false,
    })
}

/// Asks about one edit; none when it goes back as it is.
fn one(file: &FileEdit, hunk: &Hunk, answers: &[Choice], ui: &Ui) -> Result<Option<Choice>> {
    ui.info(&preview::of_question(file, hunk));
    let mut choices = match &hunk.standing {
        Standing::Open(question) => question.choices.iter().cloned().map(Some).collect(),
        Standing::Placed | Standing::Answered(_) | Standing::Left | Standing::Refused(_) => {
            vec![None]
        }
    };
    choices.retain(|choice| {
        choice
            .as_ref()
            .is_none_or(|choice| !answers.contains(choice))
    });
    choices.push(Some(Choice::Skip));
    let lines: Vec<_> = choices.iter().map(|choice| line(choice.as_ref())).collect();
    // What has one place goes back when nobody says otherwise; what is open stays.
    let default = match choices[0] {
        None => 0,
        Some(_) => choices.len() - 1,
    };
    let question = format!("{}:{}", file.path, hunk.line);
    let chosen = ui.select(&question, &lines, default)?;
    Ok(choices.swap_remove(chosen))
}

fn line(choice: Option<&Choice>) -> Line {
    let summary = match choice {
        None => "it has one place in the template",
        Some(Choice::Inside) => "into the block, so that it comes and goes with it",
        Some(Choice::Outside) => "beside the block",
        Some(Choice::Literal) => "as text, the same in every project",
        Some(Choice::Var(_)) => "with this variable for the value",
        Some(Choice::Skip) => "it stays an edit of this project",
    };
    Line {
        name: choice.map_or("carry back".to_owned(), ToString::to_string),
        summary: summary.to_owned(),
    }
}

/// Asks about files that are gone, have other names or are new.
fn files(sync: &SyncBack, proposal: &Proposal, wish: &mut Wish, ui: &Ui) -> Result<()> {
    let mut fresh = Vec::new();
    for offer in &proposal.offers {
        match offer {
            Offer::New { path } => fresh.push(path),
            Offer::Gone { path, to } => gone(path, to.as_ref(), wish, ui)?,
        }
    }
    let strays = |path: &&&RelPath| !wish.named().any(|named| named == **path);
    let fresh: Vec<&RelPath> = fresh.iter().filter(strays).copied().collect();
    if fresh.is_empty() {
        return Ok(());
    }
    let of_path = |path: &&RelPath| Line {
        name: path.to_string(),
        summary: String::new(),
    };
    let lines: Vec<_> = fresh.iter().map(of_path).collect();
    let question = "Files that no template made; which of them become templates?";
    for chosen in ui.multi_select(question, &lines, &vec![false; lines.len()])? {
        let path = fresh[chosen].clone();
        let homes = sync.homes(&path);
        let home = |home: &Home| Line {
            name: home.to_string(),
            summary: home.summary(),
        };
        let lines: Vec<_> = homes.iter().map(home).collect();
        let home = ui.select(&format!("{path} belongs to"), &lines, 0)?;
        let home = homes[home].clone();
        wish.new.push(NewFile { path, home });
    }
    Ok(())
}

/// Asks what became of a file that is gone.
fn gone(path: &RelPath, to: Option<&RelPath>, wish: &mut Wish, ui: &Ui) -> Result<()> {
    let line = |name: &str, summary: String| Line {
        name: name.to_owned(),
        summary,
    };
    let mut lines = vec![line("skip", "its template stays".into())];
    lines.extend(to.map(|to| line("renamed", format!("its template follows it to {to}"))));
    lines.push(line("deleted", "its template goes".into()));
    let chosen = ui.select(&format!("{path} is gone"), &lines, 0)?;
    match (chosen, to) {
        (0, _) => {}
        (1, Some(to)) => wish.renames.push(Rename {
            from: path.clone(),
            to: to.clone(),
        }),
        (_, _) => wish.deleted.push(path.clone()),
    }
    Ok(())
}

//! What a proposal says: per owner the templates as they would be, what needs an answer, what is left and why; and the
//! same as JSON for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use console::Style;
use serde::Serialize;
use similar::TextDiff;

use super::hunk::{Choice, Hunk, HunkId, Question, Standing, Tag};
use super::proposal::{FileEdit, Offer, Proposal, Write, choices};
use crate::plan::preview::coloured;
use crate::project::names::RelPath;

/// The version of the JSON's format.
const FORMAT_VERSION: u32 = 1;

/// So many offers of a kind are shown to people.
const OFFERS: usize = 12;

/// A proposal for programs.
#[derive(Debug, Serialize)]
pub struct ProposalJson<'a> {
    format_version: u32,
    quickscale_version: &'static str,
    files: Vec<FileJson<'a>>,
    writes: Vec<WriteJson<'a>>,
    skipped: Vec<SkippedJson<'a>>,
    offers: Vec<OfferJson<'a>>,
}

#[derive(Debug, Serialize)]
struct FileJson<'a> {
    path: &'a str,
    template: &'a str,
    owner: String,
    hunks: Vec<HunkJson<'a>>,
}

#[derive(Debug, Serialize)]
struct HunkJson<'a> {
    id: &'a HunkId,
    line: usize,
    removed: &'a str,
    added: &'a str,
    standing: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<&'a Tag>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    choices: Vec<&'a Choice>,
}

#[derive(Debug, Serialize)]
struct WriteJson<'a> {
    template: &'a str,
    action: &'static str,
    diff: Option<String>,
}

#[derive(Debug, Serialize)]
struct SkippedJson<'a> {
    path: &'a str,
    reason: &'a str,
}

#[derive(Debug, Serialize)]
struct OfferJson<'a> {
    kind: &'static str,
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    flag: String,
}

impl<'a> OfferJson<'a> {
    fn new(offer: &'a Offer) -> Self {
        let (kind, path, to) = match offer {
            Offer::New { path } => ("new", path, None),
            Offer::Gone { path, to: None } => ("deleted", path, None),
            Offer::Gone { path, to: Some(to) } => ("renamed", path, Some(to.as_str())),
        };
        Self {
            kind,
            path: path.as_str(),
            to,
            flag: offer.flag(),
        }
    }
}

impl<'a> ProposalJson<'a> {
    pub fn new(proposal: &'a Proposal) -> Self {
        let file = |file: &'a FileEdit| FileJson {
            path: file.path.as_str(),
            template: file.template.as_str(),
            owner: file.owner.to_string(),
            hunks: file.hunks.iter().map(HunkJson::new).collect(),
        };
        let writes = proposal.writes.iter().map(|(template, write)| WriteJson {
            template: template.as_str(),
            action: match (&write.before, &write.after) {
                (None, _) => "create",
                (Some(_), Some(_)) => "update",
                (Some(_), None) => "remove",
            },
            diff: diff(template.as_str(), write),
        });
        let skipped = proposal.skipped.iter().map(|skipped| SkippedJson {
            path: skipped.path.as_str(),
            reason: &skipped.reason,
        });
        Self {
            format_version: FORMAT_VERSION,
            quickscale_version: env!("CARGO_PKG_VERSION"),
            files: proposal.files.iter().map(file).collect(),
            writes: writes.collect(),
            skipped: skipped.collect(),
            offers: proposal.offers.iter().map(OfferJson::new).collect(),
        }
    }
}

impl<'a> HunkJson<'a> {
    fn new(hunk: &'a Hunk) -> Self {
        let (standing, reason) = match &hunk.standing {
            Standing::Placed => ("placed", None),
            Standing::Answered(_) => ("answered", None),
            Standing::Left => ("skipped", None),
            Standing::Refused(reason) => ("refused", Some(reason.as_str())),
            Standing::Open(question) => ("open", Some(question.reason.as_str())),
        };
        let question = match &hunk.standing {
            Standing::Open(question) => Some(question),
            Standing::Placed | Standing::Answered(_) => None,
            Standing::Left | Standing::Refused(_) => None,
        };
        let is_refused = matches!(hunk.standing, Standing::Refused(_));
        let choices = question.map(|question| question.choices.iter().chain([&Choice::Skip]));
        Self {
            id: &hunk.id,
            line: hunk.line,
            removed: &hunk.removed,
            added: if is_refused { "" } else { &hunk.added },
            standing,
            reason,
            tag: question.and_then(|question| question.tag.as_ref()),
            choices: choices.into_iter().flatten().collect(),
        }
    }
}

/// A proposal for people.
pub fn text(proposal: &Proposal) -> String {
    let mut text = String::new();
    let mut owners: BTreeMap<String, Vec<&FileEdit>> = BTreeMap::new();
    for file in &proposal.files {
        owners.entry(file.owner.to_string()).or_default().push(file);
    }
    for (owner, files) in owners {
        let _ = writeln!(text, "{}", Style::new().bold().apply_to(owner));
        for file in files {
            text.push_str(&of_file(file, proposal.writes.get(&file.template)));
        }
    }
    text.push_str(&beside(proposal));
    if !proposal.skipped.is_empty() {
        let _ = writeln!(
            text,
            "{}",
            Style::new().bold().apply_to("stays in the project")
        );
        for skipped in &proposal.skipped {
            let _ = writeln!(text, "  {}  ({})", skipped.path, skipped.reason);
        }
    }
    text.push_str(&offers(proposal));
    text.push_str(&summary(proposal));
    text
}

/// What changes in the checkout beside the templates of the files: manifests, and what makes room for new names.
fn beside(proposal: &Proposal) -> String {
    let is_shown = |path: &RelPath| proposal.files.iter().any(|file| file.template == *path);
    let writes = proposal.writes.iter().filter(|(path, _)| !is_shown(path));
    let diffs: Vec<_> = writes
        .map(|(path, write)| diff_coloured(path.as_str(), write))
        .collect();
    match diffs.is_empty() {
        true => String::new(),
        false => format!(
            "{}\n{}",
            Style::new().bold().apply_to("beside them"),
            diffs.concat()
        ),
    }
}

/// What could be asked for; of files that no template made, the first few.
fn offers(proposal: &Proposal) -> String {
    let is_new = |offer: &&Offer| matches!(offer, Offer::New { .. });
    let (new, gone): (Vec<_>, Vec<_>) = proposal.offers.iter().partition(is_new);
    let mut text = String::new();
    for (title, offers) in [
        (
            "gone in the project; their templates stay unless you say",
            gone,
        ),
        ("made by no template; they stay unless you say", new),
    ] {
        if offers.is_empty() {
            continue;
        }
        let _ = writeln!(text, "{}", Style::new().bold().apply_to(title));
        for offer in offers.iter().take(OFFERS) {
            let _ = writeln!(text, "  {}", offer.flag());
        }
        if offers.len() > OFFERS {
            let _ = writeln!(
                text,
                "  … and {} more; --json lists them all",
                offers.len() - OFFERS
            );
        }
    }
    text
}

fn of_file(file: &FileEdit, write: Option<&Write>) -> String {
    let mut text = format!("  {} → {}\n", file.path, file.template);
    for hunk in &file.hunks {
        let _ = writeln!(text, "    {}", of_hunk(file, hunk));
        if let Standing::Open(question) = &hunk.standing {
            text.push_str(&of_place(file, question));
            text.push_str(&shown(hunk));
            let choices = choices(question);
            let _ = writeln!(text, "            answer --hunk {}=… {choices}", hunk.id);
        }
    }
    if let Some(write) = write {
        text.push_str(&diff_coloured(file.template.as_str(), write));
    }
    text
}

/// An edit as it is asked about.
pub fn of_question(file: &FileEdit, hunk: &Hunk) -> String {
    let place = match &hunk.standing {
        Standing::Open(question) => of_place(file, question),
        Standing::Placed | Standing::Answered(_) => String::new(),
        Standing::Left | Standing::Refused(_) => String::new(),
    };
    format!("\n{}\n{place}{}", of_hunk(file, hunk), shown(hunk))
}

/// The tag that a question is about.
fn of_place(file: &FileEdit, question: &Question) -> String {
    let tag = question.tag.as_ref();
    tag.map_or_else(String::new, |Tag { line, text }| {
        format!("            at {}:{line}: {text}\n", file.template)
    })
}

fn of_hunk(file: &FileEdit, hunk: &Hunk) -> String {
    let (style, label, reason) = match &hunk.standing {
        Standing::Placed => (Style::new().green(), "goes back", String::new()),
        Standing::Answered(choice) => (Style::new().green(), "goes back", choice.to_string()),
        Standing::Left => (Style::new().dim(), "left out", String::new()),
        Standing::Refused(reason) => (Style::new().red(), "never", reason.clone()),
        Standing::Open(question) => (
            Style::new().red().bold(),
            "conflict",
            question.reason.clone(),
        ),
    };
    let place = format!("{}:{}", file.path, hunk.line);
    let reason = match reason.as_str() {
        "" => reason,
        reason => format!(": {reason}"),
    };
    format!("{} {} {place}{reason}", hunk.id, style.apply_to(label))
}

/// The lines of an edit that has no place yet.
fn shown(hunk: &Hunk) -> String {
    let lines = |sign: &str, text: &str| -> String {
        let lines = text.lines().map(|line| format!("{sign}{line}\n"));
        lines
            .map(|line| format!("            {}", coloured(&line)))
            .collect()
    };
    lines("-", &hunk.removed) + &lines("+", &hunk.added)
}

fn diff_coloured(template: &str, write: &Write) -> String {
    match diff(template, write) {
        Some(diff) => diff.split_inclusive('\n').map(coloured).collect(),
        None => format!("  {template}: not text, not shown\n"),
    }
}

/// A unified diff of a template; none where it is no text.
fn diff(template: &str, write: &Write) -> Option<String> {
    let text = |bytes: &Option<Vec<u8>>| match bytes {
        Some(bytes) if bytes.contains(&0) => None,
        Some(bytes) => String::from_utf8(bytes.clone()).ok(),
        None => Some(String::new()),
    };
    let name = |bytes: &Option<Vec<u8>>, side: &str| match bytes {
        Some(_) => format!("{side}/{template}"),
        None => "/dev/null".to_owned(),
    };
    let (before, after) = (text(&write.before)?, text(&write.after)?);
    let diff = TextDiff::from_lines(&before, &after);
    let names = (name(&write.before, "a"), name(&write.after, "b"));
    let unified = diff
        .unified_diff()
        .context_radius(3)
        .header(&names.0, &names.1)
        .to_string();
    Some(unified)
}

/// One sentence at the end.
fn summary(proposal: &Proposal) -> String {
    let count = |many: usize, one: &str, more: &str| match many {
        1 => format!("1 {one}"),
        many => format!("{many} {more}"),
    };
    if proposal.is_quiet() {
        return "Nothing to carry back.\n".into();
    }
    let mut text = format!(
        "\n{} to change",
        count(proposal.writes.len(), "template", "templates")
    );
    let open = proposal.open().count();
    if open > 0 {
        let _ = write!(
            text,
            "; {}",
            count(open, "conflict needs an answer", "conflicts need an answer")
        );
    }
    text + ".\n"
}

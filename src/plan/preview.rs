//! What a plan says: a summary, a line a file, unified diffs, JSON for programs. Nothing is written here, and no secret
//! is shown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use console::Style;
use serde::Serialize;
use similar::{ChangeTag, TextDiff};

use super::{Action, Change, ConflictKind, Plan};
use crate::project::step::Step;
use crate::project::tree::Entry;

/// How much of a plan is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// A line a file.
    Stat,
    /// A line a file and the diffs.
    Diff,
}

/// The version of the JSON's format.
const FORMAT_VERSION: u32 = 1;

/// A plan for programs; the contract of `plan --json`.
#[derive(Debug, Serialize)]
pub struct PlanJson<'a> {
    format_version: u32,
    quickscale_version: &'static str,
    project: ProjectJson<'a>,
    changes: Vec<ChangeJson<'a>>,
    conflicts: Vec<ConflictJson<'a>>,
    steps: &'a [Step],
    summary: BTreeMap<&'static str, usize>,
    notes: &'a [String],
}

/// What is said of a plan beside its changes.
#[derive(Debug, Clone, Copy)]
pub struct Beside<'a> {
    /// What is run once the files are in place.
    pub steps: &'a [Step],
    /// What goes without having been asked for, for people.
    pub notes: &'a [String],
}

/// Which project a plan is for.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ProjectJson<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub slug: &'a str,
}

#[derive(Debug, Serialize)]
struct ChangeJson<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    action: &'a Action,
    owner: String,
    policy: super::Policy,
    added: usize,
    removed: usize,
    reason: &'a str,
}

#[derive(Debug, Serialize)]
struct ConflictJson<'a> {
    path: &'a str,
    reason: &'a str,
}

impl<'a> PlanJson<'a> {
    pub fn new(plan: &'a Plan, project: ProjectJson<'a>, beside: Beside<'a>) -> Self {
        let change = |change: &'a Change| {
            let Counts { added, removed } = Counts::of(change);
            ChangeJson {
                path: change.path.as_str(),
                from: change.from.as_ref().map(|from| from.as_str()),
                action: &change.action,
                owner: change.owner.to_string(),
                policy: change.policy,
                added,
                removed,
                reason: &change.reason,
            }
        };
        let conflict = |(change, _): (&'a Change, _)| ConflictJson {
            path: change.path.as_str(),
            reason: &change.reason,
        };
        Self {
            format_version: FORMAT_VERSION,
            quickscale_version: env!("CARGO_PKG_VERSION"),
            project,
            changes: plan.changes.iter().map(change).collect(),
            conflicts: plan.conflicts().map(conflict).collect(),
            steps: beside.steps,
            summary: plan.summary(),
            notes: beside.notes,
        }
    }
}

/// A plan for people.
pub fn text(plan: &Plan, detail: Detail) -> String {
    let mut text = String::new();
    if detail == Detail::Diff {
        for change in plan
            .changes
            .iter()
            .filter(|change| change.action.is_pending())
        {
            text.push_str(&diff(change));
        }
    }
    text.push_str(&table(plan));
    text.push_str(&summary(plan));
    text
}

/// A line a file: what happens, where, how much, why.
fn table(plan: &Plan) -> String {
    let mut owners: BTreeMap<String, Vec<&Change>> = BTreeMap::new();
    for change in &plan.changes {
        owners
            .entry(change.owner.to_string())
            .or_default()
            .push(change);
    }
    let width = plan
        .changes
        .iter()
        .map(|change| change.path.as_str().chars().count())
        .max();
    let width = width.unwrap_or(0).min(60);
    let mut text = String::new();
    for (owner, changes) in owners {
        let _ = writeln!(text, "{}", Style::new().bold().apply_to(owner));
        for change in changes {
            let _ = writeln!(text, "{}", row(change, width));
        }
    }
    text
}

fn row(change: &Change, width: usize) -> String {
    let label = style(&change.action).apply_to(format!("{:>12}", label(&change.action)));
    let mut row = format!("{label}  {:<width$}", change.path.as_str());
    let Counts { added, removed } = Counts::of(change);
    if added + removed > 0 {
        let added = Style::new().green().apply_to(format!("+{added}"));
        let removed = Style::new().red().apply_to(format!("-{removed}"));
        let _ = write!(row, "  {added} {removed}");
    }
    if let Some(from) = &change.from {
        let _ = write!(row, "  from {from}");
    }
    if !change.reason.is_empty() {
        let _ = write!(row, "  ({})", change.reason);
    }
    row.trim_end().to_owned()
}

fn label(action: &Action) -> &'static str {
    match action {
        Action::KeepEdit => "keep edit",
        Action::KeepDeleted => "keep deleted",
        other => other.name(),
    }
}

fn style(action: &Action) -> Style {
    match action {
        Action::Create => Style::new().green(),
        Action::Update | Action::Merge => Style::new().yellow(),
        Action::Remove => Style::new().red(),
        Action::Adopt | Action::Forget => Style::new().cyan(),
        Action::KeepEdit | Action::KeepDeleted => Style::new().dim(),
        Action::Conflict(_) => Style::new().red().bold(),
    }
}

/// One sentence: `2 to create, 1 to update; 1 conflict needs an answer.`
fn summary(plan: &Plan) -> String {
    if plan.changes.is_empty() {
        return "Nothing to do: the project is as quickscale.yml says.\n".into();
    }
    let counts = plan.summary();
    let phrases = [
        ("create", "to create"),
        ("update", "to update"),
        ("merge", "to merge"),
        ("remove", "to remove"),
        ("adopt", "to take note of"),
        ("forget", "to leave to you"),
        ("keep_edit", "edited by you and kept"),
        ("keep_deleted", "deleted by you and kept so"),
    ];
    let parts: Vec<_> = phrases
        .iter()
        .filter_map(|(name, phrase)| Some(format!("{} {phrase}", counts.get(name)?)))
        .collect();
    let mut text = parts.join(", ");
    let waiting = plan
        .conflicts()
        .filter(|(_, c)| c.kind == ConflictKind::Unresolved)
        .count();
    let open = plan.conflicts().count() - waiting;
    for (count, one, many) in [
        (open, "conflict needs an answer", "conflicts need an answer"),
        (
            waiting,
            "file still has conflict markers",
            "files still have conflict markers",
        ),
    ] {
        if count > 0 {
            let joint = if text.is_empty() { "" } else { "; " };
            let _ = write!(
                text,
                "{joint}{count} {}",
                if count == 1 { one } else { many }
            );
        }
    }
    format!("\n{text}.\n")
}

/// How many lines come and go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    added: usize,
    removed: usize,
}

impl Counts {
    fn of(change: &Change) -> Self {
        let Some((before, after)) = texts(change) else {
            return Self::default();
        };
        let mut counts = Self::default();
        for line in TextDiff::from_lines(&before, &after).iter_all_changes() {
            match line.tag() {
                ChangeTag::Insert => counts.added += 1,
                ChangeTag::Delete => counts.removed += 1,
                ChangeTag::Equal => {}
            }
        }
        counts
    }
}

/// Both versions of a change as text; none where nothing is written, it is no text, or it holds a secret.
fn texts(change: &Change) -> Option<(String, String)> {
    let text = |bytes: &[u8]| {
        String::from_utf8(bytes.to_vec())
            .ok()
            .filter(|t| !t.contains('\0'))
    };
    let before = match &change.before {
        Some(Entry::File(file)) => text(&file.bytes)?,
        _ => String::new(),
    };
    let after = match (&change.action, &change.after) {
        (Action::Conflict(conflict), _) => text(&conflict.marked.as_ref()?.bytes)?,
        (Action::Remove, _) => String::new(),
        (_, Some(after)) => text(&after.bytes)?,
        (_, None) => return None,
    };
    (!change.secret).then_some((before, after))
}

/// A conflict's two sides against each other, for whoever has to choose.
pub fn sides(change: &Change) -> String {
    let shown = diff(change);
    if shown.is_empty() {
        format!("{}: nothing that can be shown as text", change.path)
    } else {
        shown
    }
}

/// A unified diff, as `git diff` prints it.
fn diff(change: &Change) -> String {
    let dim = Style::new().dim();
    let old = change.from.as_ref().unwrap_or(&change.path);
    if change.secret {
        return format!(
            "{}\n",
            dim.apply_to(format!("{}: holds secrets, not shown", change.path))
        );
    }
    let Some((before, after)) = texts(change) else {
        return match change.after {
            Some(_) => format!(
                "{}\n",
                dim.apply_to(format!("{}: not text, not shown", change.path))
            ),
            None => String::new(),
        };
    };
    let diff = TextDiff::from_lines(&before, &after);
    let names = match (&change.before, &change.action) {
        (None, _) => ("/dev/null".to_owned(), format!("b/{}", change.path)),
        (_, Action::Remove) => (format!("a/{old}"), "/dev/null".to_owned()),
        _ => (format!("a/{old}"), format!("b/{}", change.path)),
    };
    let unified = diff
        .unified_diff()
        .context_radius(3)
        .header(&names.0, &names.1)
        .to_string();
    unified.split_inclusive('\n').map(coloured).collect()
}

/// A line of a diff, as `git diff` colours it.
pub fn coloured(line: &str) -> String {
    let style = match line.as_bytes() {
        [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => Style::new().bold(),
        [b'+', ..] => Style::new().green(),
        [b'-', ..] => Style::new().red(),
        [b'@', ..] => Style::new().cyan(),
        _ => return line.to_owned(),
    };
    let (text, end) = line
        .strip_suffix('\n')
        .map_or((line, ""), |text| (text, "\n"));
    format!("{}{end}", style.apply_to(text))
}

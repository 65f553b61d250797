//! The record of what the staff did, as the staff reads it.

use axum::extract::Query;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::auth::audit::{self, RecordQuery, RecordedEntry};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::http::{Routes, Staff, may, permitted};
use crate::ids::{UserId, parse_id};
use crate::listing::{address, cut, one_more};
use crate::pages::Page;

pub(super) fn routes() -> Routes {
    Routes::new().get("/admin/audit", permitted(), show)
}

const PATH: &str = "/admin/audit";
const ENTRIES_PER_PAGE: usize = 50;

/// Which acts are asked for. What is empty narrows nothing down.
#[derive(Deserialize)]
struct Listing {
    #[serde(default)]
    actor: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    target: String,
    before: Option<String>,
}

async fn show(visit: Staff<may::ViewAudit>, Query(listing): Query<Listing>) -> Result<Response> {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let actor = given(&listing.actor).map(|id| id.parse::<UserId>());
    let before = listing.before.as_deref().map(parse_id).transpose()?;
    let query = RecordQuery {
        actor: actor.transpose()?,
        target: given(&listing.kind).zip(given(&listing.target)),
        before: before.clone(),
        limit: one_more(ENTRIES_PER_PAGE),
    };
    let mut entries = audit::entries(visit.core(), &query).await?;
    let next_page = cut(&mut entries, ENTRIES_PER_PAGE).map(|last| {
        let pairs = [
            ("actor", &*listing.actor),
            ("kind", &listing.kind),
            ("target", &listing.target),
            ("before", &last.id),
        ];
        address(PATH, &pairs)
    });
    visit.render(&AuditPage {
        is_narrowed: query.actor.is_some() || query.target.is_some(),
        is_continued: before.is_some(),
        next_page,
        entries: entries.into_iter().map(RecordRow::from).collect(),
    })
}

#[derive(Debug, Serialize)]
pub(super) struct AuditPage {
    pub entries: Vec<RecordRow>,
    /// Whether only the acts of one person, or on one thing, are shown.
    pub is_narrowed: bool,
    /// Whether this is not the first page of the list.
    pub is_continued: bool,
    /// The address of the next page; none on the last.
    pub next_page: Option<String>,
}

impl Page for AuditPage {
    const TEMPLATE: &'static str = "admin/audit.html";

    fn sample() -> Self {
        Self {
            entries: vec![RecordRow::sample()],
            is_narrowed: true,
            is_continued: true,
            next_page: Some("/admin/audit?actor=1&before=1".into()),
        }
    }
}

/// One line of the record.
#[derive(Debug, Serialize)]
pub(super) struct RecordRow {
    at: Timestamp,
    actor: String,
    /// The address of the list of what this person did; none for the command line.
    by_path: Option<String>,
    /// The network address.
    address: String,
    action: String,
    target: String,
    /// The address of the list of what was done to this.
    about_path: String,
    /// `role: user → admin, reason: welcome`.
    details: String,
}

impl RecordRow {
    pub fn sample() -> Self {
        Self::from(RecordedEntry {
            id: "0".into(),
            at: Timestamp::from_micros(1_795_251_905_000_000),
            actor: None,
            actor_email: None,
            address: "192.0.2.7".into(),
            action: "user.role_set".into(),
            target_kind: "user".into(),
            target_id: "1".into(),
            target_email: Some("ada&<b>@example.com".into()),
            before: Some(json!({ "role": "user" })),
            after: Some(json!({ "role": "admin" })),
            details: json!({ "note": "<b>" }),
        })
    }
}

impl From<RecordedEntry> for RecordRow {
    fn from(entry: RecordedEntry) -> Self {
        let by = entry.actor.as_ref().map(UserId::as_str);
        let pairs = [("kind", &*entry.target_kind), ("target", &entry.target_id)];
        Self {
            at: entry.at,
            by_path: by.map(|id| address(PATH, &[("actor", id)])),
            about_path: address(PATH, &pairs),
            actor: match (entry.actor, entry.actor_email) {
                (_, Some(email)) => email,
                (Some(gone), None) => gone.to_string(),
                (None, None) => "Command line".into(),
            },
            address: entry.address,
            action: entry.action.replace(['.', '_'], " "),
            target: entry
                .target_email
                .unwrap_or_else(|| format!("{} {}", entry.target_kind, entry.target_id)),
            details: in_words(
                &entry.before.unwrap_or_default(),
                &entry.after.unwrap_or_default(),
                &entry.details,
            ),
        }
    }
}

/// What changed and what else is known: `role: user → admin, reason: welcome`.
fn in_words(before: &Value, after: &Value, details: &Value) -> String {
    let members = |object: &Value| object.as_object().cloned().unwrap_or_default();
    let word = |value: Option<&Value>| match value {
        None | Some(Value::Null) => "–".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let (old, new) = (members(before), members(after));
    let mut names: Vec<_> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    let name = |name: &str| name.replace('_', " ");
    let changes = names
        .into_iter()
        .filter(|name| old.get(*name) != new.get(*name));
    let changes = changes.map(|key| {
        let (old, new) = (word(old.get(key)), word(new.get(key)));
        format!("{}: {old} → {new}", name(key))
    });
    let details = members(details);
    let details = details
        .iter()
        .map(|(key, value)| format!("{}: {}", name(key), word(Some(value))));
    changes.chain(details).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_and_details_are_told_in_words() {
        let told = |before, after, details| in_words(&before, &after, &details);
        let (old, new) = (
            json!({ "role": "user", "active": true }),
            json!({ "role": "admin", "active": true }),
        );
        assert_eq!(
            told(old, new, json!({ "why_so": 3, "year": null })),
            "role: user → admin, why so: 3, year: –"
        );
        assert_eq!(told(Value::Null, json!({ "a": 1 }), json!({})), "a: – → 1");
        assert_eq!(told(Value::Null, Value::Null, json!({})), "");
    }
}

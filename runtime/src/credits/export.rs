//! The history as CSV (RFC 4180), page by page, so that a long one takes no more memory than a short one.

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;

use super::actions::{self, Cursor, HistoryFilter};
use super::amount::Net;
use super::entity::{Entry, Owner};
use crate::app::Core;
use crate::error::Error;

const PAGE: usize = 500;
const HEAD: &str = "number,time,what,credits,balance,debt,reason,reference\r\n";

/// Everything that `filter` lets through, the newest entry first.
pub(super) fn csv(core: Core, owner: Owner, filter: HistoryFilter) -> Response {
    let pages = stream::try_unfold(
        (Some(Cursor::START), HEAD.to_owned()),
        move |(from, mut text)| {
            let (core, owner) = (core.clone(), owner.clone());
            async move {
                let Some(from) = from else { return Ok(None) };
                let page = actions::search(&core, &owner, filter, (from, PAGE)).await?;
                page.entries.iter().for_each(|entry| text += &line(entry));
                Ok::<_, Error>(Some((text, (page.next, String::new()))))
            }
        },
    );
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"credits.csv\"",
        ),
    ];
    (headers, Body::from_stream(pages)).into_response()
}

/// Entries as a table with a head.
pub(super) fn table(entries: &[Entry]) -> String {
    let lines = entries.iter().map(line);
    std::iter::once(HEAD.to_owned()).chain(lines).collect()
}

fn line(entry: &Entry) -> String {
    let change = Net::from_column(entry.change.as_milli());
    format!(
        "{},{},{},{change},{},{},{},{}\r\n",
        entry.seq,
        entry.created_at.rfc3339(),
        entry.kind.label(),
        entry.balance_after,
        entry.debt_after,
        cell(&entry.reason),
        cell(entry.reference.as_deref().unwrap_or_default()),
    )
}

/// A text as a cell. Spreadsheets run what begins like a formula, so that such a text gets an apostrophe in front.
/// (Amounts may begin with a minus: they are numbers and stay numbers.)
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let mark = if is_formula { "'" } else { "" };
    format!("\"{mark}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_never_run() {
        for (text, expected) in [
            ("A run", "\"A run\""),
            ("", "\"\""),
            ("say \"hi\", you", "\"say \"\"hi\"\", you\""),
            ("=1+1", "\"'=1+1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("a=b", "\"a=b\""),
        ] {
            assert_eq!(cell(text), expected, "{text:?}");
        }
    }
}

//! What a walk found, for programs and for readers.

use std::fmt::Write;

use console::Style;
use serde::Serialize;

/// As whom the app was walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Visitor,
    User,
    Staff,
}

/// What is wrong with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The app says that it failed (5xx).
    ServerError,
    /// No answer.
    NoAnswer,
    /// A link or form leads to nothing (4xx).
    BrokenLink,
    /// A part of a page is not there (4xx).
    MissingAsset,
    /// A link names a place in a page that the page does not have.
    BrokenAnchor,
    RedirectLoop,
    /// No text to be seen.
    BlankPage,
    MissingTitle,
    /// No `<h1>` with text.
    MissingHeading,
    /// A page without a style sheet.
    MissingStylesheet,
    /// An id that stands more than once in a page.
    DuplicateId,
    /// Served as something else than it is used as.
    WrongContentType,
    /// A part of a page with nothing in it.
    EmptyAsset,
    /// A part of a page comes from another host.
    ExternalAsset,
    /// A part of an https page comes over http.
    MixedContent,
    /// A page asks to sign in although somebody is signed in.
    SignedOut,
    /// The staff pages are not open to staff.
    AdminUnreachable,
    /// The walk ended before everything was seen.
    Incomplete,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub kind: Kind,
    /// The address that is wrong: the path within the app, or the whole of one elsewhere.
    pub url: String,
    pub detail: String,
    /// Which pages name it, a few of them.
    pub on: Vec<String>,
}

/// One page that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PageRow {
    pub url: String,
    pub status: u16,
    pub title: String,
    pub bytes: usize,
    pub milliseconds: u64,
}

/// The whole of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    pub format_version: u32,
    pub url: String,
    pub role: Role,
    pub pages: Vec<PageRow>,
    /// How many addresses were seen that are no pages.
    pub assets: usize,
    pub findings: Vec<Finding>,
}

/// The report as a table of pages and a list of findings.
pub fn describe(report: &Report) -> String {
    let mut text = String::new();
    let width = report
        .pages
        .iter()
        .map(|page| page.url.chars().count())
        .max()
        .unwrap_or(0)
        .min(60);
    for PageRow {
        url,
        status,
        title,
        milliseconds,
        ..
    } in &report.pages
    {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{status}  {milliseconds:>5} ms  {url:width$}  {title}"
        );
    }
    if !report.findings.is_empty() {
        text.push('\n');
    }
    for Finding {
        kind,
        url,
        detail,
        on,
    } in &report.findings
    {
        let kind = Style::new().red().apply_to(name_of(*kind));
        let _ = writeln!(text, "{kind}  {url}: {detail}");
        if !on.is_empty() {
            let _ = writeln!(text, "    on {}", on.join(", "));
        }
    }
    text
}

/// The name of a kind as JSON has it.
fn name_of(kind: Kind) -> String {
    let name = serde_json::to_value(kind).ok();
    name.as_ref()
        .and_then(|name| name.as_str())
        .unwrap_or("finding")
        .to_owned()
}
